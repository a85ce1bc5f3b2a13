"""The size and SHA-256 of a file: of one that is there, and of one while it is written."""

import hashlib
import io
from dataclasses import dataclass
from typing import IO, Any

# On S3 each is a request.
_BYTES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class Checksum:
    """What tells whether a file is still what it was."""

    size: int
    sha256: str

    @classmethod
    def of(cls, stream: IO[bytes]) -> "Checksum":
        """That of all that a stream holds."""
        size, found = 0, hashlib.sha256()
        while block := stream.read(_BYTES_AT_ONCE):
            found.update(block)
            size += len(block)
        return cls(size, found.hexdigest())


class ChecksumWriter(io.RawIOBase):
    """Hands on what is written, and knows its checksum."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._size = 0
        self._found = hashlib.sha256()

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Hand on."""
        self._stream.write(data)
        self._found.update(data)
        self._size += len(data)
        return len(data)

    @property
    def checksum(self) -> Checksum:
        """Of all that was written."""
        return Checksum(self._size, self._found.hexdigest())
