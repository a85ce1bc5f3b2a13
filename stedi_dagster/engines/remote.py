"""A Spark Connect server that somebody else runs, reached by its sc:// URL."""

from collections.abc import Iterator
from contextlib import contextmanager

from stedi_dagster.engines.base import Server


class Remote(Server):
    """A server that runs before and after the run."""

    def __init__(self, url: str) -> None:
        self._url = url

    @contextmanager
    def serving(self) -> Iterator[str]:
        """See `Server.serving`."""
        yield self._url
