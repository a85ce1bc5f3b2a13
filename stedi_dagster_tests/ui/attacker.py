"""A page of a stranger on another port of this machine, which tries all that a page can to start a run in the UI."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ATTEMPTS = ("image", "form", "text", "json", "frame", "socket")

_PAGE = """<!doctype html><title>recipes</title><iframe name="sink" id="sink"></iframe>
<form id="form" method="post" enctype="text/plain" target="sink" action="UI/graphql"><input name='NAME' value='VALUE'>
</form><script>
const ui = "UI", query = QUERY, told = {};
const tell = (what, answer) => { told[what] = answer; document.body.dataset.told = JSON.stringify(told); };
const image = new Image();
image.onload = image.onerror = event => tell("image", event.type);
image.src = ui + "/graphql?query=" + encodeURIComponent(query);
const post = (what, type) =>
    fetch(ui + "/graphql", {method: "POST", headers: {"Content-Type": type}, body: JSON.stringify({query})})
        .then(answer => tell(what, "answered " + answer.status), error => tell(what, "error"));
post("text", "text/plain");
post("json", "application/json");
const frame = document.createElement("iframe");
frame.onload = () => tell("frame", "load");
frame.src = ui + "/graphql?query=" + encodeURIComponent(query);
document.body.append(frame);
const socket = new WebSocket(ui.replace("http", "ws") + "/graphql", "graphql-ws");
socket.onopen = () => tell("socket", "open");
socket.onerror = () => tell("socket", "error");
document.getElementById("sink").onload = () => tell("form", "load");
document.getElementById("form").submit();
</script>"""


@contextmanager
def attacking(ui: str, mutation: str) -> Iterator[str]:
    """The address of the page; its body's `data-told` has what became of each attempt.

    Args:
        ui: where the UI is.
        mutation: what it tries to have done, in GraphQL.
    """
    # A form of plain text sends name=value; split so, that is JSON.
    name, _, value = json.dumps({"query": mutation, "and": "="}).partition("=")
    page = _PAGE.replace("UI", ui).replace("NAME", name).replace("VALUE", value).replace("QUERY", json.dumps(mutation))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            # By its other name, which is another site to the browser.
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
