"""Raw files from which somebody is erased, without tables; and what landing concludes of them about everybody else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from stedi_dagster.erasure.digests import Digester
from stedi_dagster.erasure.erasure_filter import ErasureFilter
from stedi_dagster.erasure.ledger import OWN_PHONE, Erasure, Trace
from stedi_dagster.erasure.raw import RawFiles, Rewritten
from stedi_dagster.landing.cut import cut_addresses
from stedi_dagster.landing.documents import Document
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.landing.mentions import mentions_of
from stedi_dagster.landing.records import RecordReader
from stedi_dagster_tests.landing.zone import NOW, documents
from stedi_dagster_tests.scenario import FEEDS as FOLDERS

BY = Digester(SecretStr("k" * 40))
CUSTOMER, ACCELEROMETER, STEP_TRAINER = FEEDS.values()


def wanted(
    email: str, serial: str = "", others: set[str] | None = None, name: str = "", own_phone: str = ""
) -> ErasureFilter:
    """Somebody to erase, who has a device or none, and whom landing knows."""
    told = {"email": email, "serialNumber": serial, "customerName": name, OWN_PHONE: own_phone}
    traces_ = frozenset(Trace.of(what, value, BY) for what, value in told.items() if value)
    return ErasureFilter.of(Erasure("one", traces_, BY.key_id, NOW, NOW), BY).with_known(others or set())


@dataclass(frozen=True)
class Zone:
    """A landing zone without anything."""

    folder: Path

    def __post_init__(self) -> None:
        for feed in FOLDERS:
            (self.folder / feed / "landing").mkdir(parents=True, exist_ok=True)

    def land(self, feed: Feed, content: str | bytes, name: str = "part.json") -> Path:
        """Land a file."""
        path = self.folder / feed.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def erase(self, email: str, serial: str = "", **more: Any) -> Rewritten:
        """Take somebody out of all files."""
        return RawFiles(str(self.folder)).remove(wanted(email, serial, **more), number="one")


def left_of(tmp_path: Path, feed: Feed, content: str | bytes, email: str, serial: str = "", **more: Any) -> str:
    """What a file holds once somebody was erased from it."""
    zone = Zone(tmp_path)
    path = zone.land(feed, content)
    zone.erase(email, serial, **more)
    text = path.read_text(errors="surrogateescape")
    assert zone.erase(email, serial, **more) == Rewritten()
    assert path.read_text(errors="surrogateescape") == text
    return text


def records(feed: Feed, text: str | bytes) -> list[tuple[object, ...]]:
    """What lands."""
    return [row for row, _ in map(_read(feed), _documents(text)) if row is not None]


def texts(feed: Feed, text: str | bytes) -> list[Document]:
    """What is quarantined."""
    return [one for one in _documents(text) if _read(feed)(one)[0] is None]


def concluded(text: str | bytes, without: str = "") -> set[tuple[object, ...]]:
    """What a file of customers says of everybody but one person: what they wrote, who is meant by texts, and when."""
    found: set[tuple[object, ...]] = {row for row in records(CUSTOMER, text) if row[1] != without}
    for one in texts(CUSTOMER, text):
        named = mentions_of(one, now_ms=NOW)
        people = (named.people or "").split("\n")
        found |= {(person, named.moment) for person in people if person not in ("", without)}
        found |= {(begun, "cut") for begun in cut_addresses(one.text)}
        if people != [without]:
            devices = (named.devices or "").split("\n")
            found |= {("of several" if len(people) > 1 else people[0], device) for device in devices if device}
    return found


def _documents(text: str | bytes) -> list[Document]:
    return documents(text.encode(errors="surrogateescape") if isinstance(text, str) else text)


def _read(feed: Feed):
    reader = RecordReader(feed.contract, now_ms=NOW)
    return lambda one: reader.read(one.value) if one.reason is None else (None, "")
