"""What a reading holds, the ways to work with it, and what is read for it."""

import sys
from pathlib import Path
from types import ModuleType

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyiceberg.expressions import And, EqualTo, GreaterThan, Not

from stedi_dagster.contracts import TABLES, CustomerLanding
from stedi_dagster.errors import StediError
from stedi_dagster_tests.data.builders import ANN, BOB, NAME, add, measured, moment_of, publish
from stedi_dagster_tests.scenario import T0

LATER = T0 + 1_000_000


@pytest.fixture
def two_files(lake) -> list[Path]:
    """Ann's readings, and Bob's later ones, each in a file of its own."""
    first = publish(lake, measured(1.0, 2.0))
    second = add(lake, measured(3.0, who=BOB, at=LATER))
    [ann], [bob] = first.files.paths, set(second.files.paths) - set(first.files.paths)
    return [Path(ann), Path(bob)]


def test_a_reading_says_what_it_is(lake, opened):
    snapshot = publish(lake, measured(1.0, 2.0))
    reading = opened().table(NAME)
    assert (reading.table_name, reading.rows) == (NAME, 2)
    assert (reading.snapshot_id, reading.made_at) == (snapshot.snapshot_id, moment_of(lake, snapshot))
    assert f"snapshot {snapshot.snapshot_id}, made 20" in repr(reading)


def test_the_schema_has_what_each_contract_says_of_its_columns(lake, opened):
    for name, contract in TABLES.items():
        publish(lake, [], name=name)
        found = {column.name: (column.meaning, column.unit) for column in opened().table(name).schema.values()}
        assert found == {spec.name: (spec.description, spec.unit) for spec in contract.columns()}
    types = {column.type for name in TABLES for column in opened().table(name).schema.values()}
    assert types == {"string", "long", "double", "boolean"}


def test_columns_come_in_the_order_in_which_they_are_asked_for(two_files, opened):
    reading = opened().table(NAME, columns=["y", "x"])
    assert list(reading.schema) == ["y", "x"]
    assert reading.to_arrow().column_names == ["y", "x"]
    assert [batch.schema.names for batch in reading.to_batches()] == [["y", "x"]] * 2
    assert list(reading.to_pandas()) == reading.to_duckdb().columns == ["y", "x"]


@pytest.mark.parametrize(
    "where",
    [
        f"participantId = '{BOB}' and x > 2",
        And(EqualTo(term="participantId", value=BOB), GreaterThan(term="x", value=2.0)),
        Not(EqualTo(term="participantId", value=ANN)),
    ],
)
def test_a_filter_is_a_text_or_an_expression(two_files, opened, where):
    reading = opened().table(NAME, columns=["x"], where=where)
    assert reading.to_arrow()["x"].to_pylist() == [3.0]
    assert reading.rows == 1


def test_a_file_that_can_hold_no_wanted_row_is_not_opened(two_files, opened):
    ann, bob = two_files
    bob.unlink()
    assert opened().table(NAME, where=f"sensorReadingTime < {LATER}").to_arrow().num_rows == 2
    ann.unlink()
    with pytest.raises(StediError, match=r"A file of snapshot .* is gone"):
        opened().table(NAME, where=f"sensorReadingTime < {LATER}").to_arrow()


def test_a_column_that_is_not_wanted_is_not_read(two_files, opened):
    for file in two_files:
        overwrite_column(file, "x")
    assert opened().table(NAME, columns=["y"], where="z < 0").to_arrow()["y"].to_pylist() == [1.0] * 3
    with pytest.raises(StediError):
        opened().table(NAME, columns=["x"]).to_arrow()


def test_polars_reads_only_the_columns_that_its_query_needs(two_files, opened):
    for file in two_files:
        overwrite_column(file, "x")
    frame = opened().table(NAME).to_polars()
    assert frame.filter(pl.col("z") < 0).select("y").collect()["y"].to_list() == [1.0] * 3


def test_a_count_without_a_filter_opens_no_file(two_files, opened):
    for file in two_files:
        file.unlink()
    assert opened().table(NAME).rows == 3


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"columns": ["x", "w"]}, "'w' is no column of machine_learning_curated: it has participantId, .*, z"),
        ({"columns": []}, "No column of machine_learning_curated is chosen"),
        ({"where": "w > 1"}, "The filter names 'w', which is no column of machine_learning_curated: it has part"),
        ({"where": "x > 0 and w > 1"}, "The filter names 'w'"),
        ({"where": GreaterThan(term="w", value=1)}, "The filter names 'w'"),
        ({"where": "x > 'ann@example.com'"}, "a value of another type: x is of the type double"),
        ({"where": "x = 1 and"}, "not in PyIceberg's syntax, at its character 10"),
        ({"where": "participantId = ann@example.com"}, "not in PyIceberg's syntax. .*texts stand in single quotes"),
        ({"where": "x in (1, 'ann@example.com')"}, "not in PyIceberg's syntax"),
        ({"where": 3}, "A filter is a text or an expression of pyiceberg.expressions, not int"),
    ],
)
def test_what_is_asked_wrongly_is_named_and_no_value_quoted(two_files, opened, wrong, sentence):
    with pytest.raises(StediError, match=sentence) as refused:
        opened().table(NAME, **wrong)
    assert "ann@example.com" not in str(refused.value)


def test_a_damaged_file_is_a_sentence_that_names_the_table(two_files, opened):
    two_files[0].write_bytes(b"PAR1 and nothing that could be read PAR1")
    for way in ("to_arrow", "to_pandas", "to_duckdb"):
        with pytest.raises(StediError, match=NAME):
            getattr(opened().table(NAME), way)()
    with pytest.raises(StediError, match=NAME):
        list(opened().table(NAME).to_batches())


def test_pandas_and_duckdb_and_polars_have_the_same_rows(two_files, opened):
    reading = opened().table(NAME)
    rows = sorted(tuple(row.values()) for row in reading.to_arrow().to_pylist())
    assert sorted(reading.to_pandas().itertuples(index=False, name=None)) == rows
    assert sorted(reading.to_duckdb().fetchall()) == rows
    assert sorted(reading.to_polars().collect().rows()) == rows
    assert sorted(pa.Table.from_batches(reading.to_batches()).to_pylist(), key=str) == sorted(
        reading.to_arrow().to_pylist(), key=str
    )


def test_a_relation_is_of_the_connection_that_is_given(two_files, opened):
    with duckdb.connect() as connection:
        measurements = opened().table(NAME).to_duckdb(connection)
        assert connection.execute("SELECT sum(x) FROM measurements").fetchall() == [(6.0,)]
        del measurements
    readings = opened().table(NAME).to_duckdb()
    assert duckdb.execute("SELECT sum(x) FROM readings").fetchall() == [(6.0,)]
    del readings


def test_a_lazy_frame_knows_its_columns_and_stops_early(two_files, opened):
    frame = opened().table(NAME, columns=["x", "participantId"]).to_polars()
    assert isinstance(frame, pl.LazyFrame)
    assert dict(frame.collect_schema()) == {"x": pl.Float64, "participantId": pl.String}
    assert frame.head(1).collect().height == 1
    assert frame.select(pl.len()).collect().item() == 3
    assert frame.filter(pl.col("x") > 2).collect().rows() == [(3.0, BOB)]
    assert opened().table(NAME, where="x > 9").to_polars().collect().shape == (0, 6)


class StandIn(ModuleType):
    """What of PyTorch is used: it refuses what PyTorch would warn of or not take."""

    @staticmethod
    def from_numpy(array: object) -> object:
        assert isinstance(array, np.ndarray)
        assert array.dtype in (np.int64, np.float64, np.bool_)
        assert array.ndim == 1
        assert array.flags.writeable
        assert array.flags.owndata
        return ("tensor", array)


def test_tensors_are_of_the_columns_of_numbers(two_files, opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", StandIn("torch"))
    tensors = opened().table(NAME, columns=["x", "participantId", "sensorReadingTime"]).to_torch()
    assert list(tensors) == ["x", "sensorReadingTime"]
    (_, x), (_, time) = tensors.values()
    assert dict(zip(time.tolist(), x.tolist(), strict=True)) == {T0: 1.0, T0 + 1: 2.0, LATER: 3.0}
    assert (x.dtype, time.dtype) == (np.float64, np.int64)


def test_texts_and_nulls_make_no_tensors(lake, two_files, opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", StandIn("torch"))
    with pytest.raises(StediError, match="None of participantId is a column of numbers"):
        opened().table(NAME, columns=["participantId"]).to_torch()
    ann = ("Ann", "ann@example.com", None, None, None, "s-1", T0, None, None, None, None)
    publish(lake, [ann], name=CustomerLanding.table())
    with pytest.raises(
        StediError, match=r'birthDayValid of customer_landing is null in 1 row, .*"birthDayValid is not'
    ):
        opened().table("customer_landing").to_torch()
    tensors = (
        opened().table("customer_landing", columns=["lastUpdateDate"], where="lastUpdateDate is not null").to_torch()
    )
    assert len(tensors["lastUpdateDate"][1]) == 0


@pytest.mark.parametrize(
    ("way", "name", "module"), [("to_polars", "Polars", "polars"), ("to_torch", "PyTorch", "torch")]
)
def test_what_is_not_installed_is_named_with_how_to_install_it(two_files, opened, monkeypatch, way, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StediError, match=f"{name} is not installed, .*`pip install {module}`"):
        getattr(opened().table(NAME), way)()


def overwrite_column(file: Path, name: str) -> None:
    """Put zeros where a Parquet file has the values of a column: whoever reads it notices."""
    with pq.ParquetFile(file) as parquet:
        group = parquet.metadata.row_group(0)
    [column] = [group.column(index) for index in range(group.num_columns) if group.column(index).path_in_schema == name]
    start = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
    content = bytearray(file.read_bytes())
    content[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    file.write_bytes(content)
