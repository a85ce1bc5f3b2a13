"""The door in front of Dagster's web server: which requests reach what is behind it, and what is said to the others."""

import asyncio
import inspect
from typing import Any

import pytest
import uvicorn

from stedi_dagster.defs.ui.door import BY_GET, ELSEWHERE, NOT_JSON, NOT_OUR_NAME, Door, named_hosts
from stedi_dagster.defs.ui.webserver import guard
from stedi_dagster.settings import Settings

JSON: dict[str, Any] = {"content-type": "application/json"}
LINK: dict[str, Any] = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
MUTATION = "/graphql?query=mutation%7BlaunchRun%7D"
HOSTS = ("lake.example.org", "audit.example.org:8443")


class Behind:
    """An application that says yes to everything, and remembers that it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.asked.append(scope["type"])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"yes"})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.accept"})


def ask(
    method: str = "GET",
    url: str = "/",
    *,
    host: str | list[str] = "127.0.0.1:3000",
    hosts: tuple[str, ...] = HOSTS,
    **headers: Any,
) -> tuple[bool, list[Any]]:
    """Send a request, or open a WebSocket; return whether it got through, and what came back."""
    path, _, query = url.partition("?")
    given = [("Host", name) for name in ([host] if isinstance(host, str) else host)]
    given += [(name.replace("_", "-"), value) for name, value in headers.items()]
    scope = {
        "type": "websocket" if method == "WS" else "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given],
    }
    behind, sent = Behind(), []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Door(behind, hosts)(scope, receive, send))
    return bool(behind.asked), sent


def refused(*request: Any, **more: Any) -> str | None:
    """What is said to a request that does not get through, on one line; nothing to one that does."""
    through, sent = ask(*request, **more)
    if through:
        return None
    assert sent[0]["status"] == 403
    text: str = sent[1]["body"].decode()
    assert text.count("\n") == 1
    return text.strip()


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "[::1]:3000", "LOCALHOST", "127.0.0.1"])
def test_this_machine_may_be_called_by_any_of_its_names(host):
    assert refused(host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:3000",
        "localhost.evil.example",
        "evil.example:3000",
        "lake.example.org.evil.example",
        "audit.example.org",
        "",
        "[::1",
        [],
        ["127.0.0.1:3000", "evil.example"],
    ],
    ids=str,
)
def test_a_name_that_leads_here_and_is_not_ours_is_refused(host):
    assert refused(host=host) == NOT_OUR_NAME
    assert not ask("WS", "/graphql", host=host)[0]


def test_hosts_that_are_named_are_ours_with_their_port_where_they_have_one():
    for host in ("lake.example.org", "lake.example.org:444", "audit.example.org:8443"):
        assert refused(host=host) is None
        assert refused("POST", "/graphql", host=host, origin=f"https://{host}", **JSON) is None


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "WS"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:3999",
        "http://localhost:3000",
        "https://evil.example",
        "http://127.0.0.1",
        "http://lake.example.org:8080",
        "null",
        "http://[",
        "file://",
        "",
    ],
)
def test_a_page_of_another_origin_gets_nothing_through(method, origin):
    assert not ask(method, "/graphql", origin=origin, **JSON)[0]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-mode": "websocket", "sec-fetch-dest": "websocket"},
    ],
    ids=str,
)
def test_what_another_page_loads_from_here_is_refused_also_without_an_origin(site: str, how: dict[str, Any]) -> None:
    for method, url in (("GET", "/runs"), ("HEAD", "/"), ("GET", MUTATION), ("WS", "/graphql")):
        assert not ask(method, url, sec_fetch_site=site, **how)[0]


def test_a_link_elsewhere_may_lead_to_a_page_and_to_nothing_that_answers_questions():
    assert refused(url="/runs/1", **LINK) is None
    assert refused(url="/graphql", **LINK) == ELSEWHERE
    assert refused(url=MUTATION, **LINK) == ELSEWHERE
    assert refused("POST", "/runs/1", **JSON, **LINK) == ELSEWHERE


@pytest.mark.parametrize("url", [MUTATION, "/graphql/?query=mutation", "/GraphQL?query=x", "/dagster/graphql?a"])
def test_graphql_is_not_asked_by_get_whoever_asks(url):
    for method in ("GET", "HEAD"):
        assert refused(method, url, sec_fetch_site="same-origin") == BY_GET


@pytest.mark.parametrize(
    "sent",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=a", "application/graphql"],
)
def test_what_a_form_could_send_is_refused(sent):
    for url in ("/graphql", "/report_asset_materialization/customer_trusted"):
        assert refused("POST", url, content_type=sent) == NOT_JSON
    assert refused("POST", "/graphql") == NOT_JSON


def test_our_own_pages_get_through():
    own: dict[str, Any] = {"origin": "http://127.0.0.1:3000", "sec-fetch-site": "same-origin"}
    assert refused("POST", "/graphql", **own, **JSON) is None
    assert refused("POST", "/graphql", **own, content_type="application/json; charset=utf-8") is None
    assert ask("WS", "/graphql", **own) == (True, [{"type": "websocket.accept"}])
    assert refused(url="/graphql", sec_fetch_site="none") is None
    assert refused("POST", "/graphql", **JSON) is None  # a script, which no browser sends


@pytest.mark.parametrize(
    ("host", "origin", "hosts", "through"),
    [
        ("lake.example.org", "https://lake.example.org", HOSTS, True),  # Caddy, and nginx with `Host $host`
        ("127.0.0.1:3000", "https://lake.example.org", HOSTS, True),  # nginx without
        ("127.0.0.1:3000", "https://lake.example.org", (), False),
        ("lake.example.org", "https://lake.example.org", (), False),
        ("127.0.0.1:3000", "https://evil.example", HOSTS, False),
        ("127.0.0.1:3000", "https://audit.example.org:8443", HOSTS, True),
        ("127.0.0.1:3000", "https://audit.example.org", HOSTS, False),
    ],
)
def test_behind_a_proxy_its_host_is_ours_once_it_is_named(host, origin, hosts, through):
    assert (refused("POST", "/graphql", host=host, origin=origin, hosts=hosts, **JSON) is None) is through
    assert ask("WS", "/graphql", host=host, origin=origin, hosts=hosts)[0] is through


def test_what_a_request_says_of_being_forwarded_opens_nothing():
    assert refused("POST", "/graphql", host="evil.example", x_forwarded_host="127.0.0.1:3000", **JSON) == NOT_OUR_NAME
    forwarded: dict[str, Any] = {"x-forwarded-host": "evil.example", "origin": "https://evil.example"}
    assert refused("POST", "/graphql", **forwarded, **JSON) == ELSEWHERE


def test_a_websocket_is_refused_before_it_opens():
    through, sent = ask("WS", "/graphql", origin="https://evil.example")
    assert not through
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_no_other_site_shows_our_pages_in_a_frame():
    _, sent = ask()
    assert (b"x-frame-options", b"SAMEORIGIN") in sent[0]["headers"]


def test_starting_and_ending_the_server_passes():
    behind = Behind()
    asyncio.run(Door(behind)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert behind.asked == ["lifespan"]


def test_the_host_of_the_url_in_alerts_is_one_of_ours_and_this_machines_other_ports_are_not():
    assert named_hosts(("a.example",), "https://ann@Lake.example.org:444/ui") == {"a.example", "lake.example.org:444"}
    assert named_hosts((), "http://127.0.0.1:3000") == frozenset()


def test_whatever_this_process_serves_is_behind_the_door_with_the_hosts_of_the_settings(monkeypatch, tmp_path):
    served: list[Any] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: served.append((app, options)))
    guard(Settings.load(home=tmp_path, ui_hosts="lake.example.org"))
    uvicorn.run(Behind(), host="127.0.0.1", port=1)
    [(app, options)] = served
    assert isinstance(app, Door)
    assert app._hosts == {"lake.example.org"}
    assert options == {"host": "127.0.0.1", "port": 1}


def test_dagster_serves_by_the_call_that_is_guarded():
    """Relied on; were it otherwise, `stedi ui` would refuse to serve."""
    from dagster_webserver import cli

    assert vars(cli)["uvicorn"] is uvicorn
    assert "uvicorn.run(\n            app," in inspect.getsource(cli)
