"""The tables as a resource: the catalog and the warehouse."""

from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from stedi_dagster.data import Tables
from stedi_dagster.lakehouse.lakehouse import Lakehouse


class LakehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The catalog and the warehouse."""

    catalog: str = Field(description="sqlite or glue.")
    database: str = Field(description="The catalog's database.")
    home: str = Field(description="Folder of the SQLite catalog and of the lock.")
    warehouse: str = Field(description="Folder or s3:// URL of the tables' files.")
    retention_days: float = Field(description="Days that a snapshot stays which is no longer current.")
    max_snapshots: int = Field(description="How many snapshots of a table stay at most.")

    _lakehouse: Lakehouse | None = PrivateAttr(default=None)

    def lakehouse(self) -> Lakehouse:
        """The tables, one object a run: it knows whether the run still holds the lock."""
        if self._lakehouse is None:
            self._lakehouse = Lakehouse(
                Path(self.home),
                self.warehouse,
                catalog=self.catalog,
                database=self.database,
                retention_days=self.retention_days,
                max_snapshots=self.max_snapshots,
            )
        return self._lakehouse

    def readable(self) -> Tables:
        """The product's tables, for people.

        Raises:
            StediError: there is no such lakehouse, or it cannot be read.
        """
        return Tables(Path(self.home), self.warehouse, catalog=self.catalog, database=self.database)
