"""What quirks add: odd files that hold exactly what is said of them, and leave everything else alone."""

from collections import Counter, defaultdict

import pytest

from stedi_dagster.sample import FEEDS, QUIRKS, Generated, generate
from stedi_dagster.sample.quirks.damage import DAMAGE
from stedi_dagster.sample.quirks.quirk import Record
from stedi_dagster.sample.quirks.shapes import SHAPES
from stedi_dagster_tests.sample.counting import contents
from stedi_dagster_tests.sample.reference_reader import read

RESEARCH = "shareWithResearchAsOfDate"


def records_of(quirky: Generated, quirk: str, feed: str) -> list[Record]:
    """Return the good records of a quirk's files, in order."""
    return [
        record
        for odd in quirky.odd_files
        if (odd.quirk, odd.feed) == (quirk, feed) and not odd.marker
        for record in read(feed, quirky.landing / odd.path)[0]
    ]


def customers_of(quirky: Generated, quirk: str) -> list[list[Record]]:
    """Return the customer records of a quirk, by the person they are about, in order."""
    people: dict[str, list[Record]] = defaultdict(list)
    for record in records_of(quirky, quirk, "customer"):
        people[record["email"].strip().lower()].append(record)
    return list(people.values())


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.name)
def test_every_file_of_a_quirk_holds_what_is_said_of_it(quirky, quirk):
    files = [odd for odd in quirky.odd_files if odd.quirk == quirk.name]
    assert files
    for odd in files:
        if odd.marker:
            assert odd.path.name.startswith(("_", "."))
            assert (odd.good, odd.bad) == (0, 0)
        else:
            good, bad = read(odd.feed, quirky.landing / odd.path)
            assert (len(good), bad) == (odd.good, odd.bad), odd.path


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.name)
def test_every_quirk_is_described_in_a_line(quirk):
    assert 10 < len(quirk.description) < 110
    assert quirk.description.endswith(".")


def test_quirks_have_names_of_their_own():
    assert len({quirk.name for quirk in QUIRKS}) == len(QUIRKS)


def test_quirks_come_on_top_of_the_same_people(quirky, tmp_path):
    generate(tmp_path, scale=0.01)
    same, more = contents(tmp_path), contents(quirky.landing)
    assert {name: more[name] for name in same} == same
    assert set(more) - set(same) == {str(odd.path) for odd in quirky.odd_files}


def test_totals_include_the_quirks(quirky, tmp_path):
    without = generate(tmp_path, scale=0.01)
    for feed, totals in quirky.feeds.items():
        odd = [file for file in quirky.odd_files if file.feed == feed]
        assert totals.records == without.feeds[feed].records + sum(file.good for file in odd)
        assert totals.bad == sum(file.bad for file in odd)
        assert totals.files == without.feeds[feed].files + len(odd)
    assert quirky.expected is None


@pytest.mark.parametrize("scale", [0.001, 0.01, 1])
def test_bad_records_stay_below_four_in_a_hundred(tmp_path, scale):
    made = generate(tmp_path, scale=scale, quirks=True)
    for totals in made.feeds.values():
        assert 0 < totals.bad < 0.04 * (totals.records + totals.bad)


def test_people_of_quirks_have_emails_of_their_own(quirky):
    count = Counter(
        email
        for quirk in QUIRKS
        for email in {records[0]["email"].strip().lower() for records in customers_of(quirky, quirk.name)}
    )
    assert set(count.values()) == {1}


@pytest.mark.parametrize("quirk", SHAPES + DAMAGE, ids=lambda quirk: quirk.name)
def test_readings_in_odd_files_are_of_one_person_who_consents_and_one_who_does_not(quirky, quirk):
    consents = {records[0]["email"]: RESEARCH in records[0] for records in customers_of(quirky, quirk.name)}
    users = {record["user"] for record in records_of(quirky, quirk.name, "accelerometer")}
    assert sorted(consents[user] for user in users) == [False, True]


def test_file_names_hold_every_awkward_character(quirky):
    names = "".join(odd.path.name for odd in quirky.odd_files)
    assert set(" %=*{}[]?#&'ü步") <= set(names)
    assert any(odd.path.parent.name == "18" for odd in quirky.odd_files)


def finally_consents(records: list[Record]) -> bool:
    """Return whether a person consents: the latest record's; of several, the more private."""
    newest = max(record["lastUpdateDate"] for record in records)
    return all(RESEARCH in record for record in records if record["lastUpdateDate"] == newest)


@pytest.mark.parametrize("quirk", ["consent_withdrawn", "consent_tied", "email_spelt_otherwise"])
def test_people_who_withdrew_have_consented_before_and_do_not_in_the_end(quirky, quirk):
    for records in customers_of(quirky, quirk):
        assert any(RESEARCH in record for record in records)
        assert not finally_consents(records)


def test_people_who_consented_again_do_so_from_a_later_date(quirky):
    for records in customers_of(quirky, "consent_given_again"):
        assert [RESEARCH in record for record in records] == [True, False, True]
        assert records[2][RESEARCH] > records[1]["lastUpdateDate"] > records[0][RESEARCH]
        assert finally_consents(records)


def test_a_file_delivered_twice_is_the_same_twice(quirky):
    for feed in FEEDS:
        once, again = (
            (quirky.landing / odd.path).read_bytes()
            for odd in quirky.odd_files
            if (odd.quirk, odd.feed) == ("delivered_twice", feed)
        )
        assert once == again


def test_strangers_have_readings_and_no_customer_record(quirky):
    known = {records[0]["email"] for quirk in QUIRKS for records in customers_of(quirky, quirk.name)}
    users = {record["user"] for record in records_of(quirky, "strangers", "accelerometer")}
    assert len(users) == 2
    assert not users & known


def test_thirty_serials_are_shared_by_everybody_of_the_fulfilment_bug(quirky):
    holders = defaultdict(list)
    for records in customers_of(quirky, "serials_for_everybody"):
        holders[records[0]["serialNumber"]].append(RESEARCH in records[0])
    shared = {serial: consents for serial, consents in holders.items() if len(consents) > 1}
    assert len(shared) == 30
    assert {len(consents) for consents in shared.values()} == {2}
    # Two who consent, one who does, nobody: every case is there.
    assert {sum(consents) for consents in shared.values()} == {0, 1, 2}
    steps = Counter(record["serialNumber"] for record in records_of(quirky, "serials_for_everybody", "step_trainer"))
    assert steps == dict.fromkeys(shared, 60)
