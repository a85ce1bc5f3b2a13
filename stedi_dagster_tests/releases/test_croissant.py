"""A loader of Croissant accepts the description, and reads from it what was exported."""

import json
import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyspark.sql.types as T  # noqa: N812
import pytest

from stedi_dagster.contracts.columns import Column
from stedi_dagster.releases.croissant import as_croissant
from stedi_dagster.releases.facts import ExportedFile, Release
from stedi_dagster.split import PARTS
from stedi_dagster_tests.releases.builders import AWKWARD, COLUMNS, SNAPSHOT, cut_again, emptied, export, release
from stedi_dagster_tests.releases.loader import mlc

# The loader's own call.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")


def described(folder: Path, made: Release, files: tuple[ExportedFile, ...]) -> Path:
    """The description, beside the files."""
    file = folder / "croissant.json"
    file.write_text(json.dumps(as_croissant(made, COLUMNS, files)), encoding="utf-8")
    return file


def read(file: Path, part: str | None = None) -> list[dict[str, Any]]:
    """The rows that a loader reads, of one part or of all."""
    filters = None if part is None else {"readings/part": part}
    rows = mlc.Dataset(file).records("readings", filters=filters)
    return [
        {name.removeprefix("readings/"): value.decode() if isinstance(value, bytes) else value for name, value in each}
        for each in map(dict.items, rows)
    ]


def written(folder: Path, files: tuple[ExportedFile, ...]) -> list[dict[str, Any]]:
    """The rows of the files."""
    return [
        {"part": file.part} | row
        for file in sorted(files, key=lambda file: file.path)
        for row in pq.read_table(folder / file.path).to_pylist()
    ]


@pytest.mark.parametrize("made", [release(), cut_again(), emptied(note=AWKWARD, withheld={AWKWARD: 1})])
def test_it_is_valid_without_a_warning(tmp_path, made, caplog):
    caplog.set_level(logging.WARNING)
    dataset = mlc.Dataset(described(tmp_path, made, export(tmp_path, train_0=3)))
    assert dataset.metadata.issues.errors == set()
    assert dataset.metadata.issues.warnings == set()
    assert caplog.messages == []
    assert dataset.metadata.ctx.is_v1_1()


def test_the_loader_would_complain_of_a_description_that_lacks_something(tmp_path):
    lacking = as_croissant(release(), COLUMNS, export(tmp_path, train_0=3))
    del lacking["license"]
    assert any("license" in warning for warning in mlc.Dataset(lacking).metadata.issues.warnings)


def test_every_row_of_every_part_is_read_as_it_was_written(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    files = export(tmp_path, train_0=250, train_1=7, validation_0=5, test_0=3)
    file = described(tmp_path, cut_again(), files)
    expected = written(tmp_path, files)
    assert len(expected) == 265
    in_order = sorted(expected, key=lambda row: (row["participantId"], row["sensorReadingTime"]))
    assert sorted(read(file), key=lambda row: (row["participantId"], row["sensorReadingTime"])) == in_order
    for part in PARTS:
        assert read(file, part) == [row for row in expected if row["part"] == part]
    assert caplog.messages == []


def test_a_part_that_nothing_is_left_in_has_no_rows(tmp_path):
    file = described(tmp_path, cut_again(), export(tmp_path, train_0=4, validation_0=2, test_0=0))
    assert read(file, "test") == []
    assert len(read(file)) == 6


def test_nothing_but_the_parts_files_is_read(tmp_path):
    files = export(tmp_path, train_0=4)
    for name in ("training.parquet", "notes.parquet"):
        (tmp_path / name).write_bytes((tmp_path / "train/0.parquet").read_bytes())
    file = described(tmp_path, cut_again(), files)
    assert len(read(file)) == len(read(file, "train")) == 4


def test_the_parts_are_an_enumeration(tmp_path):
    dataset = mlc.Dataset(described(tmp_path, release(), ()))
    assert [each["parts/name"] for each in dataset.records("parts")] == list(PARTS)


def test_every_file_is_there_with_its_digest(tmp_path):
    files = export(tmp_path, train_0=3, test_0=2)
    metadata = mlc.Dataset(described(tmp_path, release(), files)).metadata
    told = {each.content_url: (each.sha256, each.content_size) for each in metadata.file_objects}
    assert told == {file.path: (file.sha256, f"{file.size} B") for file in files}


def test_every_column_is_a_field_with_its_unit(tmp_path):
    metadata = mlc.Dataset(described(tmp_path, release(), ())).metadata
    [readings] = [each for each in metadata.record_sets if each.name == "readings"]
    told = {field.name: (field.data_type, field.description) for field in readings.fields}
    assert told.pop("part")[0] is bytes
    kinds = {"string": bytes, "bigint": int, "double": float}
    assert told == {column.name: (kinds[column.type.simpleString()], column.meaning) for column in COLUMNS}
    assert told["x"][1] == "Acceleration along x [as the app reports it]"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (T.IntegerType(), "sc:Integer"),
        (T.FloatType(), "sc:Float"),
        (T.DecimalType(9, 2), "sc:Float"),
        (T.BooleanType(), "sc:Boolean"),
        (T.DateType(), "sc:Date"),
        (T.TimestampType(), "sc:DateTime"),
        (T.ArrayType(T.StringType()), "sc:Text"),
    ],
)
def test_a_column_that_is_added_has_a_type_too(kind, told):
    column = Column("added", kind, True, "Added", None, "no", None, None, "value", event_time=False)
    *_, field = as_croissant(release(), [*COLUMNS, column], ())["recordSet"][1]["field"]
    assert field["dataType"] == told


def test_the_revision_is_its_version(tmp_path):
    metadata = mlc.Dataset(described(tmp_path, cut_again(), ())).metadata
    assert metadata.version == "3.0.0"
    assert metadata.date_created is not None
    assert metadata.date_published is not None
    dates = (metadata.date_created, metadata.date_published)
    assert [f"{date:%Y-%m-%d}" for date in dates] == ["2026-01-01", "2026-01-03"]
    assert SNAPSHOT in str(metadata.cite_as)


def test_it_says_what_responsible_use_needs():
    told = as_croissant(cut_again(), COLUMNS, ())
    assert told["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    assert any("31.2 % of all rows" in bias for bias in told["rai:dataBiases"])
    assert any("evidence" in limit for limit in told["rai:dataLimitations"])
    assert any("235,467 no accelerometer reading" in step for step in told["rai:dataPreprocessingProtocol"])
    assert any("under 18: fewer than 10" in each for each in told["rai:personalSensitiveInformation"])
    assert "This is revision 3" in told["rai:dataReleaseMaintenancePlan"]
    assert told["rai:dataCollectionTimeframe"] == ["2025-12-02T00:00:00.000+00:00", "2025-12-31T00:00:00.000+00:00"]
    assert "rai:dataCollectionTimeframe" not in as_croissant(emptied(), COLUMNS, ())
