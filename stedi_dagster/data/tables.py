"""The tables of a lakehouse that people who work with its data may read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stedi_dagster.data.reading import Reading
from stedi_dagster.data.release import PLACING, REVISIONS, ROWS, Release
from stedi_dagster.errors import StediError
from stedi_dagster.split import DEFAULT_SHARES, Shares

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table


class Tables:
    """What is published of the product's tables, to be read only: nothing here makes or changes anything."""

    def __init__(
        self,
        home: Path,
        warehouse: str,
        *,
        catalog: str = "sqlite",
        database: str = "stedi",
        shares: Shares = DEFAULT_SHARES,
    ) -> None:
        """Open them; see `stedi_dagster.data.open`, which asks the settings.

        Args:
            home: STEDI_HOME, the folder of the SQLite catalog.
            warehouse: folder or s3:// URL of the tables' files.
            catalog: `sqlite` or `glue`.
            database: the catalog's database of the tables.
            shares: how many people are in each part; see STEDI_SPLIT.

        Raises:
            StediError: there is no such lakehouse, or it cannot be read.
        """
        from stedi_dagster.lakehouse.catalog import open_read_only

        self._shares = shares
        self._kind, self._home, self._warehouse, self._database = catalog, home, warehouse, database
        with self._reading():
            self._catalog: Catalog = open_read_only(catalog, home, warehouse, database)

    def __repr__(self) -> str:
        where = f"sqlite in {self._home}" if self._kind == "sqlite" else f"{self._kind}, {self._warehouse}"
        return f"<Tables of {self._database} ({where})>"

    def names(self) -> list[str]:
        """The tables that can be read, in alphabetical order.

        Raises:
            StediError: the catalog cannot be read, or not listed: on AWS, a role may be allowed a single table.
        """
        with self._reading():
            there = sorted(name for _, name in self._catalog.list_tables(self._database))
            return [name for name in there if (table := self._own(name)) and table.current_snapshot()]

    def table(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        where: "str | BooleanExpression | None" = None,
        snapshot: int | str | None = None,
        at: date | str | None = None,
        part: str | None = None,
    ) -> Reading:
        """What is published of a table, now or as it was; whatever is published later, the reading stays the same.

        Args:
            name: the table's.
            columns: those to read, in this order; by default all.
            where: which rows, in PyIceberg's syntax of row filters, such as "x > 0 and participantId = '…'", or an
                expression of `pyiceberg.expressions`. Files that hold no such row are not read.
            snapshot: the identifier of an earlier snapshot.
            at: the moment whose snapshot to read: with a time zone, or a text in ISO 8601, which is in UTC where it
                names no zone. A date is its first moment.
            part: `train`, `validation` or `test`: the rows of those participants. Everybody is in one of them, in all
                snapshots in the same; STEDI_SPLIT says how many are in each.

        Raises:
            StediError: there is no such table to be read, no such column or snapshot, or the table's history does not
                reach back to that moment.
        """
        from stedi_dagster.lakehouse.travel import moment_of, snapshot_at, snapshot_by_id

        if snapshot is not None and at is not None:
            raise StediError("Give a snapshot or a moment, not both: each names what to read.")
        moment = None if at is None else moment_of(at)
        with self._reading(name):
            table = self._own(name)
            if table is None:
                raise StediError(
                    f"There is no table {name!r} to read: there are {', '.join(self.names()) or 'none yet'}. What "
                    "operators alone may read (participants, erasures, quarantines, lists of landed files) is not here."
                )
        current = table.current_snapshot()
        if current is None:
            raise StediError(f"{name} has not been published yet: run `stedi run`; if it failed, its output says why.")
        if snapshot is not None:
            current = snapshot_by_id(table, _number(snapshot))
        elif moment is not None:
            current = snapshot_at(table, moment)
        return Reading(table, current, columns=columns, where=where, part=part, shares=self._shares)

    def releases(self) -> list[Release]:
        """All releases as they are now, the oldest first.

        Raises:
            StediError: they cannot be read.
        """
        return [self._release(rows[-1]) for rows in self._revisions().values()]

    def release(self, name: str) -> Release:
        """A release as it is now.

        Args:
            name: the release's.

        Raises:
            StediError: there is none of that name, or it cannot be read.
        """
        found = self._revisions()
        if name not in found:
            there = ", ".join(found) or "none yet: `stedi release create NAME` makes one"
            raise StediError(f"There is no release {name!r}: there are {there}.")
        return self._release(found[name][-1])

    def _revisions(self) -> dict[str, list[dict[str, Any]]]:
        """What is recorded of each release, in the order of the revisions."""
        found: dict[str, list[dict[str, Any]]] = {}
        with self._reading(REVISIONS):
            there = self._own(REVISIONS)
        if there is None:
            return found
        rows = self.table(REVISIONS).to_arrow().to_pylist()
        created = {row["release"]: row["recordedAt"] for row in rows if row["revision"] == 1}
        # By their numbers: clocks may go back.
        for row in sorted(rows, key=lambda row: (created.get(row["release"], 0), row["release"], row["revision"])):
            found.setdefault(row["release"], []).append(row)
        return found

    def _release(self, recorded: dict[str, Any]) -> Release:
        # Whoever leaves after this, the release that was opened is the revision that it says.
        opened = self.table(ROWS)

        def reading(columns: Sequence[str] | None, where: "BooleanExpression") -> Reading:
            if columns is None:
                columns = [name for name in opened.schema if name not in PLACING]
            return self.table(ROWS, columns=columns, where=where, snapshot=opened.snapshot_id)

        return Release.of(recorded, reading)

    def _own(self, name: str) -> "Table | None":
        """A table of the product: others in the database are somebody else's."""
        from pyiceberg.exceptions import NoSuchPropertyException

        from stedi_dagster.lakehouse.catalog import load_table
        from stedi_dagster.lakehouse.origin.identity import PROPERTY

        try:
            table = load_table(self._catalog, (self._database, name), self._warehouse)
        except NoSuchPropertyException:
            # Glue also has tables that are not Iceberg's.
            return None
        return table if table and PROPERTY in table.properties else None

    @contextmanager
    def _reading(self, what: str = "the catalog") -> Iterator[None]:
        from stedi_dagster.storage import storage_errors

        with storage_errors(f"reading {what}", outcome=""):
            yield


def _number(snapshot: int | str) -> int:
    """The identifier of a snapshot, also where it was written down as a text."""
    try:
        return int(snapshot)
    except ValueError:
        raise StediError(f"{snapshot!r} is no snapshot: its identifier is a whole number.") from None
