"""What the gate found of a snapshot, kept in a property of its table: while nothing is new, no run looks again.

A property, and not the snapshot's summary: content that stays is audited again where what it is judged by is new, and
its snapshot stays what it is.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pyiceberg.table import Table, Transaction

_PROPERTY = "stedi.audit"


class AuditRecord(BaseModel):
    """What the gate found.

    Attributes:
        against: the fingerprint of everything besides the content that its findings follow from.
        run_id: the run that looked.
        outcomes: what each check found, in the form of JSON; counts and names of rules, never a value.
        snapshot_id: the snapshot that was looked at; None until it is known.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    against: str
    run_id: str
    outcomes: Sequence[dict[str, Any]] = ()
    snapshot_id: int | None = None

    @classmethod
    def of(cls, table: Table) -> "AuditRecord | None":
        """What is recorded of a table's current snapshot; None where nothing is that can be read."""
        text = table.properties.get(_PROPERTY)
        if text is None:
            return None
        try:
            found = cls.model_validate_json(text)
        except ValidationError:
            # By another release, or another program: it is audited again.
            return None
        return found if found.snapshot_id == table.metadata.current_snapshot_id else None

    def write(self, transaction: Transaction) -> None:
        """Record it of the snapshot that will be current once a transaction is committed."""
        recorded = self.model_copy(update={"snapshot_id": transaction.table_metadata.current_snapshot_id})
        transaction.set_properties({_PROPERTY: recorded.model_dump_json()})
