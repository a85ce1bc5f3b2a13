"""What a table costs on Apache Spark: so many jobs, whatever there is to do, and no more where there is more data."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from bench.event_log import work_by_table, write_conf
from stedi_dagster.contracts import TABLES
from stedi_dagster.engines.spark import LocalSpark
from stedi_dagster_tests.drafts.making import Making
from stedi_dagster_tests.scenario import T0, customer, reading, step

pytestmark = [pytest.mark.java, pytest.mark.long]

# Each job has its price on a cluster. Whoever needs more of them says why.
LANDING = {name: 3 for name, contract in TABLES.items() if contract.layer() == "landing"}
IN_FULL = LANDING | {
    "customer_trusted": 12,
    "accelerometer_trusted": 10,
    "customers_curated": 14,
    "step_trainer_trusted": 13,
    "machine_learning_curated": 27,
}
NEW_READINGS = LANDING | {
    "accelerometer_trusted": 18,
    "customers_curated": 16,
    "step_trainer_trusted": 22,
    "machine_learning_curated": 38,
}
CHANGED_PERSON = LANDING | {
    "customer_trusted": 17,
    "accelerometer_trusted": 25,
    "customers_curated": 16,
    "step_trainer_trusted": 36,
    "machine_learning_curated": 76,
}


class Logged:
    """A Spark that logs what it does."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self.session = session
        self._folder = folder

    def jobs(self) -> dict[str, int]:
        """How many jobs there were so far, by the table."""
        return {name: work.jobs for name, work in work_by_table(self._folder, tuple(TABLES)).items()}


@pytest.fixture(scope="module")
def logged(java: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    folder = tmp_path_factory.mktemp("spark")
    write_conf(folder / "conf", folder / "events")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SPARK_CONF_DIR", str(folder / "conf"))
        with LocalSpark().session() as session:
            yield Logged(session, folder / "events")


def _land_more(making: Making, day: int) -> None:
    people = [f"{name}@example.com" for name in ("ann", "bob", "eve")]
    at = T0 + day * 1000
    making.scenario.land("accelerometer", *(reading(one, at) for one in people), name=f"day-{day}.json")
    making.scenario.land("step_trainer", *(step(f"serial-of-{one}", at) for one in people), name=f"day-{day}.json")


def test_a_table_takes_so_many_jobs(logged, tmp_path):
    making = Making(tmp_path, logged.session)
    making.scenario.land("customer", *(customer(f"{name}@example.com") for name in ("ann", "bob", "eve")))
    _land_more(making, 0)
    seen: dict[str, int] = {}

    def run() -> dict[str, int]:
        nonlocal seen
        making.run()
        before, seen = seen, logged.jobs()
        return {name: seen[name] - before.get(name, 0) for name in TABLES if seen[name] > before.get(name, 0)}

    in_full = run()
    _land_more(making, 1)
    new_readings = run()
    for day in range(2, 12):
        _land_more(making, day)
    more_files = run()
    making.scenario.land("customer", customer("bob@example.com", agreed=None, lastUpdateDate=T0 + 5), name="later.json")
    _land_more(making, 12)
    changed_person = run()
    assert run() == {}
    assert _more(in_full, IN_FULL) == {}
    assert _more(new_readings, NEW_READINGS) == {}
    assert _more(more_files, new_readings) == {}
    assert _more(changed_person, CHANGED_PERSON) == {}


def _more(jobs: Mapping[str, int], most: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in jobs.items() if number > most.get(name, 0)}
