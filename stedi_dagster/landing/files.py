"""Lists the files of a feed ourselves, because engines skip or multiply files depending on their names.

Nothing here looks into a file: see `formats` and `documents`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from stedi_dagster.errors import LandingError
from stedi_dagster.landing.feeds import FEEDS, Feed
from stedi_dagster.storage import Entry, fault, storage_for

# Characters that Apache Spark or Sail treat as a pattern, or refuse, in a path (pinned by a test).
_UNSAFE_IN_ENGINES = frozenset("*?{}[]:\\\n\r")
_PACKED = (".gz", ".gzip")
# Where a message begins to name a file. The name may contain blanks and full stops, so its end is unknown.
_FILE = re.compile(rf"\blanding file \S|(?:{'|'.join(re.escape(feed.folder) for feed in FEEDS.values())})/\S")
_UP_TO_A_STOP = re.compile(r".*[.:] ", re.DOTALL)
_ADDRESS = re.compile(r"[^\s/@]+(?:@|%40)[^\s/@]+")


@dataclass(frozen=True, order=True)
class RawFile:
    """A file in the landing zone: `name` is relative to the zone, `version` changes with the content."""

    name: str
    path: str
    size: int
    version: str

    @property
    def engine_can_read(self) -> bool:
        """Whether every engine can read it as text, judging by its name: no special characters, and not packed."""
        path = self.path.removeprefix("s3://")
        return _UNSAFE_IN_ENGINES.isdisjoint(path) and not self.name.lower().endswith(_PACKED)

    @property
    def key(self) -> str:
        """What it is known by where its name, which may be a person's, is not kept: a digest."""
        return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def shown(self) -> str:
        """Its name for messages and metadata."""
        return masked(self.name)


@dataclass(frozen=True)
class Listing:
    """The content of a feed's folder: files with data, and markers, which are skipped by convention."""

    files: tuple[RawFile, ...]
    markers: tuple[str, ...]
    location: str = ""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def digest(self) -> str:
        """Changes when a file is added, removed or changed."""
        text = "\n".join(f"{file.name}\t{file.size}\t{file.version}" for file in self.files)
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def list_files(landing: str, feed: Feed) -> Listing:
    """List a feed's folder with all its subfolders.

    Raises:
        LandingError: the folder does not exist or cannot be read, a name in it is not UTF-8, or something in it is
            neither a file nor a folder.
    """
    folder = f"{landing}/{feed.folder}"
    try:
        files, markers = _sort_out(storage_for(landing).entries(folder), folder, feed)
    except UnicodeDecodeError as error:
        raise not_utf8(error) from None
    except FileNotFoundError:
        raise LandingError(
            f"The landing folder {folder} does not exist. Bring it back, or set STEDI_LANDING to a folder that holds "
            f"{feed.folder}."
        ) from None
    except OSError as error:
        kind, advice = fault(error)
        raise LandingError(f"The landing folder {folder} cannot be read ({kind}). {advice}") from None
    return Listing(tuple(sorted(files)), tuple(sorted(markers)), landing)


def not_utf8(error: UnicodeDecodeError) -> LandingError:
    """The error for a file that cannot be listed because of its name."""
    name = error.object.decode("utf-8", "backslashreplace")
    return LandingError(f"The name of the landing file {masked(name)} is not UTF-8. Rename it.")


def masked(name: str) -> str:
    """A file's name without anything that looks like an address, because names reach messages and metadata."""
    return _ADDRESS.sub("(address)", name)


def without_names(message: str) -> str:
    """A message for recipients outside: without the sentence that names a file, and what follows it.

    Whoever delivers a file chooses its name, which may be a person's.
    """
    named = _FILE.search(message)
    if named is None:
        return message
    before = _UP_TO_A_STOP.match(message, 0, named.start())
    return f"{before[0] if before else ''}It concerns a file in the landing zone, which the UI names."


def _sort_out(found: Sequence[Entry], folder: str, feed: Feed) -> tuple[list[RawFile], list[str]]:
    files: list[RawFile] = []
    markers: list[str] = []
    seen: set[str] = set()
    for entry in sorted(found, key=lambda entry: entry.path):
        inner = entry.path.removeprefix(f"{folder}/")
        name = f"{feed.folder}/{inner}"
        if any(part.startswith(("_", ".")) for part in PurePosixPath(inner).parts):
            markers.append(name)
        elif entry.leads_nowhere:
            raise LandingError(
                f"{masked(name)} in the landing zone is a link that leads nowhere. Its feed was not published. Fix the "
                "link, or remove it."
            )
        elif not entry.readable:
            raise LandingError(
                f"{masked(name)} in the landing zone is a pipe or a device and not a file. Its feed was not published. "
                "Remove it."
            )
        elif not entry.identity or entry.identity not in seen:
            # A file with two names was delivered once.
            seen.add(entry.identity)
            files.append(RawFile(name, entry.path, entry.size, entry.version))
    return files, markers
