"""A feed that has shrunk is not published, until it is whole again or the operator says that it is meant."""

from pathlib import Path

import dagster as dg
import pytest

from stedi_dagster.erasure.digests import load_digester
from stedi_dagster.erasure.erase import Eraser
from stedi_dagster.run_tags import ACCEPT_VOLUME
from stedi_dagster_tests.defs.assets.builders import ANN, contents, three_people
from stedi_dagster_tests.scenario import T0, Scenario, checks, counts, customer, reading

pytestmark = pytest.mark.long

LANDING = ("customer_landing", "accelerometer_landing", "step_trainer_landing")
UNREADABLE = '{"email": "ann@example.com", "lastUpdateDate": %d, "broken\n'


@pytest.fixture
def scenario(tmp_path: Path, sail_url: str) -> Scenario:
    scenario = three_people(tmp_path)
    scenario.settings |= {"engine": sail_url}
    scenario.land("customer", *(customer(f"p{number}@example.com") for number in range(20)), name="more.json")
    return scenario


def folder(scenario: Scenario, feed: str) -> Path:
    return scenario.landing / feed / "landing"


def shrink(scenario: Scenario) -> None:
    (folder(scenario, "customer") / "more.json").unlink()


def erase(scenario: Scenario, email: str) -> None:
    lakehouse = scenario.lakehouse()
    by = load_digester(lakehouse.home, make=True)
    assert by is not None
    with lakehouse.writing("an erasure", timeout=0, waiting=lambda _: None):
        Eraser(lakehouse, str(scenario.landing), by, lambda _: None).erase(by.of(email))


def refused(result: dg.ExecuteInProcessResult) -> set[str]:
    return {table for (table, check), found in checks(result).items() if check == "volume" and not found.passed}


def test_each_feed_that_is_suddenly_empty_is_refused_again_and_again_and_nobody_gets_another_number(scenario):
    assert scenario.run().success
    before = contents(scenario)
    for feed, table in zip(("customer", "accelerometer", "step_trainer"), LANDING, strict=True):
        whole = {path: path.read_bytes() for path in folder(scenario, feed).iterdir()}
        for emptied in (lambda path: path.write_bytes(b""), Path.unlink):
            for path in whole:
                emptied(path)
            assert refused(scenario.run()) == {table}
        for path, content in whole.items():
            path.write_bytes(content)
        assert scenario.run().success
        assert contents(scenario) == before


def test_a_smaller_feed_is_published_by_a_run_that_accepts_it_and_is_the_new_measure(scenario):
    assert scenario.run().success
    shrink(scenario)
    result = scenario.run()
    assert refused(result) == {"customer_landing"}
    assert counts(checks(result)["customer_landing", "volume"]) == {"records": 3, "records published before": 23}
    assert refused(scenario.run(tags={ACCEPT_VOLUME: "accelerometer, step_trainer"})) == {"customer_landing"}
    assert scenario.run(tags={ACCEPT_VOLUME: "step_trainer,customer"}).success
    assert scenario.query("SELECT count(*) FROM customer_landing") == [(3,)]
    assert scenario.run().success


def test_who_is_missed_in_a_feed_that_is_accepted_keeps_their_number(scenario):
    assert scenario.run().success
    before = contents(scenario)
    whole = {path: path.read_bytes() for path in folder(scenario, "customer").iterdir()}
    for path in whole:
        path.unlink()
    assert scenario.run(tags={ACCEPT_VOLUME: "customer"}).success
    assert scenario.rows("customers_curated") == []
    assert scenario.rows("participants") == before["participants"]
    for path, content in whole.items():
        path.write_bytes(content)
    assert scenario.run().success
    assert contents(scenario) == before


def test_files_may_be_packed_into_one(scenario):
    assert scenario.run().success
    files = sorted(folder(scenario, "customer").iterdir())
    together = b"".join(path.read_bytes() for path in files)
    for path in files:
        path.unlink()
    scenario.land_text("customer", together, name="all.json")
    assert scenario.run().success


def test_the_limit_is_a_setting(scenario):
    assert scenario.run().success
    shrink(scenario)
    assert scenario.run(max_shrink=0.9).success


def test_who_withdraws_in_what_is_left_is_taken_out(scenario):
    assert scenario.run().success
    shrink(scenario)
    scenario.land("customer", customer(ANN, agreed=None, lastUpdateDate=T0 + 5000), name="later.json")
    before = dict(scenario.rows("participants"))
    assert refused(scenario.run()) == {"customer_landing"}
    assert (ANN,) not in scenario.query("SELECT email FROM customer_trusted")
    assert dict(scenario.rows("participants")) == before


def test_who_is_in_doubt_by_a_file_that_is_gone_stays_out(scenario):
    scenario.settings |= {"max_bad_share": 0.5}
    scenario.land_text("customer", UNREADABLE % (T0 + 5000), name="doubt.json")
    assert scenario.run().success
    for path in folder(scenario, "customer").iterdir():
        path.unlink()
    scenario.land_text("customer", "junk\n", name="junk.json")
    for _ in range(2):
        result = scenario.run()
        assert refused(result) == {"customer_landing"}
        assert counts(checks(result)["customer_landing", "volume"])["records published before"] == 24
    assert {raw for (raw,) in scenario.query("SELECT raw FROM quarantine")} == {"junk", (UNREADABLE % (T0 + 5000))[:-1]}
    assert scenario.run(tables=["customer_trusted"]).success
    assert (ANN,) not in scenario.query("SELECT email FROM customer_trusted")


def test_whoever_is_erased_is_not_missed(scenario):
    for number in range(20):
        scenario.land("accelerometer", *[reading("p1@example.com", T0 + number)] * 2, name=f"{number}.json")
    scenario.land_text("customer", (UNREADABLE % T0).replace(ANN, "p1@example.com"), name="doubt.json")
    scenario.settings |= {"max_bad_share": 0.5}
    assert scenario.run().success
    erase(scenario, "p1@example.com")
    result = scenario.run()
    assert result.success
    found = counts(checks(result)["accelerometer_landing", "volume"])
    assert found["records"] == found["records published before"] < 40
