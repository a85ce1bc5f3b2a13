"""Where somebody still stands: every byte below some folders, unpacked and decoded, held against their traces."""

import sqlite3
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache, reduce
from operator import or_
from typing import IO, NamedTuple

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from stedi_dagster.contracts import CONTRACTS, Column, Contract, CustomerLanding
from stedi_dagster.contracts.columns import Identifies
from stedi_dagster.erasure.digests import Digester, phrases_of
from stedi_dagster.erasure.documents import may_be_of
from stedi_dagster.erasure.fields import split_lines, value_of
from stedi_dagster.erasure.ledger import PARTICIPANT, PERSON, Trace
from stedi_dagster.erasure.plain_lines import NotPlainError, contract_of, plain_lines
from stedi_dagster.erasure.recognised import encoded_in, holding, is_recognised
from stedi_dagster.erasure.texts_in import as_texts, before_damage, blocks, by_letters, inflated, strings, texts_among
from stedi_dagster.keys import key_of
from stedi_dagster.lakehouse.data_files import ROWS_AT_ONCE
from stedi_dagster.landing.decodings import readings, unescaped
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.landing.formats import Broken, opened
from stedi_dagster.landing.mentions import mentions_in_keys
from stedi_dagster.landing.records import is_address
from stedi_dagster.landing.spellings import addresses_in

_PARQUET, _AVRO, _SQLITE = b"PAR1", b"Obj\x01", b"SQLite format 3\x00"
# Of the formats that landing does not read, those in which a text stands as it is.
_PLAIN = frozenset({"binary", "tar", "Python pickle"})
# Words that stand at the border of two blocks are read with both.
_OVERLAP = 1 << 10
# Columns that say whose a row is: what else it holds is that person's, also where two are called the same.
_PEOPLE = frozenset(spec.name for contract in CONTRACTS.values() for spec in contract.identifying("person"))
# The same of raw records, but for customers', whose text says it however broken.
_OF_RECORDS = [
    spec for feed in FEEDS.values() if feed.contract is not CustomerLanding for spec in feed.contract.identifying()
]
# What is nobody else's.
_THEIRS_ALONE = frozenset({PERSON, PARTICIPANT})

# What is decoded again and again is remembered, if it is no longer than this; and values, which stand in every table.
_REMEMBERED, _SHORT = 1 << 16, 1 << 8
_VALUES = 1 << 19
_NOTHING: Counter[str] = Counter()

Opened = Callable[[], IO[bytes]]


class Seen(NamedTuple):
    """What of somebody stands in a file and how often at least, and whether all of the file could be looked into."""

    found: Counter[str]
    whole: bool = True


class Search:
    """Looks for one person."""

    def __init__(self, email: str, traces: Iterable[Trace], digester: Digester, *, others: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            email: their address.
            traces: what else tells who they are.
            digester: whose digests those are.
            others: addresses of other people, in which this one may stand.
        """
        self._by = digester
        self._email = key_of(email)
        self._person = digester.of(email)
        self._what = {trace.digest: trace.what for trace in traces} | {self._person: PERSON}
        self._longer = holding({key_of(other) for other in others} - {self._email}, {self._email})
        self._lengths = sorted({trace.words for trace in traces} - {1})
        self._in_short = lru_cache(_REMEMBERED)(self._in_encoded)
        self._in_short_value = lru_cache(_VALUES)(lambda value: self._in_text(value) or _NOTHING)

    def in_file(self, path: str, opening: Opened) -> Seen:
        """What of the person stands in a file, in its name too."""
        with opening() as stream:
            start = stream.read(16)
            stream.seek(0)
            if start.startswith(_PARQUET):
                found, whole = self._in_parquet(stream)
            elif start.startswith(_AVRO):
                found, whole = self._in_avro(stream)
            elif start == _SQLITE:
                found, whole = self._in_sqlite(stream)
            else:
                found, whole = self._in_text_file(stream)
        return Seen(self._in_text(path) + found, whole)

    def _in_parquet(self, stream: IO[bytes]) -> Seen:
        found: Counter[str] = Counter()
        try:
            file = pq.ParquetFile(stream)
        except pa.ArrowInvalid:  # cut short
            return Seen(self._in_bytes(stream), whole=False)
        found += self._in_text("\n".join(strings([file.metadata.metadata, file.schema_arrow.names])))
        for batch in file.iter_batches(ROWS_AT_ONCE):
            theirs = self._are_theirs([batch[name] for name in batch.schema.names if name in _PEOPLE])
            for field in batch.schema:
                column = as_texts(batch[field.name])
                if column is None:
                    continue
                if theirs is None:
                    found += self._in_values(column)
                    continue
                found += self._in_values(column.filter(theirs))
                found += self._only_theirs(self._in_values(column.filter(pc.invert(theirs))))
        return Seen(found)

    def _are_theirs(self, columns: list[pa.Array]) -> pa.BooleanArray | None:
        """Which rows are theirs by the columns that name people; None where there are none."""
        named = [people for people in map(as_texts, columns) if people is not None]
        if not named:
            return None
        # Where nobody is named, it may be theirs.
        theirs = reduce(pc.and_, (pc.is_null(people) for people in named))
        for people in named:
            values = [value for value in pc.unique(people).to_pylist() if value and self._is_among(value.split("\n"))]
            theirs = pc.or_(theirs, pc.is_in(people, pa.array(values, pa.string())))
        return theirs

    def _is_among(self, people: Iterable[str]) -> bool:
        return self._person in map(self._by.of, people)

    def _in_values(self, column: pa.Array) -> Counter[str]:
        found: Counter[str] = Counter()
        for entry in pc.value_counts(column).to_pylist():
            if entry["values"] is not None:
                for what in self._in_value(entry["values"]):
                    found[what] += entry["counts"]
        return found

    def _in_value(self, value: str) -> Counter[str]:
        return self._in_short_value(value) if len(value) <= _SHORT else self._in_text(value)

    def _in_avro(self, stream: IO[bytes]) -> Seen:
        # Also as bytes: what describes the records, and what is damaged.
        as_bytes = self._in_bytes(stream)
        stream.seek(0)
        found: Counter[str] = Counter()
        try:
            for record in fastavro.reader(stream):
                found += self._in_text("\n".join(strings(record)))
        except (ArithmeticError, LookupError, ValueError, EOFError, struct.error, zlib.error):  # cut short, or damaged
            return Seen(found | as_bytes, whole=False)
        return Seen(found | as_bytes)

    def _in_sqlite(self, stream: IO[bytes]) -> Seen:
        # Also as bytes: rows that were deleted, and what has not been written to the database proper.
        found = self._in_bytes(stream)
        stream.seek(0)
        with tempfile.NamedTemporaryFile() as copy:
            copy.write(stream.read())
            copy.flush()
            connection = sqlite3.connect(f"file:{copy.name}?mode=ro&immutable=1", uri=True)
            try:
                connection.text_factory = lambda text: text.decode("utf-8", "replace")
                tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
                for (table,) in tables:
                    for row in connection.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - a name that it gave us
                        found |= self._in_text("\n".join(strings([inflated(value) for value in row])))
            except sqlite3.DatabaseError:
                return Seen(found, whole=False)
            finally:
                connection.close()
        return Seen(found)

    def _in_text_file(self, stream: IO[bytes]) -> Seen:
        """In a file that is text, however it is packed and encoded, or in the bytes of what is none."""
        if contract := contract_of(stream):
            try:
                return Seen(self._in_plain_lines(stream, contract))
            except NotPlainError:
                stream.seek(0)
        found: Counter[str] = Counter()
        whole = True
        for part in opened(stream):
            whole = whole and (part.form.kind is None or part.form.kind in _PLAIN)
            damage: list[Broken] = []
            found += self._in_blocks(before_damage(part.blocks, damage))
            whole = whole and not damage
        if not whole:
            # What stands behind damage may not be packed.
            found |= self._in_bytes(stream)
        if found.keys() - _THEIRS_ALONE:
            stream.seek(0)
            found = self._in_documents(stream, found)
        return Seen(found, whole)

    def _in_bytes(self, stream: IO[bytes]) -> Counter[str]:
        stream.seek(0)
        return self._in_blocks(texts_among(blocks(stream)))

    def _in_blocks(self, texts: Iterable[str]) -> Counter[str]:
        found: Counter[str] = Counter()
        before = ""
        for one in texts:
            text = before + one
            found += reduce(or_, map(self._in_text, by_letters(text)))
            before = text[-_OVERLAP:]
        return found

    def _in_plain_lines(self, stream: IO[bytes], contract: type[Contract]) -> Counter[str]:
        """In raw records: only those are read that have escapes, or a value in which something stands that counts."""
        found: Counter[str] = Counter()
        for some in plain_lines(stream, contract):
            telling, naming = pa.scalar(value=False), pa.scalar(value=False)
            for column in some.rows.itercolumns():
                if pa.types.is_string(column.type):
                    text = column.combine_chunks()
                    values = [value for value in pc.unique(text).to_pylist() if value and self._in_value(value)]
                    theirs = [value for value in values if self._only_theirs(self._in_value(value))]
                    telling = pc.or_(telling, pc.is_in(text, pa.array(values, pa.string())))
                    naming = pc.or_(naming, pc.is_in(text, pa.array(theirs, pa.string())))
            # Of the records of others only what is nobody else's counts.
            unowned = may_be_of(some.rows, contract, self._identifies_them)
            lines = some.lines(pc.or_(some.escaped(), pc.or_(naming, pc.and_(telling, unowned))))
            found += self._in_each(line.document for line in lines)
        return found

    def _identifies_them(self, kind: Identifies, value: str) -> bool:
        digest = self._by.of(value)
        return digest == self._person if kind == "person" else digest in self._what

    def _in_each(self, documents: Iterable[Document]) -> Counter[str]:
        """In records one by one: what names somebody else is that person's."""
        found: Counter[str] = Counter()
        for document in documents:
            here = self._in_text(document.text)
            found += self._only_theirs(here) if self._is_somebody_elses(document) else here
        return found

    def _in_documents(self, stream: IO[bytes], found: Counter[str]) -> Counter[str]:
        apart = self._in_each(read_documents(stream))
        # Their address counts wherever it stands, also between documents.
        return self._only_theirs(found) | apart

    def _is_somebody_elses(self, document: Document) -> bool:
        said = split_lines(mentions_in_keys(document).people)
        said += [value for spec, value in self._said_in(document) if spec.identifies == "person"]
        # What has not the form of an address says whose it is only by those that may be read in it.
        people = [{one} if is_address(one) else addresses_in(one) for one in said]
        if any(people):
            return all(people) and self._person not in map(self._by.of, set().union(*people))
        devices = [value for spec, value in self._said_in(document) if spec.identifies == "device"]
        return bool(devices) and not any(self._by.of(device) in self._what for device in devices)

    def _said_in(self, document: Document) -> list[tuple[Column, str]]:
        said = ((spec, value_of(document.value, spec.name)) for spec in _OF_RECORDS)
        return [(spec, value) for spec, value in said if value is not None]

    def _only_theirs(self, found: Counter[str]) -> Counter[str]:
        return Counter({what: times for what, times in found.items() if what in _THEIRS_ALONE})

    def _in_text(self, text: str) -> Counter[str]:
        found = self._in_plain(unescaped(text).replace("%40", "@"))
        for encoded in encoded_in(text):
            if here := self._in_short(encoded) if len(encoded) <= _SHORT else self._in_encoded(encoded):
                found |= here
        return found

    def _in_encoded(self, text: str) -> Counter[str]:
        said = dict.fromkeys(readings(text))
        found = Counter({PERSON: 1} if is_recognised(self._email, said, self._longer) else ())
        for one in said:
            found |= self._in_plain(one)
        return found

    def _in_plain(self, text: str) -> Counter[str]:
        found = self._in_key(key_of(text))
        if not text.isascii():
            # The key of a text takes all that stands behind its last @ for a domain.
            found |= self._in_key(key_of(f"{text}\n@"))
        return found

    def _in_key(self, text: str) -> Counter[str]:
        found: Counter[str] = Counter()
        if self._email in text:
            for other in self._longer:
                text = text.replace(other, " ")
            found[PERSON] = text.count(self._email)
        # Whole values too: one may hold what no word does.
        for phrase in phrases_of(text, self._lengths) | ({text} if len(text) < _OVERLAP else set()):
            what = self._what.get(self._by.of(phrase))
            if what and what != PERSON:
                found[what] += 1
        return +found
