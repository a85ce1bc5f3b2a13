"""The same landing data gives the same tables, row for row, on Sail and on Apache Spark: quirks, presets and all."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.policies.policy import PRESETS, Preset
from stedi_dagster.sample import generate
from stedi_dagster_tests.scenario import Scenario, checks, counts

pytestmark = pytest.mark.java

LANDING = [name for name in TABLES if name.endswith("_landing")]
SELECTED = [name for name in TABLES if name not in LANDING]
QUARANTINE = "SELECT feed, file, line, position, reason, raw FROM quarantine ORDER BY ALL"
# Participants are numbered at random in every lakehouse: rows are compared under their addresses.
PAIRED = """
    SELECT email, sensorReadingTime, distanceFromObject, x, y, z
    FROM machine_learning_curated JOIN participants USING (participantId) ORDER BY ALL
"""


class Engines:
    """Two lakehouses over one landing zone, each made by another engine."""

    def __init__(self, folder: Path, landing: Path, sail_url: str, spark_url: str) -> None:
        self.sail = Scenario(folder / "sail", {"engine": sail_url, "landing": str(landing)})
        self.spark = Scenario(folder / "spark", {"engine": spark_url, "landing": str(landing)})

    def run(self, tables: list[str], preset: Preset) -> Iterator[dg.ExecuteInProcessResult]:
        """Materialize tables on both."""
        for scenario in (self.sail, self.spark):
            result = scenario.run(tables=tables, preset=preset)
            assert result.success
            yield result

    def agree_on(self, query: str) -> int:
        """Assert that a query has the same rows on both; return how many."""
        rows = self.sail.query(query)
        assert rows == self.spark.query(query)
        return len(rows)


@pytest.fixture(scope="module")
def engines(sail_url: str, spark_url: str, tmp_path_factory: pytest.TempPathFactory) -> Engines:
    """Landed once; every preset then selects from it."""
    folder = tmp_path_factory.mktemp("engines")
    generate(folder / "landing", scale=0.02, quirks=True)
    both = Engines(folder, folder / "landing", sail_url, spark_url)
    for result in both.run(LANDING, "default"):
        assert result.success
    return both


@pytest.mark.parametrize("table", LANDING)
def test_engines_land_the_same_rows(engines: Engines, table: str) -> None:
    assert engines.agree_on(f"FROM {table} ORDER BY ALL")


def test_engines_quarantine_the_same_texts(engines: Engines) -> None:
    assert engines.agree_on(QUARANTINE)


@pytest.mark.parametrize("preset", PRESETS)
def test_engines_select_the_same_rows_and_find_the_same_in_them(engines: Engines, preset: Preset) -> None:
    found = [
        {
            key: (check.passed, counts(check) if "counts" in check.metadata else {})
            for key, check in checks(result).items()
        }
        for result in engines.run(SELECTED, preset)
    ]
    assert found[0] == found[1]
    for table in SELECTED[:-1]:
        assert engines.agree_on(f"FROM {table} ORDER BY ALL"), table
    assert engines.agree_on(PAIRED) == engines.sail.query("SELECT count(*) FROM machine_learning_curated")[0][0]
