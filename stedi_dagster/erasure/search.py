"""Where somebody still stands: every byte below some folders, unpacked and decoded, held against their traces."""

import codecs
import gzip
import json
import sqlite3
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from stedi_dagster.erasure.digests import Digester, words
from stedi_dagster.erasure.fields import value_of
from stedi_dagster.erasure.ledger import Trace
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.traces import said_by_keys, unescaped
from stedi_dagster.policies.keys import key_of

_PACKED, _PARQUET, _AVRO, _SQLITE = b"\x1f\x8b", b"PAR1", b"Obj\x01", b"SQLite format 3\x00"
_BLOCK = 1 << 24
# Words that stand at the border of two blocks are read with both.
_OVERLAP = 1 << 10
# Columns that say whose a row is: what else it holds is that person's, also where two are called the same.
_PEOPLE = ("email", "user", "people")
# What is nobody else's.
_THEIRS_ALONE = frozenset({"email", "participantId"})

Opened = Callable[[], IO[bytes]]


class Search:
    """Looks for one person."""

    def __init__(self, email: str, traces: Iterable[Trace], by: Digester, *, others: Iterable[str] = ()) -> None:
        """Prepare.

        Args:
            email: their address.
            traces: what else tells who they are.
            by: whose digests those are.
            others: addresses of other people, in which this one may stand.
        """
        self._by = by
        self._email = key_of(email)
        self._person = by.of(email)
        self._what = {trace.digest: trace.what for trace in traces} | {self._person: "email"}
        longer = {key_of(other) for other in others} - {self._email}
        self._longer = sorted((other for other in longer if self._email in other), key=len, reverse=True)
        self._lengths = sorted({trace.words for trace in traces} - {1})

    def in_file(self, path: str, opened: Opened) -> Counter[str]:
        """What of the person stands in a file, in its name too, and how often at least."""
        found = self._in_text(path)
        with opened() as stream:
            start = stream.read(16)
            stream.seek(0)
            if start.startswith(_PARQUET):
                return found + self._in_parquet(stream)
            if start.startswith(_AVRO):
                return found + self._in_avro(stream)
            if start == _SQLITE:
                return found + self._in_sqlite(stream)
            return found + self._in_bytes(stream, packed=start.startswith(_PACKED))

    def _in_parquet(self, stream: IO[bytes]) -> Counter[str]:
        found: Counter[str] = Counter()
        try:
            file = pq.ParquetFile(stream)
        except pa.ArrowInvalid:  # cut short
            stream.seek(0)
            return self._in_bytes(stream, packed=False)
        found += self._in_text("\n".join(_strings([file.metadata.metadata, file.schema_arrow.names])))
        for batch in file.iter_batches():
            whose = next((name for name in _PEOPLE if name in batch.schema.names), None)
            for field in batch.schema:
                column = _as_texts(batch[field.name])
                if column is None:
                    continue
                if whose is None:
                    found += self._in_values(column)
                    continue
                theirs = self._is_theirs(_as_texts(batch[whose]))
                found += self._in_values(column.filter(theirs))
                found += self._only_theirs(self._in_values(column.filter(pc.invert(theirs))))
        return found

    def _is_theirs(self, people: pa.Array | None) -> pa.BooleanArray:
        # Where nobody is named, it may be theirs.
        theirs = [
            value
            for value in pc.unique(people).to_pylist()
            if value is None or self._person in map(self._by.of, value.split("\n"))
        ]
        return pc.is_in(people, pa.array(theirs, pa.string()))

    def _in_values(self, column: pa.Array) -> Counter[str]:
        found: Counter[str] = Counter()
        for entry in pc.value_counts(column).to_pylist():
            if entry["values"] is not None:
                for what in self._in_text(entry["values"]):
                    found[what] += entry["counts"]
        return found

    def _in_avro(self, stream: IO[bytes]) -> Counter[str]:
        # Also as bytes: what describes the records, and what is damaged.
        as_bytes = self._in_bytes(stream, packed=False)
        stream.seek(0)
        found: Counter[str] = Counter()
        try:
            for record in fastavro.reader(stream):
                found += self._in_text("\n".join(_strings(record)))
        except (ArithmeticError, LookupError, ValueError, EOFError, struct.error, zlib.error):  # cut short, or damaged
            pass
        return found | as_bytes

    def _in_sqlite(self, stream: IO[bytes]) -> Counter[str]:
        # Also as bytes: rows that were deleted, and what has not been written to the database proper.
        found = self._in_bytes(stream, packed=False)
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
                        found |= self._in_text("\n".join(_strings([_inflated(value) for value in row])))
            except sqlite3.DatabaseError:
                return found
            finally:
                connection.close()
        return found

    def _in_bytes(self, stream: IO[bytes], *, packed: bool) -> Counter[str]:
        found: Counter[str] = Counter()
        before = ""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for block in _unpacked(stream) if packed else _blocks(stream):
            text = before + decoder.decode(block)
            found += self._in_text(text)
            before = text[-_OVERLAP:]
        if found.keys() - _THEIRS_ALONE:
            stream.seek(0)
            found = self._in_documents(stream, found)
        return found

    def _in_documents(self, stream: IO[bytes], found: Counter[str]) -> Counter[str]:
        """The same for records one by one: what names somebody else is that person's."""
        apart: Counter[str] = Counter()
        for document in read_documents(stream):
            unreadable = document.value is None
            text = document.text if unreadable else json.dumps(document.value, ensure_ascii=False, default=str)
            here = self._in_text(text)
            apart += self._only_theirs(here) if self._is_somebody_elses(document) else here
        # Their address counts wherever it stands, also between documents.
        return self._only_theirs(found) | apart

    def _is_somebody_elses(self, document: Document) -> bool:
        people = [person for person in (said_by_keys(document).people or "").split("\n") if person]
        if (user := value_of(document.value, "user")) is not None:
            people.append(user)
        if people:
            return self._person not in map(self._by.of, people)
        device = value_of(document.value, "serialNumber")
        return device is not None and self._by.of(device) not in self._what

    def _only_theirs(self, found: Counter[str]) -> Counter[str]:
        return Counter({what: times for what, times in found.items() if what in _THEIRS_ALONE})

    def _in_text(self, text: str) -> Counter[str]:
        text = key_of(unescaped(text).replace("%40", "@"))
        found: Counter[str] = Counter()
        if self._email in text:
            for other in self._longer:
                text = text.replace(other, " ")
            found["email"] = text.count(self._email)
        there = words(text)
        phrases = set(there) | {
            " ".join(there[at : at + length]) for length in self._lengths for at in range(len(there) - length + 1)
        }
        # Whole values too: one may hold what no word does.
        for phrase in phrases | ({text} if len(text) < _OVERLAP else set()):
            what = self._what.get(self._by.of(phrase))
            if what and what != "email":
                found[what] += 1
        return +found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _unpacked(stream: IO[bytes]) -> Iterator[bytes]:
    # One read at a time: a longer one would lose what stands before the damage.
    read = gzip.GzipFile(fileobj=stream).read1
    try:
        while block := read(_BLOCK):
            yield block
    except (EOFError, zlib.error, gzip.BadGzipFile):
        stream.seek(0)
        yield from _blocks(stream)  # what stands behind the damage may not be packed


def _inflated(value: Any) -> Any:
    """A value of a database: Dagster packs some of its own."""
    try:
        return zlib.decompress(value) if isinstance(value, bytes) else value
    except zlib.error:
        return value


def _as_texts(column: pa.Array) -> pa.Array | None:
    """The texts of a column, of whatever kind it is; None where it can hold none."""
    if pa.types.is_string(column.type):
        return column
    if pa.types.is_primitive(column.type):
        return None
    return pa.array(["\n".join(_strings(value)) for value in column.to_pylist()], pa.string())
