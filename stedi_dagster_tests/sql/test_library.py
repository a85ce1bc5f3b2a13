"""The files of sql/ are found beside a checkout, and within what is installed from a wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import stedi_dagster
from stedi_dagster.sql.library import FUNCTIONS, SQL, VERIFY, VIEWS

ROOT = Path(stedi_dagster.__file__).parents[1]


def test_in_a_checkout_they_are_its_own_files() -> None:
    assert ROOT / "sql" == SQL
    assert all(any(folder.glob("*.sql")) for folder in (FUNCTIONS, VERIFY, VIEWS))


def test_a_wheel_has_every_one_of_them_and_finds_them_there(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    found = subprocess.run(
        [sys.executable, "-c", "from stedi_dagster.sql.library import SQL; print(SQL)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert found == str(tmp_path / "installed/stedi_dagster/sql/files")
    assert _texts(Path(found)) == _texts(SQL)
    assert _pages(tmp_path / "installed/stedi_dagster") == _pages(ROOT / "stedi_dagster")


def _pages(package: Path) -> dict[str, bytes]:
    """What the report's page and the card of a release are made of."""
    pages = [
        file
        for folder in ("report", "releases")
        for file in (package / folder).iterdir()
        if file.suffix in {".html", ".css", ".md"}
    ]
    assert len(pages) >= 4
    return {str(file.relative_to(package)): file.read_bytes() for file in pages}


def _texts(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in folder.rglob("*.sql")}
