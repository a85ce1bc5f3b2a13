"""Checksums of published files: whatever becomes of a file is told, and of nothing else anything."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stedi_dagster.contracts import Participants
from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse import checksums
from stedi_dagster.lakehouse.checksums import Damage, checksum_file, damaged_files
from stedi_dagster.lakehouse.history import expire
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.summary import SnapshotSummary
from stedi_dagster.lakehouse.upgrade import add_checksums
from stedi_dagster.storage import Checksum
from stedi_dagster_tests.lakehouse.builders import (
    NAME,
    files_of,
    people,
    prepare,
    publish,
    published_rows,
    stage,
    table_of,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lakehouse:
    """A table that was published twice, in two files."""
    lake = Lakehouse(tmp_path / "home", str(tmp_path / "warehouse"))
    publish(lake, "ann")
    table = table_of(lake)
    staged = lake.stage(table, Participants)
    for rows in (people("ann", "bob"), people("cid")):
        staged.write_rows(rows)
    lake.prepare(table, staged.files(), SnapshotSummary(inputs="inputs")).publish()
    return lake


def damages(lake: Lakehouse) -> dict[str, Damage] | None:
    return damaged_files(table_of(lake), lake.storage)


def current_files(lake: Lakehouse) -> list[Path]:
    """Data files, manifests and their list."""
    table = table_of(lake)
    snapshot = table.current_snapshot()
    assert snapshot is not None
    manifests = [manifest.manifest_path for manifest in snapshot.manifests(table.io)]
    data = [task.file.file_path for task in table.scan().plan_files()]
    return [Path(path) for path in (*data, *manifests, snapshot.manifest_list)]


def checksums_of(lake: Lakehouse) -> Path:
    table = table_of(lake)
    return Path(str(checksum_file(table, table.current_snapshot())))


def within(lake: Lakehouse, path: Path) -> str:
    return str(path.relative_to(table_of(lake).location()))


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@contextmanager
def kept(path: Path) -> Iterator[bytes]:
    """Put a file back."""
    content = path.read_bytes()
    yield content
    path.write_bytes(content)


def test_what_is_as_it_was_published_is_whole(lake):
    assert damages(lake) == {}
    assert len(current_files(lake)) >= 4


def test_a_bit_that_flips_anywhere_is_found(lake):
    chance = random.Random(20)
    for path in current_files(lake):
        bits = path.stat().st_size * 8
        for bit in (0, bits - 1, *(chance.randrange(bits) for _ in range(40))):
            with kept(path):
                flip(path, bit)
                assert damages(lake) == {within(lake, path): Damage.ALTERED}, bit
    assert damages(lake) == {}


def test_what_is_gone_what_was_cut_short_and_what_has_grown_are_told(lake):
    for path in current_files(lake):
        with kept(path) as content:
            path.write_bytes(content[:-1])
            assert damages(lake) == {within(lake, path): Damage.CUT_SHORT}
            path.write_bytes(content + b"\0")
            assert damages(lake) == {within(lake, path): Damage.ALTERED}
            path.unlink()
            assert damages(lake) == {within(lake, path): Damage.GONE}


def test_the_checksums_are_guarded_themselves(lake):
    path, chance = checksums_of(lake), random.Random(21)
    with kept(path) as content:
        for _ in range(100):
            flip(path, chance.randrange(len(content) * 8))
            assert damages(lake) == {within(lake, path): Damage.ALTERED}
            path.write_bytes(content)
        path.unlink()
        assert damages(lake) == {within(lake, path): Damage.GONE}


def test_of_what_others_published_nothing_is_recorded(lake):
    table_of(lake).append(table_of(lake).scan().to_arrow())
    assert damages(lake) is None


def test_what_another_release_published_is_given_checksums_where_it_is(lake, monkeypatch):
    with monkeypatch.context() as release:
        release.setattr(checksums, "KIND", "none")
        publish(lake, "dan", inputs="theirs", registered=4)
    assert damages(lake) is None
    before = [path for path in current_files(lake) if path.suffix == ".parquet"]
    table = add_checksums(lake, table_of(lake), Participants)
    assert damages(lake) == {}
    assert [path for path in current_files(lake) if path.suffix == ".parquet"] == before
    assert published_rows(lake) == people("dan")
    assert lake.unchanged(table, Participants, "theirs") is not None
    snapshot = lake.read(NAME, Participants)
    assert snapshot is not None
    assert snapshot.summary.registered == 4
    assert add_checksums(lake, table, Participants) is table
    expire(table, lake.journal, before_ms=2**62)
    assert published_rows(lake) == people("dan")
    assert damages(lake) == {}


def test_an_empty_table_has_checksums_too(lake):
    publish(lake)
    assert damages(lake) == {}
    checksums_of(lake).unlink()
    assert damages(lake) == {"data/" + checksums_of(lake).parent.name + "/_checksums.json": Damage.GONE}


def test_checksums_go_with_their_snapshot(lake):
    first = checksums_of(lake)
    publish(lake, "dan")
    assert first.exists()
    expire(table_of(lake), lake.journal, before_ms=2**62)
    assert not first.parent.exists()
    assert damages(lake) == {}
    assert str(checksums_of(lake)) in files_of(lake)


def test_those_of_a_commit_that_was_stopped_are_swept(lake):
    before = files_of(lake)
    stopped = prepare(lake, "dan")
    assert stopped.snapshot_id
    assert files_of(lake) > before
    lake.sweep(table_of(lake))
    assert files_of(lake) == before


def test_what_this_process_wrote_is_not_read_again_for_it(lake, monkeypatch):
    table = table_of(lake)
    files = stage(lake, people("dan"), table)
    read: list[str] = []
    checksum: Callable[[str], Checksum] = lake.storage.checksum

    def follow(path: str) -> Checksum:
        read.append(path)
        return checksum(path)

    monkeypatch.setattr(lake.storage, "checksum", follow)
    lake.prepare(table, files, SnapshotSummary(inputs="inputs")).publish()
    assert read
    assert not set(read) & set(files.paths)
    monkeypatch.undo()
    assert damages(lake) == {}


def test_a_damaged_manifest_is_one_sentence_or_is_read(lake):
    chance, told = random.Random(22), set()
    manifests = [path for path in current_files(lake) if path.suffix == ".avro"]
    for path in manifests:
        with kept(path) as content:
            for _ in range(100):
                flip(path, chance.randrange(len(content) * 8))
                try:
                    lake.read(NAME, Participants)
                except OriginError as error:
                    told.add(str(error))
                path.write_bytes(content)
    assert len(told) == 2
    for sentence in told:
        assert re.match("A manifest of .*participants that its current snapshot names is (gone|damaged)", sentence)
        assert "Bring it back from a backup" in sentence
