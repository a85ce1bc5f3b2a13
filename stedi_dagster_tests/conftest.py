"""Fixtures that many tests share. Engines are started once a session; everything else is small and fresh."""

import gc
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession
from sqlalchemy import Engine as DatabaseEngine
from sqlalchemy import event
from typer.testing import CliRunner, Result

from bench.event_log import write_conf
from stedi_dagster.engines.base import Engine
from stedi_dagster.engines.sail import Sail
from stedi_dagster.engines.spark import LocalSpark, find_java
from stedi_dagster.errors import EngineError
from stedi_dagster_tests.command import Stedi
from stedi_dagster_tests.defs.assets.builders import land_three_people
from stedi_dagster_tests.published import Published
from stedi_dagster_tests.scenario import Scenario

# No example has to be done within a time: machines are slow, or have more to do.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# What the imports make is a large heap that stays: looking through all of it again and again is a tenth of the tests.
gc.set_threshold(50_000, 20, 100)

# PySpark looks for it at each call, to say where in a notebook that was; looking for what is not there takes longest.
sys.modules.setdefault("IPython", None)  # type: ignore[arg-type]


@event.listens_for(DatabaseEngine, "connect")
def _without_waiting_for_the_disk(connection: Any, _: Any) -> None:
    """What a test writes into SQLite has to outlive its processes, not the machine."""
    connection.execute("PRAGMA synchronous = OFF")


# Spark lives for seconds here: it would compile for longer than what it compiles is run.
_COMPILE_LITTLE = "-XX:TieredStopAtLevel=1"
_SPARK_DEFAULTS = f"""
spark.driver.defaultJavaOptions {_COMPILE_LITTLE}
spark.executor.defaultJavaOptions {_COMPILE_LITTLE}
"""

REAL_DATA = Path(__file__).parents[2] / "shared" / "data" / "stedi"


def _missing(name: str, what: str) -> NoReturn:
    """Skip, except where STEDI_TESTS_REQUIRE, a list with commas, names it (CI does)."""
    if name in [required.strip() for required in os.environ.get("STEDI_TESTS_REQUIRE", "").split(",")]:
        pytest.fail(f"STEDI_TESTS_REQUIRE names {name}, and it is missing: {what}")
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no process ends long after the others."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def _as_the_shell_set_it() -> Iterator[None]:
    """What the platform tells AWS's libraries by the environment is gone with the test."""
    before = _of_aws()
    yield
    for name in _of_aws():
        del os.environ[name]
    os.environ.update(before)


def _of_aws() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "LENT_BY_"))}


@pytest.fixture(scope="session", autouse=True)
def _every_spark_compiles_little(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    conf = tmp_path_factory.mktemp("spark-conf")
    (conf / "spark-defaults.conf").write_text(_SPARK_DEFAULTS)
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("SPARK_CONF_DIR", str(conf))
        patching.setenv("SPARK_DAEMON_JAVA_OPTS", _COMPILE_LITTLE)
        yield


@pytest.fixture(scope="session")
def sail_url() -> Iterator[str]:
    """A Sail server."""
    with Sail().serving() as url:
        yield url


@pytest.fixture(scope="session")
def java() -> str:
    """The Java that Apache Spark runs on."""
    try:
        return find_java()
    except EngineError as error:
        _missing(
            "java", f"Java 17 or 21 is needed for Apache Spark: on Debian, apt-get install openjdk-17-jre ({error})"
        )


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium that the tests of the UI drive."""
    from stedi_dagster_tests.ui.pages import find_chromium

    if found := find_chromium():
        return found
    _missing("browser", "Chromium is needed to look at the UI: on Debian, apt-get install chromium")


@pytest.fixture(scope="session")
def pytorch() -> None:
    """PyTorch, which is several gigabytes large and no dependency."""
    if find_spec("torch") is None:
        _missing("pytorch", "PyTorch is needed: .venv/bin/uv pip install torch")


@pytest.fixture(params=["without PyTorch", "with PyTorch"])
def library(request: pytest.FixtureRequest) -> str:
    """Whether a page's blocks that need PyTorch are run, too, as their titles begin."""
    if request.param == "with PyTorch":
        request.getfixturevalue("pytorch")
    return str(request.param)


@pytest.fixture(scope="session")
def spark_events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the Apache Spark of `spark` logs what it does."""
    return tmp_path_factory.mktemp("spark") / "events"


@pytest.fixture(scope="session")
def spark_url(java: str, spark_events: Path) -> Iterator[str]:
    """An Apache Spark Connect server."""
    conf = spark_events.parent / "conf"
    write_conf(conf, spark_events)
    with (conf / "spark-defaults.conf").open("a") as defaults:
        defaults.write(_SPARK_DEFAULTS)
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("SPARK_CONF_DIR", str(conf))
        with LocalSpark().serving() as url:
            patching.undo()
            yield url


@pytest.fixture(scope="session")
def sail(sail_url: str) -> Iterator[SparkSession]:
    """A session on Sail."""
    yield from _session(sail_url)


@pytest.fixture(scope="session")
def spark(spark_url: str) -> Iterator[SparkSession]:
    """A session on Apache Spark."""
    yield from _session(spark_url)


@pytest.fixture(params=["sail", "spark"])
def engine(request: pytest.FixtureRequest) -> SparkSession:
    """A session on each engine in turn."""
    session: SparkSession = request.getfixturevalue(request.param)
    return session


@pytest.fixture(scope="session")
def _three_people(sail_url: str, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return Published(land_three_people(Scenario(tmp_path_factory.mktemp("three") / "people", {"engine": sail_url})))


@pytest.fixture
def three_published(_three_people: Published) -> Scenario:
    """The three people of `three_people`, published, as nobody has touched them yet."""
    return _three_people.restored()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The public landing data, where it is."""
    if not REAL_DATA.is_dir():
        pytest.skip("the public landing data is not beside this checkout (../shared/data/stedi)")
    return REAL_DATA


def _session(url: str) -> Iterator[SparkSession]:
    from stedi_dagster.engines.remote import Remote

    engine: Engine = Remote(url)
    with engine.session() as session:
        yield session


@pytest.fixture
def stedi(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stedi]:
    """Run a command; keyword arguments are settings."""
    from stedi_dagster.cli.app import app

    before = dict(os.environ)

    def run(*arguments: str, **settings: Any) -> Result:
        for name, value in settings.items():
            monkeypatch.setenv(f"STEDI_{name.upper()}", str(value))
        return CliRunner().invoke(app, [*arguments])

    yield run
    # `stedi run` sets DAGSTER_HOME for its children.
    os.environ.clear()
    os.environ.update(before)
    # It also freezes what its imports made; DuckDB's would then complain when the tests end.
    gc.unfreeze()
