"""The encodings of text: UTF-8, and UTF-16 and UTF-32 by their byte order mark or by where their zeros stand.

The latter is what RFC 4627 says of JSON, of which the first two characters are ASCII.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Stands for what is no text of its encoding; no text in UTF-8 may hold it either.
_NO_TEXT = "\udcff"
_HANDLER = "stedi-no-text"
_MARKS = (
    # The longer first: they begin alike.
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
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - it is registered for decoding
    return _NO_TEXT, error.end


codecs.register_error(_HANDLER, _stand_in)


@dataclass(frozen=True)
class Encoding:
    """An encoding and the mark that a file of it begins with."""

    name: str = "utf-8"
    mark: bytes = b""

    @property
    def is_utf8(self) -> bool:
        """Whether bytes are what the rest of landing takes them for."""
        return self.name == "utf-8"

    def encode(self, text: str) -> bytes:
        """Text in this encoding; what stands for no text is written so that it is none again."""
        return text.encode(self.name, "surrogateescape" if self.is_utf8 else "surrogatepass")


def encoding_of(head: bytes) -> Encoding:
    """The encoding of a file that begins like this."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, mark)
    begins = head[:4]
    if len(begins) == _LOOKED_AT and all(byte == 0 or byte in _ASCII for byte in begins):
        return Encoding(_ZEROS.get(tuple(byte == 0 for byte in begins), "utf-8"))
    return Encoding()


def decoded(blocks: Iterable[bytes], encoding: Encoding) -> Iterator[str]:
    """The text of a file's blocks, without its mark (that of UTF-8 stays: it is one among records, too)."""
    decoder = codecs.getincrementaldecoder(encoding.name)("surrogateescape" if encoding.is_utf8 else _HANDLER)
    skipping = len(encoding.mark)
    for block in blocks:
        kept = block[skipping:]
        skipping = max(0, skipping - len(block))
        if text := decoder.decode(kept):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text
