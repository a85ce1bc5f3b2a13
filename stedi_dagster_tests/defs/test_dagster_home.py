"""Dagster's home: databases that a kill or a full disk left half made, and whose the configuration is."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.errors import SettingsError
from stedi_dagster.settings import Settings

THEIRS = "telemetry:\n  enabled: false\nrun_monitoring:\n  enabled: true\n"


@dg.op
def _step() -> int:
    return 1


@dg.job
def sweeping() -> None:
    """A job that does next to nothing."""
    _step()


def runs_of(home: Path, *, more: int = 0, **settings: str) -> int:
    """Open the instance, run a job in it some times, and return how many runs it knows."""
    with open_instance(Settings.load(home=home, **settings)) as instance:
        for _ in range(more):
            assert sweeping.execute_in_process(instance=instance).success
        return instance.get_runs_count()


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")  # put back afterwards


@pytest.fixture(scope="module")
def last_release(tmp_path_factory):
    """A home as the last release left it: two runs, and no list of databases."""
    home = tmp_path_factory.mktemp("before")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "/nowhere")
        assert runs_of(home, more=2) == 2
    (home / "dagster" / "databases").unlink()
    return home


@pytest.fixture
def home(last_release, tmp_path):
    return shutil.copytree(last_release, tmp_path / "home")


def emptied(database: Path) -> None:
    database.write_bytes(b"")


def half_of_it(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        made = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
    database.unlink()
    with closing(sqlite3.connect(database)) as connection:
        for sql in made[: len(made) // 2]:
            if "sqlite_sequence" not in sql:
                connection.execute(sql)
        connection.commit()


def unmarked(database: Path) -> None:
    """All tables, and nothing of what is written when they are all there."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            connection.execute(f'DELETE FROM "{table}"')
        connection.commit()


def missing(database: Path) -> None:
    database.unlink()


@pytest.mark.parametrize("done", [emptied, half_of_it, unmarked, missing])
def test_what_was_half_made_is_made_anew(home, done: Callable[[Path], None]):
    databases = sorted((home / "dagster").rglob("*.db"))
    assert len(databases) == 3
    for database in databases:
        done(database)
    assert runs_of(home, more=1) == 1
    assert runs_of(home) == 1


def test_a_home_that_was_never_used_is_made_whole_again_whatever_a_kill_left_of_the_making(tmp_path, monkeypatch):
    replaced = Path.replace

    def killed_at(last: int) -> Callable[[Path, Path], Path]:
        done: list[Path] = []

        def replace(path: Path, target: Path) -> Path:
            if len(done) == last:
                raise SystemExit
            done.append(target)
            return replaced(path, target)

        return replace

    # Before the first of three databases is in place, and before the last is.
    for place in (1, 3):
        home = tmp_path / str(place)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killed_at(place))
            with pytest.raises(SystemExit):
                runs_of(home)
        (home / ".making-dagster-killed").mkdir()
        assert runs_of(home, more=1) == 1
        assert not list(home.glob(".making-*"))


def test_a_home_of_the_last_release_keeps_its_runs(home):
    before = {path: path.stat().st_ino for path in (home / "dagster").rglob("*.db")}
    assert runs_of(home) == 2
    assert {path: path.stat().st_ino for path in (home / "dagster").rglob("*.db")} == before


def test_a_database_with_runs_in_it_is_not_thrown_away_for_what_it_lacks(home):
    with closing(sqlite3.connect(home / "dagster" / "history" / "runs.db")) as runs:
        runs.execute("DELETE FROM secondary_indexes WHERE name = 'run_backfill_id'")
        runs.commit()
    assert runs_of(home) == 2


def test_a_home_is_looked_through_once(home, monkeypatch):
    from stedi_dagster.defs.instance import home as dagster_home

    looked: list[Path] = []
    monkeypatch.setattr(dagster_home, "_make_databases", lambda folder, _: looked.append(folder))
    assert runs_of(home) == 2
    assert len(looked) == 1
    monkeypatch.undo()
    assert runs_of(home) == 2
    monkeypatch.setattr(dagster_home, "_make_databases", lambda folder, _: looked.append(folder))
    assert runs_of(home) == 2
    assert len(looked) == 1


def test_a_configuration_of_the_users_own_is_never_touched(home):
    path = home / "dagster" / "dagster.yaml"
    ours = path.read_text()
    path.write_text(f"# mine\n{ours}")
    assert runs_of(home) == 2
    path.write_text(THEIRS)
    runs_of(home, more=1)
    assert path.read_text() == THEIRS


def test_a_configuration_of_the_users_own_is_there_before_the_first_run(tmp_path):
    path = tmp_path / "dagster" / "dagster.yaml"
    path.parent.mkdir()
    path.write_text(THEIRS)
    assert runs_of(tmp_path, more=1) == 1
    assert path.read_text() == THEIRS


def test_ours_follows_the_settings(home):
    path = home / "dagster" / "dagster.yaml"
    before = path.read_text()
    for bucket in ("s3://logs/of/runs", "s3://logs"):
        runs_of(home, compute_logs=bucket)
        assert "S3ComputeLogManager" in path.read_text()
    runs_of(home)
    assert path.read_text() == before


def test_ours_of_an_earlier_release_follows_this_one(home):
    path = home / "dagster" / "dagster.yaml"
    ours = path.read_text()
    before, _, pools = ours.partition("concurrency:")
    assert "default_limit: 1" in pools
    for logs in ("", 'compute_logs: {"module": "dagster_aws.s3", "class": "S3ComputeLogManager", "config": {}}\n'):
        path.write_text(f"{before}{logs}")
        assert runs_of(home) == 2
        assert path.read_text() == ours


def test_a_run_in_this_process_waits_for_no_place_in_a_pool(tmp_path):
    @dg.op(pool="lakehouse")
    def waiting() -> None:
        pass

    @dg.job
    def job() -> None:
        waiting()

    with open_instance(Settings.load(home=tmp_path)) as instance:
        instance.event_log_storage.set_concurrency_slots("lakehouse", 0)
        assert job.execute_in_process(instance=instance).success


def test_a_setting_that_the_users_own_contradicts_is_refused(home):
    path = home / "dagster" / "dagster.yaml"
    path.write_text(THEIRS)
    with pytest.raises(SettingsError, match=r"STEDI_COMPUTE_LOGS='s3://logs' has no effect: .* is your own"):
        runs_of(home, compute_logs="s3://logs")
    path.write_text(f"{THEIRS}compute_logs:\n  module: dagster\n  class: NoOpComputeLogManager\n")
    assert runs_of(home, compute_logs="s3://logs") == 2
