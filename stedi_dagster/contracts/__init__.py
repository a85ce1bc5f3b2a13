"""One pandera model per table: the only place where its columns are written down.

Whatever lists tables or asks which column holds what asks here; so a new table needs a contract and no entry anywhere.
"""

from types import ModuleType

from stedi_dagster.contracts import curated, landing, releases, trusted
from stedi_dagster.contracts.base import Contract
from stedi_dagster.contracts.columns import Column, Identifies, Personal
from stedi_dagster.contracts.consistency import refuse_silence
from stedi_dagster.contracts.curated import CustomersCurated, MachineLearningCurated
from stedi_dagster.contracts.landing import AccelerometerLanding, CustomerLanding, StepTrainerLanding
from stedi_dagster.contracts.releases import MlRelease, ReleaseRevisions
from stedi_dagster.contracts.restricted import (
    LEDGER_WORDS,
    Erasures,
    LandedFiles,
    Participants,
    Quarantine,
    ReleaseExports,
)
from stedi_dagster.contracts.trusted import AccelerometerTrusted, CustomerTrusted, StepTrainerTrusted

# From the raw files on.
_LAYERS = {"landing": landing, "trusted": trusted, "curated": curated}
LAYERS = tuple(_LAYERS)


def _defined_in(module: ModuleType) -> list[type[Contract]]:
    """The contracts that a module defines itself, in order."""
    found = (each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Contract))
    return [contract for contract in found if contract.__module__ == module.__name__]


def feed_name(contract: type[Contract]) -> str:
    """The feed of a landing table: what its name begins with."""
    return contract.table().removesuffix("_landing")


def quarantine_name(contract: type[Contract]) -> str:
    """The table of what of a landing table's feed could not be read."""
    return f"{feed_name(contract)}_quarantine"


def landed_files_name(contract: type[Contract]) -> str:
    """The table of the raw files that a landing table was made from."""
    return f"{feed_name(contract)}_landed_files"


# What is published: layer by layer, in each in the order in which the contracts are defined.
TABLES: dict[str, type[Contract]] = {
    contract.table(): contract for module in _LAYERS.values() for contract in _defined_in(module)
}
# What is made of the last of them when somebody asks for it.
RELEASES: dict[str, type[Contract]] = {contract.table(): contract for contract in _defined_in(releases)}
# What stands in the database that readers are given.
PUBLISHED = {**TABLES, **RELEASES}
# The tables in which only people may be who agreed: all but the landing ones, if their rows are anybody's.
CONSENTED: dict[str, type[Contract]] = {
    name: contract for name, contract in PUBLISHED.items() if contract.layer() != "landing" and contract.identifying()
}
# What operators alone may read.
RESTRICTED: dict[str, type[Contract]] = {
    **{quarantine_name(contract): Quarantine for contract in TABLES.values() if contract.layer() == "landing"},
    **{landed_files_name(contract): LandedFiles for contract in TABLES.values() if contract.layer() == "landing"},
    Participants.table(): Participants,
    Erasures.table(): Erasures,
    ReleaseExports.table(): ReleaseExports,
}
# What there is only once somebody was erased or a release was made; until then nothing is in it.
OPTIONAL: dict[str, type[Contract]] = {**RELEASES, Erasures.table(): Erasures, ReleaseExports.table(): ReleaseExports}
# All that the platform makes.
CONTRACTS = {**PUBLISHED, **RESTRICTED}
refuse_silence({contract.__name__: contract.columns() for contract in CONTRACTS.values()})

__all__ = [
    "CONSENTED",
    "CONTRACTS",
    "LAYERS",
    "LEDGER_WORDS",
    "OPTIONAL",
    "PUBLISHED",
    "RELEASES",
    "RESTRICTED",
    "TABLES",
    "AccelerometerLanding",
    "AccelerometerTrusted",
    "Column",
    "Contract",
    "CustomerLanding",
    "CustomerTrusted",
    "CustomersCurated",
    "Erasures",
    "Identifies",
    "LandedFiles",
    "MachineLearningCurated",
    "MlRelease",
    "Participants",
    "Personal",
    "Quarantine",
    "ReleaseExports",
    "ReleaseRevisions",
    "StepTrainerLanding",
    "StepTrainerTrusted",
    "feed_name",
    "landed_files_name",
    "quarantine_name",
]
