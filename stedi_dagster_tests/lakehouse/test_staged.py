"""A staged table: a fresh folder each time, footers counted, engine leftovers and empty files gone."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.errors import PySparkException

from stedi_dagster.contracts import Participants
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.storage.local import LocalStorage
from stedi_dagster_tests.lakehouse.builders import people

SCHEMA = Participants.struct()


@pytest.fixture
def staged(tmp_path) -> StagedTable:
    return StagedTable(Participants, str(tmp_path), LocalStorage())


def names(files) -> set[str]:
    return {Path(path).name for path in files.paths}


def test_every_staged_table_has_a_folder_of_its_own_inside_the_tables_location(tmp_path):
    folders = {StagedTable(Participants, str(tmp_path), LocalStorage()).folder for _ in range(5)}
    assert len(folders) == 5
    assert {str(Path(folder).parent) for folder in folders} == {f"{tmp_path}/data"}


def test_a_frame_is_written_once_and_never_over_another(staged, engine):
    staged.write_frame(engine.createDataFrame(people("ann"), SCHEMA))
    before = staged.files()
    with pytest.raises(PySparkException):
        staged.write_frame(engine.createDataFrame(people("bob"), SCHEMA))
    assert staged.files() == before
    assert sorted(map(tuple, before.frame(engine).collect())) == people("ann")


def test_what_engines_leave_beside_the_data_is_removed(staged, engine):
    staged.write_frame(engine.createDataFrame(people("ann", "bob"), SCHEMA))
    for leftover in ("_SUCCESS", ".part-0.parquet.crc", "_temporary/0/part-0.parquet.tmp", "notes.txt"):
        path = Path(staged.folder) / "engine" / leftover
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    files = staged.files()
    assert files.rows == 2
    assert all(name.endswith(".parquet") and name[0] not in "_." for name in names(files))
    assert set(LocalStorage().list(staged.folder)) == set(files.paths)


def test_rows_are_counted_in_the_files_footers(staged):
    folder = Path(staged.folder) / "engine"
    folder.mkdir(parents=True)
    for number, rows in enumerate((3, 0, 4)):
        pq.write_table(pa.table({"email": ["e"] * rows, "participantId": ["p"] * rows}), folder / f"{number}.parquet")
    files = staged.files()
    assert files.rows == 7
    assert names(files) == {"0.parquet", "2.parquet"}
    assert set(LocalStorage().list(staged.folder)) == set(files.paths)


def test_an_empty_frame_is_no_file(staged, engine):
    staged.write_frame(engine.createDataFrame([], SCHEMA))
    files = staged.files()
    assert (files.rows, files.paths) == (0, ())
    assert files.frame(engine).schema == SCHEMA
    assert files.frame(engine).count() == 0
    assert not Path(staged.folder, "engine").exists()


def test_nothing_written_is_no_file(staged):
    assert staged.write_rows([]) == 0
    assert staged.files().paths == ()


def test_rows_of_this_process_and_of_the_engine_are_one_table(staged, sail):
    staged.write_frame(sail.createDataFrame(people("ann"), SCHEMA))
    assert staged.write_rows(iter(people("bob"))) == 1
    assert staged.write_rows(people("cid", "dora")) == 2
    files = staged.files()
    assert files.rows == 4
    assert sorted(map(tuple, files.frame(sail).collect())) == people("ann", "bob", "cid", "dora")


def test_many_rows_are_written_in_batches(staged, monkeypatch):
    monkeypatch.setattr("stedi_dagster.lakehouse.staged._ROWS_A_BATCH", 10)
    assert staged.write_rows(people(*map(str, range(25)))) == 25
    [path] = staged.files().paths
    assert LocalStorage().footer(path).num_row_groups == 3


def test_discarding_removes_everything(staged):
    staged.write_rows(people("ann"))
    staged.discard()
    assert not Path(staged.folder).exists()
    assert staged.files().rows == 0


def test_columns_are_read_in_the_order_in_which_they_are_asked_for(staged):
    staged.write_rows(people("ann"))
    staged.write_rows(people("bob"))
    files = staged.files()
    found = [tuple(row.values()) for batch in files.batches(["participantId", "email"]) for row in batch.to_pylist()]
    assert found == [(number, email) for email, number in people("ann", "bob")]
    assert list(files.column("email")) == [email for email, _ in people("ann", "bob")]


def test_files_that_are_gone_or_have_another_size_are_missing(staged):
    for name in ("ann", "bob", "cid"):
        staged.write_rows(people(name))
    files = staged.files()
    assert files.missing() == 0
    gone, grown, _ = map(Path, files.paths)
    gone.unlink()
    assert files.missing() == 1
    grown.write_bytes(grown.read_bytes() + b"\0")
    assert files.missing() == 2
    staged.discard()
    assert files.missing() == 3
