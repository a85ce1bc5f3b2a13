"""The presets: on the public data the rows of the systems they reproduce, on generated data the rows of plain SQL."""

from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import StepTrainerTrusted
from stedi_dagster.defs.assets.table_asset import same_columns, table_asset
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.drafts.plan import TablePlan
from stedi_dagster.keys import with_keys
from stedi_dagster.policies.selection import REASON, Selection, first_reason, select
from stedi_dagster.sample import generate
from stedi_dagster.settings.policy import PRESETS, Preset
from stedi_dagster_tests.scenario import SELECTED, Scenario, checks, counts

pytestmark = pytest.mark.long

# What earlier systems of this kind report on the public data, table by table.
REPORTED: dict[Preset, tuple[int, ...]] = {
    "default": (482, 40_981, 482, 14_460, 40_981),
    "timestamp-match": (482, 40_981, 482, 14_460, 43_681),
    "as-of": (482, 32_025, 464, 11_297, 32_025),
    "as-of-accelerometer": (482, 32_025, 464, 13_920, 34_437),
    "as-of-accelerometer-all-steps": (482, 32_025, 464, 14_460, 34_437),
    "max-age-120": (22, 1_865, 22, 660, 1_865),
}
GATE = Path(__file__).parents[1] / "docs" / "explanation" / "what-the-gate-is-for.md"
# The participant's address in place of a number that is drawn anew for every lakehouse.
PAIRED = """
    SELECT email, sensorReadingTime, distanceFromObject, x, y, z
    FROM machine_learning_curated JOIN participants USING (participantId) ORDER BY ALL
"""


@pytest.fixture(scope="module")
def public(real_data: Path, sail_url: str, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """One home for all presets over the public data, so that it is landed once."""
    return Scenario(tmp_path_factory.mktemp("public"), {"engine": sail_url, "landing": str(real_data)})


@pytest.fixture(scope="module")
def generated(sail_url: str, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """One home for all presets over generated data."""
    folder = tmp_path_factory.mktemp("generated")
    generate(folder / "sample", scale=0.05)
    return Scenario(folder, {"engine": sail_url, "landing": str(folder / "sample")})


def test_every_preset_is_reported_on() -> None:
    assert set(REPORTED) == set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_the_reported_rows_on_the_public_data_and_warns_of_every_row_that_pairs_two_people(
    public: Scenario, preset: Preset
) -> None:
    result = public.run(preset=preset)
    assert result.success
    assert tuple(public.query(f"SELECT count(*) FROM {table}")[0][0] for table in SELECTED) == REPORTED[preset]
    found = checks(result)
    same_person = found["machine_learning_curated", "same_person"]
    foreign = 0
    if PRESETS[preset].match == "timestamp":
        pairs = plain_sql(public, preset).execute("SELECT count(*) FROM pairs WHERE email != user")
        [(foreign,)] = pairs.fetchall()
        assert (same_person.passed, same_person.severity.value) == (False, "WARN")
    assert counts(same_person) == {"rows that pair two people": foreign}
    if preset == "timestamp-match":
        assert foreign == 43_681 - 40_981  # what `default` has less
    assert [key for key, check in found.items() if not check.passed and key[1] != "same_person"] == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_the_rows_of_plain_sql_on_generated_data(generated: Scenario, preset: Preset) -> None:
    assert generated.run(preset=preset).success
    expected = plain_sql(generated, preset)
    for table in SELECTED[:-1]:
        columns = ", ".join(name for name, *_ in expected.execute(f"DESCRIBE {table}").fetchall())
        rows = generated.query(f"SELECT {columns} FROM {table} ORDER BY ALL")
        assert rows == expected.execute(f"FROM {table} ORDER BY ALL").fetchall(), table
        assert rows or preset == "max-age-120"
    assert generated.query(PAIRED) == expected.execute("SELECT * EXCLUDE (user) FROM pairs ORDER BY ALL").fetchall()


def everybodys_steps(step_trainer_landing: DataFrame, **_: Any) -> Selection:
    """A rule with a join too few: every step reading, whoever it is of."""
    readings = with_keys(step_trainer_landing, "serialNumber").withColumn("attributedTo", F.lit(None).cast("string"))
    return select(readings.withColumn(REASON, first_reason()), StepTrainerTrusted.names(), once=True)


def without_the_join(scenario: Scenario) -> dg.ExecuteInProcessResult:
    """Publish what is good under the default rules; then run that rule for `step_trainer_trusted`."""
    assert scenario.run(preset="default").success
    plan = TablePlan(
        StepTrainerTrusted,
        select=everybodys_steps,
        inputs=("step_trainer_landing", "customers_curated", "customer_landing"),
        wants_quarantine=True,
    )
    lineage = same_columns(StepTrainerTrusted, "step_trainer_landing")
    # As another version of the code: unchanged content would not be made anew.
    settings = scenario.load_settings(preset="default", step_people="trusted")
    definitions = build_defs(settings, instead=[table_asset(plan, lineage=lineage)])
    return definitions.resolve_job_def("everything").execute_in_process(
        instance=dg.DagsterInstance.ephemeral(),
        asset_selection=[dg.AssetKey("step_trainer_trusted"), dg.AssetKey("machine_learning_curated")],
        raise_on_error=False,
    )


def test_step_readings_of_everybody_are_stopped_by_the_gate_on_the_public_data(public: Scenario) -> None:
    result = without_the_join(public)
    assert not result.success
    consent = checks(result)["step_trainer_trusted", "consent"]
    assert counts(consent) == {"rows without consent": 14_220, "rows from before consent": 0}
    assert public.query("SELECT count(*) FROM step_trainer_trusted") == [(14_460,)]
    assert "**14,220 of 28,680**" in GATE.read_text(encoding="utf-8")
    landed = plain_sql(public, "default")
    by_time = "SELECT count(*) FROM step_trainer JOIN accelerometer_trusted ON timestamp = sensorReadingTime"
    assert landed.execute(by_time).fetchall() == [(46_022,)]
    assert "| 482 | 40,981 | 482 | 28,680 | 46,022 |" in GATE.read_text(encoding="utf-8")


def test_step_readings_of_everybody_are_stopped_by_the_gate_on_generated_data(generated: Scenario) -> None:
    result = without_the_join(generated)
    assert not result.success
    landed = plain_sql(generated, "default")
    strangers = "SELECT count(*) FROM step_trainer ANTI JOIN customer_trusted USING (serialNumber)"
    [(expected,)] = landed.execute(strangers).fetchall()
    assert expected > 0
    assert counts(checks(result)["step_trainer_trusted", "consent"])["rows without consent"] == expected
    assert set(checks(result)) & {("machine_learning_curated", "consent")} == set()
    kept = landed.execute("SELECT count(*) FROM step_trainer_trusted").fetchall()
    assert generated.query("SELECT count(*) FROM step_trainer_trusted") == kept


def plain_sql(scenario: Scenario, preset: Preset) -> duckdb.DuckDBPyConnection:
    """The trusted and curated tables, and `pairs`, as anybody would query them from landing files.

    Enough for data in which nobody has two records or carries another's serial number, and nothing is delivered twice.
    """
    landing, policy = scenario.load_settings().landing, PRESETS[preset]
    db = duckdb.connect()

    def view(name: str, query: str) -> None:
        db.execute(f"CREATE VIEW {name} AS {query}")

    for feed, name in (("customer", "email"), ("accelerometer", "user"), ("step_trainer", "serialNumber")):
        files = f"read_json('{landing}/{feed}/landing/*', format='newline_delimited')"
        view(feed, f"SELECT * REPLACE (lower({name}::VARCHAR) AS {name}) FROM {files}")
    db.execute("CREATE MACRO old(born, registered) AS date_sub('year', born::DATE, epoch_ms(registered)::DATE)")
    young = "true" if policy.max_age is None else f"old(birthDay, registrationDate) <= {policy.max_age}"
    view(
        "customer_trusted",
        f"""SELECT customerName, email, phone, birthDay::VARCHAR AS birthDay,
            serialNumber::VARCHAR AS serialNumber, registrationDate, lastUpdateDate,
            shareWithResearchAsOfDate, shareWithPublicAsOfDate, shareWithFriendsAsOfDate
            FROM customer WHERE shareWithResearchAsOfDate IS NOT NULL AND {young}""",
    )
    since = "timestamp >= shareWithResearchAsOfDate" if policy.accelerometer_as_of else "true"
    view(
        "accelerometer_trusted",
        f"SELECT a.* FROM accelerometer a JOIN customer_trusted ON user = email WHERE {since}",
    )
    view("customers_curated", "FROM customer_trusted WHERE email IN (SELECT user FROM accelerometer_trusted)")
    steppers = "customers_curated" if policy.step_people == "curated" else "customer_trusted"
    since = "sensorReadingTime >= shareWithResearchAsOfDate" if policy.steps_as_of else "true"
    view(
        "step_trainer_trusted",
        f"SELECT s.* FROM step_trainer s JOIN {steppers} USING (serialNumber) WHERE {since}",
    )
    same = "user = email" if policy.match == "person" else "true"
    view(
        "pairs",
        f"""SELECT email, sensorReadingTime, distanceFromObject, x, y, z, user
            FROM step_trainer_trusted JOIN customers_curated USING (serialNumber)
            JOIN accelerometer_trusted ON timestamp = sensorReadingTime AND {same}""",
    )
    return db
