"""Files under a table's location that no snapshot refers to: which they are, and which of them may be removed."""

from collections.abc import Collection

from pyiceberg.table import Table

from stedi_dagster.lakehouse.checksums import checksum_file
from stedi_dagster.lakehouse.journal import Journal, Note, full_name, left_over, metadata_files
from stedi_dagster.lakehouse.summary import folder_of
from stedi_dagster.storage import Storage


def sweep_noted(table: Table, journal: Journal) -> int:
    """Delete what the journal names and nothing refers to, and return the number of files.

    The caller holds the writer lock: nobody else is staging.

    Args:
        table: as it is now.
        journal: of its warehouse.
    """
    notes = journal.notes(full_name(table))
    if not notes:
        return 0
    storage = journal.storage
    done = [note for note in notes if _is_published(table, note)]
    left = [note for note in notes if note not in done]
    # What is published is in use: of that only the metadata files are left over that are known no longer.
    forgotten = {path for note in done for path in note.files} - set(metadata_files(table))
    suspects = left_over(table, left, storage) if left else set()
    orphans = suspects - reachable_files(table) if suspects else set()
    there = (orphans | forgotten) & set(storage.list(table.location())) if orphans or forgotten else set()
    storage.delete(there)
    for folder in {note.folder for note in left if note.folder}:
        if not storage.list(folder):
            storage.delete_folder(folder)
    journal.end(notes)
    return len(there & orphans)


def sweep(table: Table, storage: Storage) -> int:
    """Delete every file of a table that no snapshot refers to, noted or not, and return their number.

    For erasing somebody, who may stand in any of them. The caller holds the writer lock.

    Args:
        table: as it is now; one that the platform made.
        storage: where its files are.
    """
    orphans = set(storage.list(table.location())) - reachable_files(table)
    storage.delete(orphans)
    return len(orphans)


def reachable_files(table: Table, *, without: Collection[int] = ()) -> set[str]:
    """Every file that the table's current metadata refers to. Reads all manifests.

    Args:
        table: as it is now.
        without: snapshots that do not count.
    """
    reachable = set(metadata_files(table))
    reachable.update(file.statistics_path for file in table.metadata.statistics)
    snapshots = {snapshot.snapshot_id for snapshot in table.metadata.snapshots}
    return reachable | files_of(table, snapshots - set(without))


def files_of(table: Table, snapshots: Collection[int]) -> set[str]:
    """Every file that belongs to some snapshots of a table. Reads their manifests."""
    theirs = [snapshot for snapshot in table.metadata.snapshots if snapshot.snapshot_id in snapshots]
    return readable_files(table, snapshots) | set(filter(None, (checksum_file(table, each) for each in theirs)))


def readable_files(table: Table, snapshots: Collection[int]) -> set[str]:
    """Every file that readers of some snapshots of a table need. Reads their manifests."""
    found: set[str] = set()
    for snapshot in table.metadata.snapshots:
        if snapshot.snapshot_id not in snapshots:
            continue
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            found.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            found.update(entry.data_file.file_path for entry in entries)
    return found


def _is_published(table: Table, note: Note) -> bool:
    """Whether the work that a note is of was done: its commit made the table's current snapshot."""
    snapshot = table.current_snapshot()
    if snapshot is None or note.folder is None:
        return False
    return snapshot.snapshot_id in note.snapshots and note.folder.endswith(f"/{folder_of(snapshot)}")
