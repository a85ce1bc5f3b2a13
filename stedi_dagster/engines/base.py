"""What all engines have in common: each opens one Spark Connect session, and closes everything it opened.

What is special about one kind of engine is in the module named after it.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from stedi_dagster.errors import EngineError

# One session configuration for all engines, so that the same data gives the same tables on each.
_SESSION_CONF = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}
_ANSWER_SECONDS = 10.0

Headers = Callable[[], Iterable[tuple[str, str]]]
# Keeps every session of this process from becoming garbage: SparkSession.__del__ waits for threads that all sessions
# share, and if the collector runs it within a call of another session, those threads wait for that call: a deadlock.
_SESSIONS: list[SparkSession] = []


class Engine(ABC):
    """What does the work of a run."""

    @abstractmethod
    @contextmanager
    def session(self) -> Iterator[SparkSession]:
        """Yield the one session of a run; close it, and everything started for it, however the run ends.

        Raises:
            EngineError: the engine cannot be started or reached.
        """
        yield SparkSession.builder.getOrCreate()  # pragma: no cover - not reached: it tells the type


class Server(Engine):
    """A Spark Connect server that is opened by its address alone."""

    @abstractmethod
    @contextmanager
    def serving(self) -> Iterator[str]:
        """Yield the sc:// URL of a server that answers; afterwards, stop whatever was started.

        Raises:
            EngineError: the server cannot be started or found.
        """
        yield ""  # pragma: no cover

    @contextmanager
    def session(self) -> Iterator[SparkSession]:
        """See `Engine.session`."""
        with self.serving() as url, connected(url) as session:
            yield session


@contextmanager
def connected(url: str, headers: Headers | None = None) -> Iterator[SparkSession]:
    """A session opened by `connect`, closed afterwards.

    Raises:
        EngineError: see `connect`.
    """
    session = connect(url, headers)
    try:
        yield session
    finally:
        _close(session)


def connect(url: str, headers: Headers | None = None) -> SparkSession:
    """Open a separate session on the server at `url`.

    `create()` rather than `getOrCreate()`: the latter returns any session that exists, on any server.

    Args:
        url: an sc:// URL.
        headers: called before each request for the headers to send.

    Raises:
        EngineError: nothing answers there, or what answers is not Spark Connect.
    """
    import grpc
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as RemoteSession

    class AnsweringChannel(DefaultChannelBuilder):
        """PySpark itself would try for ten minutes to reach a server that does not exist, or no longer does."""

        def toChannel(self) -> grpc.Channel:  # noqa: N802 - PySpark's name
            channel = super().toChannel()
            grpc.channel_ready_future(channel).result(timeout=_ANSWER_SECONDS)
            return channel

        def metadata(self) -> Iterable[tuple[str, str]]:
            return [*super().metadata(), *(headers() if headers else ())]

    # As `SparkSession.builder.remote` does: `functions` then build plans for a server and do not look for a JVM.
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    try:
        remote: Any = RemoteSession.Builder().channelBuilder(AnsweringChannel(url)).create()
        _SESSIONS.append(remote)
        remote.client.set_retry_policies([DefaultPolicy(max_retries=5, max_backoff=4_000)])
        session: SparkSession = remote
        for key, value in _SESSION_CONF.items():
            session.conf.set(key, value)
        session.range(1).count()
    except (PySparkException, grpc.RpcError, grpc.FutureTimeoutError, ValueError) as error:
        raise EngineError(
            f"The Spark Connect server at {_without_parameters(url)} cannot be used ({type(error).__name__}). "
            "Check that it runs, that the address is right, and that it is Spark 4.0."
        ) from None
    return session


def _close(session: SparkSession) -> None:
    import grpc

    try:
        session.stop()
    except (PySparkException, grpc.RpcError):
        # The server is gone already (a crash or a cancelled run): there is nothing left to close.
        return


def _without_parameters(url: str) -> str:
    # The parameters of an sc:// URL may carry a token.
    return url.split(";", maxsplit=1)[0].rstrip("/")
