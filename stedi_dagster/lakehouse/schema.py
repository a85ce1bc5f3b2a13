"""From a contract to an Iceberg table: its schema, its comments, its properties."""

import pyarrow as pa
from pyiceberg.schema import Schema
from pyiceberg.table import Transaction
from pyiceberg.types import (
    BooleanType,
    DoubleType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
)
from pyspark.sql import types as spark_types

from stedi_dagster.contracts import Contract
from stedi_dagster.errors import StediError

_ICEBERG: dict[type[spark_types.DataType], PrimitiveType] = {
    spark_types.StringType: StringType(),
    spark_types.LongType: LongType(),
    spark_types.DoubleType: DoubleType(),
    spark_types.BooleanType: BooleanType(),
}
_ARROW: dict[type[spark_types.DataType], pa.DataType] = {
    spark_types.StringType: pa.string(),
    spark_types.LongType: pa.int64(),
    spark_types.DoubleType: pa.float64(),
    spark_types.BooleanType: pa.bool_(),
}


def iceberg_schema(contract: type[Contract]) -> Schema:
    """The table's schema, each column with its meaning.

    Every column is optional: engines write nullable Parquet columns, which Iceberg refuses for a required one. That
    a column holds no null is the contract's audit's business.
    """
    fields = [
        NestedField(number, spec.name, _ICEBERG[type(spec.type)], required=False, doc=spec.meaning)
        for number, spec in enumerate(contract.columns(), 1)
    ]
    return Schema(*fields)


def arrow_schema(contract: type[Contract]) -> pa.Schema:
    """The schema of files that this process writes itself."""
    return pa.schema([pa.field(spec.name, _ARROW[type(spec.type)]) for spec in contract.columns()])


def table_properties(contract: type[Contract]) -> dict[str, str]:
    """The table's properties."""
    # A retry inside PyIceberg would publish a result over data it was not computed from; see `publish`.
    # Engines show `comment`; Glue shows what PyIceberg takes from `Description`.
    description = contract.description()
    properties = {"comment": description, "Description": description, "commit.retry.num-retries": "0"}
    # Each run that adds rows adds a manifest, and every reader reads all of them.
    properties |= {"commit.manifest-merge.enabled": "true", "commit.manifest.min-count-to-merge": "8"}
    # Each of them names all snapshots; to travel back in time, a reader needs the current one alone.
    properties |= {"write.metadata.previous-versions-max": "10"}
    # Manifests would otherwise keep the least and the greatest value of each column, an email address, say.
    personal = [spec.name for spec in contract.columns() if spec.personal != "no"]
    return properties | {f"write.metadata.metrics.column.{name}": "counts" for name in personal}


def follow_contract(transaction: Transaction, contract: type[Contract]) -> None:
    """Make the columns and properties of a table what its contract says now, in a commit that replaces its rows.

    Args:
        transaction: the commit, in which no file was added yet.
        contract: the table's contract.

    Raises:
        StediError: a column has another type now, which Iceberg cannot follow without losing it in older snapshots.
    """
    now = {field.name: field for field in transaction.table_metadata.schema().fields}
    wanted = {field.name: field for field in iceberg_schema(contract).fields}
    for name in now.keys() & wanted.keys():
        if now[name].field_type != wanted[name].field_type:
            raise StediError(
                f"The contract of {contract.table()} gives {name} the type {wanted[name].field_type}, and the table "
                f"has {now[name].field_type}. Give the new column another name, so that older snapshots keep theirs."
            )
    described = {name for name in now.keys() & wanted.keys() if now[name].doc != wanted[name].doc}
    if described or now.keys() != wanted.keys():
        with transaction.update_schema() as update:
            for name in now.keys() - wanted.keys():
                update.delete_column(name)
            for name, field in wanted.items():
                if name in described:
                    update.update_column(name, doc=field.doc)
                elif name not in now:
                    update.add_column(name, field.field_type, field.doc)
    properties = table_properties(contract)
    if not properties.items() <= transaction.table_metadata.properties.items():
        transaction.set_properties(properties)
