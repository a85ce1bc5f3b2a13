"""The curated layer: what data scientists work on."""

from stedi_dagster.audits.gate import people
from stedi_dagster.contracts import CustomersCurated, MachineLearningCurated
from stedi_dagster.defs.assets.table_asset import same_columns, table_asset
from stedi_dagster.defs.assets.trusted import customer_checks
from stedi_dagster.drafts import following
from stedi_dagster.drafts.participants import refuse_unregistered
from stedi_dagster.drafts.plan import TablePlan
from stedi_dagster.drafts.run import PARTICIPANTS
from stedi_dagster.policies.people import curated_customers
from stedi_dagster.policies.readings import device_owners, paired_readings

curated_plan = TablePlan(
    CustomersCurated,
    select=lambda policy, **frames: curated_customers(**frames),  # noqa: ARG005 - no policy applies
    inputs=("customer_trusted", "accelerometer_trusted"),
    checks=customer_checks,
    narrow=following.measured,
)
pairing_plan = TablePlan(
    MachineLearningCurated,
    select=paired_readings,
    inputs=("step_trainer_trusted", "accelerometer_trusted", "customers_curated", PARTICIPANTS),
    checks={
        people.SAME_PERSON: lambda on: people.audit_same_person(
            on.content,
            on.inputs["accelerometer_trusted"],
            on.inputs[PARTICIPANTS],
            match=on.policy.match,
            few=on.rest is not None,
        ),
    },
    input_row=("participantId", "sensorReadingTime", "distanceFromObject"),
    follow=following.pairs(device_owners),
    refuse=lambda inputs: refuse_unregistered(inputs["customers_curated"], inputs[PARTICIPANTS]),
)

customers_curated = table_asset(curated_plan, lineage=same_columns(CustomersCurated, "customer_trusted"))
machine_learning_curated = table_asset(
    pairing_plan,
    lineage={
        "participantId": (PARTICIPANTS, "participantId"),
        "sensorReadingTime": ("step_trainer_trusted", "sensorReadingTime"),
        "distanceFromObject": ("step_trainer_trusted", "distanceFromObject"),
        "x": ("accelerometer_trusted", "x"),
        "y": ("accelerometer_trusted", "y"),
        "z": ("accelerometer_trusted", "z"),
    },
)
