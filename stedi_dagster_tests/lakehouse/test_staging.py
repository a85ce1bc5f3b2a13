"""Staged content: a fresh folder each time, footers counted, engine leftovers and empty files gone."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.errors import PySparkException

from stedi_dagster.contracts import Participants
from stedi_dagster.lakehouse.staging import Staging
from stedi_dagster.storage.local import LocalStorage
from stedi_dagster_tests.lakehouse.builders import people

SCHEMA = Participants.struct()


@pytest.fixture
def staging(tmp_path) -> Staging:
    return Staging(Participants, str(tmp_path), LocalStorage())


def names(content) -> set[str]:
    return {Path(path).name for path in content.paths}


def test_every_staging_has_a_folder_of_its_own_inside_the_tables_location(tmp_path):
    folders = {Staging(Participants, str(tmp_path), LocalStorage()).folder for _ in range(5)}
    assert len(folders) == 5
    assert {str(Path(folder).parent) for folder in folders} == {f"{tmp_path}/data"}


def test_a_frame_is_written_once_and_never_over_another(staging, engine):
    staging.write_frame(engine.createDataFrame(people("ann"), SCHEMA))
    before = staging.content()
    with pytest.raises(PySparkException):
        staging.write_frame(engine.createDataFrame(people("bob"), SCHEMA))
    assert staging.content() == before
    assert sorted(map(tuple, before.frame(engine).collect())) == people("ann")


def test_what_engines_leave_beside_the_data_is_removed(staging, engine):
    staging.write_frame(engine.createDataFrame(people("ann", "bob"), SCHEMA))
    for leftover in ("_SUCCESS", ".part-0.parquet.crc", "_temporary/0/part-0.parquet.tmp", "notes.txt"):
        path = Path(staging.folder) / "engine" / leftover
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    content = staging.content()
    assert content.rows == 2
    assert all(name.endswith(".parquet") and name[0] not in "_." for name in names(content))
    assert set(LocalStorage().list(staging.folder)) == set(content.paths)


def test_rows_are_counted_in_the_files_footers(staging):
    folder = Path(staging.folder) / "engine"
    folder.mkdir(parents=True)
    for number, rows in enumerate((3, 0, 4)):
        pq.write_table(pa.table({"email": ["e"] * rows, "participantId": ["p"] * rows}), folder / f"{number}.parquet")
    content = staging.content()
    assert content.rows == 7
    assert names(content) == {"0.parquet", "2.parquet"}
    assert set(LocalStorage().list(staging.folder)) == set(content.paths)


def test_an_empty_frame_is_content_without_files(staging, engine):
    staging.write_frame(engine.createDataFrame([], SCHEMA))
    content = staging.content()
    assert (content.rows, content.paths) == (0, ())
    assert content.frame(engine).schema == SCHEMA
    assert content.frame(engine).count() == 0
    assert not Path(staging.folder, "engine").exists()


def test_nothing_written_is_content_without_files(staging):
    assert staging.write_rows([]) == 0
    assert staging.content().paths == ()


def test_rows_of_this_process_and_of_the_engine_are_one_content(staging, sail):
    staging.write_frame(sail.createDataFrame(people("ann"), SCHEMA))
    assert staging.write_rows(iter(people("bob"))) == 1
    assert staging.write_rows(people("cid", "dora")) == 2
    content = staging.content()
    assert content.rows == 4
    assert sorted(map(tuple, content.frame(sail).collect())) == people("ann", "bob", "cid", "dora")


def test_many_rows_are_written_in_batches(staging, monkeypatch):
    monkeypatch.setattr("stedi_dagster.lakehouse.staging._ROWS_A_BATCH", 10)
    assert staging.write_rows(people(*map(str, range(25)))) == 25
    [path] = staging.content().paths
    assert LocalStorage().footer(path).num_row_groups == 3


def test_discarding_removes_everything(staging):
    staging.write_rows(people("ann"))
    staging.discard()
    assert not Path(staging.folder).exists()
    assert staging.content().rows == 0
