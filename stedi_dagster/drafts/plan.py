"""The plan of a trusted or curated table: how its rows are selected, and what the gate checks of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from pyspark.sql import DataFrame

from stedi_dagster.audits.gate import consent
from stedi_dagster.audits.gate.contract import CHECK as CONTRACT
from stedi_dagster.audits.gate.reconciliation import CHECK as RECONCILIATION
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import Contract
from stedi_dagster.drafts.following import Follow, Narrow
from stedi_dagster.lakehouse.snapshot import Snapshot
from stedi_dagster.policies.selection import Selection
from stedi_dagster.settings.policy import Policy

CUSTOMER_LANDING = "customer_landing"
CUSTOMER_QUARANTINE = "customer_quarantine"
CUSTOMER_TRUSTED = "customer_trusted"
ACCELEROMETER_LANDING = "accelerometer_landing"


@dataclass(frozen=True)
class CheckContext:
    """What a gate check may look at: the staged rows, the inputs they were made from, and all customer records.

    Of these, the unreadable ones count as refusals.
    """

    # What has not passed the gate before.
    content: DataFrame
    # All other rows; None where there are none.
    rest: DataFrame | None
    every_row: DataFrame
    inputs: Mapping[str, DataFrame]
    customers: DataFrame
    policy: Policy
    # What readers see of the table now; None where nothing is published that can be read.
    published: Callable[[], DataFrame | None]
    max_doubt: float
    least_evidence: float
    # Who the participants are.
    participants: Callable[[], DataFrame]


GateCheck = Callable[[CheckContext], Outcome]


@dataclass(frozen=True)
class TablePlan:
    """How one table is drafted. The first of `inputs` is the one whose rows are reconciled."""

    contract: type[Contract]
    select: Callable[..., Selection]
    inputs: tuple[str, ...]
    checks: Mapping[str, GateCheck] = field(default_factory=dict)
    # Whether `select` also wants to know of the customer records that could not be read.
    wants_quarantine: bool = False
    # Whether `select` also wants `customer_trusted` where the policy keeps the step readings of all in it.
    wants_step_people: bool = False
    # Whether `select` also wants all accelerometer readings where the policy goes by such evidence.
    wants_evidence: bool = False
    # Where a kept input row may become several: the columns that tell input rows apart in the new table.
    input_row: tuple[str, ...] = ()
    # Where kept input rows become one: the column that says how many they are.
    counted_in: str | None = None
    # How the table follows what is new in its inputs; without, it is made in full whenever one of them is new.
    follow: Follow | None = None
    # What is enough of its inputs, where it is made in full and only some rows of them are new.
    narrow: Narrow | None = None
    # Refuses inputs that the table cannot be made from.
    refuse: Callable[[Mapping[str, Snapshot]], None] = lambda _inputs: None

    def goes_by_evidence(self, policy: Policy) -> bool:
        """Whether under a policy anybody's readings may decide whose a row is."""
        return self.wants_evidence and policy.serials == "evidence"

    def follows(self, policy: Policy) -> Follow | None:
        """How the table follows what is new: by evidence not at all, where anybody's readings may decide."""
        return None if self.goes_by_evidence(policy) else self.follow

    @property
    def check_names(self) -> tuple[str, ...]:
        """The gate's checks, in the order in which they are recorded."""
        return (CONTRACT, *self.all_checks, RECONCILIATION)

    @property
    def all_checks(self) -> dict[str, GateCheck]:
        """The gate's checks besides the contract and the books: `checks`, and consent wherever a row is somebody's."""
        if not self.contract.identifying():
            return dict(self.checks)
        return {consent.CHECK: partial(_check_consent, self), **self.checks}


def _check_consent(plan: TablePlan, on: CheckContext) -> Outcome:
    contract = plan.contract
    participants = on.participants() if contract.identifying("participant") else None
    # Where nothing goes by evidence, a check of its own blocks whatever is attributed to anybody.
    empty = ("attributedTo",) if plan.wants_evidence and not plan.goes_by_evidence(on.policy) else ()
    # Of every row: who agrees may have changed, and nothing of how the table follows that is believed here.
    return consent.audit_consent(
        on.every_row, contract, on.customers, policy=on.policy, participants=participants, empty=empty
    )
