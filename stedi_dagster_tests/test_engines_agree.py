"""The same landing data gives the same tables, row for row, on Sail and on Apache Spark: quirks, presets and all."""

from pathlib import Path

import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster.sample import generate
from stedi_dagster.settings.policy import PRESETS, Policy, Preset
from stedi_dagster_tests.scenario import Scenario, checks, counts

pytestmark = [pytest.mark.java, pytest.mark.long]

LANDING = [name for name in TABLES if name.endswith("_landing")]
SELECTED = [name for name in TABLES if name not in LANDING]
QUARANTINE = "SELECT feed, file, line, position, reason, raw FROM quarantine ORDER BY ALL"
# Participants are numbered at random in every lakehouse: rows are compared under their addresses.
PAIRED = """
    SELECT email, sensorReadingTime, distanceFromObject, x, y, z
    FROM machine_learning_curated JOIN participants USING (participantId) ORDER BY ALL
"""


def reaching(table: str, policy: Policy) -> tuple[object, ...]:
    """What of a policy decides over a table: Apache Spark is slow on small tables, and makes none twice alike."""
    decisive = {
        "customer_trusted": (policy.max_age,),
        "accelerometer_trusted": (policy.max_age, policy.accelerometer_as_of),
        "customers_curated": (policy.max_age, policy.accelerometer_as_of),
        "step_trainer_trusted": (policy.max_age, policy.accelerometer_as_of, policy.steps_as_of),
    }
    return decisive.get(table, (policy,))


class Engines:
    """Two lakehouses over one landing zone, each made by another engine."""

    def __init__(self, folder: Path, landing: Path, sail_url: str, spark_url: str) -> None:
        self.sail = Scenario(folder / "sail", {"engine": sail_url, "landing": str(landing)})
        self.spark = Scenario(folder / "spark", {"engine": spark_url, "landing": str(landing)})
        self._made: dict[str, tuple[object, ...]] = {}

    def land(self) -> None:
        """Land on both; once, and every preset then selects from it."""
        self._materialize(LANDING, "default")

    def select(self, preset: Preset) -> None:
        """Materialize on both what the preset makes different from what is there."""
        wanted = {table: reaching(table, PRESETS[preset]) for table in SELECTED}
        self._materialize([table for table in SELECTED if self._made.get(table) != wanted[table]], preset)
        self._made = wanted

    def _materialize(self, tables: list[str], preset: Preset) -> None:
        found = []
        for scenario in (self.sail, self.spark):
            result = scenario.run(tables=tables, preset=preset)
            assert result.success
            evaluations = checks(result).items()
            found.append(
                {key: (one.passed, counts(one) if "counts" in one.metadata else {}) for key, one in evaluations}
            )
        assert found[0] == found[1], "what the audits found"
        assert {table for table, _ in found[0]} == set(tables)

    def agree_on(self, query: str) -> int:
        """Assert that a query has the same rows on both; return how many."""
        rows = self.sail.query(query)
        assert rows == self.spark.query(query)
        return len(rows)


@pytest.fixture(scope="module")
def engines(sail_url: str, spark_url: str, tmp_path_factory: pytest.TempPathFactory) -> Engines:
    folder = tmp_path_factory.mktemp("engines")
    generate(folder / "landing", scale=0.02, quirks=True)
    both = Engines(folder, folder / "landing", sail_url, spark_url)
    both.land()
    return both


@pytest.mark.parametrize("table", LANDING)
def test_engines_land_the_same_rows(engines: Engines, table: str) -> None:
    assert engines.agree_on(f"FROM {table} ORDER BY ALL")


def test_engines_quarantine_the_same_texts(engines: Engines) -> None:
    assert engines.agree_on(QUARANTINE)


@pytest.mark.parametrize("preset", PRESETS)
def test_engines_select_the_same_rows_and_find_the_same_in_them(engines: Engines, preset: Preset) -> None:
    engines.select(preset)
    for table in SELECTED[:-1]:
        assert engines.agree_on(f"FROM {table} ORDER BY ALL"), table
    assert engines.agree_on(PAIRED) == engines.sail.query("SELECT count(*) FROM machine_learning_curated")[0][0]
