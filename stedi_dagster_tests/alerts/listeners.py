"""Who hears of alerts in tests: a webhook that can be told to fail; and small runs to hear of."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg

from stedi_dagster.alerts.message import moment
from stedi_dagster.alerts.outbox import FOLDER
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.defs.audits.results import check_result

# Subjects of the alerts of `failing` and of `passing` after it.
FAILS = "[STEDI] consent fails on customer_trusted"
AGAIN = "[STEDI] consent passes again on customer_trusted"
UI = "https://dagster.example"


@dataclass
class Webhook:
    """A web server that takes JSON, answers as it is told, and keeps what it took."""

    status: int = 200
    seconds: float = 0
    url: str = ""
    took: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    # Set when it has been sent something; and what it waits for before it answers.
    heard: threading.Event = field(default_factory=threading.Event)
    waits_for: threading.Event | None = None

    @property
    def subjects(self) -> list[str]:
        return [alert["title"] for alert in self.took]


@contextmanager
def webhook(path: str = "hook") -> Iterator[Webhook]:
    told = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            alert = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(told.seconds)
            told.heard.set()
            if told.waits_for is not None:
                told.waits_for.wait()
            if told.status == 200:
                told.took.append(alert)
            else:
                told.refused += 1
            self.send_response(told.status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        told.url = f"json://127.0.0.1:{server.server_port}/{path}"
        try:
            yield told
        finally:
            if told.waits_for is not None:
                told.waits_for.set()
            server.shutdown()
            thread.join()


def failing(check: str = "consent", rows: int = 3, **more: Any) -> Outcome:
    counts = {"rows without consent": rows}
    return Outcome(check, passed=False, summary="There are rows that nobody agreed to.", counts=counts, **more)


def passing(check: str = "consent") -> Outcome:
    return Outcome(
        check, passed=True, summary="Every row is of a person who agreed.", counts={"rows without consent": 0}
    )


def run(
    instance: dg.DagsterInstance,
    *outcomes: Outcome,
    table: str = "customer_trusted",
    error: Exception | None = None,
    resources: Mapping[str, Any] | None = None,
) -> str:
    """A run of a table that ends with these outcomes of its checks, and perhaps an error; returns its id."""
    key = dg.AssetKey(table)

    @dg.asset(
        key=key,
        check_specs=[dg.AssetCheckSpec(outcome.check, asset=key) for outcome in outcomes],
        required_resource_keys=set(resources or ()),
    )
    def asset() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
        results = [check_result(outcome, key) for outcome in outcomes]
        if error is None and not any(outcome.blocks for outcome in outcomes):
            yield dg.MaterializeResult(check_results=results)
            return
        yield from results
        raise error or dg.Failure(description=f"{table} is not published.")

    result = dg.materialize([asset], instance=instance, resources=resources, raise_on_error=False)
    return result.run_id


def written(home: Path) -> list[tuple[str, str]]:
    """All alerts, of which nobody has taken any."""
    with closing(sqlite3.connect(home / FOLDER / "outbox.db")) as connection:
        return connection.execute("SELECT subject, body FROM alert ORDER BY number").fetchall()


def since(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> str:
    """When the first event of a kind was in a run, as alerts have it."""
    return moment(instance.get_records_for_run(run_id, of_type=kind).records[0].timestamp)
