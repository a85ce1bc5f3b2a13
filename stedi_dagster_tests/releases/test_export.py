"""Copies of releases: that anything opens them, that the ledger knows of them, and what `verify` says of them."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

from stedi_dagster.contracts import MachineLearningCurated
from stedi_dagster.errors import ReleaseError
from stedi_dagster.releases import export as exporting
from stedi_dagster.releases.exports import Export, Exports
from stedi_dagster.releases.verify import verify
from stedi_dagster.split import PARTS
from stedi_dagster_tests.releases.worlds import BORN, PEOPLE, copy, forget, holding, make, withdraw

NAMES = MachineLearningCurated.names()


def test_a_copy_has_the_rows_of_each_part_and_says_what_it_is(world, tmp_path):
    make(world)
    done = copy(world, tmp_path / "copy")
    assert sorted(path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*.*")) == [
        "README.md",
        "card.html",
        "croissant.json",
        "manifest.json",
        *(f"{part}/part-00000.parquet" for part in sorted(PARTS)),
    ]
    for part in PARTS:
        rows = world.query(f"SELECT {', '.join(NAMES)} FROM ml_release WHERE part = '{part}' ORDER BY ALL")
        files = f"{tmp_path}/copy/{part}/*.parquet"
        assert duckdb.read_parquet(files).order("ALL").fetchall() == rows
        assert pl.scan_parquet(files).sort(NAMES).collect().rows() == rows
        frame = pd.read_parquet(tmp_path / "copy" / part).sort_values(NAMES)
        assert [tuple(row) for row in frame.itertuples(index=False)] == rows
        assert sum(file.rows for file in done.files if file.part == part) == len(rows)
    assert "first" in (tmp_path / "copy" / "README.md").read_text()


def test_the_manifest_has_every_file_and_the_ledger_has_the_manifest(world, tmp_path):
    make(world)
    done = copy(world, tmp_path / "copy")
    content = (tmp_path / "copy" / "manifest.json").read_bytes()
    manifest = json.loads(content)
    assert (manifest["release"], manifest["revision"], manifest["export"]) == ("first", 1, done.export.number)
    for file in manifest["files"]:
        there = (tmp_path / "copy" / file["path"]).read_bytes()
        assert (len(there), hashlib.sha256(there).hexdigest()) == (file["size"], file["sha256"])
    [recorded] = Exports(world.lakehouse()).all()
    assert (recorded.release, recorded.revision, recorded.rows, recorded.participants) == ("first", 1, 60, 24)
    assert (recorded.recipient, recorded.digest) == ("gait lab", hashlib.sha256(content).hexdigest())
    # Only operators may read who has copies.
    assert "release_exports" in world.lakehouse().location_of("release_exports")
    assert "_restricted" in world.lakehouse().location_of("release_exports")


def test_a_copy_holds_nothing_that_tells_who_somebody_is(world, tmp_path):
    make(world)
    copy(world, tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*.*"):
        content = path.read_bytes()
        for name in ("example.com", "Ann Example", "5550100", *BORN, "serial-of"):
            assert name.encode() not in content, (path, name)


def test_a_part_that_nobody_is_in_is_an_empty_file(world, tmp_path):
    make(world, split="100,0,0")
    copy(world, tmp_path / "copy")
    found = pd.read_parquet(tmp_path / "copy" / "test")
    assert (len(found), list(found.columns)) == (0, NAMES)


def test_an_intact_copy_of_the_current_revision(world, tmp_path):
    make(world)
    copy(world, tmp_path / "copy")
    found = verify(str(tmp_path / "copy"), world.lakehouse())
    assert (found.release, found.revision, found.current) == ("first", 1, 1)
    assert (found.intact, found.must_be_replaced, found.recorded, found.damaged) == (True, False, True, {})


@pytest.mark.parametrize("leave", ["withdraws", "is erased"])
def test_a_copy_must_be_replaced_once_somebody_has_left(world, tmp_path, leave):
    make(world)
    copy(world, tmp_path / "copy")
    if leave == "withdraws":
        withdraw(world, PEOPLE[0])
        assert world.run().success
    else:
        forget(world, PEOPLE[0])
    found = verify(str(tmp_path / "copy"), world.lakehouse())
    assert (found.intact, found.must_be_replaced, found.revision, found.current) == (True, True, 1, 2)
    assert world.run().success
    copy(world, tmp_path / "again")
    found = verify(str(tmp_path / "again"), world.lakehouse())
    assert (found.must_be_replaced, found.revision) == (False, 2)


def test_nothing_is_handed_out_while_somebody_has_withdrawn_who_is_still_published(world, tmp_path):
    make(world)
    withdraw(world, PEOPLE[0])
    with pytest.raises(ReleaseError, match="withdrawals: customer_trusted, 1 person"):
        copy(world, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    assert world.run().success
    assert copy(world, tmp_path / "copy").export.participants == 23


def test_nothing_is_handed_out_under_other_rules_than_those_in_force(world, tmp_path):
    make(world)
    world.settings["max_age"] = 120
    with pytest.raises(ReleaseError, match="by other rules"):
        copy(world, tmp_path / "copy")


@pytest.mark.parametrize("folder", ["s3://", "S3://bucket/copy", "https://example.com/copy"])
def test_what_is_no_place_for_a_copy_is_told(world, folder):
    make(world)
    for doing in (copy, lambda scenario, place: verify(place, scenario.lakehouse())):
        with pytest.raises(ReleaseError, match="is no place for a copy"):
            doing(world, folder)


def test_a_folder_may_be_a_url(world, tmp_path):
    make(world)
    assert copy(world, f"file://{tmp_path}/copy").folder == f"{tmp_path}/copy"


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: (folder / "train/part-00000.parquet").unlink(), {"train/part-00000.parquet": "is gone"}),
        (lambda folder: (folder / "README.md").write_text("other"), {"README.md": "was altered"}),
        (lambda folder: (folder / "more.txt").write_text("more"), {"more.txt": "is not the release's"}),
    ],
)
def test_a_copy_that_is_not_as_it_was(world, tmp_path, harm, told):
    make(world)
    copy(world, tmp_path / "copy")
    harm(tmp_path / "copy")
    found = verify(str(tmp_path / "copy"), world.lakehouse())
    assert (found.intact, found.damaged) == (False, told)


def test_a_manifest_that_was_made_to_fit_is_not_the_one_in_the_ledger(world, tmp_path):
    make(world)
    copy(world, tmp_path / "copy")
    path = tmp_path / "copy" / "manifest.json"
    path.write_text(path.read_text().replace('"revision": 1', '"revision": 2'))
    found = verify(str(tmp_path / "copy"), world.lakehouse())
    assert (found.damaged, found.recorded, found.intact) == ({}, False, False)


def test_away_from_its_lakehouse_only_the_files_of_a_copy_are_verified(world, tmp_path, three_published):
    make(world)
    copy(world, tmp_path / "copy")
    for lakehouse in (None, three_published.lakehouse()):
        found = verify(str(tmp_path / "copy"), lakehouse)
        assert (found.intact, found.current, found.recorded, found.must_be_replaced) == (True, None, None, False)


@pytest.mark.parametrize(
    ("manifest", "told"),
    [(None, "has no manifest.json"), ("{}", "cannot be read"), ("[", "cannot be read")],
)
def test_what_is_no_copy_is_told(world, tmp_path, manifest, told):
    (tmp_path / "copy").mkdir()
    if manifest is not None:
        (tmp_path / "copy" / "manifest.json").write_text(manifest)
    with pytest.raises(ReleaseError, match=told):
        verify(str(tmp_path / "copy"), world.lakehouse())


def test_a_newer_format_is_told(world, tmp_path):
    make(world)
    copy(world, tmp_path / "copy")
    path = tmp_path / "copy" / "manifest.json"
    path.write_text(path.read_text().replace("stedi-release-1", "stedi-release-9"))
    with pytest.raises(ReleaseError, match=re.escape('of the format "stedi-release-9"')):
        verify(str(tmp_path / "copy"), world.lakehouse())


def test_a_copy_is_never_written_over_anything(world, tmp_path):
    make(world)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("all of it")
    for folder in (tmp_path / "full", world.home / "copy", world.landing / "customer" / "copy"):
        with pytest.raises(ReleaseError, match=r"is not empty|lies within STEDI_"):
            copy(world, folder)
    assert Exports(world.lakehouse()).all() == []


@pytest.mark.parametrize("recipient", ["", "  ", "ann@example.com", "x" * 201, "a\nb"])
def test_a_recipient_is_told_and_is_no_address(world, tmp_path, recipient):
    make(world)
    with pytest.raises(ReleaseError, match="for whom"):
        copy(world, tmp_path / "copy", recipient=recipient)
    assert not (tmp_path / "copy").exists()


def test_a_copy_that_fails_leaves_nothing(world, tmp_path, monkeypatch):
    make(world)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_descriptions", fail)
    with pytest.raises(OSError, match="No space"):
        copy(world, tmp_path / "copy")
    assert not list((tmp_path / "copy").rglob("*.*"))
    assert Exports(world.lakehouse()).all() == []


def test_a_copy_that_was_killed_is_one_that_may_be_out_there(world, tmp_path, monkeypatch):
    make(world)
    monkeypatch.setattr(Exports, "undo", lambda *_: None)
    monkeypatch.setattr(exporting, "_descriptions", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        copy(world, tmp_path / "copy")
    [begun] = Exports(world.lakehouse()).all()
    assert (begun.digest, begun.must_be_replaced(2)) == (None, True)


def test_nothing_is_left_to_copy(world, tmp_path):
    make(world)
    for email in PEOPLE:
        withdraw(world, email)
    assert world.run().success
    with pytest.raises(ReleaseError, match="Nothing is left of the release first"):
        copy(world, tmp_path / "copy")


def test_a_destroyed_copy_need_not_be_replaced(world, tmp_path):
    make(world)
    number = copy(world, tmp_path / "copy").export.number
    with holding(world) as lakehouse:
        exports = Exports(lakehouse)
        exports.destroyed(number[:8])
        [found] = exports.all()
        assert found.destroyed_ms is not None
        assert not found.must_be_replaced(9)
        # Told again, it stays what it is.
        assert exports.destroyed(number) == found
        for unknown in ("", "zzz"):
            with pytest.raises(ReleaseError, match="No export has a number"):
                exports.destroyed(unknown)
    assert verify(str(tmp_path / "copy"), world.lakehouse()).destroyed


def test_several_exports_that_begin_alike_are_not_guessed(world):
    made = Export.of(make(world).current, "gait lab")
    with holding(world) as lakehouse:
        exports = Exports(lakehouse)
        for number in ("aa-1", "aa-2"):
            exports.begin(replace(made, number=number))
        with pytest.raises(ReleaseError, match="Several exports"):
            exports.destroyed("aa")
        assert exports.destroyed("aa-1").number == "aa-1"


def test_folder_names_may_have_a_slash_at_the_end(world, tmp_path: Path):
    make(world)
    done = copy(world, f"{tmp_path}/copy/")
    assert done.folder == f"{tmp_path}/copy"
