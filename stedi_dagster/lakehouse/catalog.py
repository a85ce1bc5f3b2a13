"""The catalog that records the tables' current snapshots: PyIceberg's, on SQLite or on Glue."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError, ValidationError
from pyiceberg.io import PY_IO_IMPL
from pyiceberg.table import Table
from pyiceberg.typedef import Identifier

from stedi_dagster.errors import OriginError, StediError, StorageError
from stedi_dagster.locations import is_s3


def open_catalog(kind: str, home: Path, warehouse: str, databases: Iterable[str]) -> Catalog:
    """Open the catalog, and make the databases that it lacks.

    Args:
        kind: `sqlite` or `glue`.
        home: STEDI_HOME, the folder of the SQLite catalog.
        warehouse: folder or s3:// URL of the tables' files.
        databases: those that it must have.

    Raises:
        OriginError: the SQLite catalog is damaged.
        StorageError: it is locked, or cannot be read or written.
    """
    properties = _properties(warehouse)
    return _with(databases, _glue(properties)) if kind == "glue" else _sqlite(home, properties, databases)


def open_read_only(kind: str, home: Path, warehouse: str, database: str) -> Catalog:
    """Open a catalog that is there, to read from it; nothing is made.

    Args:
        kind: `sqlite` or `glue`.
        home: STEDI_HOME, the folder of the SQLite catalog.
        warehouse: folder or s3:// URL of the tables' files.
        database: one that it has.

    Raises:
        StediError: there is no such catalog, or it has no such database.
        OriginError: the SQLite catalog is damaged.
        StorageError: it is locked, or cannot be read.
    """
    path = home / "catalog.db"
    if kind == "sqlite" and not path.is_file():
        raise StediError(
            f"There is no lakehouse in {home}: it holds no catalog.db. Name its folder, or set STEDI_HOME; where "
            "nothing was published yet, `stedi run` makes one."
        )
    properties = _properties(warehouse)
    if kind == "glue":
        found = _glue(properties)
        there = found.namespace_exists(database)
    else:
        with _sqlite_errors(path):
            found = _sqlite_catalog(path.as_uri(), properties | {"init_catalog_tables": "false"}, mode="ro", uri="true")
            there = found.namespace_exists(database)
    if not there:
        where = path if kind == "sqlite" else "Glue"
        raise StediError(
            f"There is no lakehouse in the database {database} of the catalog ({where}). Name its database, or set "
            "STEDI_DATABASE; where nothing was published yet, `stedi run` makes one."
        )
    return found


def _properties(warehouse: str) -> dict[str, str]:
    properties = {"warehouse": warehouse}
    if is_s3(warehouse):
        from stedi_dagster import aws
        from stedi_dagster.lakehouse.file_io import RememberingFileIO, forget_files
        from stedi_dagster.storage.s3 import split

        forget_files()
        properties[PY_IO_IMPL] = f"{RememberingFileIO.__module__}.{RememberingFileIO.__qualname__}"

        aws.check_region_of(split(warehouse)[0])
        properties["s3.region"] = aws.region()
        if endpoint := aws.endpoint("s3"):
            properties["s3.endpoint"] = endpoint
    return properties


def _with(databases: Iterable[str], catalog: Catalog) -> Catalog:
    for database in databases:
        # Checked first: whoever runs the platform on AWS need not be allowed to make a database.
        if not catalog.namespace_exists(database):
            catalog.create_namespace_if_not_exists(database)
    return catalog


def _sqlite(home: Path, properties: dict[str, str], databases: Iterable[str]) -> Catalog:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / "catalog.db"
    with _sqlite_errors(path):
        return _with(databases, _sqlite_catalog(str(path), properties))


def _sqlite_catalog(database: str, properties: dict[str, str], **query: str) -> Catalog:
    from pyiceberg.catalog.sql import SqlCatalog
    from sqlalchemy import URL

    # Not an f-string: a `%` or `?` in the folder's name would mean something else.
    uri = URL.create("sqlite", database=database, query=query).render_as_string()
    return SqlCatalog("stedi", uri=uri, **properties)


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    from sqlalchemy.exc import DatabaseError, OperationalError

    try:
        yield
    except OperationalError as error:
        raise StorageError(
            f"The catalog {path} cannot be used now: {error.orig}. Nothing was changed. End the program that holds it, "
            "make room on its disk, or let this user write it, and run it again."
        ) from None
    except DatabaseError as error:
        raise OriginError(
            f"The catalog {path} is damaged: {error.orig}. Nothing was changed. Bring it back from a backup; or move "
            "it away and run `stedi adopt`, which makes another one from what the warehouse holds."
        ) from None


def load_table(catalog: Catalog, name: Identifier, warehouse: str) -> Table | None:
    """A table as it is now, or None where there is no such table.

    Args:
        catalog: where it is looked up.
        name: its database and name.
        warehouse: where its files are, for the message.

    Raises:
        OriginError: its metadata file is gone or damaged.
    """
    try:
        return catalog.load_table(name)
    except NoSuchTableError:
        return None
    # PyIceberg's own is no ValueError, that of what it reads JSON with is one.
    except (FileNotFoundError, ValidationError, ValueError) as error:
        raise OriginError(
            f"The metadata file of {'.'.join(name)} that the catalog names is "
            f"{'gone' if isinstance(error, FileNotFoundError) else 'damaged'}. Nothing was changed. Bring it back "
            f"from a backup of {warehouse}, or run `stedi adopt`, which takes the newest that can be read."
        ) from None


def _glue(properties: dict[str, str]) -> Catalog:
    from stedi_dagster.lakehouse.glue import glue_catalog

    return glue_catalog(properties)
