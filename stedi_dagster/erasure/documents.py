"""Whose a document of a raw file is, and what is left of it without somebody who is being erased."""

import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stedi_dagster.contracts import Contract, CustomerLanding
from stedi_dagster.contracts.columns import Identifies
from stedi_dagster.erasure.cutting import only_others, without_lines, without_objects
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.fields import moment_of, owners_of, registration_of, split_lines, value_of
from stedi_dagster.erasure.remainder import SOMEBODY, others_in, stub
from stedi_dagster.landing.cut import cut_addresses
from stedi_dagster.landing.documents import Document, read_documents
from stedi_dagster.landing.documents.document import BLANK
from stedi_dagster.landing.feeds import Feed
from stedi_dagster.landing.formats import is_not_read
from stedi_dagster.landing.mentions import Mentions, mentions_of
from stedi_dagster.landing.records import RecordReader

_WRITTEN = "lastUpdateDate"
# People and devices come again in every file.
_REMEMBERED = 1 << 18


def is_of(document: Document, feed: Feed, erasing: ErasureFilter) -> bool:
    """Whether a document is somebody's who is being erased: by the field that says so, else by whatever it names.

    A file of a format that is not read is nobody's: out of it nothing can be taken but all of it.
    """
    if document.reason is not None and is_not_read(document.reason):
        return False
    owned = _is_owned(document.value, feed, erasing)
    if owned is not None:
        return owned
    if feed.contract is CustomerLanding:
        people = {*split_lines(mentions_of(document).people), *erasing.starting_with(*cut_addresses(document.text))[0]}
        if people:
            return any(_is_customers(document.value, person, erasing) for person in people)
    return erasing.is_named_in(document.text)


def may_be_of(
    rows: pa.Table, contract: type[Contract], is_theirs: Callable[[Identifies, str], bool]
) -> pa.BooleanArray:
    """Which plain records may be somebody's: theirs by a field that says whose they are, and those that have no owner.

    Args:
        rows: the records.
        contract: the feed's.
        is_theirs: whether what identifies an owner is theirs.
    """
    theirs, nobodys = [], []
    for spec in contract.owners():
        column = rows[spec.name].combine_chunks()
        owners = [
            one for one in pc.unique(column).to_pylist() if one is not None and _is_owner(one, spec.name, contract)
        ]
        matching = [one for one in owners if spec.identifies and is_theirs(spec.identifies, one)]
        theirs.append(pc.is_in(column, pa.array(matching, pa.string())))
        nobodys.append(pc.invert(pc.is_in(column, pa.array(owners, pa.string()))))
    return pc.or_(reduce(pc.or_, theirs), reduce(pc.and_, nobodys))


class Redactor:
    """Says what is left of the documents of one feed."""

    def __init__(self, feed: Feed, erasing: ErasureFilter) -> None:
        """Prepare.

        Args:
            feed: the feed.
            erasing: whose documents go.
        """
        self._feed = feed
        self._erasing = erasing
        self._now_ms = time.time_ns() // 1_000_000
        self._reader = RecordReader(feed.contract, now_ms=self._now_ms)

    def may_go(self, rows: pa.Table) -> pa.BooleanArray:
        """Of which plain records something may go; of all others nothing does."""
        return may_be_of(rows, self._feed.contract, self._erasing.matches)

    def redacted(self, document: Document) -> list[Document] | None:
        """What stands in the place of a document: nothing or one text; None where it stays as it is."""
        if not is_of(document, self._feed, self._erasing):
            return None
        left = list(self._customers(document) if self._feed.contract is CustomerLanding else self._readings(document))
        # What names somebody in no other way than by naming somebody else.
        return None if [one.text for one in left] == [document.text.strip(BLANK)] else left

    def isolated(self, document: Document) -> Document:
        """The same document so that it is read alike beside whatever other: a text that is none in quotation marks."""
        if document.value is not None or not document.text.strip():
            return document
        quoted = document._replace(text=_quoted(document.text.strip(BLANK)))
        if self._feed.contract is CustomerLanding:
            meant, begun = mentions_of(document, now_ms=self._now_ms), cut_addresses(document.text)
            return quoted if self._means(quoted, meant, begun) else stub(meant, begun)
        return quoted

    def _readings(self, document: Document) -> Iterator[Document]:
        if _is_owned(document.value, self._feed, self._erasing) is None:
            erasing = self._erasing
            text = without_objects(document.text, self._is_theirs)
            cuts = [
                text,
                without_lines(text, erasing.is_named_in),
                only_others(text, self._is_others, erasing.is_named_in),
            ]
            # What would be read as records of its own stays in quotation marks.
            yield from self._first_well(
                [one for cut in cuts if cut.strip() for one in (cut, _quoted(cut))],
                lambda cut: not erasing.is_named_in(cut.text),
            )

    def _customers(self, document: Document) -> Iterator[Document]:
        if self._is_record(document):
            return
        meant = mentions_of(document, now_ms=self._now_ms)
        begun = cut_addresses(document.text)
        theirs, alike = self._erasing.starting_with(*begun)
        if theirs or any(self._erasing.matches("person", one) for one in begun):
            # What is left of their address goes: who else is called so is named instead.
            named = split_lines(meant.people)
            people = {one for one in named if self._erasing.is_known(one) or not self._erasing.starting_with(one)[0]}
            meant, begun = meant._replace(people="\n".join(people | alike) or None), set()
        others = others_in(document.text, meant, self._erasing)
        if others.people or begun:
            # Lines of a text may be one person's: a name, an address, a telephone number.
            without = without_objects(document.text, self._is_theirs)
            cut = list(
                self._first_well([without], lambda cut: self._means(cut, others, begun) and not self._describes(cut))
            )
            yield from cut or [stub(others, begun)]

    def _first_well(self, cuts: Iterable[str], is_well: Callable[[Document], bool]) -> Iterator[Document]:
        """The first of some texts that is read as one text, is no record, and well."""
        for cut in (cut.strip(BLANK) for cut in cuts):
            read = list(read_documents(io.BytesIO(cut.encode("utf-8", "surrogateescape"))))
            if [one.text.strip(BLANK) for one in read] == [cut] and not self._is_record(read[0]) and is_well(read[0]):
                yield read[0]._replace(text=cut)
                return

    def _means(self, cut: Document, others: Mentions, begun: set[str]) -> bool:
        """Whether a text means just these people, as landing has it."""
        return (
            SOMEBODY not in split_lines(others.people)  # whom only a stub names
            and mentions_of(cut, now_ms=self._now_ms) == others
            and cut_addresses(cut.text) == begun
        )

    def _describes(self, cut: Document) -> bool:
        """Whether a text tells who they are, outside of the objects in it that are others'."""
        return self._erasing.is_described_in(without_objects(cut.text, self._is_somebodys))

    def _is_somebodys(self, value: Any, _: str) -> bool:
        return _is_owned(value, self._feed, self._erasing) is not None

    def _is_others(self, value: Any, _: str) -> bool:
        return _is_owned(value, self._feed, self._erasing) is False

    def _is_record(self, document: Document) -> bool:
        return document.reason is None and self._reader.read(document.value)[0] is not None

    def _is_theirs(self, value: Any, text: str) -> bool:
        """Whether an object within a text is: by the field that says so, else by whatever it names."""
        owned = _is_owned(value, self._feed, self._erasing)
        return self._erasing.is_named_in(text) if owned is None else owned


def _is_owned(value: Any, feed: Feed, erasing: ErasureFilter) -> bool | None:
    """Whether an object is erased, by the field that says whose it is; None where nothing does."""
    owners = owners_of(value, feed.contract)
    if not owners:
        return None
    if feed.contract is CustomerLanding:
        return any(_is_customers(value, owner, erasing) for _, owner in owners)
    event_time = feed.contract.event_time()
    sent = moment_of(value, event_time) if event_time else None
    return any(erasing.matches(kind, owner, sent) for kind, owner in owners)


@lru_cache(_REMEMBERED)
def _is_owner(value: str, name: str, contract: type[Contract]) -> bool:
    return bool(owners_of({name: value}, contract))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _is_customers(value: Any, person: str, erasing: ErasureFilter) -> bool:
    registered = registration_of(value)
    written = registered if value_of(value, _WRITTEN) is None else moment_of(value, _WRITTEN)
    # Whether it can be read as an agreement is not looked into.
    return erasing.matches_customer(person, registered=registered, written=written, agrees=False)
