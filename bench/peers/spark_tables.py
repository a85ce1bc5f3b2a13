"""The eight tables in PySpark, for any engine: no checks, no catalog, nothing kept in memory between tables.

Shared by the one plain script and by the five separate jobs, so that they differ in processes only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

LANDING_SCHEMAS = {
    "customer_landing": (
        "customerName STRING, email STRING, phone STRING, birthDay STRING, serialNumber STRING, "
        "registrationDate BIGINT, lastUpdateDate BIGINT, shareWithResearchAsOfDate BIGINT, "
        "shareWithPublicAsOfDate BIGINT, shareWithFriendsAsOfDate BIGINT"
    ),
    "accelerometer_landing": "user STRING, timestamp BIGINT, x DOUBLE, y DOUBLE, z DOUBLE",
    "step_trainer_landing": "sensorReadingTime BIGINT, serialNumber STRING, distanceFromObject BIGINT",
}


def _customer_trusted(customers: DataFrame) -> DataFrame:
    return customers.where(sf.col("shareWithResearchAsOfDate").isNotNull())


def _accelerometer_trusted(readings: DataFrame, customers: DataFrame) -> DataFrame:
    return readings.join(customers, readings["user"] == customers["email"], how="left_semi")


def _customers_curated(customers: DataFrame, readings: DataFrame) -> DataFrame:
    return customers.join(readings, customers["email"] == readings["user"], how="left_semi")


def _step_trainer_trusted(steps: DataFrame, customers: DataFrame) -> DataFrame:
    return steps.join(customers, on="serialNumber", how="left_semi")


def _machine_learning_curated(steps: DataFrame, readings: DataFrame, customers: DataFrame) -> DataFrame:
    owners = customers.select("serialNumber", "email")
    same_person_and_time = (sf.col("user") == sf.col("email")) & (sf.col("timestamp") == sf.col("sensorReadingTime"))
    return (
        steps.join(owners, on="serialNumber", how="inner")
        .join(readings, on=same_person_and_time, how="inner")
        .select(
            sf.sha2(sf.col("email"), 256).alias("participantId"),
            *("sensorReadingTime", "distanceFromObject", "x", "y", "z"),
        )
    )


#: The five derived tables in the order in which they can be made: how, and from which tables.
DERIVED: dict[str, tuple[Callable[..., DataFrame], tuple[str, ...]]] = {
    "customer_trusted": (_customer_trusted, ("customer_landing",)),
    "accelerometer_trusted": (_accelerometer_trusted, ("accelerometer_landing", "customer_trusted")),
    "customers_curated": (_customers_curated, ("customer_trusted", "accelerometer_trusted")),
    "step_trainer_trusted": (_step_trainer_trusted, ("step_trainer_landing", "customers_curated")),
    "machine_learning_curated": (
        _machine_learning_curated,
        ("step_trainer_trusted", "accelerometer_trusted", "customers_curated"),
    ),
}


@dataclass(frozen=True)
class Lake:
    """A folder of landing JSON and a folder of Parquet tables, read and written by one Spark session."""

    spark: SparkSession
    landing: Path
    out: Path

    def json(self, table: str) -> DataFrame:
        """Read a landing table from its JSON files."""
        folder = self.landing / table.removesuffix("_landing") / "landing"
        return self.spark.read.schema(LANDING_SCHEMAS[table]).json(str(folder))

    def parquet(self, table: str) -> DataFrame:
        """Read a table that was written before."""
        return self.spark.read.parquet(str(self.out / table))

    def write(self, rows: DataFrame, table: str) -> None:
        """Write a table, which must not exist yet."""
        rows.write.parquet(str(self.out / table))


def local_spark() -> SparkSession:
    """Start Apache Spark in this process's own JVM, with its defaults except for memory and the web UI."""
    return (
        SparkSession.builder.master("local[*]")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
