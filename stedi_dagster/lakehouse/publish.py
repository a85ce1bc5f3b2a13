"""From staged to published: one atomic commit, which fails if anybody published in the meantime."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table, Transaction

from stedi_dagster.errors import PublishConflictError
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.staging import Content

# Properties of a snapshot that say what it was made from.
INPUTS = "stedi.inputs"
STAGED_IN = "stedi.staged-in"


@dataclass(frozen=True)
class Published:
    """A snapshot that readers see."""

    table: str
    snapshot_id: int
    rows: int
    location: str
    metadata_location: str


class Publication:
    """A commit that is ready: its snapshot is known, and `commit` makes it the table's current one.

    Where the content is published already (`transaction` is None) there is nothing to do.
    """

    def __init__(self, table: Table, content: Content, transaction: Transaction | None) -> None:
        self.table = table
        self.content = content
        self._transaction = transaction
        metadata = transaction.table_metadata if transaction else table.metadata
        assert metadata.current_snapshot_id is not None  # noqa: S101 - a prepared or a published snapshot
        self.snapshot_id: int = metadata.current_snapshot_id

    @property
    def reused(self) -> bool:
        """Whether the table held this content before."""
        return self._transaction is None

    def commit(self) -> Published:
        """Publish.

        Raises:
            PublishConflictError: somebody else published this table after the content was prepared.
        """
        table = self.table
        if self._transaction is not None:
            try:
                table = self._transaction.commit_transaction()
            except (CommitFailedException, ValidationException):
                raise PublishConflictError(
                    f"Another run published {'.'.join(self.table.name())} while this one was preparing it. What "
                    "this run made of it is not published; run it again, on what is published now."
                ) from None
        return Published(
            table=".".join(table.name()),
            snapshot_id=self.snapshot_id,
            rows=self.content.rows,
            location=table.location(),
            metadata_location=table.metadata_location,
        )


def prepare(table: Table, content: Content, properties: Mapping[str, str]) -> Publication:
    """Prepare to replace all that a table holds.

    Args:
        table: as it is now: if anybody commits after this, `Publication.commit` fails.
        content: staged, audited files.
        properties: what to record with the snapshot.
    """
    summary = {**properties, STAGED_IN: content.folder.rsplit("/", maxsplit=1)[-1]}
    transaction = table.transaction()
    if _holds_files(table):
        transaction.delete(AlwaysTrue(), snapshot_properties=summary)
    if content.paths:
        # The duplicate check would read every manifest; `delete` above leaves nothing to be a duplicate of.
        transaction.add_files(list(content.paths), snapshot_properties=summary, check_duplicate_files=False)
    else:
        transaction.append(arrow_schema(content.contract).empty_table(), snapshot_properties=summary)
    return Publication(table, content, transaction)


def _holds_files(table: Table) -> bool:
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return False
    # Deleting from a table without files makes PyIceberg warn.
    return snapshot.summary.get("total-data-files", "0") != "0"
