"""The raw files of the landing zone: whose each record in them is, and the same files without somebody's."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import IO

from stedi_dagster.erasure.wanted import WITHOUT, Wanted, moment_of, named_by, value_of
from stedi_dagster.errors import LandingError
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import masked, not_utf8
from stedi_dagster.landing.formats import form_of, writing
from stedi_dagster.landing.traces import traces
from stedi_dagster.storage import Entry, OldVersion, storage_for

# The field that says whose a record is, what it holds, and the field that says when they sent it.
_WHOSE = {
    "customer": ("email", "email", "registrationDate"),
    "accelerometer": ("user", "email", "timestamp"),
    "step_trainer": ("serialNumber", "serialNumber", "sensorReadingTime"),
}
_WRITTEN = "lastUpdateDate"


@dataclass(frozen=True)
class Rewritten:
    """How many raw files were rewritten, how many records went, and how many old versions."""

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
        """Everything that the files of a feed hold, and what they held before."""
        for entry in self._entries(feed):
            with self._storage.open(entry.path) as stream:
                yield from read_documents(stream)
        for version in self._storage.old_versions(f"{self._landing}/{feed.folder}"):
            with version.open() as stream:
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
            # Before there are those of the files that are rewritten.
            done += Rewritten(versions=len(self._versions(feed, wanted)))
            if really:
                self._storage.delete_unfinished(f"{self._landing}/{feed.folder}")
            for entry in self._entries(feed):
                with self._storage.open(entry.path) as stream:
                    records = _count(stream, feed, wanted)
                if records:
                    done += Rewritten(files=1, records=records)
                    if really:
                        self._rewrite(entry, feed, wanted)
            if really:
                self._storage.delete_versions(self._versions(feed, wanted))
        return done

    def _entries(self, feed: Feed) -> list[Entry]:
        try:
            found = self._storage.entries(f"{self._landing}/{feed.folder}")
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise not_utf8(error) from None
        return sorted((entry for entry in found if entry.readable and entry.size), key=lambda entry: entry.path)

    def _rewrite(self, entry: Entry, feed: Feed, wanted: Wanted) -> None:
        with tempfile.TemporaryFile() as kept:
            with self._storage.open(entry.path) as stream:
                form = form_of(stream)
                _write(kept, _others(stream, feed, wanted))
            with self._storage.open(entry.path) as stream:
                left = _pieces(_others(stream, feed, wanted))
                kept.seek(0)
                if any(a != b for a, b in zip_longest(left, _pieces(read_documents(kept)))):
                    raise LandingError(
                        f"{masked(entry.path.removeprefix(f'{self._landing}/'))} cannot be rewritten: without the "
                        "records that are to go, the rest would be read differently. It is as it was; take the "
                        "records out by hand, and run it again."
                    )
            kept.seek(0)
            with self._storage.replacing(entry.path) as target, writing(target, form) as writer:
                shutil.copyfileobj(kept, writer)

    def _versions(self, feed: Feed, wanted: Wanted) -> list[OldVersion]:
        """The old versions of a feed's files that hold records of somebody wanted."""
        going = []
        for version in self._storage.old_versions(f"{self._landing}/{feed.folder}"):
            with version.open() as stream:
                if _count(stream, feed, wanted):
                    going.append(version)
        return going


def is_of(document: Document, feed: Feed, wanted: Wanted) -> bool:
    """Whether a document is somebody's who is wanted: by the field that says so, else by whatever it names."""
    key, what, sent = _WHOSE[feed.name]
    at = moment_of(document.value, sent)
    if feed.name == "customer":
        people = named_by(document.value, traces(document).people)
        if people:
            written = at if value_of(document.value, _WRITTEN) is None else moment_of(document.value, _WRITTEN)
            # Whether it can be read as an agreement is not looked into.
            return any(
                wanted.is_wanted_customer(person, registered=at, written=written, agrees=False) for person in people
            )
    elif (value := value_of(document.value, key)) is not None:
        return wanted.is_wanted(what, value, at)
    if document.value is not None:
        return wanted.names(json.dumps(document.value, ensure_ascii=False, default=str))
    return wanted.names(document.text)


def _count(stream: IO[bytes], feed: Feed, wanted: Wanted) -> int:
    return sum(is_of(document, feed, wanted) for document in read_documents(stream))


def _others(stream: IO[bytes], feed: Feed, wanted: Wanted) -> Iterator[Document]:
    for document in read_documents(stream):
        if not is_of(document, feed, wanted):
            yield document
        elif feed.name == "customer":
            yield from _left_of(document, wanted)


def _left_of(document: Document, wanted: Wanted) -> Iterator[Document]:
    """What stands for a text that named others, too: for each a record that cannot be read, as the text could not."""
    people, devices = wanted.others(document.value, traces(document))
    for person in people:
        record = {"email": person, "registrationDate": WITHOUT}
        for one in [record | {"serialNumber": device} for device in devices] or [record]:
            yield Document(one, None, json.dumps(one), 0, 0)


def _pieces(documents: Iterable[Document]) -> Iterator[str]:
    """What is read. Texts between which a record went that could not be read either may be read as one."""
    for unreadable, together in groupby(documents, key=lambda document: document.value is None):
        texts = [document.text.strip() for document in together]
        yield from filter(None, ["".join("".join(texts).split())] if unreadable else texts)


def _write(target: IO[bytes], documents: Iterable[Document]) -> None:
    for document in documents:
        # The end of a damaged packed file is a document without text.
        if text := document.text.strip():
            target.write(text.encode("utf-8", "surrogateescape") + b"\n")
