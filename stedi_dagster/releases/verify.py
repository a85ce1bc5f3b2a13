"""Verifying a copy of a release: which revision it is, whether it is whole, and whether it must be replaced."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from stedi_dagster.errors import ReleaseError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import Revisions
from stedi_dagster.releases.export import FORMAT, MANIFEST, place_of
from stedi_dagster.releases.exports import Exports
from stedi_dagster.storage import Storage, storage_for


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    path: str
    size: int
    sha256: str


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    format: str
    release: str
    revision: int
    export: str
    lakehouse: str
    files: list[_File]


@dataclass(frozen=True)
class Verified:
    """What a copy is.

    Attributes:
        release: the release's name.
        revision: its revision when it was copied.
        export: the copy's number.
        damaged: what is wrong with each file that is not as it was.
        current: the release's revision now; None where this lakehouse does not know the release.
        recorded: whether the ledger of exports has this very copy; None where this is not the lakehouse it is of.
        destroyed: whether the ledger has it that no copy is left.
    """

    release: str
    revision: int
    export: str
    damaged: dict[str, str]
    current: int | None
    recorded: bool | None
    destroyed: bool = False

    @property
    def intact(self) -> bool:
        """Whether every file is as it was written."""
        return not self.damaged and self.recorded is not False

    @property
    def must_be_replaced(self) -> bool:
        """Whether it has rows that have had to go from the release since."""
        return self.current is not None and self.current > self.revision

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        own = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**own, "intact": self.intact, "must_be_replaced": self.must_be_replaced}


def verify(folder: str, lakehouse: Lakehouse | None) -> Verified:
    """Verify a copy; reads every file of it.

    Args:
        folder: of the copy, on this machine or s3://bucket/prefix.
        lakehouse: what knows of the release and of its exports; None where there is none.

    Raises:
        ReleaseError: the folder holds no copy of a release.
        StediError: the lakehouse cannot be read.
        OSError: a file cannot be read.
    """
    folder = place_of(folder)
    storage = storage_for(folder)
    content = None if Path(folder).is_file() else storage.read(f"{folder}/{MANIFEST}")
    if content is None:
        raise ReleaseError(f"{folder} has no {MANIFEST}: it is no copy of a release, or it was not finished.")
    try:
        manifest = _Manifest.model_validate_json(content)
    except ValidationError:
        raise ReleaseError(f"{folder}/{MANIFEST} cannot be read: it is damaged, or not that of a release.") from None
    if manifest.format != FORMAT:
        raise ReleaseError(
            f"{folder}/{MANIFEST} is of the format {json.dumps(manifest.format)}; this version reads {FORMAT}: use a "
            "newer one."
        )
    damaged = _damaged(folder, manifest, storage)
    if lakehouse is None or lakehouse.identity.lakehouse != manifest.lakehouse:
        return Verified(manifest.release, manifest.revision, manifest.export, damaged, None, None)
    revisions = Revisions(lakehouse).all().get(manifest.release)
    known = {export.number: export for export in Exports(lakehouse).all()}.get(manifest.export)
    digest = hashlib.sha256(content).hexdigest()
    return Verified(
        manifest.release,
        manifest.revision,
        manifest.export,
        damaged,
        revisions[-1].number if revisions else None,
        known is not None and known.digest == digest,
        destroyed=known is not None and known.destroyed_ms is not None,
    )


def _damaged(folder: str, manifest: _Manifest, storage: Storage) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in manifest.files:
        try:
            checksum = storage.checksum(f"{folder}/{file.path}")
        except FileNotFoundError:
            found[file.path] = "is gone"
            continue
        if (checksum.size, checksum.sha256) != (file.size, file.sha256):
            found[file.path] = "was altered"
    there = {path.removeprefix(f"{folder}/") for path in storage.list(folder)}
    own = {MANIFEST, *(file.path for file in manifest.files)}
    return {**found, **dict.fromkeys(sorted(there - own), "is not the release's")}
