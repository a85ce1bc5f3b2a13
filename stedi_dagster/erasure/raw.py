"""The raw files of the landing zone: all that is in them, and the same files without what is somebody's."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import IO

from stedi_dagster.erasure.documents import Redactor
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.errors import AwsError, LandingError, StorageError
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import masked, not_utf8
from stedi_dagster.landing.formats import Form, form_of, hides, writing
from stedi_dagster.storage import Entry, OldVersion, storage_errors, storage_for


@dataclass(frozen=True)
class Rewritten:
    """How many raw files were rewritten, how many records went, and how many old versions.

    `hidden` are the files that could not be looked into, or not to their end.
    """

    files: int = 0
    records: int = 0
    versions: int = 0
    hidden: int = 0

    def __add__(self, other: "Rewritten") -> "Rewritten":
        return Rewritten(
            self.files + other.files,
            self.records + other.records,
            self.versions + other.versions,
            self.hidden + other.hidden,
        )


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

    def count(self, erasing: ErasureFilter) -> Rewritten:
        """What `remove` would remove; nothing is."""
        done = Rewritten()
        for feed in FEEDS.values():
            redactor = Redactor(feed, erasing)
            done += Rewritten(versions=len(self._versions(feed, redactor)))
            for _, found in self._affected(feed, redactor):
                done += found
        return done

    def check(self, erasing: ErasureFilter) -> None:
        """See whether each file that `remove` would rewrite can be rewritten; none is.

        Args:
            erasing: whose records are to go.

        Raises:
            LandingError: what is left of a file would not be read as before.
            StorageError: a file cannot be replaced.
        """
        for feed in FEEDS.values():
            redactor = Redactor(feed, erasing)
            for entry, found in self._affected(feed, redactor):
                if not found.records:
                    continue
                with self._rewriting(entry, "Nothing was begun."), tempfile.TemporaryFile() as kept:
                    self._write_left(kept, entry, redactor)
                    self._storage.check_replaceable(entry.path)

    def remove(self, erasing: ErasureFilter, *, number: str) -> Rewritten:
        """Rewrite each file that holds records of somebody who is erased without them, old versions of files included.

        What is left is the same documents in the same order, one after another. A file with nothing left stays, empty.

        Args:
            erasing: whose records go.
            number: of the erasure, for messages.

        Raises:
            LandingError: a file would not be read as before; it is left as it is.
            StorageError: a file cannot be replaced.
        """
        done = Rewritten()
        for feed in FEEDS.values():
            redactor = Redactor(feed, erasing)
            # Before there are those of the files that are rewritten.
            done += Rewritten(versions=len(self._versions(feed, redactor)))
            self._storage.delete_unfinished(f"{self._landing}/{feed.folder}")
            for entry, found in self._affected(feed, redactor):
                done += found
                if not found.records:
                    continue
                with self._rewriting(entry, f"The erasure {number} is not done, and no run lands anything before it."):
                    self._rewrite(entry, redactor)
            self._storage.delete_versions(self._versions(feed, redactor))
        return done

    def _affected(self, feed: Feed, redactor: Redactor) -> Iterator[tuple[Entry, Rewritten]]:
        """The files of a feed that hold records of who is erased, or hide something, and what would go."""
        for entry in self._entries(feed):
            with self._storage.open(entry.path) as stream:
                records, hidden = _count(stream, redactor)
            if records or hidden:
                yield entry, Rewritten(files=bool(records), records=records, hidden=hidden)

    @contextmanager
    def _rewriting(self, entry: Entry, outcome: str) -> Iterator[None]:
        """Say of what fails which file it is, and what follows."""
        doing = f"rewriting the landing file {self._shown(entry)}"
        try:
            with storage_errors(doing, outcome=outcome):
                yield
        except AwsError as error:
            raise StorageError(f"The storage failed while {doing}. {outcome} {error}") from None

    def _entries(self, feed: Feed) -> list[Entry]:
        try:
            found = self._storage.entries(f"{self._landing}/{feed.folder}")
        except FileNotFoundError:
            return []
        except UnicodeDecodeError as error:
            raise not_utf8(error) from None
        return sorted((entry for entry in found if entry.readable and entry.size), key=lambda entry: entry.path)

    def _rewrite(self, entry: Entry, redactor: Redactor) -> None:
        with tempfile.TemporaryFile() as kept:
            form = self._write_left(kept, entry, redactor)
            kept.seek(0)
            with self._storage.replacing(entry.path) as target, writing(target, form) as writer:
                shutil.copyfileobj(kept, writer)

    def _write_left(self, target: IO[bytes], entry: Entry, redactor: Redactor) -> Form:
        """Write what is left of a file, unpacked, and return the form that it had.

        Raises:
            LandingError: it would not be read as before.
        """
        # Beside others, or out of its brackets, a text may be read on, or as a record.
        for apart in (False, True):
            target.seek(0)
            target.truncate()
            with self._storage.open(entry.path) as stream:
                form = form_of(stream)
                _write(target, _left(stream, redactor, apart=apart))
            with self._storage.open(entry.path) as stream:
                left = _pieces(_left(stream, redactor, apart=apart))
                target.seek(0)
                if all(a == b for a, b in zip_longest(left, _pieces(read_documents(target)))):
                    return form
        raise LandingError(
            f"{self._shown(entry)} cannot be rewritten: without the records that are to go, the rest would be read "
            "differently. It is as it was; take the records out by hand, and run it again."
        )

    def _shown(self, entry: Entry) -> str:
        return masked(entry.path.removeprefix(f"{self._landing}/"))

    def _versions(self, feed: Feed, redactor: Redactor) -> list[OldVersion]:
        """The old versions of a feed's files that hold records of somebody who is erased."""
        going = []
        for version in self._storage.old_versions(f"{self._landing}/{feed.folder}"):
            with version.open() as stream:
                if _count(stream, redactor)[0]:
                    going.append(version)
        return going


def _count(stream: IO[bytes], redactor: Redactor) -> tuple[int, bool]:
    """How many documents go or become others, and whether something of the file could not be looked into."""
    records, hidden = 0, False
    for document in read_documents(stream):
        records += redactor.redacted(document) is not None
        hidden |= document.reason is not None and hides(document.reason)
    return records, hidden


def _left(stream: IO[bytes], redactor: Redactor, *, apart: bool) -> Iterator[Document]:
    for document in read_documents(stream):
        left = redactor.redacted(document)
        for one in [document] if left is None else left:
            yield redactor.isolated(one) if apart else one


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
