"""From staged to published: one atomic commit, which fails if anybody published in the meantime."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table, Transaction

from stedi_dagster.errors import PublishConflictError
from stedi_dagster.lakehouse import checksums
from stedi_dagster.lakehouse.journal import Journal
from stedi_dagster.lakehouse.published import reading_manifests
from stedi_dagster.lakehouse.recorded import CHECKSUMS, STAGED_IN
from stedi_dagster.lakehouse.schema import arrow_schema, follow_contract
from stedi_dagster.lakehouse.staging import Content


@dataclass(frozen=True)
class Published:
    """A snapshot that readers see."""

    table: str
    snapshot_id: int
    rows: int
    location: str
    metadata_location: str


class Publication:
    """A commit that is ready once its snapshot is asked for; `commit` makes that the table's current one.

    Where the content is published already (`properties` is None) there is nothing to do.
    """

    def __init__(
        self, table: Table, content: Content, properties: dict[str, str] | None, journal: Journal | None = None
    ) -> None:
        self.table = table
        self.content = content
        self._properties = properties
        self._journal = journal

    @property
    def reused(self) -> bool:
        """Whether the table held this content before."""
        return self._properties is None

    @cached_property
    def snapshot_id(self) -> int:
        """The snapshot's identifier, which is known before the commit."""
        metadata = self._transaction.table_metadata if self._transaction else self.table.metadata
        assert metadata.current_snapshot_id is not None  # noqa: S101 - a prepared or a published snapshot
        return metadata.current_snapshot_id

    @cached_property
    def _transaction(self) -> Transaction | None:
        # Not before: PyIceberg refuses files whose columns are wrong, and which are is the contract audit's to say.
        if self._properties is None:
            return None
        transaction = _replace(self.table, self.content, self._properties)
        if self._journal is not None:
            self._journal.begin_commit(self.table, self.content.folder, transaction)
            checksums.record(self.table, transaction, self.content, self._journal.storage)
        return transaction

    def commit(self) -> Published:
        """Publish.

        Raises:
            PublishConflictError: somebody else published this table after the content was prepared, or found unchanged.
        """
        if self._transaction is not None:
            self.table = self._commit(self._transaction)
        elif self._published() is None:
            raise self._overtaken()
        return Published(
            table=".".join(self.table.name()),
            snapshot_id=self.snapshot_id,
            rows=self.content.rows,
            location=self.table.location(),
            metadata_location=self.table.metadata_location,
        )

    def _commit(self, transaction: Transaction) -> Table:
        try:
            return transaction.commit_transaction()
        except Exception as error:
            # Whatever went wrong on the way, an answer that was lost among it: the catalog knows what is published.
            if (table := self._published()) is not None:
                return table
            if not isinstance(error, CommitFailedException | ValidationException):
                raise
            raise self._overtaken() from None

    def _overtaken(self) -> PublishConflictError:
        return PublishConflictError(
            f"Another run published {'.'.join(self.table.name())} while this one was preparing it. What "
            "this run made of it is not published; run it again, on what is published now."
        )

    def _published(self) -> Table | None:
        """The table, if its current snapshot is this one."""
        table = self.table.catalog.load_table(self.table.name())
        return table if table.metadata.current_snapshot_id == self.snapshot_id else None


def prepare(table: Table, content: Content, properties: Mapping[str, str], journal: Journal) -> Publication:
    """Prepare to replace all that a table holds.

    Args:
        table: as it is now: if anybody commits after this, `Publication.commit` fails.
        content: staged files; they need not be audited yet.
        properties: what to record with the snapshot.
        journal: where to note what a commit that does not end leaves behind.
    """
    folder = content.folder.rsplit("/", maxsplit=1)[-1]
    recorded = {**properties, STAGED_IN: folder, CHECKSUMS: checksums.KIND}
    return Publication(table, content, recorded, journal)


def _replace(table: Table, content: Content, summary: dict[str, str]) -> Transaction:
    transaction = table.transaction()
    if _holds_files(table):
        with reading_manifests(table):
            transaction.delete(AlwaysTrue(), snapshot_properties=summary)
    follow_contract(transaction, content.contract)
    if content.paths:
        # The duplicate check would read every manifest; `delete` above leaves nothing to be a duplicate of.
        transaction.add_files(list(content.paths), snapshot_properties=summary, check_duplicate_files=False)
    else:
        transaction.append(arrow_schema(content.contract).empty_table(), snapshot_properties=summary)
    return transaction


def _holds_files(table: Table) -> bool:
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return False
    # Deleting from a table without files makes PyIceberg warn.
    return snapshot.summary.get("total-data-files", "0") != "0"
