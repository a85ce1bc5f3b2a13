"""Whatever happens between runs, tables that follow what is new are what making them in full would make them."""

import json
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from stedi_dagster.drafts import amending
from stedi_dagster.erasure import delete_rows
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.settings.policy import PRESETS, Preset
from stedi_dagster_tests.drafts.happenings import DEVICES, FIRST, PEOPLE, happen
from stedi_dagster_tests.drafts.making import Making
from stedi_dagster_tests.histories.crashes import Crash, Killed, crashes, crashing
from stedi_dagster_tests.landing.zone import NOW, examples
from stedi_dagster_tests.scenario import T0, customer, reading, step

moments = st.sampled_from([T0 - 50, T0, T0 + 50, T0 + 51, T0 + 3_000_000])
people, devices = st.sampled_from(PEOPLE), st.sampled_from(DEVICES)
records = {
    "customer": st.builds(
        lambda email, at, agreed, serial: customer(
            email, agreed=agreed, lastUpdateDate=at, serial=serial or f"serial-of-{email.strip().lower()}"
        ),
        people,
        moments,
        st.none() | moments,
        st.none() | devices,
    ),
    "accelerometer": st.builds(
        lambda user, at, x: reading(user, at, x=x), people, moments, st.sampled_from([0.0, 1.0, -0.0])
    ),
    "step_trainer": st.builds(
        lambda serial, at, distance: step(serial, at, distanceFromObject=distance),
        devices,
        moments,
        st.integers(1, 2),
    ),
}
broken = {
    "customer": people.map(lambda email: '{"email": "%s", "lastUpdateDate": %d,' % (email, T0 + 60)),  # noqa: UP031
    "accelerometer": st.just('{"user": '),
    "step_trainer": st.just("[1]"),
}


def files(feed: str) -> st.SearchStrategy[tuple[str, str, str | None]]:
    """One file that is written, in the place of what it was, or removed."""
    record = records[feed].map(json.dumps)
    lines = st.lists(record | record | broken[feed], min_size=1, max_size=4)
    name = st.sampled_from(["a.json", "b.json", "c.json", "d.json", "e.json"])
    return st.tuples(st.just(feed), name, st.none() | lines.map(lambda found: "".join(f"{one}\n" for one in found)))


@dataclass(frozen=True)
class Between:
    """What happens before a run, and how the run goes.

    `forget`: somebody is erased. `preset`: the rules from then on. `crash`: the run is killed, if it comes there, and
    the next one finds what it left. `merge`: small files are merged early.
    """

    files: list[tuple[str, str, str | None]]
    forget: str | None = None
    preset: Preset | None = None
    crash: Crash | None = None
    merge: bool = False


_PRESETS = ["default", "as-of", "as-of-accelerometer-all-steps"]
betweens = st.builds(
    Between,
    st.lists(st.sampled_from(sorted(records)).flatmap(files), min_size=1, max_size=3),
    # Mostly nothing of the kind: then the tables are made in full anyway.
    forget=st.sampled_from([None] * 5 + PEOPLE[:1]),
    preset=st.sampled_from([None] * 8 + _PRESETS),
    crash=st.none() | st.none() | crashes,
    merge=st.booleans(),
)
histories = st.tuples(st.sampled_from(_PRESETS), st.lists(betweens, min_size=1, max_size=6))


@pytest.mark.long
def test_whatever_happens_between_runs_the_tables_are_what_making_them_in_full_makes(
    tmp_path_factory: pytest.TempPathFactory, sail: SparkSession
):
    @settings(examples, max_examples=14)
    @given(history=histories)
    def play(history: tuple[Preset, list[Between]]) -> None:
        preset, all_that_happens = history
        making = Making(tmp_path_factory.mktemp("history"), sail, PRESETS[preset])
        for between in [Between(FIRST), *all_that_happens]:
            for happening in between.files:
                happen(making, *happening)
            if between.forget:
                making.forget(between.forget)
            if between.preset:
                making.policy = PRESETS[between.preset]
            with pytest.MonkeyPatch.context() as patching:
                if between.merge:
                    patching.setattr("stedi_dagster.drafts.merging._MANY", 3)
                    patching.setattr("stedi_dagster.drafts.merging._FEW", 1)
                killed = True
                with crashing(between.crash) if between.crash else nullcontext(), suppress(Killed):
                    making.run(now_ms=NOW)
                    killed = False
        if killed:
            making.run(now_ms=NOW)
        assert making.holds() == making.in_full(now_ms=NOW)

    play()


def test_many_runs_leave_few_files_and_what_making_in_full_makes(tmp_path, sail, monkeypatch):
    monkeypatch.setattr("stedi_dagster.drafts.merging._MANY", 3)
    monkeypatch.setattr("stedi_dagster.drafts.merging._FEW", 1)
    making = Making(tmp_path, sail)
    for happening in FIRST:
        happen(making, *happening)
    rows = making.run()["accelerometer_trusted"].commit.files.rows
    for number in range(8):
        making.scenario.land("accelerometer", reading(at=T0 + 100 + number), name=f"more-{number}.json")
        making.scenario.land("step_trainer", step(at=T0 + 100 + number), name=f"more-{number}.json")
        if number % 3 == 2:
            # Her rows are moved out of files that are merged in the same run.
            agreed = None if number % 2 else T0
            record = customer("eve@example.com", agreed=agreed, lastUpdateDate=T0 + number)
            making.scenario.land("customer", record, name=f"more-{number}.json")
        drafts = making.run()
        for name in ("accelerometer_trusted", "step_trainer_trusted", "machine_learning_curated"):
            assert drafts[name].why is None
            assert len(making.read(name).files.paths) <= 6
        # What is merged is neither new nor taken out.
        commit = drafts["accelerometer_landing"].commit
        assert (commit.rows_added, commit.rows_taken_out) == (1, 0)
        commit = drafts["accelerometer_trusted"].commit
        assert commit.rows_added - commit.rows_taken_out == commit.files.rows - rows
        rows = commit.files.rows
    assert making.holds() == making.in_full()


def test_each_table_says_how_it_was_made(made_once):
    before = {name: draft.made for name, draft in made_once.drafts.items()}
    assert set(before.values()) == {"full"}
    made_once.scenario.land("customer", customer("new@example.com"), name="more.json")
    made_once.scenario.land("accelerometer", reading("new@example.com", T0 + 90), name="new.json")
    drafts = made_once.run()
    told = {name: (draft.made, draft.commit.rows_added, draft.commit.rows_taken_out) for name, draft in drafts.items()}
    assert told == {
        "customer_landing": ("appended", 1, 0),
        "accelerometer_landing": ("appended", 3, 0),
        "step_trainer_landing": ("unchanged", 0, 0),
        "customer_trusted": ("full", 5, 4),
        "accelerometer_trusted": ("appended", 3, 0),
        "customers_curated": ("full", 4, 3),
        "participants": ("full", 4, 3),
        "step_trainer_trusted": ("unchanged", 0, 0),
        "machine_learning_curated": ("unchanged", 0, 0),
    }


def test_a_table_follows_what_has_kept_its_rows_for_longer_than_the_history(tmp_path, sail):
    making = Making(tmp_path, sail)
    for happening in FIRST:
        happen(making, *happening)
    making.run()
    rows_since = making.read("accelerometer_trusted").snapshot_id
    making.scenario.land("customer", customer("new@example.com"), name="more.json")
    assert making.run()["accelerometer_trusted"].made == "unchanged"
    snapshot = making.read("accelerometer_trusted")
    assert (snapshot.rows_since, snapshot.snapshot_id == rows_since) == (rows_since, False)
    snapshot.table.maintenance.expire_snapshots().by_ids([rows_since]).commit()
    making.scenario.land("accelerometer", reading(at=T0 + 500), name="more.json")
    drafts = making.run()
    assert {drafts[name].made for name in ("accelerometer_trusted", "machine_learning_curated")} <= {
        "appended",
        "unchanged",
    }
    assert making.holds() == making.in_full()


@pytest.fixture
def made_once(tmp_path: Path, sail: SparkSession) -> Making:
    """Everybody's tables, and one more reading that has not landed."""
    making = Making(tmp_path, sail)
    for happening in FIRST:
        happen(making, *happening)
    making.run()
    making.scenario.land("accelerometer", reading(at=T0 + 90), reading("bob@example.com", T0 + 91), name="more.json")
    return making


def _losing(rows: Any) -> Any:
    return rows.limit(1)


@pytest.mark.parametrize("fault", ["lost", "twice", "not taken out", "too many taken out"])
def test_the_gate_finds_a_fault_in_how_a_table_follows(made_once, monkeypatch, fault):
    write = StagedTable.write_frame
    if fault == "lost":
        monkeypatch.setattr(StagedTable, "write_frame", lambda staged, frame: write(staged, _losing(frame)))
    elif fault == "twice":
        monkeypatch.setattr(StagedTable, "write_frame", lambda staged, frame: write(staged, frame.unionAll(frame)))
    else:
        record = customer("bob@example.com", agreed=None, lastUpdateDate=T0 + 99)
        made_once.scenario.land("customer", record, name="more.json")
        taken = delete_rows.rows_without
        what = {
            "not taken out": lambda going, _rest: going.files.batches(going.files.contract.names()),
            "too many taken out": lambda *about: (rows.slice(1) for rows in taken(*about)),
        }[fault]
        monkeypatch.setattr(amending, "rows_without", what)
    with pytest.raises((AssertionError, StediError), match=r"do not add up|rules are broken|were left"):
        made_once.run()


def test_rows_from_before_a_later_agreement_are_found_though_they_stay(tmp_path, sail):
    making = Making(tmp_path, sail, PRESETS["as-of"])
    for happening in FIRST:
        happen(making, *happening)
    making.run()
    again = customer("ann@example.com", agreed=T0 + 65, lastUpdateDate=T0 + 99)
    making.scenario.land("customer", again, name="more.json")
    making.scenario.land("accelerometer", reading(at=T0 + 90), name="more.json")
    # customer_trusted is not made: it has the agreement before.
    with pytest.raises(AssertionError, match="rows from before consent': 2"):
        making.run(leaving_out=("customer_trusted",))
