"""The raw files of the landing zone: all that is in them, and the same files without what is somebody's."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby, zip_longest
from typing import IO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts.columns import Identifies
from stedi_dagster.erasure.documents import Redactor, may_be_of
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.plain_lines import NotPlainError, document_of, plain_lines
from stedi_dagster.errors import AwsError, LandingError, StorageError
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import masked, not_utf8
from stedi_dagster.landing.formats import Form, form_of, hides, writing
from stedi_dagster.storage import Entry, OldVersion, storage_errors, storage_for

_BLOCK = 1 << 22


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


class Found(NamedTuple):
    """What of somebody who is erased is in a file.

    Attributes:
        records: how many documents go or become others.
        hidden: whether something of the file could not be looked into.
        lines: of a file of plain lines that all go, where each begins and ends; None of any other file.
    """

    records: int
    hidden: bool
    lines: tuple[tuple[int, int], ...] | None


class RawFiles:
    """The files of a landing zone's feeds, markers too: engines skip them, people find them."""

    def __init__(self, landing: str) -> None:
        self._landing = landing
        self._storage = storage_for(landing)

    def documents(
        self,
        feed: Feed,
        is_theirs: Callable[[Identifies, str], bool],
        others: Callable[[pa.Table], None] = lambda _: None,
    ) -> Iterator[Document]:
        """What the files of a feed hold, and what they held before, of some people and of nobody in particular.

        In files that are not plain, that is everything; something may come twice.

        Args:
            feed: the feed.
            is_theirs: whether what identifies an owner is theirs.
            others: is given other people's plain records.
        """
        for opening in self._streams(feed):
            with opening() as stream:
                try:
                    for some in plain_lines(stream, feed.contract):
                        wanted = may_be_of(some.rows, feed.contract, is_theirs)
                        others(some.rows.filter(pc.invert(wanted)))
                        yield from (line.document for line in some.lines(wanted))
                except NotPlainError:
                    stream.seek(0)
                    yield from read_documents(stream)

    def _streams(self, feed: Feed) -> Iterator[Callable[[], IO[bytes]]]:
        for entry in self._entries(feed):
            yield partial(self._storage.open, entry.path)
        for version in self._storage.old_versions(f"{self._landing}/{feed.folder}"):
            yield version.open

    def count(self, erasing: ErasureFilter) -> Rewritten:
        """What `remove` would remove; nothing is."""
        done = Rewritten()
        for feed in FEEDS.values():
            redactor = Redactor(feed, erasing)
            done += Rewritten(versions=len(self._versions(feed, redactor)))
            for _, found in self._affected(feed, redactor, {}):
                done += _rewritten(found)
        return done

    def check(self, erasing: ErasureFilter) -> dict[Entry, Found]:
        """See whether each file that `remove` would rewrite can be rewritten; none is.

        Args:
            erasing: whose records are to go.

        Returns:
            What was found in each file.

        Raises:
            LandingError: what is left of a file would not be read as before.
            StorageError: a file cannot be replaced.
        """
        looked: dict[Entry, Found] = {}
        for feed in FEEDS.values():
            redactor = Redactor(feed, erasing)
            for entry, found in self._affected(feed, redactor, looked):
                if not found.records:
                    continue
                with self._rewriting(entry, "Nothing was begun."), tempfile.TemporaryFile() as kept:
                    if found.lines is None:
                        self._write_left(kept, entry, redactor)
                    self._storage.check_replaceable(entry.path)
        return looked

    def remove(self, erasing: ErasureFilter, *, number: str, looked: Mapping[Entry, Found] | None = None) -> Rewritten:
        """Rewrite each file that holds records of somebody who is erased without them, old versions of files included.

        What is left is the same documents in the same order, one after another. A file with nothing left stays, empty.

        Args:
            erasing: whose records go.
            number: of the erasure, for messages.
            looked: what `check` found for the same people; files that have changed since are looked through again.

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
            for entry, found in self._affected(feed, redactor, dict(looked or {})):
                done += _rewritten(found)
                if not found.records:
                    continue
                with self._rewriting(entry, f"The erasure {number} is not done, and no run lands anything before it."):
                    if found.lines is None or not self._drop(entry, found.lines, redactor):
                        self._rewrite(entry, redactor)
            self._storage.delete_versions(self._versions(feed, redactor))
        return done

    def _affected(self, feed: Feed, redactor: Redactor, looked: dict[Entry, Found]) -> Iterator[tuple[Entry, Found]]:
        """The files of a feed that hold records of who is erased, or hide something, and what would go.

        What was looked through is added to what had been.
        """
        affected: set[str] = set()
        for entry in self._entries(feed):
            # A file with two names may meanwhile have been rewritten under the other one.
            if entry not in looked or entry.identity in affected:
                with self._storage.open(entry.path) as stream:
                    looked[entry] = _look(stream, feed, redactor)
            found = looked[entry]
            if found.records or found.hidden:
                affected |= {entry.identity} - {""}
                yield entry, found

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

    def _drop(self, entry: Entry, lines: Iterable[tuple[int, int]], redactor: Redactor) -> bool:
        """Write a file anew without some of its lines, the others byte for byte; not if it is another one by now."""
        with tempfile.TemporaryFile() as kept:
            with self._storage.open(entry.path) as stream:
                for start, end in lines:
                    _copy(stream, kept, start - stream.tell())
                    try:
                        going = document_of(stream.read(end - start), 0, start)
                    except ValueError:
                        return False
                    if redactor.redacted(going) != []:
                        return False
                shutil.copyfileobj(stream, kept)
                if stream.tell() != entry.size:
                    return False
            kept.seek(0)
            with self._storage.replacing(entry.path) as target:
                shutil.copyfileobj(kept, target)
        return True

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
                if _look(stream, feed, redactor).records:
                    going.append(version)
        return going


def _look(stream: IO[bytes], feed: Feed, redactor: Redactor) -> Found:
    """What goes of a file."""
    try:
        return _look_at_lines(stream, feed, redactor)
    except NotPlainError:
        stream.seek(0)
    records, hidden = 0, False
    for document in read_documents(stream):
        records += redactor.redacted(document) is not None
        hidden |= document.reason is not None and hides(document.reason)
    return Found(records, hidden, None)


def _look_at_lines(stream: IO[bytes], feed: Feed, redactor: Redactor) -> Found:
    going: list[tuple[int, int]] = []
    are_plain = True
    for some in plain_lines(stream, feed.contract):
        for line in some.lines(redactor.may_go(some.rows)):
            left = redactor.redacted(line.document)
            if left is not None:
                going.append((line.start, line.end))
                are_plain &= not left
    return Found(len(going), hidden=False, lines=tuple(going) if are_plain else None)


def _rewritten(found: Found) -> Rewritten:
    return Rewritten(files=bool(found.records), records=found.records, hidden=found.hidden)


def _copy(source: IO[bytes], target: IO[bytes], length: int) -> None:
    while length and (block := source.read(min(length, _BLOCK))):
        target.write(block)
        length -= len(block)


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
