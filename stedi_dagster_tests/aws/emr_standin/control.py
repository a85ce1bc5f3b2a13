"""The stand-in's HTTP side: EMR Serverless's REST-JSON, checked against AWS's own model in both directions."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from stedi_dagster_tests.aws.emr_standin import model
from stedi_dagster_tests.aws.emr_standin.operations import OPERATIONS
from stedi_dagster_tests.aws.emr_standin.standin import Standin

# Each request is signed for this service.
_SCOPE = "/emr-serverless/aws4_request"


@contextmanager
def opened(spark_url: str, *, tmp: Path) -> Iterator[Standin]:
    """EMR Serverless with one application, whose sessions are all served by one Spark Connect server.

    Args:
        spark_url: the sc:// URL of that server.
        tmp: where the certificate that clients are to trust is written.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    # Otherwise closing waits for whoever was told to get no answer.
    server.block_on_close = False
    standin = Standin(url=f"http://127.0.0.1:{server.server_port}", roots=tmp / "emr-roots.pem", spark_url=spark_url)
    standin.roots.write_bytes(standin.certificate.certificate)
    server.standin = standin  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield standin
    finally:
        standin.closed.set()
        server.shutdown()
        server.server_close()
        for session in standin.sessions.values():
            if session.proxy is not None:
                session.proxy.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise each answer waits for the acknowledgement of its own first half.
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        standin: Standin = self.server.standin  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = model.understood(self.command, self.path, body)
        if call is None:
            standin.violations.append(f"No operation: {self.command} {self.path}")
            self._refuse(404, "UnknownOperationException", "There is no such operation.")
            return
        standin.requests.append(call.operation)
        fault = standin.fault(call.operation)
        if fault is None:
            self._answer(*self._perform(standin, call))
            return
        standin.closed.wait(fault.seconds)
        if fault.silent:
            standin.closed.wait()
            self.close_connection = True
        elif not fault.done:
            self._refuse(model.status_of(call.operation, fault.code), fault.code, "The stand-in was told to say so.")
        elif fault.seconds:
            self._answer(*self._perform(standin, call))
        else:
            self._perform(standin, call)
            self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _handle  # noqa: N815 - http.server's names

    def _perform(self, standin: Standin, call: model.Call) -> tuple[int, bytes, str]:
        """Do what is asked for, if it may be asked so: the status, the body and the error code of the answer."""
        if call.operation not in OPERATIONS:
            standin.violations.append(f"The stand-in does not play {call.operation}")
            return 500, _said("not played"), "InternalServerException"
        try:
            self._check(standin, call)
            with standin.lock:
                answer = OPERATIONS[call.operation](standin, call.parameters)
        except model.RefusedError as refused:
            return model.status_of(call.operation, refused.code), _said(refused.message), refused.code
        content, problems = model.answered(call.operation, answer)
        if problems:
            standin.violations += [f"{call.operation} would answer: {problem}" for problem in problems]
            return 500, _said("; ".join(problems)), "InternalServerException"
        return 200, content, ""

    def _check(self, standin: Standin, call: model.Call) -> None:
        if _SCOPE not in self.headers.get("Authorization", ""):
            raise model.RefusedError("MissingAuthenticationTokenException", "The request is not signed.")
        if call.problems:
            standin.violations += [f"{call.operation} was sent: {problem}" for problem in call.problems]
            raise model.RefusedError("ValidationException", "; ".join(call.problems))

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._answer(status, _said(message), code)

    def _answer(self, status: int, content: bytes, code: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amzn-RequestId", secrets.token_hex(16))
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _said(message: str) -> bytes:
    return json.dumps({"message": message}).encode()
