"""The identity of a lakehouse, which its warehouse carries; each of its tables has the same in a property."""

import json
import uuid
from dataclasses import asdict, dataclass

from stedi_dagster.errors import OriginError
from stedi_dagster.storage import Storage

NAME = "_lakehouse.json"
# The property of a table that the platform made.
PROPERTY = "stedi.lakehouse"


@dataclass(frozen=True)
class Identity:
    """Which lakehouse a warehouse holds.

    Attributes:
        lakehouse: a random number, which stands in the properties of its tables as well.
        database: the catalog's database of its tables.
        catalog: `sqlite` or `glue`, for messages.
        ledger: whether somebody was ever erased out of it, so that it has a ledger of erasures.
        passed_over: names of metadata files that do not count, because somebody adopted older ones.
    """

    lakehouse: str
    database: str
    catalog: str
    ledger: bool = False
    passed_over: tuple[str, ...] = ()

    @classmethod
    def new(cls, database: str, catalog: str) -> "Identity":
        """That of a lakehouse which is being made."""
        return cls(str(uuid.uuid4()), database, catalog)


def read_identity(storage: Storage, warehouse: str) -> Identity | None:
    """The identity that a warehouse carries; None where it carries none.

    Raises:
        OriginError: the file is damaged.
    """
    content = storage.read(f"{warehouse}/{NAME}")
    if content is None:
        return None
    try:
        known = json.loads(content)
        passed_over = tuple(known["passed_over"])
        return Identity(known["lakehouse"], known["database"], known["catalog"], bool(known["ledger"]), passed_over)
    except (ValueError, KeyError, TypeError):
        raise OriginError(
            f"{NAME} in the warehouse {warehouse} is damaged, so it cannot be told whose tables those are. Nothing was "
            "changed. Bring the file back from a backup, or take the tables over with `stedi adopt`."
        ) from None


def write_identity(storage: Storage, warehouse: str, identity: Identity) -> None:
    """Write an identity into a warehouse."""
    storage.write(f"{warehouse}/{NAME}", json.dumps(asdict(identity), indent=2).encode())
