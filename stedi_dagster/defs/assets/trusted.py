"""The trusted layer: what people agreed to share for research."""

from collections.abc import Callable

import dagster as dg

from stedi_dagster.audits.gate import doubt, evidence, people
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import (
    AccelerometerLanding,
    AccelerometerTrusted,
    CustomerTrusted,
    StepTrainerLanding,
    StepTrainerTrusted,
)
from stedi_dagster.defs.assets.table_asset import same_columns, table_asset
from stedi_dagster.drafts import following
from stedi_dagster.drafts.plan import (
    ACCELEROMETER_LANDING,
    CUSTOMER_LANDING,
    CUSTOMER_QUARANTINE,
    CUSTOMER_TRUSTED,
    CheckContext,
    GateCheck,
    TablePlan,
)
from stedi_dagster.policies.people import doubted_people, trusted_customers
from stedi_dagster.policies.readings import (
    accelerometer_standing,
    step_standing,
    trusted_accelerometer,
    trusted_steps,
)
from stedi_dagster.policies.selection import Selection

customer_checks: dict[str, GateCheck] = {
    people.UNIQUE_PERSON: lambda on: people.audit_unique_person(on.content),
    people.SERIAL_CONFLICTS: lambda on: people.audit_serial_conflicts(
        on.content, on.customers, serials=on.policy.serials
    ),
}


def _check_doubt(on: CheckContext) -> Outcome:
    doubted = doubted_people(on.inputs[CUSTOMER_LANDING], on.inputs[CUSTOMER_QUARANTINE])
    return doubt.audit_doubt(doubted, on.published(), max_doubt=on.max_doubt)


def customer_plan(rule: Callable[..., Selection]) -> TablePlan:
    """The plan of `customer_trusted`, its rows selected by a rule."""
    return TablePlan(
        CustomerTrusted,
        select=rule,
        inputs=("customer_landing",),
        checks={**customer_checks, doubt.CHECK: _check_doubt},
        wants_quarantine=True,
    )


def _check_evidence(on: CheckContext) -> Outcome:
    if on.policy.serials == "unique":
        return evidence.audit_no_evidence(on.content)
    landed = evidence.Landed(
        customers=on.inputs[CUSTOMER_LANDING],
        texts=on.inputs[CUSTOMER_QUARANTINE],
        readings=on.inputs[ACCELEROMETER_LANDING],
        steps=on.inputs[StepTrainerLanding.table()],
        records=on.customers,
    )
    people_kept = on.inputs[CUSTOMER_TRUSTED if CUSTOMER_TRUSTED in on.inputs else "customers_curated"]
    return evidence.audit_evidence(on.every_row, landed, people_kept, least=on.least_evidence)


accelerometer_plan = TablePlan(
    AccelerometerTrusted,
    select=trusted_accelerometer,
    inputs=("accelerometer_landing", "customer_trusted"),
    follow=following.readings(AccelerometerLanding, accelerometer_standing),
)
step_plan = TablePlan(
    StepTrainerTrusted,
    select=trusted_steps,
    inputs=("step_trainer_landing", "customers_curated", "customer_landing"),
    wants_quarantine=True,
    wants_step_people=True,
    wants_evidence=True,
    checks={evidence.CHECK: _check_evidence},
    follow=following.readings(StepTrainerLanding, step_standing),
)


def customer_trusted_by(rule: Callable[..., Selection]) -> dg.AssetsDefinition:
    """The asset `customer_trusted`, its rows selected by a rule."""
    return table_asset(customer_plan(rule), lineage=same_columns(CustomerTrusted, "customer_landing"))


customer_trusted = customer_trusted_by(trusted_customers)
accelerometer_trusted = table_asset(
    accelerometer_plan, lineage=same_columns(AccelerometerTrusted, "accelerometer_landing")
)
step_trainer_trusted = table_asset(
    step_plan,
    lineage={
        **same_columns(StepTrainerTrusted, "step_trainer_landing"),
        "attributedTo": (ACCELEROMETER_LANDING, "user"),
    },
)
