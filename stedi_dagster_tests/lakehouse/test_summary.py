"""What a snapshot records: read as earlier and later releases write it, refused in one sentence where it is damaged."""

import json
from typing import Any

import pytest
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot, Summary

from stedi_dagster.contracts import Participants
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.summary import LandingSummary, SnapshotSummary, folder_of, inputs_of, newer_inputs
from stedi_dagster_tests.lakehouse.builders import NAME, files_of, people, prepare, publish, stage, table_of

INPUTS = "6cf615d5bcaac778352a8f1f3360d23f02f34ec182e259897fd6ce485d7870d4"
# As the release before this one wrote them, word for word.
TABLE = {
    "stedi.inputs": INPUTS,
    "stedi.run-id": '"42252350-426c-4e1e-8da0-a15800589e7b"',
    "stedi.code-version": '"0.9"',
    "stedi.policy": '{"consent": "granted", "match": "person", "step_people": "curated", "max_age": null}',
    "stedi.upstream": '{"customer_landing": 7180139481029843711, "customer_quarantine": 17}',
    "stedi.rows-in": "12",
    "stedi.kept": "9",
    "stedi.withheld": '{"duplicate": 1, "no consent": 2}',
    "stedi.staged-in": "0b0f1f6e-2f3f-4d0a-9a5e-0f7f0f0f0f0f",
    "stedi.checksums": "sha-256",
}
FEED = {
    "stedi.inputs": INPUTS,
    "stedi.run-id": '"42252350-426c-4e1e-8da0-a15800589e7b"',
    "stedi.code-version": '"0.9"',
    "stedi.landed": '{"records": 5, "erased": 0, "quarantined": {"not JSON": 2}, "quarantined-in": '
    '{"customer/landing/a.json": 2}, "odd-files": 1, "due": null, "shares": {"lines": 0.4, "bytes": 0.0}, "hidden": '
    '{"customer/landing/b.bin": "bytes that are no text"}}',
    "stedi.staged-in": "0b0f1f6e-2f3f-4d0a-9a5e-0f7f0f0f0f0f",
    "stedi.checksums": "sha-256",
}


def snapshot(properties: dict[str, str], number: int = 1, at_ms: int = 0) -> Snapshot:
    summary = Summary(Operation.APPEND, **properties)
    return Snapshot(snapshot_id=number, timestamp_ms=at_ms, manifest_list="nowhere", summary=summary)


def read(properties: dict[str, str]) -> SnapshotSummary:
    return SnapshotSummary.from_snapshot(snapshot(properties), "customer_trusted")


def publish_by_hand(lake: Lakehouse, properties: dict[str, str]) -> Table:
    """Publish rows without our code, as a release did that this one knows nothing of."""
    table = table_of(lake)
    files = stage(lake, people("ann", "bob"), table)
    folder = files.folder.rsplit("/", maxsplit=1)[-1]
    table.add_files(list(files.paths), snapshot_properties={**properties, "stedi.staged-in": folder})
    return table_of(lake)


def test_what_the_release_before_wrote_of_a_table_is_read():
    summary = read(TABLE)
    assert (summary.inputs, summary.run_id) == (INPUTS, "42252350-426c-4e1e-8da0-a15800589e7b")
    assert summary.policy == {"consent": "granted", "match": "person", "step_people": "curated", "max_age": None}
    assert summary.upstream == {"customer_landing": 7180139481029843711, "customer_quarantine": 17}
    assert (summary.rows_in, summary.kept, summary.withheld) == (12, 9, {"duplicate": 1, "no consent": 2})
    assert (summary.staged_in, summary.checksums) == ("0b0f1f6e-2f3f-4d0a-9a5e-0f7f0f0f0f0f", "sha-256")
    assert (summary.landed, summary.refused, summary.erased_since, summary.withdrawn_since) == (None, False, 0, 0)


def test_what_the_release_before_wrote_of_a_feed_is_read():
    assert read(FEED).landed == LandingSummary(
        records=5,
        erased=0,
        quarantined={"not JSON": 2},
        quarantined_in={"customer/landing/a.json": 2},
        odd_files=1,
        due=None,
        shares={"lines": 0.4, "bytes": 0.0},
        hidden={"customer/landing/b.bin": "bytes that are no text"},
    )


@pytest.mark.parametrize("properties", [TABLE, FEED], ids=["table", "feed"])
def test_what_was_read_is_recorded_again_word_for_word(properties):
    assert read(properties).to_properties() == properties


def test_what_this_release_records_has_the_names_and_forms_that_it_always_had():
    summary = SnapshotSummary(
        inputs="refused in run 7", run_id="7", code_version="0.9", refused=True, registered=2, forgotten=1
    )
    summary = summary.model_copy(update={"erased_since": 3, "withdrawn_since": 4})
    assert summary.to_properties() == {
        "stedi.inputs": "refused in run 7",
        "stedi.run-id": '"7"',
        "stedi.code-version": '"0.9"',
        "stedi.refused": "true",
        "stedi.registered": "2",
        "stedi.forgotten": "1",
        "stedi.erased-since": "3",
        "stedi.withdrawn-since": "4",
    }


@pytest.mark.parametrize("properties", [{}, {"operation-id": "7"}, {"stedi.inputs": INPUTS}])
def test_what_an_older_release_or_another_program_did_not_record_is_none_or_empty(properties):
    summary = read(properties)
    assert (summary.run_id, summary.policy, summary.withheld, summary.landed) == (None, None, None, None)
    assert (summary.upstream, summary.erased_since, summary.refused) == ({}, 0, False)


def test_a_feed_of_which_an_older_release_recorded_less_is_read():
    landed = read({"stedi.landed": '{"records": 5, "quarantined": {"not JSON": 2}}'}).landed
    assert landed is not None
    assert (landed.records, landed.quarantined, landed.erased, landed.hidden) == (5, {"not JSON": 2}, 0, {})


def test_what_a_newer_release_records_is_read_and_recorded_again():
    newer = {
        **TABLE,
        "stedi.moon": "not JSON at all",
        "stedi.engine": '{"name": "sail"}',
        "stedi.landed": '{"records": 5, "by-moonlight": [1, 2]}',
    }
    summary = read(newer)
    assert summary.kept == 9
    again = summary.model_copy(update={"inputs": "erasure 1", "erased_since": 1}).to_properties()
    assert again == {**newer, "stedi.inputs": "erasure 1", "stedi.erased-since": "1"}


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("stedi.withheld", '{"ann@example.com": '),
        ("stedi.withheld", '"ann@example.com"'),
        ("stedi.withheld", '{"duplicate": "ann@example.com"}'),
        ("stedi.kept", '"9"'),
        ("stedi.kept", "9.5"),
        ("stedi.upstream", '["ann@example.com"]'),
        ("stedi.landed", '{"erased": 1}'),
        ("stedi.landed", '{"records": 1, "hidden": {"ann@example.com": 1}}'),
        ("stedi.refused", '"ann@example.com"'),
    ],
)
def test_a_malformed_entry_is_refused_by_its_name_and_the_tables_and_not_by_its_value(entry, text):
    with pytest.raises(StediError) as refused:
        read({**TABLE, entry: text})
    assert str(refused.value).startswith(f"What a snapshot of customer_trusted records under {entry} cannot be read:")
    assert "ann@example" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_malformed_entry_hides_neither_the_inputs_nor_the_folder():
    damaged = snapshot({**TABLE, "stedi.withheld": "{"})
    assert (inputs_of(damaged), folder_of(damaged)) == (INPUTS, TABLE["stedi.staged-in"])
    assert (inputs_of(None), folder_of(None)) == (None, None)


def test_a_table_that_an_earlier_release_published_is_unchanged_where_its_inputs_are(lake):
    table = publish_by_hand(lake, TABLE)
    before = files_of(lake)
    assert lake.unchanged(table, Participants, "others") is None
    found = lake.unchanged(table, Participants, INPUTS)
    assert found is not None
    assert (found.unchanged, found.files.rows, found.summary.kept) == (True, 2, 9)
    assert found.publish().snapshot_id == table.metadata.current_snapshot_id
    assert files_of(lake) == before


def test_a_table_whose_entries_are_malformed_is_read_and_made_anew(lake):
    table = publish_by_hand(lake, {**TABLE, "stedi.kept": "many"})
    damaged = lake.read(NAME, Participants)
    assert damaged is not None
    assert damaged.rows == 2
    with pytest.raises(StediError, match=r"a snapshot of participants records under stedi\.kept cannot be read"):
        lake.unchanged(table, Participants, INPUTS)
    assert publish(lake, "cid", kept=1).summary.kept == 1


def test_a_snapshot_records_what_it_was_given_and_where_its_files_are(lake):
    given: dict[str, Any] = {"policy": {"max_age": None}, "upstream": {"customer_landing": 7}, "kept": 1}
    commit = prepare(lake, "ann", inputs="digest", **given)
    published = commit.publish()
    made = table_of(lake).current_snapshot()
    assert made is not None
    assert made.summary is not None
    properties = made.summary.additional_properties
    assert {key: properties[key] for key in properties if key.startswith("stedi.")} == {
        "stedi.inputs": "digest",
        **{f"stedi.{key}": json.dumps(value) for key, value in given.items()},
        "stedi.staged-in": commit.files.folder.rsplit("/", maxsplit=1)[-1],
        "stedi.checksums": "sha-256",
    }
    assert published.summary.upstream == {"customer_landing": 7}


def test_inputs_that_were_published_since_are_named_until_a_moment():
    current = {
        "made": snapshot({"stedi.upstream": '{"same": 1, "newer": 1, "gone": 1}'}),
        "same": snapshot({}, number=1),
        "newer": snapshot({}, number=2, at_ms=500),
    }
    assert newer_inputs("made", current) == ["newer"]
    assert newer_inputs("made", current, until=499) == []
    assert newer_inputs("same", current) == []
