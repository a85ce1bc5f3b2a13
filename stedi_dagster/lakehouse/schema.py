"""From a contract to an Iceberg table: its schema, its comments, its properties."""

import pyarrow as pa
from pyiceberg.schema import Schema
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
    properties = {"comment": contract.description(), "commit.retry.num-retries": "0"}
    # Manifests would otherwise keep the least and the greatest value of each column, an email address, say.
    personal = [spec.name for spec in contract.columns() if spec.personal == "yes"]
    return properties | {f"write.metadata.metrics.column.{name}": "counts" for name in personal}
