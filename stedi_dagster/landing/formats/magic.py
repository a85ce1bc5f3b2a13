"""Recognises formats that landing does not read by their first bytes.

The numbers come from the formats' own specifications.
"""

import re

# How many of the first bytes are examined; the mark of a tar file comes last of all.
HEAD = 4096
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "Parquet"),
    (b"PARE", "encrypted Parquet"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"ARROW1", "Arrow"),
    (b"FEA1", "Feather"),
    (b"SEQ\x06", "Hadoop sequence"),
    (b"\x89HDF\r\n", "HDF5"),
    (b"\xe0\x01\x00\xea", "Ion"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel or Word"),
    (b"%PDF-", "PDF"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (b"\x89LZO\x00", "lzop"),
    (b"LZIP", "lzip"),
    (b"\x1f\x9d", "compress"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"-----BEGIN PGP", "PGP"),
    (b"age-encryption.org/", "age"),
    (b"\x80\x03", "Python pickle"),
    (b"\x80\x04", "Python pickle"),
    (b"\x80\x05", "Python pickle"),
)
_TAR_AT = 257
_UNKNOWN = "binary"
# Not found in text: control characters, and bytes that are not UTF-8.
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1d\x7f\udc80-\udcff]")
_MOST_NO_TEXT = 0.3
# A line that may hold a record, or the records of an array: with one, the rest is rubbish within a text.
_RECORD = re.compile(r'^[\ufeff \t\[]*\{\s*"', re.MULTILINE)


def unreadable(head: bytes) -> str | None:
    """The kind of file with these first bytes, if nothing in it can be read.

    Args:
        head: the first bytes, up to `HEAD`.
    """
    for beginning, name in _BEGINNINGS:
        if head.startswith(beginning):
            return name
    if head[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return "tar"
    text = head.decode("utf-8", "surrogateescape")
    is_binary = len(_NO_TEXT.findall(text)) > _MOST_NO_TEXT * len(text)
    return _UNKNOWN if is_binary and not _RECORD.search(text) else None


def in_archive(names: list[str]) -> str | None:
    """The kind of zip file that has these members, if it is not an archive of data files."""
    folders = {name.partition("/")[0] for name in names}
    if "xl" in folders:
        return "Excel"
    if "word" in folders or "META-INF" in folders or "mimetype" in folders:
        return "Word or Java"
    return None
