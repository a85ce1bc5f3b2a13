"""What is true of the people and readings at scale 1, counted in the files, and at other scales."""

import json

import pytest

from stedi_dagster.sample import FEEDS, generate, plan
from stedi_dagster_tests.sample.counting import one, open_in_duckdb

SAME_PERSON = "from steps s join moves m on s.sensorReadingTime = m.timestamp and s.email = m.user"
SAME_TIME = "from steps s join moves m on s.sensorReadingTime = m.timestamp"


def test_scale_1_has_the_totals_of_the_public_data(full, db):
    assert {feed: one(db, f"select count(*) from {feed}")[0] for feed in FEEDS} == {
        "customer": 956,
        "accelerometer": 81_273,
        "step_trainer": 28_680,
    }
    assert {feed: totals.records for feed, totals in full.feeds.items()} == plan().records
    assert sum(totals.bad for totals in full.feeds.values()) == 0


def test_people_emails_and_serials_are_as_many_as_customers(db):
    assert one(db, "select count(distinct email), count(distinct serialNumber) from customer") == (956, 956)


def test_consenting_people_own_exactly_the_readings_of_the_public_data(full, db):
    assert one(db, "select count(*) from trusted") == (482,) == (full.consenting,)
    assert one(db, "select count(*) from moves") == (40_981,)
    assert one(db, "select count(*) from steps") == (14_460,)


def test_matching_by_person_and_time_gives_each_accelerometer_reading_once(full, db):
    assert one(db, f"select count(*) {SAME_PERSON}") == (40_981,)
    assert full.expected == {
        "customer_landing": 956,
        "accelerometer_landing": 81_273,
        "step_trainer_landing": 28_680,
        "customer_trusted": 482,
        "accelerometer_trusted": 40_981,
        "customers_curated": 482,
        "step_trainer_trusted": 14_460,
        "machine_learning_curated": 40_981,
    }


def test_no_reading_is_there_twice(db):
    assert one(db, "select count(*) from (select distinct * from accelerometer)") == (81_273,)
    assert one(db, "select count(*) from (select distinct serialNumber, sensorReadingTime from step_trainer)") == (
        28_680,
    )


def test_every_session_has_thirty_times_with_two_or_three_accelerometer_readings_each(db):
    assert one(db, "select min(n), max(n) from (select count(*) n from step_trainer group by serialNumber)") == (30, 30)
    assert one(db, 'select min(n), max(n) from (select count(*) n from accelerometer group by "user", timestamp)') == (
        2,
        3,
    )


def test_matching_by_time_alone_pairs_different_people_about_as_often_as_in_the_public_data(db):
    """The public data gives 43,681."""
    assert one(db, f"select count(*) {SAME_TIME}") == (43_450,)


def test_consent_given_in_mid_session_leaves_about_as_much_as_in_the_public_data(db):
    """The public data gives 32,025 readings of 464 people, and 11,297 step readings."""
    kept = "count(*), count(distinct email)"
    assert one(db, f"select {kept} from moves where timestamp >= since") == (32_152, 464)
    assert one(db, f"select {kept} from steps where sensorReadingTime >= since") == (11_346, 464)
    mid_session = (
        "select count(*) from (select email from steps group by email, since "
        "having min(sensorReadingTime) < since and since <= max(sensorReadingTime))"
    )
    assert one(db, mid_session)[0] > 300


def test_few_birthdays_are_possible(db):
    """The public data: 22 consenting people are at most 120 on registering; birthdays begin in 967."""
    registered = "make_timestamp(registrationDate * 1000)"
    within = f'"birthDay"::date + interval 120 year >= {registered} and "birthDay"::date < {registered}'
    assert one(db, f"select count(*) from trusted where {within}") == (22,)
    assert one(db, f"select count(*) from customer where {within}") == (47,)
    assert one(db, 'select min(year("birthDay"::date)), max(year("birthDay"::date)) from customer') == (
        969,
        1995,
    )


def test_other_shares_and_updates_are_as_common_as_in_the_public_data(db):
    """The public data: 491 share with the public, 508 with friends, and 44 have been updated."""
    assert one(
        db,
        "select count(shareWithPublicAsOfDate), count(shareWithFriendsAsOfDate), "
        "count(*) filter (lastUpdateDate <> registrationDate) from customer",
    ) == (498, 490, 44)


@pytest.mark.parametrize("scale", [0.0001, 0.005, 0.01, 0.1, 0.5])
def test_the_plan_holds_at_other_scales(tmp_path, scale):
    made = generate(tmp_path, scale=scale, seed=3)
    db = open_in_duckdb(tmp_path)
    assert {feed: one(db, f"select count(*) from {feed}")[0] for feed in FEEDS} == plan(scale).records
    assert made.expected is not None
    assert one(db, "select count(*) from trusted")[0] == made.consenting
    assert one(db, "select count(*) from moves")[0] == made.expected["accelerometer_trusted"]
    assert one(db, f"select count(*) {SAME_PERSON}")[0] == made.expected["machine_learning_curated"]
    assert 0 < made.consenting < made.people


@pytest.mark.parametrize("scale", [0.05, 5])
def test_readings_of_two_people_coincide_at_other_scales_too(tmp_path, scale):
    generate(tmp_path, scale=scale)
    db = open_in_duckdb(tmp_path)
    extra = one(db, f"select count(*) {SAME_TIME}")[0] / one(db, "select count(*) from moves")[0] - 1
    assert extra == pytest.approx(0.066, abs=0.025)


def test_records_have_the_fields_order_and_spacing_of_the_real_feeds(full):
    def first(feed: str) -> str:
        path = full.landing / feed / "landing" / f"{feed}-0001.json"
        return str(path.read_text().splitlines()[0])

    assert list(json.loads(first("customer")))[:7] == [
        "customerName",
        "email",
        "phone",
        "birthDay",
        "serialNumber",
        "registrationDate",
        "lastUpdateDate",
    ]
    assert list(json.loads(first("accelerometer"))) == ["user", "timestamp", "x", "y", "z"]
    assert list(json.loads(first("step_trainer"))) == [
        "sensorReadingTime",
        "serialNumber",
        "distanceFromObject",
    ]
    assert first("customer") == json.dumps(json.loads(first("customer")))
    for feed in ("accelerometer", "step_trainer"):
        assert first(feed) == json.dumps(json.loads(first(feed)), separators=(",", ":"))


def test_people_walk_so_that_there_is_something_to_learn_and_no_rule_is_always_right(db):
    first = """
        select *, row_number() over (partition by "user", "timestamp" order by position) as nth from (
            select *, row_number() over () as position from accelerometer
        )
    """
    peaks, other = (
        one(
            db,
            f"""select count(*), count(*) filter (where s.distanceFromObject <= 230)
            from ({first}) a join customer c on c.email = a.user
            join step_trainer s on s.serialNumber = c.serialNumber and s.sensorReadingTime = a.timestamp
            where a.nth = 1 and {"" if peak else "not"} (a.x <> 0 and a.y <> 0 and a.z <> 0)""",
        )
        for peak in (True, False)
    )
    assert peaks[0] + other[0] == 28_680
    assert 0.4 < peaks[1] / peaks[0] < 0.7
    assert 0.05 < other[1] / other[0] < 0.2
