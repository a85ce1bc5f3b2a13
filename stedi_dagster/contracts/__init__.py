"""One pandera model per table: the only place where its columns are written down."""

from stedi_dagster.contracts.base import Column, Contract, Personal
from stedi_dagster.contracts.curated import CustomersCurated, MachineLearningCurated
from stedi_dagster.contracts.landing import AccelerometerLanding, CustomerLanding, StepTrainerLanding
from stedi_dagster.contracts.restricted import Erasures, Participants, Quarantine
from stedi_dagster.contracts.trusted import AccelerometerTrusted, CustomerTrusted, StepTrainerTrusted

# The eight tables, in the order in which data flows.
TABLES: dict[str, type[Contract]] = {
    contract.table(): contract
    for contract in (
        CustomerLanding,
        AccelerometerLanding,
        StepTrainerLanding,
        CustomerTrusted,
        AccelerometerTrusted,
        CustomersCurated,
        StepTrainerTrusted,
        MachineLearningCurated,
    )
}

__all__ = [
    "TABLES",
    "AccelerometerLanding",
    "AccelerometerTrusted",
    "Column",
    "Contract",
    "CustomerLanding",
    "CustomerTrusted",
    "CustomersCurated",
    "Erasures",
    "MachineLearningCurated",
    "Participants",
    "Personal",
    "Quarantine",
    "StepTrainerLanding",
    "StepTrainerTrusted",
]
