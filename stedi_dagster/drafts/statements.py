"""What raw customer files state about people's consent, file by file: one that cannot be read does not hide the others.

What follows from it is in `refused`.
"""

import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stedi_dagster.contracts import CustomerLanding
from stedi_dagster.errors import StediError
from stedi_dagster.keys import key_of
from stedi_dagster.landing.cut import cut_addresses
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.files import list_files
from stedi_dagster.landing.mentions import mentions_of
from stedi_dagster.landing.records import RecordReader
from stedi_dagster.locations import is_s3
from stedi_dagster.storage import storage_for

# The moment of a refusal without a date: it counts as the latest statement.
UNDATED = math.inf


@dataclass(frozen=True)
class Statement:
    """What a record, or a text that is not one, states about one person's consent at a moment (epoch ms)."""

    moment: float
    refuses: bool
    person: str = ""
    unreadable: bool = False
    file: str = ""
    document: Document | None = None
    # Whether `person` is only the beginning of the addresses of those who are meant.
    prefix: bool = False

    def order(self) -> tuple[float, bool]:
        """The later statement holds, and of two at once the refusal."""
        return self.moment, self.refuses

    @classmethod
    def of_record(
        cls,
        person: str,
        updated: int | None,
        registered: int | None,
        agreed: int | None,
        file: str = "",
        document: Document | None = None,
    ) -> "Statement":
        """What a readable record states; a refusal without a date counts as the latest."""
        refuses = agreed is None
        moment = updated or registered or (UNDATED if refuses else 0)
        return cls(moment, refuses, person, file=file, document=document)


def statements_in_raw_files(landing: str, *, now_ms: int) -> Iterator[Statement]:
    """Every statement in files that can be read; the others are skipped, and named by what refused the feed.

    Args:
        landing: the landing zone's folder or s3:// URL.
        now_ms: when the run began (epoch ms).
    """
    feed = FEEDS["customer_landing"]
    reader, storage = RecordReader(CustomerLanding, now_ms=now_ms), storage_for(landing)
    for name, path in _files(landing, feed):
        try:
            with Path(path).open("rb") if name is None else storage.open(path) as stream:
                for document in read_documents(stream):
                    yield from _statements_in(document, reader, name or feed.folder)
        except (OSError, StediError):
            continue


def _files(landing: str, feed: Feed) -> Iterator[tuple[str | None, str]]:
    """Names and paths; where the folder cannot be listed whole, what of it is a file, without names."""
    try:
        for file in list_files(landing, feed).files:
            yield file.name, file.path
    except StediError:
        if not is_s3(landing):
            yield from ((None, path) for path in _plain_files(f"{landing}/{feed.folder}"))


def _plain_files(folder: str) -> Iterator[str]:
    for inside, _, names in sorted(os.walk(folder)):
        for path in (os.path.join(inside, name) for name in sorted(names)):  # noqa: PTH118 - names that are no UTF-8
            if any(part.startswith(("_", ".")) for part in PurePosixPath(path[len(folder) + 1 :]).parts):
                continue
            try:
                regular = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - as above
            except OSError:
                continue
            # To open a pipe would wait for whoever writes to it.
            if regular:
                yield path


def _statements_in(document: Document, reader: RecordReader, file: str) -> Iterator[Statement]:
    row, _ = reader.read(document.value) if document.reason is None else (None, "")
    if row is None:
        named = mentions_of(document)
        moment = UNDATED if named.moment is None else named.moment
        for person in filter(None, (named.people or "").split("\n")):
            yield Statement(moment, True, key_of(person), unreadable=True, file=file, document=document)
        for address in cut_addresses(document.text):
            yield Statement(moment, True, address, unreadable=True, file=file, document=document, prefix=True)
        return
    record = dict(zip(CustomerLanding.names(), row, strict=True))
    updated, registered = record["lastUpdateDate"], record["registrationDate"]
    agreed = record["shareWithResearchAsOfDate"]
    yield Statement.of_record(key_of(record["email"]), updated, registered, agreed, file=file, document=document)
