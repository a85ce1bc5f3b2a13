"""Dagster's way to the tables: an output is a draft, and is published; an input is a snapshot, pinned."""

import dagster as dg

from stedi_dagster.contracts import CONTRACTS, MachineLearningCurated
from stedi_dagster.data import Reading
from stedi_dagster.defs.failures import failure
from stedi_dagster.defs.resources.lakehouse import LakehouseResource
from stedi_dagster.drafts.draft import Draft
from stedi_dagster.drafts.releases import cut_again
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.storage import storage_errors


class IcebergIOManager(dg.IOManager):
    """Publishes drafts that passed their audits, and reads what is published."""

    def __init__(self, lakehouse: LakehouseResource, memory_mb: int | None) -> None:
        """Prepare.

        Args:
            lakehouse: the catalog and the warehouse.
            memory_mb: see STEDI_MEMORY.
        """
        self.lakehouse = lakehouse
        self.memory_mb = memory_mb

    def handle_output(self, context: dg.OutputContext, obj: Draft) -> None:
        """Publish a draft, and record where it is now."""
        try:
            with storage_errors(f"publishing {context.asset_key.path[-1]}"):
                published = obj.publish(self.lakehouse.lakehouse())
        except StediError as error:
            raise failure(error) from None
        # After the commit: with a retention of 0 the snapshot before goes as well.
        for commit in obj.commits:
            self._expire(commit)
        if published.name == MachineLearningCurated.table():
            self._cut_releases(context)
        context.add_output_metadata(
            {
                "dagster/table_name": ".".join(published.table.name()),
                "dagster/row_count": published.rows,
                "dagster/uri": published.table.location(),
                "dagster/storage_kind": "iceberg",
                "snapshot_id": str(published.snapshot_id),
                "iceberg_metadata": dg.MetadataValue.path(published.table.metadata_location),
            }
        )

    def _expire(self, commit: Commit) -> None:
        name = commit.table.name()[-1]
        try:
            with storage_errors(f"removing older snapshots of {name}", outcome="It is published."):
                self.lakehouse.lakehouse().expire(commit.table)
        except StediError as error:
            raise failure(error) from None

    def _cut_releases(self, context: dg.OutputContext) -> None:
        """Take out of releases what has just left the table that they are made of, whichever job has made it."""
        try:
            with storage_errors("cutting releases again", outcome="The table is published."):
                cut_again(self.lakehouse.lakehouse(), run_id=context.run_id, memory_mb=self.memory_mb)
        except StediError as error:
            raise failure(error) from None

    def load_input(self, context: dg.InputContext) -> Snapshot | Reading:
        """Pin what is published of an upstream table; for a person (`Definitions.load_asset_value`), a reading of it.

        Raises:
            StediError: to a person: the table cannot be read.
            Failure: to a run.
        """
        name = context.asset_key.path[-1]
        # Only what a run hands to an asset has a name.
        if not context.has_input_name:
            return self.lakehouse.readable().table(name)
        try:
            with storage_errors(f"reading {name}"):
                snapshot = self.lakehouse.lakehouse().read(name, CONTRACTS[name])
        except StediError as error:
            raise failure(error) from None
        if snapshot is None:
            raise failure(
                StediError(f"{name} has not been published yet. Materialize it first, or materialize everything.")
            )
        return snapshot


# Not a ConfigurableIOManager: Dagster would not find the resources that one of those has for `load_asset_value`.
@dg.io_manager(required_resource_keys={"lakehouse"}, config_schema={"memory_mb": dg.Noneable(int)})
def iceberg_io_manager(context: dg.InitResourceContext) -> IcebergIOManager:
    """Publishes drafts that passed their audits, and reads what is published."""
    return IcebergIOManager(context.resources.lakehouse, context.resource_config["memory_mb"])
