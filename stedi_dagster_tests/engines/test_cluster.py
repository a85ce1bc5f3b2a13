"""A real cluster of Apache Spark on this machine: a master and two workers, and the same tables as on Sail."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.engines.spark import LocalSpark
from stedi_dagster.sample import generate
from stedi_dagster_tests.ports import free_port
from stedi_dagster_tests.scenario import Scenario, checks

pytestmark = pytest.mark.java

_STARTS_WITHIN = 600
_ENDS_WITHIN = 30
_WORKERS = 2
# Drawn at random in every lakehouse.
_COLUMNS = {"machine_learning_curated": "sensorReadingTime, distanceFromObject, x, y, z"}


@contextmanager
def daemon(java_home: str, folder: Path, name: str, *arguments: str) -> Iterator[None]:
    """A process of a standalone cluster."""
    command = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-class"),
        f"org.apache.spark.deploy.{name}",
        *arguments,
    ]
    environment = os.environ | {"JAVA_HOME": java_home, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(folder)}
    with (folder / f"{name}-{free_port()}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                # A worker that loses its master while it ends waits for ever.
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(java: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sc:// URL of a Spark Connect server whose work two workers do."""
    folder = tmp_path_factory.mktemp("cluster")
    port, web = free_port(), free_port()
    master = f"spark://127.0.0.1:{port}"
    where = ("--host", "127.0.0.1")
    with ExitStack() as running:
        running.enter_context(
            daemon(java, folder, "master.Master", *where, "--port", str(port), "--webui-port", str(web))
        )
        for number in range(_WORKERS):
            own = (
                "--cores",
                "1",
                "--memory",
                "1g",
                "--webui-port",
                str(free_port()),
                "--work-dir",
                f"{folder}/{number}",
            )
            running.enter_context(daemon(java, folder, "worker.Worker", *where, *own, master))
        _wait_for_workers(f"http://127.0.0.1:{web}/json/")
        yield running.enter_context(LocalSpark(master=master, driver_memory="1g").serving())


def _wait_for_workers(url: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - an address of this machine
                if answer.read().count(b'"state" : "ALIVE"') == _WORKERS:
                    return
        except OSError:
            pass  # not up yet
        time.sleep(0.2)
    pytest.fail("the cluster did not come up")


def test_a_cluster_gives_the_same_tables_row_for_row(cluster, sail_url, tmp_path):
    landing = tmp_path / "landing"
    generate(landing, scale=0.01, seed=5)
    found: list[dict[str, object]] = []
    for engine in (cluster, sail_url):
        settings = {"engine": engine, "landing": str(landing)}
        scenario = Scenario(tmp_path / str(len(found)), settings)
        result = scenario.run()
        assert result.success
        assert all(check.passed or check.severity.name == "WARN" for check in checks(result).values())
        tables = {name: f"SELECT {_COLUMNS.get(name, '*')} FROM {name} ORDER BY ALL" for name in TABLES}
        found.append({name: scenario.query(query) for name, query in tables.items()})
    assert found[0] == found[1]
