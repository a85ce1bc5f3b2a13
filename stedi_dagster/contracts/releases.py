"""Releases: data sets for training that stay as they are, but for people who leave them."""

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts.base import Contract, column, epoch_ms
from stedi_dagster.contracts.curated import MachineLearningCurated
from stedi_dagster.split import PARTS

RELEASE_NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"


class MlRelease(MachineLearningCurated):
    """The rows of all releases: each has those of machine_learning_curated at one moment that are still there today."""

    release: T.StringType = column("Name of the release", str_matches=RELEASE_NAME)
    part: T.StringType = column("What the row is for; nobody has rows in two", isin=list(PARTS))


class ReleaseRevisions(Contract):
    """What each release had when it was created (revision 1), and each time after somebody had left it."""

    release: T.StringType = column("Name of the release", str_matches=RELEASE_NAME)
    revision: T.LongType = column("Number of the revision, the first is 1", ge=1)
    recordedAt: T.LongType = epoch_ms("When it was recorded")
    reason: T.StringType = column("Why there is this revision")
    rowsGone: T.LongType = column("Rows of the revision before that are not in it", ge=0)
    participantsGone: T.LongType = column("Participants of the revision before who are not in it", ge=0)
    trainRows: T.LongType = column("Rows for training", ge=0)
    trainParticipants: T.LongType = column("Participants with rows for training", ge=0)
    validationRows: T.LongType = column("Rows for validation", ge=0)
    validationParticipants: T.LongType = column("Participants with rows for validation", ge=0)
    testRows: T.LongType = column("Rows for testing", ge=0)
    testParticipants: T.LongType = column("Participants with rows for testing", ge=0)
    firstReadingAt: T.LongType = epoch_ms("When its first reading was taken; null where it has none", nullable=True)
    lastReadingAt: T.LongType = epoch_ms("When its last one was", nullable=True)
    origin: T.StringType = column("Of the first revision: what it was made of, as JSON; numbers only", nullable=True)
