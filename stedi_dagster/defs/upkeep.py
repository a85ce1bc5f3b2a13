"""Jobs that make no table: forgetting a person, expiring history, ending sessions that were left.

What each does is elsewhere; here is how Dagster runs it.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg
from pydantic import Field

from stedi_dagster.defs.audits.settling import NAME as VERDICTS
from stedi_dagster.defs.failures import failure
from stedi_dagster.errors import BusyError, StediError

_NEEDS = {"lakehouse", VERDICTS}


class Person(dg.Config):
    """Whom to forget. A digest, because Dagster keeps the configuration of every run."""

    digest: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="What `stedi forget --digest` prints for the person's address."
    )


@dg.op(required_resource_keys=_NEEDS)
def forget_person(context: dg.OpExecutionContext, config: Person) -> None:
    """Erase a person from the raw files, the tables, their history and storage."""
    try:
        receipt = context.resources.lakehouse.erase(config.digest)
    except StediError as error:
        raise failure(error) from None
    if receipt.nothing:
        context.log.info(
            "Nothing is known of whoever this digest stands for; `stedi forget --digest` prints the digest."
        )
    context.log.info(
        "%d records in %d raw files and %d old versions of raw files are removed; erasure %s is done.",
        receipt.raw.records,
        receipt.raw.files,
        receipt.raw.versions,
        receipt.erasures[0].number,
    )
    for table in receipt.tables:
        context.log.info("%s: %d rows, %d snapshots, %d files", table.table, table.rows, table.snapshots, table.files)


@dg.job(description="Erases a person for good, as `stedi forget` does. Takes a digest, not an address.")
def forget() -> None:
    """See `forget_person`."""
    forget_person()


@dg.op(required_resource_keys=_NEEDS)
def expire_snapshots(context: dg.OpExecutionContext) -> None:
    """Remove the snapshots that are older than STEDI_RETENTION, with their files."""
    _unless_busy(context, context.resources.lakehouse.expire_history, "%d snapshots had outlived their time.")


@dg.job(description="Removes snapshots older than STEDI_RETENTION and their files. Every run does so too.")
def expire_history() -> None:
    """See `expire_snapshots`."""
    expire_snapshots()


@dg.op(required_resource_keys=_NEEDS)
def end_left_sessions(context: dg.OpExecutionContext) -> None:
    """End the EMR Serverless sessions that killed runs left."""
    _unless_busy(context, context.resources.lakehouse.reap_sessions, "%d sessions were left running, and are ended.")


@dg.job(description="Ends the EMR Serverless sessions that killed runs left. Every run does so too, before its own.")
def reap_sessions() -> None:
    """See `end_left_sessions`."""
    end_left_sessions()


def _hourly(name: str, job: Any, minute: int, description: str, status: dg.DefaultScheduleStatus) -> Any:
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=f"{minute} * * * *",
        execution_timezone="UTC",
        default_status=status,
        description=description,
    )


hourly_expiry = _hourly(
    "hourly_expiry",
    expire_history,
    50,
    "Removes history that is over once an hour, also where no run does.",
    dg.DefaultScheduleStatus.RUNNING,
)
hourly_reaping = _hourly(
    "hourly_reaping",
    reap_sessions,
    45,
    "Ends left EMR Serverless sessions once an hour.",
    dg.DefaultScheduleStatus.STOPPED,
)


def _unless_busy(context: dg.OpExecutionContext, work: Callable[[], int], done: str) -> None:
    """Do what a run that holds the lakehouse does by itself."""
    try:
        context.log.info(done, work())
    except BusyError as error:
        context.log.info("Nothing to do: %s", error)
    except StediError as error:
        raise failure(error) from None
