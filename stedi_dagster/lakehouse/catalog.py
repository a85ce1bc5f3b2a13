"""The catalog that records the tables' current snapshots: PyIceberg's, on SQLite or on Glue."""

from collections.abc import Iterable
from pathlib import Path

from pyiceberg.catalog import Catalog

from stedi_dagster.locations import is_s3


def open_catalog(kind: str, home: Path, warehouse: str, databases: Iterable[str]) -> Catalog:
    """Open the catalog, and make the databases that it has not.

    Args:
        kind: `sqlite` or `glue`.
        home: STEDI_HOME, the folder of the SQLite catalog.
        warehouse: folder or s3:// URL of the tables' files.
        databases: what it has to have.
    """
    properties = {"warehouse": warehouse}
    if is_s3(warehouse):
        from stedi_dagster import aws
        from stedi_dagster.storage.s3 import split

        aws.check_region_of(split(warehouse)[0])
        properties["s3.region"] = aws.region()
        if endpoint := aws.endpoint("s3"):
            properties["s3.endpoint"] = endpoint
    catalog = _glue(properties) if kind == "glue" else _sqlite(home, properties)
    for database in databases:
        # Looked for first: who runs the platform on AWS need not be allowed to make a database.
        if not catalog.namespace_exists(database):
            catalog.create_namespace_if_not_exists(database)
    return catalog


def _sqlite(home: Path, properties: dict[str, str]) -> Catalog:
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy import URL

    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not an f-string: a `%` or `?` in the folder's name would mean something else.
    uri = URL.create("sqlite", database=str(home / "catalog.db"))
    return SqlCatalog("stedi", uri=uri.render_as_string(), **properties)


def _glue(properties: dict[str, str]) -> Catalog:
    from stedi_dagster.lakehouse.glue import glue_catalog

    return glue_catalog(properties)
