"""The raw files of the landing zone: whose each record in them is, and the same files without somebody's."""

import gzip
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import IO, Any

from stedi_dagster.erasure.wanted import Wanted
from stedi_dagster.errors import LandingError
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import masked
from stedi_dagster.landing.traces import traces
from stedi_dagster.storage import Entry, storage_for

_PACKED = b"\x1f\x8b"
# The field that says whose a record is, in small letters as keys are compared, what it holds, and the field that says
# when they sent it.
_WHOSE = {
    "customer": ("email", "email", "registrationdate"),
    "accelerometer": ("user", "email", "timestamp"),
    "step_trainer": ("serialnumber", "serialNumber", "sensorreadingtime"),
}


@dataclass(frozen=True)
class Rewritten:
    """How many raw files were rewritten or removed, how many records went, and how many old versions."""

    files: int = 0
    records: int = 0
    versions: int = 0

    def __add__(self, other: "Rewritten") -> "Rewritten":
        return Rewritten(self.files + other.files, self.records + other.records, self.versions + other.versions)


class RawFiles:
    """The files of a landing zone's feeds, markers too: engines skip them, people find them."""

    def __init__(self, landing: str) -> None:
        self._landing = landing
        self._storage = storage_for(landing)

    def documents(self, feed: Feed) -> Iterator[Document]:
        """Everything that the files of a feed hold."""
        for entry in self._entries(feed):
            with self._storage.open(entry.path) as stream:
                yield from read_documents(stream)

    def remove(self, wanted: Wanted, *, really: bool = True) -> Rewritten:
        """Rewrite each file that holds records of somebody wanted without them, old versions of files included.

        What is left is the same documents in the same order, one after another. A file with nothing left stays, empty.

        Args:
            wanted: whose records go.
            really: False to count only.

        Raises:
            LandingError: a file would not be read as before; it is left as it is.
        """
        done = Rewritten()
        for feed in FEEDS.values():
            for entry in self._entries(feed):
                with self._storage.open(entry.path) as stream:
                    records = _count(stream, feed, wanted)
                if records:
                    done += Rewritten(files=1, records=records)
                    if really:
                        self._rewrite(entry, feed, wanted)
            done += Rewritten(versions=self._remove_versions(feed, wanted, really=really))
        return done

    def _entries(self, feed: Feed) -> list[Entry]:
        try:
            found = self._storage.entries(f"{self._landing}/{feed.folder}")
        except FileNotFoundError:
            return []
        return sorted((entry for entry in found if entry.readable and entry.size), key=lambda entry: entry.path)

    def _rewrite(self, entry: Entry, feed: Feed, wanted: Wanted) -> None:
        with tempfile.TemporaryFile() as kept:
            with self._storage.open(entry.path) as stream:
                packed = stream.read(2) == _PACKED
                stream.seek(0)
                _write(
                    kept, _texts(document for document in read_documents(stream) if not is_of(document, feed, wanted))
                )
            with self._storage.open(entry.path) as stream:
                left = _texts(document for document in read_documents(stream) if not is_of(document, feed, wanted))
                kept.seek(0)
                if any(a != b for a, b in zip_longest(left, _texts(read_documents(kept)))):
                    raise LandingError(
                        f"{masked(entry.path.removeprefix(f'{self._landing}/'))} cannot be rewritten: without the "
                        "records that are to go, the rest would be read differently. It is as it was; take the "
                        "records out by hand, and run it again."
                    )
            kept.seek(0)
            with self._storage.replacing(entry.path) as target, _packing(target, packed=packed) as packing:
                shutil.copyfileobj(kept, packing)

    def _remove_versions(self, feed: Feed, wanted: Wanted, *, really: bool) -> int:
        going = []
        for version in self._storage.old_versions(f"{self._landing}/{feed.folder}"):
            with version.open() as stream:
                if _count(stream, feed, wanted):
                    going.append(version)
        if really:
            self._storage.delete_versions(going)
        return len(going)


def is_of(document: Document, feed: Feed, wanted: Wanted) -> bool:
    """Whether a document is somebody's who is wanted: by the field that says so, else by anything that it names."""
    key, what, moment = _WHOSE[feed.name]
    # Whoever is named by an address owns the record, also where the device is somebody's who is wanted.
    devices = traces(document).people is None
    if isinstance(document.value, dict):
        found = [value for name, value in document.value.items() if name.casefold() == key]
        if len(found) == 1 and isinstance(found[0], str) and found[0].strip():
            return wanted.is_wanted(what, found[0], _moment(document.value, moment))
        return wanted.names(json.dumps(document.value, ensure_ascii=False, default=str), devices=devices)
    return wanted.names(document.text, devices=devices)


def _moment(record: Mapping[str, Any], key: str) -> int | None:
    found = [value for name, value in record.items() if name.casefold() == key]
    return int(found[0]) if len(found) == 1 and str(found[0]).isdecimal() else None


def _count(stream: IO[bytes], feed: Feed, wanted: Wanted) -> int:
    return sum(is_of(document, feed, wanted) for document in read_documents(stream))


def _texts(documents: Iterable[Document]) -> Iterator[str]:
    # The end of a damaged packed file is a document without text.
    return (document.text.strip() for document in documents if document.text.strip())


def _write(target: IO[bytes], texts: Iterable[str]) -> None:
    for text in texts:
        target.write(text.encode("utf-8", "surrogateescape") + b"\n")


@contextmanager
def _packing(target: IO[bytes], *, packed: bool) -> Iterator[IO[bytes]]:
    if not packed:
        yield target
        return
    with gzip.GzipFile(fileobj=target, mode="wb", mtime=0) as stream:
        packing: Any = stream
        yield packing
