"""`docs/how-to/make-a-release.md`, block by block; what has a title needs what that says."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster_tests.command import Stedi
from stedi_dagster_tests.docs.pages import DOCS, blocks
from stedi_dagster_tests.releases import loader  # noqa: F401 - before the page imports what it imports
from stedi_dagster_tests.releases.conftest import _walkers, world  # noqa: F401 - its fixtures
from stedi_dagster_tests.scenario import Scenario

PAGE = DOCS / "how-to" / "make-a-release.md"
# The number of the export on the page.
EXAMPLE = "26599c17"


@pytest.mark.filterwarnings("ignore")
def test_the_page_does_what_it_says(world: Scenario, library: str, stedi: Stedi, tmp_path, monkeypatch):  # noqa: F811
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name, value in {
        "STEDI_HOME": str(world.home),
        "STEDI_LANDING": str(world.landing),
        # `datasets` keeps what it has loaded, and would look for more.
        "HF_HOME": str(tmp_path / "hub"),
        "HF_HUB_OFFLINE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    seen: dict[str, object] = {}
    said: dict[str, str] = {}
    for block in blocks(PAGE):
        if block.title is not None and not block.title.startswith(library):
            continue
        if block.language == "python":
            exec(compile(block.text, f"{PAGE.name}, line {block.line}", "exec"), seen)  # noqa: S102 - our own page
        for line in block.text.splitlines() if block.language == "sh" else ():
            _, *arguments = shlex.split(line, comments=True)
            if EXAMPLE in arguments:
                arguments[arguments.index(EXAMPLE)] = number_of_the_export(stedi)
            result = stedi(*arguments)
            assert result.exit_code == 0, (line, result.output)
            said[" ".join(arguments[:2])] = result.stdout
    rows = seen["release"].rows  # type: ignore[attr-defined]
    assert sum(rows.values()) == 60
    for name in ("training", "with_pandas", "with_polars", "axes"):
        assert len(seen[name]) == rows["train"]  # type: ignore[arg-type]
    assert seen["with_duckdb"] == [(rows["train"],)]
    assert seen["testing"].num_rows == rows["test"]  # type: ignore[attr-defined]
    assert {part: len(found) for part, found in seen["parts"].items()} == rows  # type: ignore[attr-defined]
    assert seen["first"]["readings/part"] == b"train"  # type: ignore[index]
    # The card of the copy says how to open it, too.
    monkeypatch.chdir(tmp_path / "gait-lab-2026-11")
    opened: dict[str, Any] = {}
    for block in blocks(Path("README.md")):
        exec(compile(block.text, "README.md", "exec"), opened)  # noqa: S102 - our own template
    assert len(opened["train"]) == len(opened["parts"]["train"]) == rows["train"]
    if library == "with PyTorch":
        batches = list(seen["loader"])  # type: ignore[call-overload]
        assert {(axis, str(values.dtype)) for batch in batches for axis, values in batch.items()} == {
            (axis, "torch.float32") for axis in "xyz"
        }
        assert sum(len(batch["x"]) for batch in batches) == rows["train"]
    assert "Nothing has had to go from the release since, as of the last run." in said["release verify"]
    assert f"No copy of export {number_of_the_export(stedi)} is left" in said["release destroyed"]


def number_of_the_export(stedi: Stedi) -> str:
    [export] = json.loads(stedi("release", "list", "--json").stdout)["exports"]
    return str(export["export"])
