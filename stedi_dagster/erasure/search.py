"""Where somebody still stands: every byte below some folders, unpacked and decoded, held against their traces."""

import gzip
import io
import json
import re
import sqlite3
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
from stedi_dagster.erasure.ledger import Trace
from stedi_dagster.landing.documents import read_documents
from stedi_dagster.landing.traces import traces
from stedi_dagster.policies.keys import key_of

_PACKED, _PARQUET, _AVRO, _SQLITE = b"\x1f\x8b", b"PAR1", b"Obj\x01", b"SQLite format 3\x00"
_BLOCK = 1 << 24
# Words that stand at the border of two blocks are read with both.
_OVERLAP = 1 << 10
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
# Columns that say whose a row is: what else it holds is that person's, also where two are called the same.
_PEOPLE = ("email", "user")
# What is nobody else's.
_THEIRS_ALONE = frozenset({"email", "participantId"})

Opened = Callable[[], IO[bytes]]


class Search:
    """Looks for one person."""

    def __init__(self, email: str, traces: Iterable[Trace], by: Digester) -> None:
        """Prepare.

        Args:
            email: their address.
            traces: what else tells who they are.
            by: whose digests those are.
        """
        self._by = by
        self._email = key_of(email)
        self._person = by.of(email)
        self._what = {trace.digest: trace.what for trace in traces} | {self._person: "email"}
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
        for batch in file.iter_batches():
            whose = next((name for name in _PEOPLE if name in batch.schema.names), None)
            texts = [field.name for field in batch.schema if pa.types.is_string(field.type)]
            for name in texts:
                column = batch[name]
                if whose is None:
                    found += self._in_values(column)
                    continue
                theirs = self._is_theirs(batch[whose])
                found += self._in_values(column.filter(theirs))
                found += self._only_theirs(self._in_values(column.filter(pc.invert(theirs))))
        return found

    def _is_theirs(self, people: pa.Array) -> pa.BooleanArray:
        theirs = [value for value in pc.unique(people).to_pylist() if value and self._by.of(value) == self._person]
        return pc.is_in(people, pa.array(theirs, pa.string()))

    def _in_values(self, column: pa.Array) -> Counter[str]:
        found: Counter[str] = Counter()
        for entry in pc.value_counts(column).to_pylist():
            if entry["values"] is not None:
                for what in self._in_text(entry["values"]):
                    found[what] += entry["counts"]
        return found

    def _in_avro(self, stream: IO[bytes]) -> Counter[str]:
        found: Counter[str] = Counter()
        try:
            for record in fastavro.reader(stream):
                found += self._in_text("\n".join(_strings(record)))
        except (ValueError, EOFError, zlib.error):  # cut short
            stream.seek(0)
            found += self._in_bytes(stream, packed=False)
        return found

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
                        found |= self._in_text("\n".join(_strings(list(row))))
            except sqlite3.DatabaseError:
                return found
            finally:
                connection.close()
        return found

    def _in_bytes(self, stream: IO[bytes], *, packed: bool) -> Counter[str]:
        found: Counter[str] = Counter()
        before = ""
        for block in _unpacked(stream) if packed else _blocks(stream):
            text = before + block.decode("utf-8", "replace")
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
            if document.reason is not None:
                return found
            text = json.dumps(document.value, ensure_ascii=False, default=str)
            people = [person for person in (traces(document).people or "").split("\n") if person]
            here = self._in_text(text)
            apart += here if not people or self._person in map(self._by.of, people) else self._only_theirs(here)
        return apart

    def _only_theirs(self, found: Counter[str]) -> Counter[str]:
        return Counter({what: times for what, times in found.items() if what in _THEIRS_ALONE})

    def _in_text(self, text: str) -> Counter[str]:
        if "\\u" in text:
            text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
        found: Counter[str] = Counter()
        if times := key_of(text).count(self._email):
            found["email"] = times
        there = words(text)
        phrases = set(there) | {
            " ".join(there[at : at + length]) for length in self._lengths for at in range(len(there) - length + 1)
        }
        # Whole values too: one may hold what no word does.
        for phrase in phrases | ({text} if len(text) < _OVERLAP else set()):
            what = self._what.get(self._by.of(phrase))
            if what and what != "email":
                found[what] += 1
        return found


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
    try:
        yield from _blocks(io.BufferedReader(gzip.GzipFile(fileobj=stream)))
    except (EOFError, zlib.error, gzip.BadGzipFile):  # cut short: what stood before the damage was read
        return
