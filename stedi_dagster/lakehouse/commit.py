"""A commit: one atomic step from staged files to a snapshot, which fails if anybody published in the meantime."""

from collections.abc import Collection
from functools import cached_property

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import parquet_files_to_data_files
from pyiceberg.table import Table, Transaction

from stedi_dagster.errors import PublishConflictError
from stedi_dagster.lakehouse import checksums
from stedi_dagster.lakehouse.audit_record import AuditRecord
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.journal import Journal
from stedi_dagster.lakehouse.manifests import data_files, reading_manifests
from stedi_dagster.lakehouse.schema import arrow_schema, follow_contract
from stedi_dagster.lakehouse.snapshot import Snapshot, rows_of
from stedi_dagster.lakehouse.summary import SnapshotSummary


class Commit:
    """A table's next snapshot, prepared: its identifier is known, and nobody sees it before `publish`.

    Where readers see these files already (`unchanged`), there is nothing to do, but to record what was found of them.

    Attributes:
        table: as it was when this was prepared, or as it is once this is published.
        files: its rows: all that it will have.
        summary: what it records of how it was made.
        unchanged: whether it is the table's current snapshot already.
        audit: what to record of what the gate found.
    """

    def __init__(
        self,
        table: Table,
        files: DataFiles,
        summary: SnapshotSummary,
        journal: Journal,
        *,
        unchanged: bool = False,
        kept: Collection[str] = (),
        gone: Collection[str] = (),
    ) -> None:
        """Prepare; nothing is written yet.

        Args:
            table: as it is now: if anybody commits after this, `publish` fails.
            files: staged; they need not have passed any check yet.
            summary: what to record.
            journal: where to note what a commit that does not end leaves behind.
            unchanged: whether readers see these files already.
            kept: the paths of those of the files that readers see already; without any, all that they see go.
            gone: the paths of all others that they see.
        """
        self.table = table
        self.files = files
        self.summary = summary
        self.unchanged = unchanged
        self.audit: AuditRecord | None = None
        self._journal = journal
        self._kept, self._gone = frozenset(kept), frozenset(gone)
        self._rows_before = rows_of(table)

    @property
    def amends(self) -> bool:
        """Whether files that readers see already are among these."""
        return bool(self._kept)

    @property
    def rows_added(self) -> int:
        """How many rows are new, and were in no other file before."""
        new = self.files.without(self.files.paths if self.unchanged else self._kept)
        return new.rows - new.moved().rows

    @property
    def rows_taken_out(self) -> int:
        """How many rows readers see until now, and not any more."""
        return self._rows_before + self.rows_added - self.files.rows

    @cached_property
    def snapshot_id(self) -> int:
        """The snapshot's identifier, which is known before it is published."""
        metadata = self._transaction.table_metadata if self._transaction else self.table.metadata
        assert metadata.current_snapshot_id is not None  # noqa: S101 - a prepared or a published snapshot
        return metadata.current_snapshot_id

    @cached_property
    def _transaction(self) -> Transaction | None:
        # Not before: PyIceberg refuses files whose columns are wrong, and which are is for the contract's check to say.
        if self.unchanged:
            return None
        folder = self.files.folder.rsplit("/", maxsplit=1)[-1]
        recorded = self.summary.model_copy(update={"staged_in": folder, "checksums": checksums.KIND})
        new, properties = self.files.without(self._kept), recorded.to_properties()
        if self._kept:
            transaction = _amend(self.table, new, self._gone, properties)
        else:
            transaction = _replace(self.table, new, properties)
        if self.audit is not None:
            self.audit.write(transaction)
        self._journal.begin_commit(self.table, self.files.folder, transaction)
        checksums.record(self.table, transaction, self.files, self._journal.storage)
        return transaction

    def publish(self) -> Snapshot:
        """Make it the table's current snapshot.

        Raises:
            PublishConflictError: somebody else published this table after this was prepared, or found unchanged.
        """
        if self._transaction is not None:
            self.table = self._commit(self._transaction)
        elif (table := self._published()) is None:
            raise self._overtaken()
        elif self.audit is not None:
            self.table = self._record(table, self.audit)
        return Snapshot(self.table, self.snapshot_id, self.files)

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

    def _record(self, table: Table, audit: AuditRecord) -> Table:
        self._journal.begin_properties(table)
        transaction = table.transaction()
        audit.write(transaction)
        try:
            return transaction.commit_transaction()
        except (CommitFailedException, ValidationException):
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


def _amend(table: Table, new: DataFiles, gone: Collection[str], properties: dict[str, str]) -> Transaction:
    transaction = table.transaction()
    follow_contract(transaction, new.contract)
    if not gone and new.paths:
        transaction.add_files(list(new.paths), snapshot_properties=properties, check_duplicate_files=False)
        return transaction
    with (
        reading_manifests(table),
        transaction.update_snapshot(snapshot_properties=properties).overwrite() as snapshot,
    ):
        for file in data_files(table) if gone else ():
            if file.file_path in gone:
                snapshot.delete_data_file(file)
        for file in parquet_files_to_data_files(table.io, transaction.table_metadata, iter(new.paths)):
            snapshot.append_data_file(file)
    return transaction


def _replace(table: Table, files: DataFiles, properties: dict[str, str]) -> Transaction:
    transaction = table.transaction()
    if _holds_files(table):
        with reading_manifests(table):
            transaction.delete(AlwaysTrue(), snapshot_properties=properties)
    follow_contract(transaction, files.contract)
    if files.paths:
        # The duplicate check would read every manifest; `delete` above leaves nothing to be a duplicate of.
        transaction.add_files(list(files.paths), snapshot_properties=properties, check_duplicate_files=False)
    else:
        transaction.append(arrow_schema(files.contract).empty_table(), snapshot_properties=properties)
    return transaction


def _holds_files(table: Table) -> bool:
    snapshot = table.current_snapshot()
    if snapshot is None or snapshot.summary is None:
        return False
    # Deleting from a table without files makes PyIceberg warn.
    return snapshot.summary.get("total-data-files", "0") != "0"
