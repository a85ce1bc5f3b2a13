"""Lands a feed: canonical files through the engine, all others through our own reader, every record accounted for.

Writes to staging folders only; `drafts.landing` decides whether a feed must land, and drafts what was staged.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import IO, Any, Protocol

from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.errors import LandingError
from stedi_dagster.keys import key_of
from stedi_dagster.landing.canonical import Lines, canonical_files, is_canonical_line, parse, raw_columns
from stedi_dagster.landing.cut import Addresses, cut_addresses
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import Listing, RawFile
from stedi_dagster.landing.gathering import gather
from stedi_dagster.landing.mentions import Mentions, mentions_of
from stedi_dagster.landing.records import RecordReader, Row
from stedi_dagster.landing.weight import FileWeight, Weight
from stedi_dagster.storage import Storage

_LONGEST_RAW = 10_000
_QUARANTINED_PER_PART = 50_000
# How many bytes to read for a first line: a canonical one is far shorter.
_FIRST_LINE = 1 << 14
_SURROGATE = re.compile("[\udc80-\udcff]")
_ANY_SURROGATE = re.compile("[\ud800-\udfff]")


class StagedFiles(Protocol):
    """The files written for a table, as far as landing needs to know."""

    @property
    def rows(self) -> int:
        """How many rows they hold."""

    def column(self, name: str) -> Iterator[Any]:
        """The values of a column."""


class StagedRows(Protocol):
    """Where to write rows that nobody sees yet, as far as landing needs to know."""

    def write_frame(self, frame: DataFrame) -> None:
        """Let the engine write a frame."""

    def write_raw(self, content: bytes) -> str:
        """Write what an engine is to read, and return its path; it goes as soon as somebody asks what was written."""

    def write_rows(self, rows: Iterable[Row]) -> int:
        """Write rows that this process holds; return their number."""

    def files(self) -> StagedFiles:
        """What was written so far."""

    def values(self, columns: Sequence[str]) -> int | None:
        """How many values in some columns are not null; None if that is not known quickly."""

    def discard(self) -> None:
        """Delete everything that was written."""


class Lander:
    """Lands one feed once, and counts what it finds.

    Attributes:
        records: everything that was read, readable or not.
        by_engine: how many records the engine read.
        odd_files: how many files were read outside the engine.
        quarantined: texts that could not be read, by reason.
        weight: how much of what the engine did not read cannot be read.
        canonical: the files that the engine read.
        records_in: how many texts were found in each of the others.
        cut: whether a text was cut off within an address: whom it means depends on who else has landed.
    """

    def __init__(self, feed: Feed, storage: Storage, *, now_ms: int) -> None:
        """Prepare to land during a run that began at `now_ms` (epoch milliseconds), from the landing zone's storage."""
        self.records = self.by_engine = self.odd_files = 0
        self.quarantined: Counter[str] = Counter()
        self.weight = Weight()
        self.canonical: frozenset[RawFile] = frozenset()
        self.records_in: Counter[str] = Counter()
        self.cut = False
        self._feed = feed
        self._storage = storage
        self._now_ms = now_ms
        self._reader = RecordReader(feed.contract, now_ms=now_ms)

    @property
    def due_ms(self) -> int | None:
        """When (epoch ms) the first record that is refused for lying in the future will no longer be."""
        return self._reader.due_ms

    def land(
        self,
        session: SparkSession,
        listing: Listing,
        records: StagedRows,
        quarantine: StagedRows,
        *,
        landed: Callable[[], Iterable[str]] = lambda: (),
    ) -> None:
        """Write a feed's records to one staged table, and the texts that cannot be read to another.

        Args:
            session: the engine's session.
            listing: the files to read.
            records: where to write records.
            quarantine: where to write everything else.
            landed: gives the addresses in records that have landed before, and are in none of these files.

        Raises:
            LandingError: a file cannot be opened.
        """
        self.canonical = self._land_canonical(session, listing, records)
        odd = [file for file in listing.files if file.size and file not in self.canonical]
        self.odd_files = len(odd)
        self._land_odd(odd, records, quarantine, landed)

    def _land_canonical(self, session: SparkSession, listing: Listing, records: StagedRows) -> frozenset[RawFile]:
        candidates = [file for file in listing.files if file.size and file.engine_can_read]
        read, lines = self._read_by_engine(session, candidates, records)
        if not read:
            return frozenset()
        records.write_frame(parse(session, self._feed.contract, list(read)))
        rows = records.files().rows
        values = records.values([spec.name for spec in raw_columns(self._feed.contract)])
        if (rows, values) != (lines.records, lines.values):
            # A record with a key twice may look canonical line by line; our own reader judges it.
            records.discard()
            return frozenset()
        self.by_engine = rows
        self.records += rows
        return frozenset(chain.from_iterable(read.values()))

    def _read_by_engine(
        self, session: SparkSession, files: Sequence[RawFile], records: StagedRows
    ) -> tuple[dict[RawFile, tuple[RawFile, ...]], Lines]:
        """The canonical files, or what they were gathered in, each with the files it holds; and all their lines."""
        read: dict[RawFile, tuple[RawFile, ...]] = {}
        lines = Lines()
        # A file that is odd in the middle breaks what it is gathered in: then more than beginnings are looked at.
        for looks_well in (self._begins_as_canonical, self._looks_canonical):
            gathered = gather(files, self._content, records.write_raw, looks_well)
            trying = {**gathered.groups, **{file: (file,) for file in gathered.others}}
            lines += self._try(session, trying, gathered.groups.keys(), read)
            files = sorted(member for file in gathered.groups.keys() - read.keys() for member in gathered.groups[file])
            if not files:
                return read, lines
        lines += self._try(session, {file: (file,) for file in files}, (), read)
        return read, lines

    def _try(
        self,
        session: SparkSession,
        files: Mapping[RawFile, tuple[RawFile, ...]],
        begin_well: Collection[RawFile],
        read: dict[RawFile, tuple[RawFile, ...]],
    ) -> Lines:
        """Add those of some files that are canonical to those that the engine reads, and return what they hold."""
        found, lines = canonical_files(
            session,
            self._feed.contract,
            list(files),
            lambda file: file in begin_well or self._begins_well(file),
            now_ms=self._now_ms,
        )
        read.update({file: files[file] for file in found})
        return lines

    def _land_odd(
        self,
        files: Sequence[RawFile],
        records: StagedRows,
        quarantine: StagedRows,
        landed: Callable[[], Iterable[str]],
    ) -> None:
        unreadable: list[tuple[Any, ...]] = []
        # Whom they mean is known only after everybody has landed.
        truncated: list[tuple[Row, set[str]]] = []

        def rows() -> Iterator[Row]:
            for file in files:
                weight = FileWeight(self.weight)
                for document in self._documents(file):
                    self.records += 1
                    self.records_in[file.name] += 1
                    row, reason = self._read(document)
                    weight.add(document, landed=row is not None)
                    if row is not None:
                        yield row
                        continue
                    self.quarantined[reason] += 1
                    named, beginnings = self._people(document)
                    where = (file.name, document.line, document.position)
                    row = (*where, reason, presentable(document.text), *named)
                    if beginnings:
                        truncated.append((row, beginnings))
                        continue
                    unreadable.append(row)
                    if len(unreadable) >= _QUARANTINED_PER_PART:
                        quarantine.write_rows(unreadable)
                        unreadable.clear()
                weight.end(file.shown)

        records.write_rows(rows())
        if truncated:
            self.cut = True
            known = Addresses(map(key_of, chain(landed(), records.files().column("email"))))
            unreadable.extend(_naming(row, known.beginning(*beginnings)) for row, beginnings in truncated)
        quarantine.write_rows(unreadable)

    def _people(self, document: Document) -> tuple[Mentions, set[str]]:
        """Whom a customer's text names, and the beginnings of addresses that it was cut off within."""
        if self._feed is not FEEDS["customer_landing"]:
            return Mentions(), set()
        return mentions_of(document, now_ms=self._now_ms), cut_addresses(document.text)

    def _read(self, document: Document) -> tuple[Row | None, str]:
        if document.reason is not None:
            return None, document.reason
        row, reason = self._reader.read(document.value)
        return row, reason or ""

    def _begins_well(self, file: RawFile) -> bool:
        with self._opened(file) as stream:
            return self._begins_as_canonical(stream.read(_FIRST_LINE))

    def _begins_as_canonical(self, content: bytes) -> bool:
        return is_canonical_line(self._feed.contract, content.lstrip()[:_FIRST_LINE].partition(b"\n")[0])

    def _looks_canonical(self, content: bytes) -> bool:
        return all(is_canonical_line(self._feed.contract, line) for line in content.splitlines() if line.strip())

    def _content(self, file: RawFile) -> bytes:
        with self._opened(file) as stream:
            return stream.read()

    def _documents(self, file: RawFile) -> Iterator[Document]:
        with self._opened(file) as stream:
            yield from read_documents(stream)

    @contextmanager
    def _opened(self, file: RawFile) -> Iterator[IO[bytes]]:
        try:
            with self._storage.open(file.path) as stream:
                yield stream
        except OSError as error:
            raise LandingError(
                f"The landing file {file.shown} cannot be read ({type(error).__name__}). Nothing was published. "
                "Check that it still exists and that this process may read it."
            ) from None


def _naming(row: Row, people: Iterable[str]) -> Row:
    """The row of `Quarantine`, naming these people as well."""
    *before, named, devices, moment = row
    return (*before, "\n".join(sorted({*filter(None, (named or "").split("\n")), *people})) or None, devices, moment)


def presentable(text: str) -> str:
    """The text in a form that can be stored: trimmed, at most 10,000 characters, with bytes not in UTF-8 as hex."""
    text = text.strip()[:_LONGEST_RAW]
    text = _SURROGATE.sub(lambda match: f"\\x{ord(match[0]) - 0xDC00:02x}", text)[:_LONGEST_RAW]
    return _ANY_SURROGATE.sub("\ufffd", text)
