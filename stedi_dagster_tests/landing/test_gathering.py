"""Many small files are landed as a few large ones, and what lands is what would land of each."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stedi_dagster.landing import gathering
from stedi_dagster.landing.canonical import canonical_files
from stedi_dagster.landing.files import RawFile
from stedi_dagster.landing.gathering import Gathered, gather
from stedi_dagster_tests.landing.zone import ACCELEROMETER, examples, land
from stedi_dagster_tests.scenario import T0, reading

LINE = json.dumps(reading(at=T0)).encode()
# What may stand in a file between others: canonical, odd at the beginning, odd later, no text, nothing.
CONTENTS = [
    LINE,
    LINE + b"\n",
    LINE + b"\r\n" + LINE,
    b" \n" + LINE,
    b"\xef\xbb\xbf" + LINE,
    LINE + b'\n{"user": ',
    LINE[:-1],
    LINE + LINE,
    LINE + b"\n" + json.dumps(reading(at=T0 + 1) | {"timestamp": str(T0)}).encode(),
    LINE + b'\n{"User": "bob@example.com"}',
    LINE + b"\n\xff",
    b"\n\n",
    b"[1]",
]


def _land(landing: Path, contents: list[bytes]) -> None:
    folder = landing / ACCELEROMETER.folder
    folder.mkdir(parents=True)
    for number, content in enumerate(contents):
        (folder / f"{number:03d}.json").write_bytes(content)


@settings(examples, max_examples=12)
@given(st.lists(st.sampled_from(CONTENTS), min_size=2, max_size=7), st.sampled_from([1 << 26, 300]))
def test_what_lands_is_what_lands_of_each_file(tmp_path_factory, sail, contents, large):
    folder = tmp_path_factory.mktemp("small")
    _land(folder / "zone", contents)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gathering, "_FEW", 1)
        patched.setattr(gathering, "_LARGE", large)
        gathered = land(sail, ACCELEROMETER, folder / "zone", folder / "gathered")
        patched.setattr(gathering, "_FEW", 1 << 20)
        apart = land(sail, ACCELEROMETER, folder / "zone", folder / "apart")
    assert gathered.counted == apart.counted
    assert gathered.quarantine == apart.quarantine
    of_both = [(one.records, one.quarantined, one.records_in, one.canonical) for one in (gathered.landed, apart.landed)]
    assert of_both[0] == of_both[1]


def test_the_engine_reads_few_files_and_nothing_else_is_left(tmp_path, sail, monkeypatch):
    monkeypatch.setattr(gathering, "_FEW", 1)
    _land(tmp_path / "zone", [LINE] * 40)
    tried: list[int] = []

    def counting(session, contract, files, *rest, **more):
        tried.append(len(files))
        return canonical_files(session, contract, files, *rest, **more)

    monkeypatch.setattr("stedi_dagster.landing.land.canonical_files", counting)
    outcome = land(sail, ACCELEROMETER, tmp_path / "zone", tmp_path / "tables")
    assert (tried, outcome.landed.by_engine, len(outcome.landed.canonical)) == ([1], 40, 40)
    assert {path.suffix for path in (tmp_path / "tables").rglob("*") if path.is_file()} == {".parquet"}


@pytest.mark.parametrize("odd", [b"[1]", LINE + b'\n{"user": '])
def test_one_odd_file_among_many_leaves_the_others_to_the_engine(tmp_path, sail, monkeypatch, odd):
    monkeypatch.setattr(gathering, "_FEW", 1)
    _land(tmp_path / "zone", [LINE] * 20 + [odd] + [LINE] * 20)
    outcome = land(sail, ACCELEROMETER, tmp_path / "zone", tmp_path / "tables")
    assert (outcome.landed.by_engine, outcome.landed.odd_files) == (40, 1)


def _gather(files: list[RawFile], read: Callable[[RawFile], bytes]) -> Gathered:
    return gather(files, read, lambda _: "path", lambda _: True)


def test_a_file_that_has_changed_since_it_was_listed_is_left_out(monkeypatch):
    monkeypatch.setattr(gathering, "_FEW", 1)
    files = [RawFile(f"{number}.json", "", len(LINE), "") for number in range(3)]
    found = _gather(files, lambda file: LINE + b"more" if file is files[1] else LINE)
    assert found.groups == {RawFile("path", "path", 2 * len(LINE) + 2, ""): (files[0], files[2])}
    assert not found.others


def test_few_files_and_large_ones_are_left_as_they_are():
    few = [RawFile(f"{number}.json", "", 5, "") for number in range(32)]
    large = [RawFile(f"{number}.json", "", 2 << 20, "") for number in range(99)]
    found = _gather(few + large, lambda _: pytest.fail("was read"))
    assert (found.groups, found.others) == ({}, (*few, *large))
