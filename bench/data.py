"""The landing data to measure on: the public data or a generated sample, and larger copies of it.

Copies are made once, under `bench/.work`, and reused until their source changes.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench" / ".work"
REAL_DATA = ROOT.parent / "shared" / "data" / "stedi"

_SERIAL_NUMBER = re.compile(rb'("serialNumber"\s*:\s*")')
_CHUNK_BYTES = 4_000_000
_MOMENT = re.compile(rb'("(?:timestamp|sensorReadingTime)"\s*:\s*)(\d+)')
_DAY_MS = 24 * 60 * 60 * 1000
_COPIES_WITH_CHANGES = 10


def base_landing(data: Path | None) -> tuple[Path, str]:
    """Choose the landing folder to start from.

    Args:
        data: A folder that holds `customer/landing`, `accelerometer/landing` and `step_trainer/landing`, or
            None for the public data if it lies next to the repository, otherwise a generated sample of its size.

    Returns:
        The folder, and what to call it in the report.
    """
    if data is not None:
        return data.resolve(), data.name
    if REAL_DATA.is_dir():
        return REAL_DATA, "Real data"
    sample = WORK / "sample"
    if not sample.is_dir():
        from stedi_dagster.sample import generate

        partial = _empty(WORK / "sample.partial")
        generate(partial, scale=1)
        partial.rename(sample)
    return sample, "Generated sample"


def copied(source: Path, times: int) -> Path:
    """Return a landing folder with every record of `source` `times` times, each copy with its own people.

    Every file becomes one file `times` as large. The copy's number is inserted before an email's `@` and a serial
    number's first character, so that copies never join with each other. Files must hold one object per line.
    """
    if times == 1:
        return source
    target = WORK / f"landing-{times}x-{_fingerprint(source)}"
    if target.is_dir():
        return target
    partial = _empty(target.with_suffix(".partial"))
    for file in _files(source):
        copy = partial / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("wb") as out:
            for lines in _chunks(file):
                out.writelines(_renamed(lines, number) for number in range(times))
    partial.rename(target)
    return target


def add_readings(source: Path, landing: Path) -> None:
    """Add one more day's readings to a landing folder of copies of `source`: as many as in `source`, a day later.

    They are of the first copy's people; at 100 times, that is one percent more data.
    """
    for feed in ("accelerometer", "step_trainer"):
        lines = (_MOMENT.sub(_a_day_later, piece) for file in _files(source / feed) for piece in _chunks(file))
        _add(landing / feed, (_renamed(piece, 0) for piece in lines))


def add_changed_people(source: Path, landing: Path) -> None:
    """Add a later record of as many people as `source` has, among those of ten copies: half of them withdraw."""
    records = []
    for number in range(_COPIES_WITH_CHANGES):
        for file in _files(source / "customer"):
            for piece in _chunks(file):
                records += [json.loads(line) for line in _renamed(piece, number).splitlines()]
    changed = records[::_COPIES_WITH_CHANGES]
    for place, record in enumerate(changed):
        record["lastUpdateDate"] = (record.get("lastUpdateDate") or record["registrationDate"]) + _DAY_MS
        if place % 2:
            record.pop("shareWithResearchAsOfDate", None)
    _add(landing / "customer", (f"{json.dumps(record)}\n".encode() for record in changed))


def megabytes(landing: Path) -> float:
    """Return the size of a landing folder's files in MB (1e6 bytes)."""
    return sum(file.stat().st_size for file in _files(landing)) / 1e6


def _files(landing: Path) -> list[Path]:
    return sorted(landing.rglob("*.json"))


def _fingerprint(landing: Path) -> str:
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in _files(landing)]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:8]


def _chunks(file: Path) -> Iterator[bytes]:
    """Yield a file in pieces of whole lines, each ending in a line break."""
    with file.open("rb") as lines:
        while piece := b"".join(lines.readlines(_CHUNK_BYTES)):
            yield piece if piece.endswith(b"\n") else piece + b"\n"


def _a_day_later(found: re.Match[bytes]) -> bytes:
    return found[1] + str(int(found[2]) + _DAY_MS).encode()


def _add(feed: Path, pieces: Iterable[bytes]) -> None:
    with (feed / "landing" / "one-more-day.json").open("wb") as out:
        out.writelines(pieces)


def _renamed(lines: bytes, number: int) -> bytes:
    tag = b"%03d" % number
    return _SERIAL_NUMBER.sub(rb"\g<1>" + tag + b"-", lines.replace(b"@", b"+" + tag + b"@"))


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
