"""An instance, an outbox, and webhooks."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from stedi_dagster.alerts.deliver import Delivery
from stedi_dagster.alerts.outbox import Outbox, open_outbox
from stedi_dagster.defs.alerts.record import record, record_and_deliver
from stedi_dagster.settings import Settings
from stedi_dagster_tests.alerts.listeners import UI, Webhook, webhook, written


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with open_outbox(tmp_path) as found:
        yield found


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as found:
        yield found


@pytest.fixture
def other() -> Iterator[Webhook]:
    with webhook("other") as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, hook: Webhook) -> Settings:
    return Settings.load(home=tmp_path, alert_urls=hook.url, ui_url="https://dagster.example/")


@pytest.fixture
def round_of(instance: dg.DagsterInstance, settings: Settings, hook: Webhook) -> Callable[..., Delivery]:
    """One round, as a process that has just started makes it; keyword arguments are settings."""

    def deliver(*, at_once: bool = True, **changed: Any) -> Delivery:
        chosen = {"home": settings.home, "alert_urls": hook.url, **changed}
        return record_and_deliver(Settings.load(**chosen), instance, at_once=at_once)

    return deliver


@pytest.fixture
def told(outbox: Outbox, instance: dg.DagsterInstance, tmp_path: Path) -> Callable[[], list[tuple[str, str]]]:
    """What is told now, subject and body, that was not told before."""
    before = 0
    record(outbox, instance, UI)

    def tell() -> list[tuple[str, str]]:
        nonlocal before
        record(outbox, instance, UI)
        found = written(tmp_path)[before:]
        before += len(found)
        return found

    return tell
