"""Iceberg's metadata files as they lie in a table's folder, whether or not a catalog knows them."""

import gzip
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

from stedi_dagster.storage import Storage

_SUFFIX = ".metadata.json"
_PACKED = ".gz.metadata.json"
_VERSION = re.compile(r"v?(\d+)[^/]*$")


@dataclass(frozen=True)
class MetadataFile:
    """The content of one metadata file, as far as it is needed here."""

    path: str
    table_uuid: str
    location: str
    sequence: int
    updated_ms: int
    current: int | None
    snapshots: frozenset[int]
    # The metadata files before this one, the last of them right before it.
    log: tuple[str, ...]
    properties: dict[str, str]

    @property
    def order(self) -> tuple[int, int, int]:
        """Orders the files of a table by age; by the clock, which may be set wrong, only where nothing else decides."""
        return self.sequence, version_of(self.path), self.updated_ms


def is_metadata(path: str) -> bool:
    """Whether a file is a metadata file, by its name."""
    return path.endswith(_SUFFIX) and "/metadata/" in path


def name_of(path: str) -> str:
    """A file's own name, without its folder."""
    return path.rsplit("/", maxsplit=1)[-1]


def version_of(path: str) -> int:
    """The number with which a metadata file's name begins; 0 where it has none."""
    found = _VERSION.match(name_of(path))
    return int(found[1]) if found else 0


def read_metadata(storage: Storage, path: str) -> MetadataFile | None:
    """The content of a metadata file; None where it is gone, or cannot be read."""
    content = storage.read(path)
    if content is None:
        return None
    try:
        fields: dict[str, Any] = json.loads(gzip.decompress(content) if path.endswith(_PACKED) else content)
        current = fields.get("current-snapshot-id")
        return MetadataFile(
            path,
            fields["table-uuid"],
            fields["location"],
            fields.get("last-sequence-number", 0),
            fields["last-updated-ms"],
            None if current == -1 else current,
            frozenset(snapshot["snapshot-id"] for snapshot in fields.get("snapshots") or ()),
            tuple(entry["metadata-file"] for entry in fields.get("metadata-log") or ()),
            fields.get("properties") or {},
        )
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error):
        return None
