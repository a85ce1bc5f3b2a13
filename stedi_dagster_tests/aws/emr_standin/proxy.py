"""The stand-in's Spark Connect side: TLS and a token before a server that wants neither, one for each session."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from pyspark.sql.connect import proto

from stedi_dagster_tests.aws.emr_standin.sessions import Session

if TYPE_CHECKING:
    from stedi_dagster_tests.aws.emr_standin.standin import Standin

TOKEN_HEADER = "x-aws-proxy-auth"  # noqa: S105 - the header's name
_SERVICE = "spark.connect.SparkConnectService"
_STREAMING = {"ExecutePlan": "unary_stream", "ReattachExecute": "unary_stream", "AddArtifacts": "stream_unary"}
_PLAIN = (
    "AnalyzePlan",
    "ArtifactStatus",
    "CloneSession",
    "Config",
    "FetchErrorDetails",
    "Interrupt",
    "ReleaseExecute",
    "ReleaseSession",
)
_METHODS = {**dict.fromkeys(_PLAIN, "unary_unary"), **_STREAMING}
_UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
# What gRPC itself writes into the headers of a hop.
_OF_A_HOP = {"user-agent", "content-type", "te", "date", "server"}
_THREADS = 32


class Proxy:
    """The endpoint of one session. It knows of a request its method and its headers; the rest are bytes."""

    def __init__(self, session: Session, standin: "Standin") -> None:
        """Open it on a free port."""
        self._session = session
        self._standin = standin
        # Whose plans came by.
        self._clients: dict[tuple[str, str], None] = {}
        self._behind = grpc.insecure_channel(standin.spark_url.removeprefix("sc://").rstrip("/"), options=_UNLIMITED)
        self._server = grpc.server(ThreadPoolExecutor(_THREADS, f"emr-{session.id}"), options=_UNLIMITED)
        handlers = {name: self._handler(name, kind) for name, kind in _METHODS.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
        certificate = standin.certificate
        credentials = grpc.ssl_server_credentials([(certificate.key, certificate.certificate)])
        self.port: int = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    def close(self) -> None:
        """Go away at once: nobody listens any more, and what is running breaks off. The server behind stays."""
        stopped = self._server.stop(None)
        threading.Thread(target=self._leave, args=(stopped,), daemon=True).start()

    def _leave(self, stopped: threading.Event) -> None:
        """Let the server behind drop what it does for this session: a driver that is gone goes on with nothing."""
        for user, client in list(self._clients):
            whose = proto.UserContext(user_id=user)
            interrupt = proto.InterruptRequest(
                session_id=client, user_context=whose, interrupt_type=proto.InterruptRequest.INTERRUPT_TYPE_ALL
            )
            self._tell("Interrupt", interrupt)
            self._tell("ReleaseSession", proto.ReleaseSessionRequest(session_id=client, user_context=whose))
        # The channel is needed until the last request has noticed.
        stopped.wait(60)
        self._behind.close()

    def _tell(self, name: str, message: Any) -> None:
        # The server behind may be gone as well, or be told for the second time.
        with suppress(grpc.RpcError, ValueError):
            self._behind.unary_unary(f"/{_SERVICE}/{name}")(message.SerializeToString(), timeout=600)

    def _handler(self, name: str, kind: str) -> Any:
        forward = getattr(self._behind, kind)(f"/{_SERVICE}/{name}")
        handle = self._streamed if kind == "unary_stream" else self._single
        return getattr(grpc, f"{kind}_rpc_method_handler")(partial(handle, name, forward))

    def _single(self, name: str, forward: Any, asked: Any, context: Any) -> bytes:
        with self._admitted(name, context), _errors_of(context):
            call = forward.future(asked, timeout=_seconds_left(context), metadata=_headers(context))
            _cancel_with(context, call)
            answer: bytes = call.result()
            return answer

    def _streamed(self, name: str, forward: Any, asked: Any, context: Any) -> Iterator[bytes]:
        with self._admitted(name, context), _errors_of(context):
            if name == "ExecutePlan":
                plan = proto.ExecutePlanRequest.FromString(asked)
                self._clients[plan.user_context.user_id, plan.session_id] = None
            call = forward(asked, timeout=_seconds_left(context), metadata=_headers(context))
            _cancel_with(context, call)
            yield from call

    @contextmanager
    def _admitted(self, name: str, context: Any) -> Iterator[None]:
        """Let in who has a token that is good now, while there is a session."""
        with self._standin.lock:
            self._standin.rpcs.append(name)
            number = len(self._standin.rpcs)
        self._standin.on_rpc(number, name)
        if not self._session.admits(dict(context.invocation_metadata()).get(TOKEN_HEADER)):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "The token is missing, wrong or expired.")
        if not self._session.begin():
            context.abort(grpc.StatusCode.UNAVAILABLE, f"The session is {self._session.state}.")
        try:
            yield
        finally:
            self._session.finish()


@contextmanager
def _errors_of(context: Any) -> Iterator[None]:
    """Hand an error of the server behind on as it is, with the details that PySpark makes its exceptions of."""
    try:
        yield
    except grpc.RpcError as error:
        found: Any = error
        trailing = [(key, value) for key, value in found.trailing_metadata() or () if key not in _OF_A_HOP]
        context.set_trailing_metadata(trailing)
        context.abort(found.code(), found.details())


def _cancel_with(context: Any, call: Any) -> None:
    if not context.add_callback(call.cancel):
        call.cancel()


def _seconds_left(context: Any) -> float | None:
    # Without a deadline gRPC names one in some centuries, which it then takes for one in the past.
    seconds: float | None = context.time_remaining()
    return seconds if seconds is not None and seconds < threading.TIMEOUT_MAX else None


def _headers(context: Any) -> list[tuple[str, Any]]:
    # The token is the proxy's alone.
    dropped = {*_OF_A_HOP, TOKEN_HEADER}
    return [(key, value) for key, value in context.invocation_metadata() if key not in dropped and key[:5] != "grpc-"]
