"""The size and SHA-256 of a file, either existing or being written."""

import hashlib
import io
from dataclasses import dataclass
from typing import IO, Any

# On S3 each is a request.
_BYTES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Checksum:
    """Tells whether a file is unchanged."""

    size: int
    sha256: str

    @classmethod
    def of(cls, stream: IO[bytes]) -> "Checksum":
        """The checksum of a stream's content."""
        size, sha256 = 0, hashlib.sha256()
        while block := stream.read(_BYTES_AT_ONCE):
            sha256.update(block)
            size += len(block)
        return cls(size, sha256.hexdigest())


class ChecksumWriter(io.RawIOBase):
    """Passes on what is written, and computes its checksum."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._size = 0
        self._sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Pass on."""
        self._stream.write(data)
        self._sha256.update(data)
        self._size += len(data)
        return len(data)

    @property
    def checksum(self) -> Checksum:
        """The checksum of everything written so far."""
        return Checksum(self._size, self._sha256.hexdigest())
