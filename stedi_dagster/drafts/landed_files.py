"""Which raw files have landed, and which of a listing have not: those are landed next, and nothing else is read."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import LandedFiles
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.lakehouse.summary import BatchSummary
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.files import Listing, RawFile
from stedi_dagster.storage import Storage, storage_for

_FILES_AT_ONCE = 4


@dataclass(frozen=True)
class Changes:
    """What a listing has that has not landed.

    Attributes:
        landing: the files to land: new ones, changed ones, and whoever shares a batch with one of those or with one
            that is gone.
        stale: the batches that these files leave.
        known: what is known of all other files, as rows of LandedFiles, with their versions as they are now.
        renewed: whether a version among these has changed although the file has not.
    """

    landing: tuple[RawFile, ...]
    stale: frozenset[str]
    known: pa.Table
    renewed: bool

    @property
    def nothing(self) -> bool:
        """Whether everything has landed as it is."""
        return not self.landing and not self.stale


def not_landed(lakehouse: Lakehouse, feed: Feed, listing: Listing, now_ms: int) -> int:
    """How many files of a feed have not landed as they are, or are gone since they have; 0: a run would find nothing.

    Args:
        lakehouse: where the tables are.
        feed: the feed.
        listing: the files that there are now.
        now_ms: see `compare`.

    Raises:
        OriginError: a metadata file or a manifest is gone or damaged.
    """
    records = lakehouse.read(feed.contract.table(), feed.contract)
    landed = lakehouse.read(feed.landed_files, LandedFiles)
    if records is None or landed is None or records.summary.landed is None:
        return len(listing.files)
    batches = records.summary.landed.batches
    changes = compare(landed.files, batches, listing, storage_for(listing.location), now_ms)
    return len(changes.landing) or len(changes.stale)


def compare(
    files: DataFiles, batches: Mapping[str, BatchSummary], listing: Listing, storage: Storage, now_ms: int
) -> Changes:
    """Compare what has landed with a listing.

    Args:
        files: of the table LandedFiles.
        batches: of the feed.
        listing: the files that there are now.
        storage: where they are. Of those of which only the version is another, the bytes are read.
        now_ms: when the run began (epoch ms); what was in the future may no longer be.
    """
    schema = arrow_schema(LandedFiles)
    known = pa.Table.from_batches(files.batches(LandedFiles.names()), schema)
    now = {file.key: file for file in listing.files}
    listed = pa.table(
        {
            "key": pa.array(now, pa.string()),
            "sizeNow": pa.array([file.size for file in now.values()], pa.int64()),
            "versionNow": pa.array([file.version for file in now.values()], pa.string()),
        }
    )
    joined = known.join(listed, keys="key", join_type="full outer")
    versioned = pc.equal(joined["version"], joined["versionNow"])
    resized = pc.not_equal(joined["size"], joined["sizeNow"])
    # Null where one of the two sides is.
    same = pc.fill_null(pc.and_(versioned, pc.invert(resized)), fill_value=False)
    others = joined.filter(pc.invert(same)).to_pylist()
    touched = [row for row in others if row["digest"] is not None and row["size"] == row["sizeNow"]]
    alike = _alike([(now[row["key"]], row["digest"]) for row in touched], storage)
    stale = {row["batch"] for row in others if row["batch"] is not None and row["key"] not in alike}
    stale |= {batch for batch, found in batches.items() if found.due is not None and found.due <= now_ms}
    # Rows that somebody took out: nobody knows which files they were of.
    counted = known.group_by("batch").aggregate([("key", "count")])
    rows = dict(zip(counted["batch"].to_pylist(), counted["key_count"].to_pylist(), strict=True))
    stale |= {batch for batch, found in batches.items() if rows.get(batch, 0) != found.files}
    fresh = {row["key"] for row in others if row["batch"] is None}
    if stale or fresh:
        stale |= {batch for batch, found in batches.items() if found.cut}
    moved = pc.is_in(known["batch"], pa.array(sorted(stale), pa.string()))
    landing = fresh.union(known.filter(moved)["key"].to_pylist()) & now.keys()
    staying = known.filter(pc.invert(moved))
    if alike:
        versions = [now[key].version if key in alike else version for key, version in _pairs(staying)]
        staying = staying.set_column(schema.get_field_index("version"), "version", pa.array(versions, pa.string()))
    return Changes(tuple(sorted(now[key] for key in landing)), frozenset(stale), staying, bool(alike))


def digests(files: Sequence[RawFile], storage: Storage) -> dict[str, str | None]:
    """The digest of each file's bytes, by its key; None where its version tells enough, or it is gone."""

    def digest(file: RawFile) -> str | None:
        try:
            return storage.digest(file.path)
        except OSError:
            # Whoever reads it says what is wrong with it.
            return None

    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        return dict(zip((file.key for file in files), pool.map(digest, files), strict=True))


def _alike(files: Iterable[tuple[RawFile, str]], storage: Storage) -> AbstractSet[str]:
    """The keys of those files whose bytes have the digest that they had."""
    before = dict(files)
    now = digests(list(before), storage)
    return {file.key for file, digest in before.items() if now[file.key] == digest}


def _pairs(files: pa.Table) -> Iterable[tuple[str, str]]:
    return zip(files["key"].to_pylist(), files["version"].to_pylist(), strict=True)
