"""What a snapshot's manifests say, and what of one that cannot be read. Knows no contract and no engine."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from pyiceberg.exceptions import ResolveError
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.journal import full_name

# What a damaged file makes PyIceberg raise, which promises nothing: each was seen of a manifest with one bit flipped.
DAMAGED = (ValueError, LookupError, TypeError, EOFError, SystemError, zlib.error, ResolveError)


def data_files(table: Table, snapshot_id: int | None = None) -> tuple[DataFile, ...]:
    """The data files of a table's current snapshot, or of another one.

    Args:
        table: as it is now.
        snapshot_id: the other one.

    Raises:
        OriginError: a manifest of the table is gone or damaged.
    """
    with reading_manifests(table):
        return tuple(task.file for task in table.scan(snapshot_id=snapshot_id).plan_files())


@contextmanager
def reading_manifests(table: Table) -> Iterator[None]:
    """Turn whatever a manifest that cannot be read raises into one sentence.

    Raises:
        OriginError: a manifest of the table is gone or damaged.
    """
    try:
        yield
    except FileNotFoundError:
        found = "gone"
    except DAMAGED:
        found = "damaged"
    else:
        return
    raise OriginError(
        f"A manifest of {full_name(table)} that its current snapshot names is {found}. Nothing was changed. "
        f"Bring it back from a backup of {table.location()}/metadata."
    )
