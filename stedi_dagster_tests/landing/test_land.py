"""Landing one feed: what goes through the engine, what through our own reader, and what to quarantine."""

import json

import pytest

from stedi_dagster.errors import LandingError
from stedi_dagster.landing import land as module
from stedi_dagster.landing.files import list_files
from stedi_dagster.landing.land import presentable
from stedi_dagster_tests.landing.zone import ACCELEROMETER, CUSTOMER, LATEST_MS, NOW, STEP_TRAINER, land
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

CANONICAL_CUSTOMER = '{"email": "ann@example.com", "serialNumber": "7", "phone": "5550100"%s}\n'


@pytest.fixture
def zone(tmp_path):
    return Scenario(tmp_path / "zone")


@pytest.fixture
def landed(zone, tmp_path):
    """Land a feed of the zone."""

    def run(session, feed, **more):
        return land(session, feed, zone.landing, tmp_path / "staging", **more)

    return run


def test_well_formed_files_take_the_fast_path(zone, landed, engine):
    zone.land("step_trainer", *[step(at=T0 + number) for number in range(50)])
    zone.land("step_trainer", step(at=T0 + 50), name="late arrivals/part 2 (50%).json")
    zone.land_text("step_trainer", json.dumps(step(at=T0 + 51)) + "\n\n", name="blank line.json")
    outcome = landed(engine, STEP_TRAINER)
    assert (outcome.landed.records, outcome.landed.by_engine, outcome.landed.odd_files) == (52, 52, 0)
    assert sorted(row[0] for row in outcome.rows) == [T0 + number for number in range(52)]
    assert outcome.quarantine == []


def test_only_odd_files_are_read_outside_the_engine(zone, landed, engine):
    zone.land("accelerometer", reading(), reading(x=-0.0))
    zone.land_text("accelerometer", json.dumps([reading(), reading(x="1.5")]), name="array.json")
    zone.land("accelerometer", reading(y=2.5), name="all*.json")
    outcome = landed(engine, ACCELEROMETER)
    assert (outcome.landed.records, outcome.landed.by_engine, outcome.landed.odd_files) == (5, 2, 2)
    row = ("ann@example.com", T0 + 1000, 0.0, 1.0, -1.0)
    expected = [row, row, row, (*row[:2], 1.5, *row[3:]), (*row[:3], 2.5, row[4])]
    assert sorted(outcome.counted.elements()) == sorted(map(repr, expected))


def test_the_name_with_a_star_is_read_once_and_without_its_neighbours(zone, landed, engine):
    for number, name in enumerate(("a*b.json", "a?b.json", "a-b.json", "{a-b,a}.json", "[a]-b.json")):
        zone.land("step_trainer", step(at=T0 + number), name=name)
    assert sorted(row[0] - T0 for row in landed(engine, STEP_TRAINER).rows) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("text", [b"", b"\n", b"[]", b" \r\n\xef\xbb\xbf"], ids=["empty", "blank", "array", "BOM"])
def test_files_without_records_land_nothing(zone, landed, sail, text):
    zone.land_text("customer", text)
    outcome = landed(sail, CUSTOMER)
    assert (outcome.landed.records, outcome.rows, outcome.quarantine) == (0, [], [])


def test_an_empty_folder_and_markers_land_nothing(zone, landed, sail):
    zone.land("customer", customer(), name="_copy.json")
    zone.land("customer", customer(), name=".trash/copy.json")
    outcome = landed(sail, CUSTOMER)
    assert (outcome.landed.records, outcome.rows, outcome.quarantine) == (0, [], [])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((T0, T0), None),
        ((T0, T0 + 1), "shareWithResearchAsOfDate is there twice with different values"),
        ((T0, "null"), "shareWithResearchAsOfDate is there twice with different values"),
        (("null", T0), "shareWithResearchAsOfDate is there twice with different values"),
        (("null", "null"), None),
    ],
)
def test_a_consent_that_stands_twice_in_a_canonical_line_is_judged_by_our_own_reader(
    zone, landed, engine, values, reason
):
    more = "".join(f', "shareWithResearchAsOfDate": {value}' for value in values)
    zone.land_text("customer", CANONICAL_CUSTOMER % "" * 3 + CANONICAL_CUSTOMER % more)
    zone.land_text("customer", CANONICAL_CUSTOMER % "", name="part-2.json")
    outcome = landed(engine, CUSTOMER)
    assert dict(outcome.landed.quarantined) == ({reason: 1} if reason else {})
    assert outcome.landed.records == 5
    assert len(outcome.rows) == 5 - len(outcome.quarantine)


def test_after_a_key_that_stood_twice_nothing_of_the_first_attempt_is_left(zone, landed, sail, tmp_path):
    zone.land_text("customer", CANONICAL_CUSTOMER % ', "phone": "5550199"')
    outcome = landed(sail, CUSTOMER)
    assert (outcome.landed.by_engine, outcome.landed.odd_files) == (0, 1)
    assert outcome.rows == []
    assert list((tmp_path / "staging" / "records").rglob("*.parquet")) == []


def test_a_required_key_that_stands_twice_in_place_of_another_is_no_record(zone, landed, engine):
    line = json.dumps(reading(), separators=(",", ":"))
    zone.land_text("accelerometer", line + "\n" + line.replace('"z":', '"y":') + "\n")
    outcome = landed(engine, ACCELEROMETER)
    assert (len(outcome.rows), outcome.landed.by_engine) == (1, 0)
    assert [row[3] for row in outcome.quarantine] == ["y is there twice with different values"]


def test_the_quarantine_says_where_why_and_what(zone, landed, sail):
    bad = json.dumps({**reading(), "x": None})
    zone.land_text("accelerometer", f"\ufeff{json.dumps(reading())}\n\n  {bad}\nno JSON\n", name="a/b c.json")
    outcome = landed(sail, ACCELEROMETER)
    text = (zone.landing / "accelerometer/landing/a/b c.json").read_bytes()
    # Whom a text is about is looked for among customers only.
    assert {row[5:] for row in outcome.quarantine} == {(None, None, None)}
    assert [row[:5] for row in outcome.quarantine] == [
        ("accelerometer/landing/a/b c.json", 3, text.index(b'{"user"', 10), "x is missing", bad),
        ("accelerometer/landing/a/b c.json", 4, text.index(b"no JSON"), "not JSON", "no JSON"),
    ]
    assert outcome.landed.quarantined == {"x is missing": 1, "not JSON": 1}
    assert (outcome.landed.records, len(outcome.rows)) == (3, 1)


def test_landing_knows_when_the_first_record_of_the_future_is_due(zone, landed, sail):
    ahead = [reading(at=LATEST_MS + later) for later in (5000, 3000, 9000)]
    zone.land("accelerometer", reading(), *ahead)
    assert landed(sail, ACCELEROMETER).landed.due_ms == NOW + 3000
    assert landed(sail, STEP_TRAINER).landed.due_ms is None


def test_many_bad_records_are_quarantined_part_by_part_and_none_is_lost(zone, landed, sail, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_QUARANTINED_PER_PART", 3)
    zone.land_text("step_trainer", "".join(f"[{number}]\n" for number in range(10)))
    outcome = landed(sail, STEP_TRAINER)
    assert outcome.raw == [str(number) for number in range(10)]
    assert len(list((tmp_path / "staging" / "quarantine").rglob("*.parquet"))) == 4


def test_raw_text_is_kept_to_ten_thousand_characters_that_can_be_stored():
    assert presentable("  a\udcff\ud800b \n") == "a\\xff\ufffdb"
    assert presentable(" " * 5 + "x" * 20_000) == "x" * 10_000
    assert presentable("\udcc3" * 20_000) == "\\xc3" * 2_500


@pytest.mark.parametrize("name", ["plain.json", "odd*.json", "packed.json.gz"])
def test_a_file_that_vanished_since_it_was_listed_is_named(zone, landed, engine, name):
    zone.land("customer", customer())
    path = zone.land("customer", customer("ben@example.com"), name=name)
    listing = list_files(str(zone.landing), CUSTOMER)
    path.unlink()
    with pytest.raises(LandingError) as raised:
        landed(engine, CUSTOMER, listing=listing)
    assert f"customer/landing/{name} cannot be read (FileNotFoundError)" in str(raised.value)


def test_a_folder_in_the_place_of_a_file_is_a_landing_error(zone, landed, sail):
    path = zone.land("customer", customer())
    listing = list_files(str(zone.landing), CUSTOMER)
    path.unlink()
    path.mkdir()
    with pytest.raises(LandingError, match=r"customer/landing/part-1\.json cannot be read"):
        landed(sail, CUSTOMER, listing=listing)


@pytest.mark.parametrize("more", [1, 3])
def test_a_file_that_has_grown_since_it_was_listed_is_read_as_it_is(zone, landed, engine, more):
    path = zone.land("step_trainer", step(at=T0))
    listing = list_files(str(zone.landing), STEP_TRAINER)
    with path.open("a") as file:
        file.writelines(json.dumps(step(at=T0 + number)) + "\n" for number in range(1, more + 1))
    outcome = landed(engine, STEP_TRAINER, listing=listing)
    assert (outcome.landed.by_engine, sorted(row[0] for row in outcome.rows)) == (0, [T0 + n for n in range(more + 1)])
