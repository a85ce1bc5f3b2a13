"""What a contract becomes in Iceberg, and the two quirks of PyIceberg that decide how."""

import pyarrow as pa
import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention
import pytest
from pyarrow import parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.types import NestedField, StringType

from stedi_dagster.contracts import TABLES, Contract, Participants, Quarantine
from stedi_dagster.contracts.base import column
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.schema import arrow_schema, iceberg_schema, table_properties
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.lakehouse.summary import SnapshotSummary


# As the ledger's contract: nobody is erased from these, and only their schemas matter.
class Before(Contract, ledger=True):
    """What a table was."""

    kept: T.StringType = column("A name", personal="yes")
    dropped: T.LongType = column("Gone soon")


class After(Contract, ledger=True):
    """What it is to become."""

    added: T.LongType = column("A serial number", personal="yes")
    kept: T.StringType = column("A name, as it is written")


class Retyped(Contract, ledger=True):
    """What it cannot become."""

    added: T.StringType = column("A serial number")
    kept: T.StringType = column("A name, as it is written")


CONTRACTS = [*TABLES.values(), Participants, Quarantine]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_column_is_there_in_order_with_its_meaning_and_optional(contract):
    fields = iceberg_schema(contract).fields
    assert [(field.name, field.doc) for field in fields] == [(spec.name, spec.meaning) for spec in contract.columns()]
    assert not any(field.required for field in fields)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_files_of_this_process_have_the_types_that_the_table_has(contract):
    in_iceberg = schema_to_pyarrow(iceberg_schema(contract), include_field_ids=False)
    assert arrow_schema(contract).names == in_iceberg.names
    for own, iceberg in zip(arrow_schema(contract).types, in_iceberg.types, strict=True):
        assert own == iceberg or (pa.types.is_string(own) and pa.types.is_large_string(iceberg))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_manifests_keep_counts_only_of_what_tells_who_somebody_is(contract):
    prefix = "write.metadata.metrics.column."
    reduced = {key.removeprefix(prefix): mode for key, mode in table_properties(contract).items() if prefix in key}
    assert reduced == {spec.name: "counts" for spec in contract.columns() if spec.personal != "no"}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_table_says_what_its_rows_are_and_never_retries_a_commit(contract):
    properties = table_properties(contract)
    assert properties["comment"].endswith((".", "!"))
    assert "\n" not in properties["comment"]
    assert properties["commit.retry.num-retries"] == "0"


def test_the_table_in_the_catalog_has_schema_comments_and_properties(lake):
    for name, contract in TABLES.items():
        table = lake.ensure_table(name, contract)
        assert table.schema().fields == iceberg_schema(contract).fields
        assert table_properties(contract).items() <= table.properties.items()


def test_pyiceberg_refuses_files_with_nullable_columns_for_a_required_column(lake, tmp_path):
    """Why every column is optional: engines write nothing else than nullable columns."""
    path = str(tmp_path / "engine.parquet")
    pq.write_table(pa.table({"email": ["ann@example.com"]}), path)
    required = Schema(NestedField(1, "email", StringType(), required=True))
    table = lake.catalog.create_table("stedi.strict", required)
    with pytest.raises(ValueError, match="required"):
        table.add_files([path])


def test_pyiceberg_takes_a_missing_column_for_nulls(lake, tmp_path):
    """Why the contract's audit compares the columns: nobody else would notice."""
    path = str(tmp_path / "engine.parquet")
    pq.write_table(pa.table({"email": ["ann@example.com"]}), path)
    table = lake.ensure_table("participants", Participants)
    table.add_files([path])
    assert table.scan().to_arrow().to_pylist() == [{"email": "ann@example.com", "participantId": None}]


def test_a_table_follows_its_contract_in_the_commit_that_replaces_its_rows(lake):
    def publish(contract: type[Contract], *rows: tuple[object, ...]) -> Snapshot:
        table = lake.ensure_table("changing", contract)
        staged = lake.stage(table, contract)
        staged.write_rows(rows)
        published: Snapshot = lake.prepare(table, staged.files(), SnapshotSummary(inputs="inputs")).publish()
        return published

    first = publish(Before, ("ann", 1), ("bob", 2))
    publish(After, (7, "ann"))
    table = lake.table("changing")
    assert len(table.metadata.metadata_log) == 2
    assert {field.name: field.doc for field in table.schema().fields} == {
        "kept": "A name, as it is written",
        "added": "A serial number",
    }
    assert table.scan().to_arrow().to_pylist() == [{"kept": "ann", "added": 7}]
    assert table.properties["write.metadata.metrics.column.added"] == "counts"
    assert table.properties["comment"] == "What it is to become."
    old = table.scan(snapshot_id=first.snapshot_id).to_arrow().to_pylist()
    assert sorted(row["dropped"] for row in old) == [1, 2]
    schemas = len(table.metadata.schemas)
    publish(After, (8, "bob"))
    assert len(lake.table("changing").metadata.schemas) == schemas
    with pytest.raises(StediError, match="gives added the type string, and the table has long"):
        publish(Retyped, ("9", "cid"))
    assert lake.table("changing").scan().to_arrow().to_pylist() == [{"kept": "bob", "added": 8}]
