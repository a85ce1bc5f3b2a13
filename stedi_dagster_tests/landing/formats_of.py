"""The same bytes in every form that landing reads, made by the tools that make such files."""

import bz2
import codecs
import gzip
import io
import zipfile
from collections.abc import Callable

import zstandard


def zipped(*contents: bytes) -> bytes:
    """An archive of files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("export")
        archive.writestr("__MACOSX/._part-0.json", b"\x00\x05\x16\x07")
        for number, content in enumerate(contents):
            archive.writestr(f"export/part-{number}.json", content)
    return target.getvalue()


def utf(name: str, mark: bytes = b"") -> Callable[[bytes], bytes]:
    """Encoding of what is UTF-8, behind a byte order mark or without one."""
    return lambda content: mark + content.decode().encode(name)


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
    "zip": zipped,
    "gzip in gzip": lambda content: gzip.compress(gzip.compress(content)),
    "bzip2 in zip": lambda content: zipped(bz2.compress(content)),
    "UTF-16 as PowerShell writes it": utf("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF-16, big end first": utf("utf-16-be", codecs.BOM_UTF16_BE),
    "UTF-32": utf("utf-32-le", codecs.BOM_UTF32_LE),
    "UTF-32, big end first": utf("utf-32-be", codecs.BOM_UTF32_BE),
    "UTF-16 without a mark": utf("utf-16-le"),
    "UTF-32 without a mark": utf("utf-32-be"),
    "UTF-16 in zstd": lambda content: zstandard.compress(utf("utf-16-le", codecs.BOM_UTF16_LE)(content)),
}
