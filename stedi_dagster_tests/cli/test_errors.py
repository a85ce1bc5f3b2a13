"""What a machine may put in the way: each is one sentence and exit code 2, and nothing is lost."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from typer.testing import Result

from stedi_dagster.cli.run import _show
from stedi_dagster.contracts import TABLES
from stedi_dagster.defs.execution import ReleasesResult, RunResult, TableResult
from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.sample import generator
from stedi_dagster_tests.defs.assets.builders import contents
from stedi_dagster_tests.published import Published
from stedi_dagster_tests.scenario import Scenario, customer

COMMANDS = (
    ["run"],
    ["tables"],
    ["audit"],
    ["sql", "SELECT 1"],
    ["report", "-"],
    ["forget", "ann@example.com", "--yes"],
)
LONG = "x" * 500


def told(result: Result) -> str:
    """The one sentence, or several of one paragraph, that a command ended with."""
    assert result.exit_code == 2, result.output
    [said] = [line for line in result.stderr.splitlines() if line.startswith("stedi: ")]
    return said


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Published:
    scenario = Scenario(tmp_path_factory.mktemp("published") / "world")
    scenario.land("customer", customer())
    return Published(scenario)


@pytest.fixture
def published(once: Published) -> Scenario:
    return once.restored()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_damaged_catalog_is_told_and_left(stedi, published, command):
    catalog = published.home / "catalog.db"
    kept, before = catalog.read_bytes(), contents(published)
    catalog.write_bytes(b"no database" * 500)
    said = told(stedi(*command, home=published.home, landing=published.landing))
    assert f"The catalog {catalog} is damaged: file is not a database." in said
    assert "`stedi adopt`" in said
    catalog.write_bytes(kept)
    assert contents(published) == before


def test_a_damaged_catalog_that_was_moved_away_is_made_anew_by_adopting(stedi, published):
    before = contents(published)
    (published.home / "catalog.db").rename(published.home / "damaged.db")
    assert stedi("adopt", home=published.home, landing=published.landing).exit_code == 0
    assert contents(published) == before


@pytest.fixture
def impatient() -> Iterator[None]:
    """SQLite gives up at once where it would wait for half a minute."""

    def hurry(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 100")

    event.listen(Engine, "connect", hurry, insert=True)
    yield
    event.remove(Engine, "connect", hurry)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("command", ["run", "tables"])
def test_a_locked_catalog_is_told(stedi, published, command):
    holder = sqlite3.connect(published.home / "catalog.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    said = told(stedi(command, home=published.home, landing=published.landing))
    assert "cannot be used now: database is locked. Nothing was changed." in said
    holder.close()


@pytest.mark.parametrize("setting", ["home", "warehouse"])
def test_a_path_that_is_too_long_is_told(stedi, published, tmp_path, setting):
    given = {"home": published.home, "landing": published.landing, setting: tmp_path / LONG}
    said = told(stedi("run", **given))
    assert os.strerror(errno.ENAMETOOLONG) in said or "is not allowed: it must be a folder" in said


def test_what_hinders_several_tables_alike_is_said_once(published, capsys):
    said = "The engine at sc://127.0.0.1:9 cannot be reached."
    tables = {
        name: TableResult(name, "not published", error=said) for name in ("customer_landing", "step_trainer_landing")
    }
    _show(RunResult("run", False, tables, ReleasesResult()), published.load_settings())
    assert f"\ncustomer_landing, step_trainer_landing: {said}\n" in capsys.readouterr().out


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_landing_zone_that_cannot_be_filled_is_told(stedi, tmp_path, monkeypatch, number):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(generator, "_move", refuse)
    said = told(stedi("generate", str(tmp_path / "zone"), "--scale", "0.001"))
    assert f"The landing folder {tmp_path / 'zone'} cannot be filled ({os.strerror(number)})" in said
    assert list((tmp_path / "zone").iterdir()) == []


def test_a_report_that_cannot_be_written_leaves_the_one_before(stedi, published, tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    assert stedi("report", str(page), home=published.home, landing=published.landing).exit_code == 0
    before = page.read_text()

    def refuse(path: Path, _: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    said = told(stedi("report", str(page), home=published.home, landing=published.landing))
    assert f"The report cannot be written to {page} ({os.strerror(errno.ENOSPC)})" in said
    assert page.read_text() == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix] == ["page.html"]


def test_a_report_goes_down_a_pipe_without_replacing_it(stedi, published, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        assert stedi("report", str(pipe), home=published.home, landing=published.landing).exit_code == 0
        assert read.result().lower().startswith("<!doctype html>")
    assert pipe.is_fifo()


DATABASES = ("event_log.db", "history/runs.db", "schedules/schedules.db")


def scribbled(content: bytes) -> bytes:
    """Its first page is whole, and the others are not."""
    return content[:4096] + b"\xff" * (len(content) - 4096)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A home that `stedi run` has filled."""
    scenario = Scenario(tmp_path_factory.mktemp("ran"))
    scenario.land("customer", customer())
    with open_instance(scenario.load_settings()) as instance:
        assert scenario.run(instance).success
    return scenario


@pytest.mark.parametrize("damage", [bytes.swapcase, lambda content: content[:5000], scribbled])
@pytest.mark.parametrize("database", DATABASES)
def test_a_damaged_database_of_dagsters_is_told_and_left(stedi, ran, database, damage):
    path = ran.home / "dagster" / database
    kept = path.read_bytes()
    path.write_bytes(damage(kept))
    damaged = path.read_bytes()
    said = [told(stedi(command, home=ran.home, landing=ran.landing)) for command in ("run", "audit")]
    left = path.read_bytes()
    path.write_bytes(kept)
    for sentence in said:
        assert f"Dagster's database {path} is damaged: " in sentence
        assert "move it away" in sentence
    assert left == damaged


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("database", DATABASES[:2])
def test_a_locked_database_of_dagsters_is_told(stedi, ran, database):
    path = ran.home / "dagster" / database
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    said = told(stedi("run", home=ran.home, landing=ran.landing))
    assert f"Dagster's database {path} cannot be used now: database is locked." in said
    holder.close()


@pytest.mark.parametrize("database", DATABASES)
def test_a_damaged_database_of_dagsters_that_was_moved_away_is_made_anew(stedi, ran, tmp_path, database):
    path = ran.home / "dagster" / database
    before = contents(ran)
    path.rename(tmp_path / "damaged.db")
    assert stedi("run", home=ran.home, landing=ran.landing).exit_code == 0
    assert path.exists()
    assert contents(ran) == before


def test_an_empty_database_of_dagsters_is_told(stedi, ran):
    path = ran.home / "dagster" / "event_log.db"
    kept = path.read_bytes()
    path.write_bytes(b"")
    assert f"{path} is damaged: it is empty." in told(stedi("run", home=ran.home, landing=ran.landing))
    path.write_bytes(kept)


def test_a_landing_zone_that_is_not_there_is_one_sentence(stedi, published, tmp_path):
    before = contents(published)
    said = told(stedi("run", home=published.home, landing=tmp_path / "nowhere"))
    assert f"The landing zone {tmp_path / 'nowhere'} does not exist, or holds none of customer/landing, " in said
    assert "Set STEDI_LANDING" in said
    assert "stedi generate" not in said
    new = told(stedi("run", home=tmp_path / "new", landing=tmp_path / "nowhere"))
    assert new.endswith("or make sample data with `stedi generate`.")
    assert {table: rows for table, rows in contents(published).items() if table in TABLES} == {
        table: rows for table, rows in before.items() if table in TABLES
    }


def test_a_landing_zone_that_may_not_be_read_is_one_sentence(stedi, published, monkeypatch):
    look = os.scandir

    def refuse(path: str) -> object:
        # Simulated: whoever runs the tests may be root, who may read everything.
        if str(path).startswith(str(published.landing)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return look(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = stedi("run", home=published.home, landing=published.landing)
    assert f"The landing zone {published.landing} cannot be read (Permission denied). Give this user" in told(result)
    assert "customer_landing" not in result.stdout


def test_a_feed_that_is_missing_is_that_feeds_matter(stedi, published):
    (published.landing / "step_trainer" / "landing").rmdir()
    result = stedi("run", home=published.home, landing=published.landing)
    assert result.exit_code == 1
    assert f"{published.landing}/step_trainer/landing does not exist" in result.stdout
