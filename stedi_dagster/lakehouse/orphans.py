"""Files under a table's location that no snapshot refers to: what a killed run leaves behind."""

import re
from collections.abc import Collection, Iterable

from pyiceberg.table import Table

from stedi_dagster.lakehouse.publish import STAGED_IN
from stedi_dagster.storage import Storage

_COMMIT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-m[0-9]+)?\.avro$")


def sweep(table: Table, storage: Storage, *, thorough: bool = False) -> int:
    """Delete a table's orphan files, and return their number.

    The caller holds the writer lock: nobody else is staging.

    Args:
        table: as it is now.
        storage: where its files are.
        thorough: whether to look also where only a table's own files should be: that reads all manifests.
    """
    suspects = set(storage.list(table.location()))
    if not thorough:
        explanations = _explanations(table)
        suspects = {path for path in suspects if not _is_explained(path, *explanations)}
    if not suspects:
        return 0
    orphans = suspects - reachable_files(table)
    storage.delete(orphans)
    return len(orphans)


def reachable_files(table: Table, *, without: Collection[int] = ()) -> set[str]:
    """Every file that the table's current metadata leads to. Reads all manifests.

    Args:
        table: as it is now.
        without: snapshots that do not count.
    """
    metadata = table.metadata
    reachable = {table.metadata_location}
    reachable.update(entry.metadata_file for entry in metadata.metadata_log)
    reachable.update(file.statistics_path for file in metadata.statistics)
    for snapshot in metadata.snapshots:
        if snapshot.snapshot_id in without:
            continue
        reachable.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            reachable.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
            reachable.update(entry.data_file.file_path for entry in entries)
    return reachable


def _explanations(table: Table) -> tuple[set[str], set[str], set[str]]:
    """What the metadata file alone says is in use: files, commits, staging folders. Reads no manifest."""
    files = {table.metadata_location, *(entry.metadata_file for entry in table.metadata.metadata_log)}
    commits, folders = set(), set()
    for snapshot in table.metadata.snapshots:
        files.add(snapshot.manifest_list)
        commits.update(_COMMIT.findall(snapshot.manifest_list))
        folders.add(snapshot.summary.get(STAGED_IN, "") if snapshot.summary else "")
    return files, commits, folders


def _is_explained(path: str, files: Iterable[str], commits: set[str], folders: set[str]) -> bool:
    if path in files:
        return True
    if "/metadata/" in path:
        commit = _COMMIT.search(path)
        return commit is not None and "/snap-" not in path and commit[1] in commits
    return not folders.isdisjoint(path.split("/"))
