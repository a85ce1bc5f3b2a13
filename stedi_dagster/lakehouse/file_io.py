"""What PyIceberg reads of tables on S3, asked for once: each request takes tens of milliseconds, and a run has many.

Metadata files, manifest lists and manifests never change under their names.
"""

from io import BytesIO
from threading import Lock

from cachetools import LRUCache
from pyiceberg.io import InputStream
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

_NEVER_CHANGE = (".metadata.json", ".avro")
_contents: LRUCache[str, bytes] = LRUCache(64 << 20, getsizeof=len)
_lock = Lock()


def forget_files() -> None:
    """Read files anew from here on: one that is gone or damaged by now is noticed."""
    with _lock:
        _contents.clear()


class RememberingFileIO(PyArrowFileIO):
    """PyIceberg's way to files, which reads those once that never change; see PyIceberg's `py-io-impl`."""

    def new_input(self, location: str) -> PyArrowFile:
        """A file to read."""
        if not location.endswith(_NEVER_CHANGE):
            return super().new_input(location)
        scheme, bucket, path = self.parse_location(location, self.properties)
        return _RememberedFile(location, path, self.fs_by_scheme(scheme, bucket))


class _RememberedFile(PyArrowFile):
    def open(self, seekable: bool = True) -> InputStream:
        with _lock:
            content = _contents.get(self.location)
        if content is None:
            with super().open(seekable) as stream:
                content = stream.read()
            if len(content) <= _contents.maxsize:
                with _lock:
                    _contents[self.location] = content
        return BytesIO(content)
