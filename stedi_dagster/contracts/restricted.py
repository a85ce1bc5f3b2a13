"""Tables beside the eight, in a namespace of their own that data scientists need no access to."""

from collections.abc import Mapping

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts.base import EPOCH_MS, Contract, column, epoch_ms
from stedi_dagster.contracts.columns import Describes, Identifies

# What the ledger of erasures calls a value, by what it says of somebody. It is written once and read for ever: these
# words stay, whatever a column is called.
LEDGER_WORDS: Mapping[Identifies | Describes, str] = {
    "person": "email",
    "device": "serialNumber",
    "participant": "participantId",
    "name": "customerName",
    "telephone": "phone",
}


class Quarantine(Contract):
    """What lay in a feed's landing folder and could not be read as a record."""

    file: T.StringType = column("File, relative to the landing zone", personal="yes", holds="text")
    line: T.LongType = column("Line at which the text begins, the first is 1", ge=1)
    position: T.LongType = column("Byte at which the text begins, the first is 0, after unpacking", ge=0)
    reason: T.StringType = column("Why it is no record")
    raw: T.StringType = column(
        "The text; bytes that are no UTF-8 as \\xNN; at most 10,000 characters", personal="yes", holds="text"
    )
    people: T.StringType = column(
        "Of a customer's: the addresses that it names, one a line; null where none can be read",
        nullable=True,
        personal="yes",
        identifies="person",
        holds="lines",
    )
    devices: T.StringType = column(
        "Of a customer's: the serial numbers that it names, one a line; null where none can be read",
        nullable=True,
        personal="yes",
        identifies="device",
        holds="lines",
    )
    moment: T.LongType = column(
        "Of a customer's: when it was written; null where that cannot be read",
        nullable=True,
        unit=f"{EPOCH_MS}, unchecked",
        event_time=True,
    )


class LandedFiles(Contract):
    """The raw files of a feed that have landed: a run lands those that are not here, or have changed since."""

    file: T.StringType = column(
        "File, relative to the landing zone, without the addresses in its name", personal="yes", holds="text"
    )
    size: T.LongType = column("Size of the file", unit="bytes", ge=0)
    version: T.StringType = column("Changes whenever the file does, and may change when it does not")
    digest: T.StringType = column(
        "SHA-256 of its bytes; null where its version tells enough, or it changed while it was read",
        nullable=True,
    )
    batch: T.StringType = column("The files that landed with it, and whose rows are in the same data files")
    records: T.LongType = column(
        "Records and texts found in it; null where the engine read it with others", nullable=True, ge=0
    )
    quarantined: T.LongType = column("How many of these are no records", ge=0)
    landedAt: T.LongType = epoch_ms("When the run began that landed it")
    key: T.StringType = column("SHA-256 of its whole name: what it is known by", personal="pseudonym")


class Erasures(Contract, ledger=True):
    """Who was erased, by keyed digests only; what an old file delivers again is held against them."""

    erasure: T.StringType = column("Random number of the erasure")
    what: T.StringType = column(
        "What the digest is of; sharedSerialNumber: that of a device which somebody else carried, too; ownPhone: that "
        "of a telephone number which nobody else had",
        isin=[*LEDGER_WORDS.values(), "sharedSerialNumber", "ownPhone"],
    )
    digest: T.StringType = column(
        "HMAC-SHA256 of the value, trimmed, lower-cased; of a name or telephone number, of its words",
        personal="pseudonym",
    )
    words: T.LongType = column("Words of the value", ge=1)
    key: T.StringType = column("Which key the digest was made with")
    erasedAt: T.LongType = epoch_ms("When the erasure began")
    until: T.LongType = epoch_ms(
        "Until when what they sent stays out: when the erasure began, or later, where they registered ahead of time"
    )
    completedAt: T.LongType = epoch_ms("When nothing was left to do; null while the erasure is not done", nullable=True)


class Participants(Contract):
    """Which participantId stands for which person: random, given once, kept from run to run."""

    email: T.StringType = column("Address of the person, trimmed, lower-cased", personal="yes", identifies="person")
    participantId: T.StringType = column("Random number of the person", personal="pseudonym", identifies="participant")

    class Config:
        """One row a person."""

        unique = ["email"]  # noqa: RUF012 - pandera reads it as it stands


class ReleaseExports(Contract):
    """The copies of releases that were handed out: who may have to be told that somebody has left."""

    export: T.StringType = column("Random number of the export")
    release: T.StringType = column("Name of the release")
    revision: T.LongType = column("Its revision then", ge=1)
    rows: T.LongType = column("Rows of the copy", ge=0)
    participants: T.LongType = column("Participants in the copy", ge=0)
    recipient: T.StringType = column("For whom it is: a team or an organisation, and nobody's name")
    digest: T.StringType = column(
        "SHA-256 of its manifest, which has those of its files; null where it was not finished", nullable=True
    )
    begunAt: T.LongType = epoch_ms("When it was begun")
    destroyedAt: T.LongType = epoch_ms("When its recipient said that no copy is left; null until then", nullable=True)
