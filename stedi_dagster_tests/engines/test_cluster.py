"""A real cluster of Apache Spark on this machine: a master and two workers, and the same tables as on Sail."""

from collections.abc import Iterator

import pytest

from bench.cluster import cluster as started
from stedi_dagster.contracts import TABLES
from stedi_dagster.sample import generate
from stedi_dagster_tests.scenario import Scenario, checks

pytestmark = pytest.mark.java

# Drawn at random in every lakehouse.
_COLUMNS = {"machine_learning_curated": "sensorReadingTime, distanceFromObject, x, y, z"}


@pytest.fixture(scope="module")
def cluster(java: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sc:// URL of a Spark Connect server whose work two workers do."""
    with started(tmp_path_factory.mktemp("cluster")) as url:
        yield url


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
