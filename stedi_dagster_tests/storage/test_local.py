"""Files: listing, deleting with what becomes empty, footers, writing in batches."""

import errno
import os

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from stedi_dagster.errors import StorageError
from stedi_dagster.storage import storage_errors
from stedi_dagster.storage.local import LocalStorage

SCHEMA = pa.schema([("name", pa.string())])


@pytest.fixture
def storage() -> LocalStorage:
    return LocalStorage()


def batches(*blocks: list[str | None]):
    return (pa.record_batch([pa.array(block, pa.string())], schema=SCHEMA) for block in blocks)


def test_a_folder_that_is_not_there_holds_nothing(storage, tmp_path):
    assert storage.list(str(tmp_path / "nowhere")) == []


def test_files_in_all_sub_folders_are_listed_and_folders_are_not(storage, tmp_path):
    for name in ("a.parquet", "one/_SUCCESS", "one/two/.b.crc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    found = {path.removeprefix(f"{tmp_path}/") for path in storage.list(str(tmp_path))}
    assert found == {"a.parquet", "one/_SUCCESS", "one/two/.b.crc"}


def test_deleting_the_last_file_of_a_folder_deletes_the_folder_and_not_its_neighbours(storage, tmp_path):
    for name in ("gone/a", "gone/b", "kept/a", "kept/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    storage.delete(str(tmp_path / name) for name in ("gone/a", "gone/b", "kept/a"))
    assert storage.list(str(tmp_path)) == [str(tmp_path / "kept" / "b")]
    assert not (tmp_path / "gone").exists()


def test_a_folder_is_deleted_with_all_that_is_in_it_and_one_that_is_not_there_is_no_error(storage, tmp_path):
    (tmp_path / "one" / "two").mkdir(parents=True)
    (tmp_path / "one" / "two" / "file").touch()
    for _ in range(2):
        storage.delete_folder(str(tmp_path / "one"))
    assert not (tmp_path / "one").exists()


def test_rows_are_written_batch_by_batch_and_counted(storage, tmp_path):
    path = str(tmp_path / "new folder" / "part.parquet")
    written = storage.write_parquet(path, SCHEMA, batches(["a", "b"], ["c"]))
    assert written.rows == 3
    assert written.checksum == storage.checksum(path)
    assert storage.footer(path).num_rows == 3
    assert storage.footer(path).num_row_groups == 2


def test_values_that_are_not_null_are_counted_from_the_footer_over_all_row_groups(storage, tmp_path):
    path = str(tmp_path / "part.parquet")
    storage.write_parquet(path, SCHEMA, batches(["a", None], [None, None], ["b"]))
    assert storage.values(path, ["name"]) == 2


def test_a_footer_without_statistics_tells_nothing_about_values(storage, tmp_path):
    path = str(tmp_path / "part.parquet")
    pq.write_table(pa.table({"name": ["a", None]}), path, write_statistics=False)
    assert storage.values(path, ["name"]) is None


def test_a_file_is_opened_with_seeking(storage, tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    with storage.open(str(tmp_path / "file")) as stream:
        assert stream.read(3) == b"012"
        stream.seek(0)
        assert stream.read() == b"0123456789"


def test_folders_that_hold_nothing_but_empty_folders_are_deleted_too(storage, tmp_path):
    (tmp_path / "table" / "data" / "staged" / "engine").mkdir(parents=True)
    for name in ("table/metadata.json", "table/data/staged/engine/part"):
        (tmp_path / name).touch()
    storage.delete([str(tmp_path / "table/data/staged/engine/part")])
    assert [path.name for path in (tmp_path / "table").iterdir()] == ["metadata.json"]


def test_what_a_disk_refuses_is_told_without_a_file_s_name(tmp_path):
    """PyArrow's own text names it, and a raw file may be called after a person."""
    with pytest.raises(StorageError) as told, storage_errors("reading", outcome=""):
        LocalStorage().open(f"{tmp_path}/ann@example.com.json")
    assert str(told.value).startswith("The storage failed while reading (No such file or directory). Check")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EROFS, "Give this user the permission"),
        (errno.ENOSPC, "Make room on its disk"),
        (errno.ENAMETOOLONG, "Choose a shorter path"),
    ],
)
def test_what_to_do_about_a_disk_is_told(number, advice):
    with pytest.raises(StorageError, match=advice), storage_errors("writing"):
        raise OSError(number, os.strerror(number))
