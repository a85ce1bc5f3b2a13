"""Files of the landing zone and the warehouse, on this machine or on S3; nothing else touches them directly.

What the files contain is not known here: raw files are read by `landing`, tables by `lakehouse`.
"""

from stedi_dagster.storage.base import Entry, OldVersion, Storage
from stedi_dagster.storage.checksum import Checksum
from stedi_dagster.storage.faults import fault, storage_errors


def storage_for(location: str) -> Storage:
    """The storage for a location."""
    if location.startswith("s3://"):
        from stedi_dagster.storage.s3 import S3Storage

        return S3Storage()
    from stedi_dagster.storage.local import LocalStorage

    return LocalStorage()


__all__ = ["Checksum", "Entry", "OldVersion", "Storage", "fault", "storage_errors", "storage_for"]
