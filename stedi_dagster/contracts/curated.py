"""The curated tables: what data scientists work on."""

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts.base import Contract, column, epoch_ms
from stedi_dagster.contracts.trusted import CustomerTrusted


class CustomersCurated(CustomerTrusted):
    """The people of customer_trusted who have accelerometer readings in accelerometer_trusted."""


class MachineLearningCurated(Contract):
    """Each step reading with that person's accelerometer reading at the same time.

    Pseudonymised, by a random number for the person: personal data all the same (GDPR, Art. 4(5) and Recital 26).
    """

    participantId: T.StringType = column(
        "Random number of the person, the same from run to run",
        personal="pseudonym",
        identifies="participant",
        str_matches=r"^[0-9a-f-]{36}$",
    )
    sensorReadingTime: T.LongType = epoch_ms("When both readings were taken", event_time=True)
    distanceFromObject: T.LongType = column("Distance to the nearest object", unit="as the device reports it")
    x: T.DoubleType = column("Acceleration along x", unit="as the app reports it")
    y: T.DoubleType = column("Acceleration along y", unit="as the app reports it")
    z: T.DoubleType = column("Acceleration along z", unit="as the app reports it")
