"""The jobs: those that make tables, audits or a report from assets, and those that make no table.

What each does is elsewhere; here is how Dagster runs it.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg
from pydantic import Field

from stedi_dagster.contracts import LAYERS, Participants
from stedi_dagster.defs.assets.feeds import SELECTION as FEEDS
from stedi_dagster.defs.assets.release import SELECTION as RELEASE
from stedi_dagster.defs.assets.report import SELECTION as REPORT
from stedi_dagster.defs.assets.standing_audits import SELECTION as STANDING_AUDITS
from stedi_dagster.defs.failures import failure
from stedi_dagster.defs.resources.lakehouse import LakehouseResource
from stedi_dagster.defs.resources.lock import POOL, WriterLockResource
from stedi_dagster.defs.resources.rules import LandingResource
from stedi_dagster.defs.resources.spark import EmrServerlessResource
from stedi_dagster.defs.resources.verdicts import VerdictsResource
from stedi_dagster.erasure.digests import load_digester
from stedi_dagster.erasure.erase import UNFINISHED, Eraser, Receipt
from stedi_dagster.erasure.ledger import Ledger, recognising
from stedi_dagster.errors import BusyError, SettingsError, StediError
from stedi_dagster.run_tags import WITHDRAWN
from stedi_dagster.settings import EMR_SERVERLESS, Settings
from stedi_dagster.storage import storage_errors

EVERYTHING = "everything"

everything = dg.define_asset_job(
    EVERYTHING,
    selection=dg.AssetSelection.all() - STANDING_AUDITS - REPORT,
    description="All tables, from the raw files on.",
)
observe_feeds = dg.define_asset_job(
    "observe_feeds", selection=FEEDS, description="Looks which raw files there are; makes no table."
)
audit = dg.define_asset_job(
    "audit", selection=STANDING_AUDITS, description="The standing audits of what is published; makes no table."
)
report = dg.define_asset_job(
    "report", selection=REPORT, description="A page to hand over about what is published; makes no table."
)
release = dg.define_asset_job(
    "release",
    selection=RELEASE,
    description="Creates a release of machine_learning_curated, of the name that its configuration gives.",
)
# What the steps of a layer make besides its tables: quarantines; what a table of the layer is paired by, and what must
# lose whoever leaves it.
_MADE_WITH = {"curated": dg.AssetSelection.assets(Participants.table()) | RELEASE}
layers = [
    dg.define_asset_job(
        layer,
        selection=(
            dg.AssetSelection.groups(layer) | _MADE_WITH.get(layer, dg.AssetSelection.assets())
        ).required_multi_asset_neighbors()
        - STANDING_AUDITS,
        description=f"The {layer} tables.",
    )
    for layer in LAYERS
]


def jobs_for(settings: Settings) -> list[Any]:
    """The jobs that the settings have a use for."""
    jobs = [everything, observe_feeds, audit, report, release, *layers, look_for_withdrawals, forget, expire_history]
    return [*jobs, reap_sessions] if settings.engine == EMR_SERVERLESS else jobs


# Not in the pool: it reads without the lock, and is to be quick.
@dg.op
def find_withdrawals(context: dg.OpExecutionContext, lakehouse: LakehouseResource, landing: LandingResource) -> None:
    """Count the people who are in a table and have withdrawn, by the raw customer files; the run's tag has it."""
    from stedi_dagster.audits.standing.withdrawals import pending_withdrawals

    try:
        with storage_errors("looking for withdrawals", outcome=""):
            pending = pending_withdrawals(landing.location, lakehouse.lakehouse())
    except StediError as error:
        raise failure(error) from None
    context.instance.add_run_tags(context.run_id, {WITHDRAWN: str(pending.people)})
    context.log.info("%d people who have withdrawn are in a table.", pending.people)


@dg.job(description="Looks whether somebody in a table has withdrawn since; makes no table. A sensor asks for it.")
def look_for_withdrawals() -> None:
    """See `find_withdrawals`."""
    find_withdrawals()


class Person(dg.Config):
    """Whom to forget. A digest, because Dagster keeps the configuration of every run."""

    digest: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="What `stedi forget --digest` prints for the person's address."
    )


@dg.op(pool=POOL)
def forget_person(
    context: dg.OpExecutionContext,
    config: Person,
    landing: LandingResource,
    lock: WriterLockResource,
    verdicts: VerdictsResource,
) -> None:
    """Erase a person from the raw files, the tables, their history and storage."""
    try:
        with storage_errors("erasing somebody", outcome=UNFINISHED), lock.held():
            receipt = _erase(context, config.digest, landing.location, lock, verdicts)
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


def _erase(
    context: dg.OpExecutionContext, person: str, landing: str, lock: WriterLockResource, verdicts: VerdictsResource
) -> Receipt:
    lakehouse = lock.lakehouse.lakehouse()
    digester = recognising(lakehouse, Ledger(lakehouse).erasures()) or load_digester(lakehouse.home, make=False)
    if digester is None:
        raise SettingsError("There is no key for digests here: `stedi forget --digest` makes one.")
    verdicts.expect_changes()
    eraser = Eraser(lakehouse, landing, digester, context.log.info)
    receipt = eraser.erase(person)
    eraser.resume()
    return receipt


@dg.job(description="Erases a person for good, as `stedi forget` does. Takes a digest, not an address.")
def forget() -> None:
    """See `forget_person`."""
    forget_person()


@dg.op
def expire_snapshots(context: dg.OpExecutionContext, lock: WriterLockResource, verdicts: VerdictsResource) -> None:
    """Remove the snapshots that are older than STEDI_RETENTION, with their files."""

    def expire() -> int:
        lakehouse = lock.lakehouse.lakehouse()
        with storage_errors("removing history", outcome=""), lock.held(wait=False):
            verdicts.expect_changes()
            return sum(lakehouse.expire(table).snapshots for table in lakehouse.own_tables())

    _unless_busy(context, expire, "%d snapshots had outlived their time.")


@dg.job(description="Removes snapshots older than STEDI_RETENTION and their files. Every run does so too.")
def expire_history() -> None:
    """See `expire_snapshots`."""
    expire_snapshots()


@dg.op
def end_left_sessions(context: dg.OpExecutionContext, spark: EmrServerlessResource) -> None:
    """End the EMR Serverless sessions that killed runs left."""
    _unless_busy(context, spark.reap, "%d sessions were left running, and are ended.")


@dg.job(description="Ends the EMR Serverless sessions that killed runs left. Every run does so too, before its own.")
def reap_sessions() -> None:
    """See `end_left_sessions`."""
    end_left_sessions()


def _unless_busy(context: dg.OpExecutionContext, work: Callable[[], int], done: str) -> None:
    """Do what a run that holds the lakehouse does by itself."""
    try:
        context.log.info(done, work())
    except BusyError as error:
        context.log.info("Nothing to do: %s", error)
    except StediError as error:
        raise failure(error) from None
