"""The tables for those who work with them: read-only, at any moment of their history, as Arrow, pandas, Polars, DuckDB.

    from stedi_dagster import data

    data.open().table("machine_learning_curated", columns=["x", "y", "z"]).to_pandas()

Imports neither Dagster nor PySpark, and what it reads with only when it reads.
"""

from pathlib import Path

from stedi_dagster.data.reading import Column, Reading
from stedi_dagster.data.release import Release
from stedi_dagster.data.tables import Tables

__all__ = ["Column", "Reading", "Release", "Tables", "open"]


def open(  # noqa: A001 - as in `gzip.open`: used with the module's name
    home: str | Path | None = None,
    *,
    catalog: str | None = None,
    warehouse: str | None = None,
    database: str | None = None,
) -> Tables:
    """Open a lakehouse to read from it. What is not given is as the settings (STEDI_...) say.

    Args:
        home: STEDI_HOME, the folder of a lakehouse on this machine.
        catalog: `sqlite` or `glue`; by default `sqlite` where `home` is given.
        warehouse: folder or s3://bucket/prefix of the tables' files; by default the folder `warehouse` of the home.
        database: the catalog's database of the tables.

    Raises:
        StediError: there is no such lakehouse, or it cannot be read.
        SettingsError: a setting is not allowed.
    """
    from stedi_dagster.settings import Settings

    if home is not None and catalog is None:
        catalog = "sqlite"
    given = {"home": home, "catalog": catalog, "warehouse": warehouse, "database": database}
    settings = Settings.load(**{name: value for name, value in given.items() if value is not None})
    return Tables(
        settings.home,
        settings.warehouse_location,
        catalog=settings.catalog,
        database=settings.database,
        shares=settings.split,
    )
