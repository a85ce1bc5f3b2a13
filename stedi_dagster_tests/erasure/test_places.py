"""She is planted in every kind of place, found there, and after `stedi forget` nowhere that the platform writes."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.defs.assets.builders import contents, orphans, tables
from stedi_dagster_tests.erasure.places import (
    FOREIGN,
    KEPT,
    PLANTED,
    TABLES_WITH_HER,
    land,
    land_first,
    land_unreadable,
)
from stedi_dagster_tests.erasure.unique_person import (
    SERIAL,
    ZOE,
    bytes_of,
    forget,
    numbers,
    raw_records,
    standing,
    stedi,
    verify,
)
from stedi_dagster_tests.scenario import FEEDS, Scenario


@dataclass
class Told:
    """Everything that was done and found, in order."""

    scenario: Scenario
    participant: str
    places: dict[str, list[Path]] = field(default_factory=dict)
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    verified: dict[str, set[str]] = field(default_factory=dict)
    stood: set[str] = field(default_factory=set)
    planned: dict[str, Any] = field(default_factory=dict)
    changed_by_planning: set[str] = field(default_factory=set)
    receipt: dict[str, Any] = field(default_factory=dict)
    rows_after: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    verified_after: dict[str, set[str]] = field(default_factory=dict)
    stands_after: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    scenario = Scenario(tmp_path_factory.mktemp("places"), {"max_bad_share": 0.9})
    land_first(scenario)
    unreadable = land_unreadable(scenario)
    assert scenario.run().success
    unreadable.unlink()
    land(scenario)
    assert scenario.run().success
    land_unreadable(scenario)
    told = Told(scenario, numbers(scenario)[ZOE])
    for name, plant in {**PLANTED, **FOREIGN}.items():
        told.places[name] = plant(scenario)
    told.rows = contents(scenario)
    told.verified = verify(scenario)
    told.stood = standing(scenario.folder, told.participant)
    before = bytes_of(scenario.folder)
    told.planned = forget(scenario, ZOE, "--dry-run")
    told.changed_by_planning = {path for path, _ in set(before.items()) ^ set(bytes_of(scenario.folder).items())}
    told.receipt = forget(scenario)
    told.rows_after = contents(scenario)
    told.verified_after = verify(scenario)
    told.stands_after = standing(scenario.folder, told.participant)
    return told


def shown(path: Path) -> str:
    return str(path).replace(f"{ZOE}.json", "(address)")


def test_whatever_tells_who_she_is_is_looked_for(told):
    proof = json.loads(stedi(told.scenario, "forget", "--verify", "--json", ZOE).stdout)
    whats = {"email", "customerName", "phone", "serialNumber", "participantId"}
    assert proof["looked_for"] == dict.fromkeys(sorted(whats), 1)
    assert set().union(*told.verified.values()) == whats


@pytest.mark.parametrize("name", [*KEPT, *(f"{feed}/landing/unreadable.json" for feed in FEEDS)])
def test_she_stands_in_every_kind_of_raw_file_and_then_no_more(told, name):
    path = str(told.scenario.landing / name)
    assert path in told.stood
    assert path in told.verified


@pytest.mark.parametrize("name", TABLES_WITH_HER)
def test_she_stands_in_every_table_and_then_in_none(told, name):
    inside = f"/{name}/data/"
    assert any(inside in path for path in told.stood)
    assert any(inside in path for path in told.verified)
    assert all(ZOE not in repr(row).lower() for row in told.rows_after[name])


def test_afterwards_she_stands_in_nothing_but_what_is_not_the_platforms(told):
    foreign = {str(path) for name in FOREIGN for path in told.places[name]}
    assert told.stands_after == foreign
    assert told.verified_after.keys() == {shown(Path(path)) for path in foreign}


def test_both_searches_agree_on_where_she_stood(told):
    assert told.verified.keys() == {shown(Path(path)) for path in told.stood}


@pytest.mark.parametrize("name", [*PLANTED, *FOREIGN])
def test_she_is_found_wherever_she_was_planted(told, name):
    for path in told.places[name]:
        assert str(path) in told.stood
        assert shown(path) in told.verified


@pytest.mark.parametrize("name", PLANTED)
def test_what_only_history_and_accidents_keep_is_gone(told, name):
    assert not any(path.exists() for path in told.places[name])


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_the_platforms_stays_and_is_reported(told, name):
    for path in told.places[name]:
        assert path.exists()
        assert shown(path) in told.verified_after


@pytest.mark.parametrize("name", KEPT)
def test_other_peoples_raw_records_stay_in_their_order(told, name):
    assert raw_records(told.scenario.landing / name) == KEPT[name]


def test_packed_files_stay_packed_and_unreadable_texts_of_others_stay(told):
    landing = told.scenario.landing
    assert (landing / "customer/landing/packed.json.gz").read_bytes().startswith(b"\x1f\x8b")
    assert (landing / "customer/landing/unreadable.json").read_text().split("\n") == ["half a line", "another half", ""]
    assert (landing / "accelerometer/landing/unreadable.json").read_text() == "nobody\n"
    assert (landing / "step_trainer/landing/unreadable.json").read_bytes() == b""


@pytest.mark.parametrize("name", TABLES_WITH_HER)
def test_other_peoples_rows_stay(told, name):
    hers = [ZOE, SERIAL.lower(), told.participant]
    others = [row for row in told.rows[name] if not any(word in repr(row).lower() for word in hers)]
    assert told.rows_after[name] == others


def test_a_dry_run_changes_nothing_and_counts_what_then_goes(told):
    assert told.changed_by_planning == set()
    assert told.planned["erasures"] == []
    # The unfinished file goes as a whole, and is counted as no raw file then.
    assert told.planned["raw"]["records"] == told.receipt["raw"]["records"] + 1
    for planned, done in zip(told.planned["tables"], told.receipt["tables"], strict=True):
        assert planned == done
        # The lists of raw files keep nobody's address.
        before, after = (rows.get(done["table"], []) for rows in (told.rows, told.rows_after))
        assert done["rows"] == len(before) - len(after)


def test_no_table_keeps_a_snapshot_a_name_or_a_file_besides_the_current_one(told):
    for table in tables(told.scenario):
        if table.name()[-1] != "erasures":
            assert len(table.metadata.snapshots) == 1
            assert table.metadata.refs.keys() == {"main"}
    assert orphans(told.scenario) == set()


def test_the_next_run_publishes_the_same_rows_of_everybody_else(told):
    """Last: it changes what the others look at."""
    (told.places["named_after_her"][0]).unlink()
    result = told.scenario.run()
    assert result.success
    after = contents(told.scenario)
    for name in TABLES:
        assert sorted(map(repr, after[name])) == sorted(map(repr, told.rows_after[name])), name
    foreign = {str(path) for name in FOREIGN for path in told.places[name] if path.exists()}
    assert standing(told.scenario.folder, told.participant) == foreign
    assert verify(told.scenario).keys() == foreign
