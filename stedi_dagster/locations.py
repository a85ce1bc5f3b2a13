"""Where files may be: in a folder of this machine, or under a prefix on S3. As types, for settings.

Reading and writing there is the job of `storage`.
"""

import re
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator

_S3 = re.compile(r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/|$)")
_URL = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# Engines treat these as patterns in the paths of tables.
_PATTERNS = re.compile(r"[*?\[\]{}\\]")
_AnyLocation = TypeVar("_AnyLocation", str, Path)


def is_s3(location: str) -> bool:
    """Whether a location is on S3, not on this machine."""
    return location.startswith("s3://")


def lies_within(location: str, other: str) -> bool:
    """Whether a location equals another one or is below it; follows links on this machine."""
    if is_s3(location) or is_s3(other):
        return f"{location}/".startswith(f"{other}/")
    return Path(location).resolve().is_relative_to(Path(other).resolve())


def location(value: str) -> str:
    """A folder of this machine or a prefix on S3, as storages have it.

    Raises:
        ValueError: it is neither.
    """
    if _S3.match(value):
        return value.rstrip("/")
    value = value.removeprefix("file://")
    if _URL.match(value):
        msg = "it must be a folder on this machine (a path or a file:// URL) or s3://bucket/prefix"
        raise ValueError(msg)
    return str(Path(value).expanduser().absolute())


def _folder(value: Path) -> Path:
    if _URL.match(str(value).replace(":/", "://", 1)):  # a Path has one slash where a URL has two
        msg = "it must be a folder on this machine (a path)"
        raise ValueError(msg)
    return value.expanduser().absolute()


def _without_patterns(value: _AnyLocation) -> _AnyLocation:
    if _PATTERNS.search(str(value)):
        msg = "its path must not contain * ? [ ] { } or \\, which engines treat as patterns"
        raise ValueError(msg)
    return value


Landing = Annotated[str, AfterValidator(location)]
Warehouse = Annotated[str, AfterValidator(location), AfterValidator(_without_patterns)]
Home = Annotated[Path, AfterValidator(_folder), AfterValidator(_without_patterns)]
