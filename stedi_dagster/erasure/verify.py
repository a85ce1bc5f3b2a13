"""The proof of an erasure: reads everything that the platform keeps, and says where the person still stands."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path

from stedi_dagster.erasure.digests import Digester, words
from stedi_dagster.erasure.ledger import DEVICE, OWN_PHONE, PERSON, SHARED, Ledger, LedgerEntry, Trace
from stedi_dagster.erasure.person import known_of, landed_addresses, landed_of_others
from stedi_dagster.erasure.raw import RawFiles
from stedi_dagster.erasure.search import Opened, Search, Seen
from stedi_dagster.keys import key_of
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.files import masked, not_utf8
from stedi_dagster.storage import Storage, storage_for


@dataclass(frozen=True)
class Place:
    """A file in which the person stands: what of them, and how often at least."""

    file: str
    what: str
    times: int


@dataclass(frozen=True)
class Proof:
    """What was read, what was looked for, where it stands, and the person's erasures so far.

    `hidden` are the files that could not be looked into, or not to their end: the person may stand there.
    """

    files: int
    looked_for: dict[str, int]
    places: tuple[Place, ...]
    erasures: tuple[LedgerEntry, ...]
    hidden: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the person stands nowhere."""
        return not self.places and not self.hidden


def verify(email: str, lakehouse: Lakehouse, landing: str, digester: Digester) -> Proof:
    """Read every byte below the warehouse, the landing zone and STEDI_HOME, and old versions where there are any.

    Looked for is what raw records and tables tell of the person now, and what the ledger knows of an erasure. A serial
    number that somebody else carries too, is theirs, and is not looked for.

    Args:
        email: the person's address.
        lakehouse: the tables.
        landing: the landing zone's folder or s3:// URL.
        digester: whose digests the ledger holds.
    """
    person = digester.of(email)
    known = known_of(person, lakehouse, RawFiles(landing), digester).traces
    erasures = Ledger(lakehouse).erasures_of(person)
    known = known.union(*(erasure.traces for erasure in erasures))
    known -= landed_of_others(person, lakehouse, digester, DEVICE)
    known -= {trace for trace in known if trace.what in (SHARED, OWN_PHONE)}
    # One may stand in another, as ann@ does in lee-ann@; a value may also hold several, or a whole sentence.
    others = {address for address in landed_addresses(lakehouse) if words(address) == [key_of(address)]}
    search = Search(email, known, digester, others=others)

    def look(file: tuple[str, str, Opened]) -> tuple[str, Seen] | None:
        folder, shown, opened = file
        try:
            return masked(shown), search.in_file(shown.removeprefix(folder), opened)
        except FileNotFoundError:
            return None  # since it was listed, as journals of databases are

    everything = list(_everything(lakehouse, landing))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # Files of different kinds side by side: raw files are Arrow's work for the most part, tables Python's, and only
        # one thread at a time does that.
        begun = {file[:2]: pool.submit(look, file) for file in _in_turn(everything)}
        looked = [begun[file[:2]].result() for file in everything]
    read = [seen for seen in looked if seen]
    places = [Place(file, what, times) for file, seen in read for what, times in sorted(seen.found.items())]
    hidden = [file for file, seen in read if not seen.whole]
    looked_for = Counter(trace.what for trace in known | {Trace(PERSON, person, 1)})
    return Proof(
        len(read), dict(looked_for), tuple(places), tuple(erasure.entry for erasure in erasures), tuple(hidden)
    )


def _everything(lakehouse: Lakehouse, landing: str) -> Iterator[tuple[str, str, Opened]]:
    """Every file and every old version of one: the folder looked through, its name, how it is opened."""
    seen: set[str | tuple[str, str]] = set()
    for folder in dict.fromkeys((lakehouse.warehouse, landing, str(lakehouse.home))):
        storage = storage_for(folder)
        for path in _list(storage, folder):
            if path not in seen and _is_read(Path(path), lakehouse.home):
                seen.add(path)
                yield folder, path, partial(storage.open, path)
        for version in storage.old_versions(folder):
            # What was there before a bucket had versions has the version "null", in every file.
            if (version.path, version.version) not in seen:
                seen.add((version.path, version.version))
                yield folder, f"{version.path} (old version {version.version})", version.open


def _in_turn(files: Iterable[tuple[str, str, Opened]]) -> Iterator[tuple[str, str, Opened]]:
    """One file of each folder after the other."""
    folders: dict[str, list[tuple[str, str, Opened]]] = {}
    for file in files:
        folders.setdefault(file[0], []).append(file)
    for together in zip_longest(*folders.values()):
        yield from filter(None, together)


def _list(storage: Storage, folder: str) -> list[str]:
    try:
        return storage.list(folder)
    except UnicodeDecodeError as error:
        raise not_utf8(error) from None


def _is_read(path: Path, home: Path) -> bool:
    # The key is the platform's own secret, and locks are empty.
    return not (path.parent == home and path.name in {"erasure.key", "lakehouse.lock", "dagster.lock"})
