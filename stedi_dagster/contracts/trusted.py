"""The trusted tables: what is left of landing of people who agreed to research.

Addresses and serial numbers are their keys here, so that everything downstream joins on equality.
"""

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts.base import ADDRESS_KEY, column
from stedi_dagster.contracts.landing import AccelerometerLanding, CustomerLanding, StepTrainerLanding

_KEY = r"^\S+(\s+\S+)*$"


class CustomerTrusted(CustomerLanding):
    """The latest record of every person who agreed to share their data for research."""

    email: T.StringType = column(
        "The person's address, trimmed, lower-cased", personal="yes", identifies="person", str_matches=ADDRESS_KEY
    )
    serialNumber: T.StringType = column(
        "Serial number of the person's step trainer, trimmed, lower-cased",
        personal="yes",
        identifies="device",
        str_matches=_KEY,
    )

    class Config:
        """One row a person."""

        unique = ["email"]  # noqa: RUF012 - pandera reads it as it stands


class AccelerometerTrusted(AccelerometerLanding):
    """The accelerometer readings of the people in customer_trusted, each once."""

    user: T.StringType = column(
        "Address of the person, trimmed, lower-cased", personal="yes", identifies="person", str_matches=ADDRESS_KEY
    )

    class Config:
        """A re-delivered reading counts once."""

        unique = ["user", "timestamp", "x", "y", "z"]  # noqa: RUF012 - pandera reads it as it stands


class StepTrainerTrusted(StepTrainerLanding):
    """The step readings of the people in customers_curated, each once.

    Of a serial number that several people carry there is none; or, where the rules say so, those of which evidence
    tells whose they are.
    """

    serialNumber: T.StringType = column(
        "Serial number of the step trainer, trimmed, lower-cased",
        personal="yes",
        identifies="device",
        str_matches=_KEY,
    )
    attributedTo: T.StringType = column(
        "Address of the person whose it is by evidence, where several carry the serial number; null where one does",
        nullable=True,
        personal="yes",
        identifies="person",
        str_matches=ADDRESS_KEY,
    )

    class Config:
        """A re-delivered reading counts once."""

        unique = ["sensorReadingTime", "serialNumber", "distanceFromObject"]  # noqa: RUF012 - as above
