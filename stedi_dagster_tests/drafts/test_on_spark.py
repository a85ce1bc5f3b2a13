"""Tables that follow what is new on Apache Spark: what they hold, and what they cost.

That is so many jobs, whatever there is to do, and no more where there is more data.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.sql import SparkSession

from bench.event_log import work_by_table
from stedi_dagster.contracts import TABLES
from stedi_dagster.settings.policy import PRESETS
from stedi_dagster_tests.drafts.happenings import EVENTFUL, FIRST, happen
from stedi_dagster_tests.drafts.making import Making
from stedi_dagster_tests.landing.zone import NOW
from stedi_dagster_tests.scenario import T0, customer, reading, step

pytestmark = [pytest.mark.java, pytest.mark.long]

_PATIENCE_SECONDS = 120
# Each job has its price on a cluster. Whoever needs more of them says why. Two of step_trainer_trusted's count what is
# attributed to anybody by evidence: nothing may be, as long as nobody asks for it.
LANDING = {name: 3 for name, contract in TABLES.items() if contract.layer() == "landing"}
IN_FULL = LANDING | {
    "customer_trusted": 11,
    "accelerometer_trusted": 9,
    "customers_curated": 13,
    "step_trainer_trusted": 14,
    "machine_learning_curated": 26,
}
NEW_READINGS = LANDING | {
    "accelerometer_trusted": 17,
    "customers_curated": 15,
    "step_trainer_trusted": 23,
    "machine_learning_curated": 37,
}
CHANGED_PERSON = LANDING | {
    "customer_trusted": 16,
    "accelerometer_trusted": 24,
    "customers_curated": 15,
    "step_trainer_trusted": 37,
    "machine_learning_curated": 75,
}


def test_what_happens_between_runs_is_followed_as_on_sail(tmp_path, spark):
    making = Making(tmp_path, spark, PRESETS["as-of"])
    for happenings in (FIRST, *EVENTFUL):
        for happening in happenings:
            happen(making, *happening)
        drafts = making.run(now_ms=NOW)
    assert making.holds() == making.in_full(now_ms=NOW)
    assert {draft.made for draft in drafts.values()} > {"full"}


def _land_more(making: Making, day: int) -> None:
    people = [f"{name}@example.com" for name in ("ann", "bob", "eve")]
    at = T0 + day * 1000
    making.scenario.land("accelerometer", *(reading(one, at) for one in people), name=f"day-{day}.json")
    making.scenario.land("step_trainer", *(step(f"serial-of-{one}", at) for one in people), name=f"day-{day}.json")


def test_a_table_takes_so_many_jobs(spark, spark_events, tmp_path):
    making = Making(tmp_path, spark)
    making.scenario.land("customer", *(customer(f"{name}@example.com") for name in ("ann", "bob", "eve")))
    _land_more(making, 0)
    seen = _jobs(spark, spark_events)

    def run() -> dict[str, int]:
        nonlocal seen
        making.run()
        before, seen = seen, _jobs(spark, spark_events)
        return {name: seen[name] - before.get(name, 0) for name in TABLES if seen[name] > before.get(name, 0)}

    in_full = run()
    for day in range(1, 11):
        _land_more(making, day)
    new_readings = run()
    making.scenario.land("customer", customer("bob@example.com", agreed=None, lastUpdateDate=T0 + 5), name="later.json")
    _land_more(making, 12)
    changed_person = run()
    assert run() == {}
    assert _more(in_full, IN_FULL) == {}
    # In ten files as in one.
    assert _more(new_readings, NEW_READINGS) == {}
    assert _more(changed_person, CHANGED_PERSON) == {}


def _jobs(spark: SparkSession, events: Path) -> dict[str, int]:
    """How many jobs there were so far, by the table."""
    # Spark logs in order, and later than it works: what came before this job is there once this job is.
    last = f"last-{uuid4()}"
    spark.addTag(last)
    spark.range(1).collect()
    spark.removeTag(last)
    until = time.monotonic() + _PATIENCE_SECONDS
    while last not in (work := work_by_table(events, (*TABLES, last))):
        assert time.monotonic() < until, "Spark has not logged a job"
        time.sleep(0.1)
    return {name: work[name].jobs for name in work.keys() & TABLES.keys()}


def _more(jobs: Mapping[str, int], most: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in jobs.items() if number > most.get(name, 0)}
