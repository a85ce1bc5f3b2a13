"""Text encodings: UTF-8, and UTF-16 and UTF-32, recognised by their byte order mark or the positions of their zeros.

The latter follows RFC 4627, as the first two characters of JSON are ASCII.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Stands for bytes that are not text in their encoding; no text in UTF-8 may contain it either.
_NO_TEXT = "\udcff"
_HANDLER = "stedi-no-text"
_MARKS = (
    # The longer ones first: they begin alike.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Which of the first four bytes are zero.
_LOOKED_AT = 4
_ASCII = b"\t\n\r" + bytes(range(0x20, 0x7F))
_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - registered for decoding only
    return _NO_TEXT, error.end


codecs.register_error(_HANDLER, _stand_in)


@dataclass(frozen=True)
class Encoding:
    """An encoding, and the byte order mark that a file begins with."""

    name: str = "utf-8"
    mark: bytes = b""

    @property
    def is_utf8(self) -> bool:
        """Whether this is UTF-8, which the rest of landing expects."""
        return self.name == "utf-8"

    def encode(self, text: str) -> bytes:
        """Encode text; stand-ins for bytes that were not text become bytes that are not text again."""
        return text.encode(self.name, "surrogateescape" if self.is_utf8 else "surrogatepass")


def encoding_of(head: bytes) -> Encoding:
    """The encoding of a file with these first bytes."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, mark)
    first = head[:4]
    if len(first) == _LOOKED_AT and all(byte == 0 or byte in _ASCII for byte in first):
        return Encoding(_ZEROS.get(tuple(byte == 0 for byte in first), "utf-8"))
    return Encoding()


def decoded(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[str]:
    """The text of a file's blocks without byte order mark (that of UTF-8 stays: it occurs between records, too)."""
    decoder = codecs.getincrementaldecoder(encoding.name)("surrogateescape" if encoding.is_utf8 else _HANDLER)
    skipping = len(encoding.mark)
    for block in blocks:
        kept = block[skipping:]
        skipping = max(0, skipping - len(block))
        if text := decoder.decode(kept):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text
