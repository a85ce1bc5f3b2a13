"""The landing tables: every well-formed record, exactly as often as it was delivered.

Field names are the feeds'. Which texts count as a record is `landing.records`' matter.
"""

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts.base import ADDRESS, LARGEST_DOUBLE, Contract, column, epoch_ms

_NOT_BLANK = r"\S"
_FINITE = {"min_value": -LARGEST_DOUBLE, "max_value": LARGEST_DOUBLE}


class CustomerLanding(Contract):
    """Every customer record that landed from the website; a person may have several."""

    customerName: T.StringType = column("First and last name", nullable=True, personal="yes", describes="name")
    email: T.StringType = column("The person's address", personal="yes", identifies="person", str_matches=ADDRESS)
    phone: T.StringType = column("Phone number", nullable=True, personal="yes", describes="telephone")
    birthDay: T.StringType = column(
        "Birthday as delivered, an ISO date where birthDayValid", nullable=True, personal="yes"
    )
    birthDayValid: T.BooleanType = column(
        "Whether birthDay is a date of the form YYYY-MM-DD; null where there is none", nullable=True
    )
    serialNumber: T.StringType = column(
        "Serial number of the person's step trainer", personal="yes", identifies="device", str_contains=_NOT_BLANK
    )
    registrationDate: T.LongType = epoch_ms("When the person registered", nullable=True)
    lastUpdateDate: T.LongType = epoch_ms("When this record was written", nullable=True)
    shareWithResearchAsOfDate: T.LongType = epoch_ms(
        "Since when the person agrees to research; null where they do not", nullable=True
    )
    shareWithPublicAsOfDate: T.LongType = epoch_ms(
        "Since when the person agrees to publication; null where they do not", nullable=True
    )
    shareWithFriendsAsOfDate: T.LongType = epoch_ms(
        "Since when the person shares with friends; null where they do not", nullable=True
    )


class AccelerometerLanding(Contract):
    """Every accelerometer reading that landed from the phone app."""

    user: T.StringType = column("Address of the person", personal="yes", identifies="person", str_matches=ADDRESS)
    timestamp: T.LongType = epoch_ms("When the reading was taken", event_time=True)
    x: T.DoubleType = column("Acceleration along x", unit="as the app reports it", in_range=_FINITE)
    y: T.DoubleType = column("Acceleration along y", unit="as the app reports it", in_range=_FINITE)
    z: T.DoubleType = column("Acceleration along z", unit="as the app reports it", in_range=_FINITE)


class StepTrainerLanding(Contract):
    """Every step reading that landed from the step trainer."""

    sensorReadingTime: T.LongType = epoch_ms("When the reading was taken", event_time=True)
    serialNumber: T.StringType = column(
        "Serial number of the step trainer", personal="yes", identifies="device", str_contains=_NOT_BLANK
    )
    distanceFromObject: T.LongType = column("Distance to the nearest object", unit="as the device reports it")
