"""The gate's checks of a feed: of its records, and of what of it could not be read."""

from dataclasses import dataclass

from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.contract import audit_contract
from stedi_dagster.audits.gate.quarantine import CHECK as QUARANTINE
from stedi_dagster.audits.gate.quarantine import audit_quarantine
from stedi_dagster.audits.gate.reconciliation import CHECK as RECONCILIATION
from stedi_dagster.audits.gate.reconciliation import audit_reconciliation
from stedi_dagster.audits.gate.volume import CHECK as VOLUME
from stedi_dagster.audits.gate.volume import audit_volume
from stedi_dagster.audits.outcome import Outcome, run_audit
from stedi_dagster.contracts import CustomerLanding, Quarantine
from stedi_dagster.drafts.run import Run
from stedi_dagster.lakehouse.data_files import DataFiles
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.summary import LandingSummary
from stedi_dagster.landing.feeds import Feed

# In the order in which they are recorded.
CHECKS = (CONTRACT, RECONCILIATION, QUARANTINE, VOLUME)
# Why a record of somebody who was erased does not land.
ERASED = "erased"


@dataclass(frozen=True)
class FeedLimits:
    """What of a feed is not believed.

    Attributes:
        max_bad_share: the largest share of records that may be quarantined, from 0 to 1.
        max_shrink: the largest share of what is published that may be missing, from 0 to 1.
        volume_accepted: whether the operator says that a smaller feed is meant.
    """

    max_bad_share: float
    max_shrink: float
    volume_accepted: bool

    @property
    def shares(self) -> dict[str, float]:
        """What stays from run to run, and decides what is found."""
        return {"max_bad_share": self.max_bad_share, "max_shrink": self.max_shrink}


def check_feed(
    run: Run,
    feed: Feed,
    records: DataFiles,
    quarantine: DataFiles,
    landed: LandingSummary,
    limits: FeedLimits,
    *,
    new: DataFiles,
) -> tuple[Outcome, ...]:
    """Check what was landed, or is published.

    Args:
        run: the run.
        feed: the feed.
        records: its records.
        quarantine: what of it could not be read.
        landed: what landing counted.
        limits: what is not believed.
        new: those of the records that nobody has looked at.

    Raises:
        EngineError: the engine did not do its work.
    """
    with run.at_work(feed.contract.table(), f"auditing {feed.contract.table()}"):
        return (
            run_audit(CONTRACT, lambda: audit_contract(new.frame(run.session), feed.contract, now_ms=run.now_ms)),
            audit_reconciliation(
                rows_in=landed.records,
                kept=records.rows,
                withheld={ERASED: landed.erased} if landed.erased else {},
                quarantined=quarantine.rows,
            ),
            audit_quarantine(
                records=landed.records,
                quarantined=landed.quarantined,
                files=landed.quarantined_in,
                max_share=limits.max_bad_share,
                shares=landed.shares,
                hidden=landed.hidden if feed.contract is CustomerLanding else {},
            ),
            audit_volume(
                feed.name,
                found=records.rows + quarantine.rows,
                published=_published(run.lakehouse, feed),
                max_shrink=limits.max_shrink,
                accepted=limits.volume_accepted,
            ),
        )


def _published(lakehouse: Lakehouse, feed: Feed) -> int | None:
    """How many records are published, readable or not: counted now, because an erasure may have deleted some."""
    records = lakehouse.read(feed.contract.table(), feed.contract)
    if records is None:
        return None
    quarantine = lakehouse.read(feed.quarantine, Quarantine)
    if quarantine is None or quarantine.summary.refused:
        # What a feed that was refused could not have read is no part of what was published.
        landed = records.summary.landed
        return records.rows + (sum(landed.quarantined.values()) if landed else 0)
    return records.rows + quarantine.rows
