"""The curated layer: what data scientists work on."""

from collections.abc import Mapping

from stedi_dagster.audits.gate import consent, people
from stedi_dagster.contracts import CustomersCurated, MachineLearningCurated
from stedi_dagster.defs.assets.table_asset import same_columns, table_asset
from stedi_dagster.defs.assets.trusted import customer_audits
from stedi_dagster.drafts.participants import refuse_unregistered
from stedi_dagster.drafts.run import PARTICIPANTS, Draft, Run
from stedi_dagster.drafts.tables import TableDraft, draft_table
from stedi_dagster.lakehouse.published import Reading
from stedi_dagster.policies.people import curated_customers
from stedi_dagster.policies.readings import paired_readings

customers_curated = table_asset(
    TableDraft(
        CustomersCurated,
        select=lambda policy, **frames: curated_customers(**frames),  # noqa: ARG005 - no policy applies
        inputs=("customer_trusted", "accelerometer_trusted"),
        audits=customer_audits,
    ),
    group="curated",
    lineage=same_columns(CustomersCurated, "customer_trusted"),
)


def _with_participants(run: Run, inputs: Mapping[str, Reading]) -> Draft:
    refuse_unregistered(run, inputs["customers_curated"], inputs[PARTICIPANTS])
    return draft_table(run, _MACHINE_LEARNING, inputs)


_MACHINE_LEARNING = TableDraft(
    MachineLearningCurated,
    select=paired_readings,
    inputs=("step_trainer_trusted", "accelerometer_trusted", "customers_curated", PARTICIPANTS),
    audits={
        consent.CHECK: lambda on: consent.audit_participants(on.content, on.inputs[PARTICIPANTS], on.customers),
        people.SAME_PERSON: lambda on: people.audit_same_person(
            on.content, on.inputs["accelerometer_trusted"], on.inputs[PARTICIPANTS], match=on.policy.match
        ),
    },
    input_row=("participantId", "sensorReadingTime", "distanceFromObject"),
)

machine_learning_curated = table_asset(
    _MACHINE_LEARNING,
    group="curated",
    lineage={
        "participantId": (PARTICIPANTS, "participantId"),
        "sensorReadingTime": ("step_trainer_trusted", "sensorReadingTime"),
        "distanceFromObject": ("step_trainer_trusted", "distanceFromObject"),
        "x": ("accelerometer_trusted", "x"),
        "y": ("accelerometer_trusted", "y"),
        "z": ("accelerometer_trusted", "z"),
    },
    drafting=_with_participants,
)

ASSETS = [customers_curated, machine_learning_curated]
