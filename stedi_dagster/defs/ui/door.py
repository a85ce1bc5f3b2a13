"""The door of the UI: decides which requests reach Dagster's web server, which has no log-in of its own.

Browsers send requests to 127.0.0.1 on behalf of any page that is open in them. Requests from other sites' pages are
recognised by headers that browsers add: Host, Origin and Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/).
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
_OWN = {"same-origin", "none"}
_READING = {"GET", "HEAD"}
_GRAPHQL = "/graphql"

NOT_OUR_NAME = (
    "Refused: this UI is not served under that name. Open it on this machine as 127.0.0.1 with its port, or add the "
    "host that a proxy serves it under to STEDI_UI_HOSTS."
)
ELSEWHERE = (
    "Refused: the request comes from a page of another site. If the UI is behind a proxy, add its host to "
    "STEDI_UI_HOSTS."
)
BY_GET = "Refused: GraphQL requests must use POST here, because any page can make a browser send a GET."
NOT_JSON = "Refused: the content must be application/json, which no form of another site can send."


class Door:
    """An ASGI application in front of another, which admits requests from its own pages or from no page at all."""

    def __init__(self, app: App, hosts: Iterable[str] = ()) -> None:
        """Guard an application.

        Args:
            app: the application behind the door.
            hosts: names that it is served under besides this machine's own, each with or without a port.
        """
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Pass a request on, or refuse it with 403."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif (reason := self._refusal(scope)) is None:
            await self._app(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
        else:
            await _refuse(send, reason)

    def _refusal(self, scope: _Message) -> str | None:
        """Why a request may not pass; None if it may."""
        headers = _headers(scope)
        if not self._is_host(headers.get("host", [])):
            return NOT_OUR_NAME
        [host] = headers["host"]
        if not all(self._is_origin(origin, host) for origin in headers.get("origin", [])):
            return ELSEWHERE
        graphql = scope["path"].rstrip("/").lower().endswith(_GRAPHQL)
        if not _OWN.issuperset(headers.get("sec-fetch-site", [])) and (graphql or not _followed(scope, headers)):
            return ELSEWHERE
        if scope["type"] == "websocket":
            return None
        if scope["method"] in _READING:
            return BY_GET if graphql and scope["query_string"] else None
        return None if list(map(_media_type, headers.get("content-type", []))) == ["application/json"] else NOT_JSON

    def _is_host(self, given: list[str]) -> bool:
        if len(given) != 1:
            return False
        [host] = given
        name = _name(host)
        return name in LOOPBACK or host in self._hosts or name in self._hosts

    def _is_origin(self, origin: str, host: str) -> bool:
        """Whether an origin is one of our own pages: the host that the request goes to, or one of the named hosts."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        port = f":{_DEFAULT_PORTS.get(parts.scheme, '')}"
        source, target = (netloc.removesuffix(port) for netloc in (parts.netloc, host))
        return bool(source) and (source == target or source in {named.removesuffix(port) for named in self._hosts})


def named_hosts(hosts: Iterable[str], url: str) -> frozenset[str]:
    """The hosts that a UI is served under: those in the settings, and that of its URL in alerts.

    Without this machine's own names, as other ports of it belong to somebody else.
    """
    public = urlsplit(url).netloc.rpartition("@")[2].lower()
    return frozenset(hosts) | (set() if _name(public) in LOOPBACK else {public})


def _headers(scope: _Message) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1").strip().lower())
    return found


def _name(host: str) -> str:
    """A host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and (port.isdecimal() or not port) else host


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip()


def _followed(scope: _Message, headers: dict[str, list[str]]) -> bool:
    """Whether somebody followed a link: the page is shown to them, and the site with the link learns nothing."""
    return (
        scope["type"] == "http"
        and scope["method"] in _READING
        and headers.get("sec-fetch-mode") == ["navigate"]
        and headers.get("sec-fetch-dest") == ["document"]
    )


def _unframed(send: _Send) -> _Send:
    """Keep pages of other sites from showing ours in a frame, where clicks can be hijacked."""

    async def sending(message: _Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), (b"x-frame-options", b"SAMEORIGIN")]}
        await send(message)

    return sending


async def _refuse(send: _Send, reason: str) -> None:
    body = f"{reason}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
