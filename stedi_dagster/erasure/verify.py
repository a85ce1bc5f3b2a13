"""The proof of an erasure: reads everything that the platform keeps, and says where the person still stands."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stedi_dagster.contracts import CustomerLanding
from stedi_dagster.erasure.digests import Digester
from stedi_dagster.erasure.ledger import Ledger, Trace
from stedi_dagster.erasure.person import traces_of
from stedi_dagster.erasure.raw import RawFiles
from stedi_dagster.erasure.search import Opened, Search
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.landing.files import masked
from stedi_dagster.storage import storage_for


@dataclass(frozen=True)
class Place:
    """A file in which the person stands: what of them, and how often at least."""

    file: str
    what: str
    times: int


@dataclass(frozen=True)
class Proof:
    """What was read, what was looked for, and where it stands."""

    files: int
    looked_for: dict[str, int]
    places: tuple[Place, ...]


def verify(email: str, lakehouse: Lakehouse, landing: str, by: Digester) -> Proof:
    """Read every byte below the warehouse, the landing zone and STEDI_HOME, and old versions where there are any.

    Looked for is what raw records and tables tell of the person now, and what the ledger knows of an erasure. A serial
    number that somebody else carries too, is theirs, and is not looked for.

    Args:
        email: the person's address.
        lakehouse: the tables.
        landing: the landing zone's folder or s3:// URL.
        by: whose digests the ledger holds.
    """
    person = by.of(email)
    known = traces_of(person, lakehouse, RawFiles(landing), by)
    for erasure in Ledger(lakehouse).erasures():
        if any(trace.digest == person for trace in erasure.traces):
            known |= erasure.traces
    known -= _others(person, lakehouse, by)
    search = Search(email, known, by)
    files, places = 0, []
    for shown, opened in _everything(lakehouse, landing):
        files += 1
        found = search.in_file(shown, opened)
        places += [Place(masked(shown), what, times) for what, times in sorted(found.items())]
    return Proof(files, dict(Counter(trace.what for trace in known | {Trace("email", person, 1)})), tuple(places))


def _others(person: str, lakehouse: Lakehouse, by: Digester) -> set[Trace]:
    """The serial numbers that other people's records carry."""
    table = lakehouse.table(CustomerLanding.table())
    if table is None or table.current_snapshot() is None:
        return set()
    rows = table.scan(selected_fields=("email", "serialNumber")).to_arrow()
    pairs = rows.group_by(["email", "serialNumber"]).aggregate([]).to_pylist()
    return {Trace.of("serialNumber", pair["serialNumber"], by) for pair in pairs if by.of(pair["email"]) != person}


def _everything(lakehouse: Lakehouse, landing: str) -> Iterator[tuple[str, Opened]]:
    seen = set()
    for folder in dict.fromkeys((lakehouse.warehouse, landing, str(lakehouse.home))):
        storage = storage_for(folder)
        for path in storage.list(folder):
            if path not in seen and _is_read(Path(path), lakehouse.home):
                seen.add(path)
                yield path, partial(storage.open, path)
        for version in storage.old_versions(folder):
            if version.version not in seen:
                seen.add(version.version)
                yield f"{version.path} (old version {version.version})", version.open


def _is_read(path: Path, home: Path) -> bool:
    # The key is the platform's own secret, and locks are empty.
    return not (path.parent == home and path.name in {"erasure.key", "lakehouse.lock", "dagster.lock"})
