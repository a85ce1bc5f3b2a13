"""A gate before moto that can be told to misbehave as AWS sometimes does. It forwards HTTP as it comes."""

import http.client
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Request:
    """What the gate knows of a request: `target` is Glue's operation, or empty."""

    method: str
    path: str
    target: str


@dataclass(frozen=True)
class Answer:
    """What is said instead of what moto would say; `forwarded` if moto did it all the same. Status 0: silence."""

    status: int
    code: str = ""
    forwarded: bool = False


SLOW_DOWN = Answer(503, "SlowDown")
DENIED = Answer(403, "AccessDenied")
EXPIRED = Answer(400, "ExpiredToken")
NO_ANSWER = Answer(0)
LOST_ANSWER = Answer(0, forwarded=True)
THROTTLED = Answer(400, "ThrottlingException")
OVERTAKEN = Answer(400, "ConcurrentModificationException")

# Called for each request, with how many before it asked for the same; None lets it through.
Fault = Callable[[Request, int], Answer | None]


@dataclass
class Gate:
    """The gate while it is open: its address, what passed, and what is wrong with it now."""

    url: str
    moto: str
    fault: Fault = lambda _request, _before: None
    passed: list[Request] = field(default_factory=list)
    # Of each request the client's name, and the key's id that it was signed with; empty where it was not.
    signed: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, request: Request) -> Answer | None:
        """What happens to a request."""
        with self._lock:
            before = self.passed.count(request)
            self.passed.append(request)
        return self.fault(request, before)


def first(number: int, answer: Answer, *, where: Callable[[Request], bool]) -> Fault:
    """Misbehave the first times that each such request is made."""
    return lambda request, before: answer if before < number and where(request) else None


def always(answer: Answer, *, where: Callable[[Request], bool]) -> Fault:
    """Misbehave whenever such a request is made."""
    return lambda request, _: answer if where(request) else None


@contextmanager
def opened(moto: str) -> Iterator[Gate]:
    """A gate to a moto server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    gate = Gate(f"http://127.0.0.1:{server.server_port}", moto)
    server.gate = gate  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield gate
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise each answer waits for the acknowledgement of its own first half.
    disable_nagle_algorithm = True

    def _handle(self) -> None:
        gate: Gate = self.server.gate  # type: ignore[attr-defined]
        body = self._body()
        request = Request(self.command, self.path, self.headers.get("X-Amz-Target", ""))
        by = re.search(r"Credential=([^/]+)/", self.headers.get("Authorization", ""))
        gate.signed.append((self.headers.get("User-Agent", "").partition("/")[0], by[1] if by else ""))
        answer = gate.judge(request)
        if answer is None or answer.forwarded:
            response, content = self._forward(gate.moto, body)
        if answer is None:
            self._answer(response.status, response.getheaders(), content)
        elif answer.status == 0:
            self.close_connection = True
        elif request.target:
            text = f'{{"__type": "{answer.code}", "message": "told to say so"}}'
            self._answer(answer.status, [("Content-Type", "application/x-amz-json-1.1")], text.encode())
        else:
            text = f"<?xml version='1.0'?><Error><Code>{answer.code}</Code><Message>told to say so</Message></Error>"
            self._answer(answer.status, [("Content-Type", "application/xml")], text.encode())

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _forward(self, moto: str, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(urlsplit(moto).netloc, timeout=60)
        dropped = {"transfer-encoding", "content-length", "connection", "expect"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        connection.request(self.command, self.path, body=body, headers={**headers, "Content-Length": str(len(body))})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        of_length = [value for name, value in headers if name.lower() == "content-length"]
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        # Of an answer to HEAD only the length is known.
        self.send_header("Content-Length", of_length[0] if self.command == "HEAD" and of_length else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
