"""`stedi alerts`: what is failing and what is waiting to be sent; and `stedi alerts test`."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stedi_dagster.alerts.destinations import Destination, NotTakenError, destinations_of
from stedi_dagster.alerts.message import moment, trial
from stedi_dagster.alerts.outbox import open_outbox
from stedi_dagster.cli.grid import Printing, show
from stedi_dagster.errors import SettingsError
from stedi_dagster.settings import Settings


def list_alerts(*, as_json: bool) -> None:
    """Print the destinations with the alerts waiting for them, and what is failing since when."""
    settings = Settings.load()
    with open_outbox(settings.home) as outbox:
        destinations: list[dict[str, Any]] = [
            {
                "destination": waiting.name,
                "waiting": waiting.alerts,
                "failing_since": waiting.failing_since and moment(waiting.failing_since),
                "problem": waiting.problem,
            }
            for waiting in outbox.waiting()
        ]
        failing: list[dict[str, Any]] = [
            {
                "failing": f"{change.ending.kind} {change.ending.check}".strip(),
                "of": change.ending.table,
                "severity": change.ending.severity,
                "since": moment(change.since),
                "found": change.ending.found,
            }
            for change in outbox.failing()
        ]
    if as_json:
        print(json.dumps({"destinations": destinations, "failing": failing}, indent=2))  # noqa: T201
        return
    for rows, if_empty in ((destinations, "No alert was ever due."), (failing, "Nothing is failing.")):
        if rows:
            show(rows, as_json=False)
        else:
            Printing().print(if_empty)


def try_destinations(*, as_json: bool) -> bool:
    """Send every destination a test message and print the results; return whether all accepted it.

    Raises:
        SettingsError: there is no destination.
    """
    destinations = destinations_of(Settings.load())
    if not destinations:
        raise SettingsError("Alerts would reach nobody: set STEDI_ALERT_URLS or STEDI_ALERT_TOPIC_ARN.")
    with ThreadPoolExecutor(len(destinations)) as pool:
        problems = list(pool.map(_problem, destinations))
    show(
        [
            {"destination": to.name, "test": problem or "sent"}
            for to, problem in zip(destinations, problems, strict=True)
        ],
        as_json=as_json,
    )
    return not any(problems)


def _problem(destination: Destination) -> str | None:
    try:
        destination.send(trial())
    except NotTakenError as error:
        return str(error)
    return None
