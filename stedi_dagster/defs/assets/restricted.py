"""What only operators may read, beside the quarantines: who is which participant, and the ledger of erasures."""

from stedi_dagster.contracts import Erasures, Participants
from stedi_dagster.defs.assets.specs import restricted_spec
from stedi_dagster.defs.assets.table_asset import single_asset
from stedi_dagster.drafts.participants import draft_participants
from stedi_dagster.drafts.plan import CUSTOMER_LANDING, CUSTOMER_QUARANTINE

ERASURES = Erasures.table()

# Written by `stedi forget` and the job `forget`, which are about a person and not about a table.
erasures = restricted_spec(ERASURES, Erasures, more="Written when somebody is erased; a run reads it.")

participants = single_asset(
    restricted_spec(
        Participants.table(),
        Participants,
        group="pseudonyms",
        lineage={"email": ("customers_curated", "email")},
        automatic=True,
    ),
    inputs=("customers_curated",),
    also_reads=(CUSTOMER_LANDING, CUSTOMER_QUARANTINE),
    drafting=lambda run, inputs: draft_participants(run, inputs["customers_curated"]),
)
