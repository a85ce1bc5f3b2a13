"""Which readings are kept: those of the people kept, each once, and under `as_of` none from before the agreement."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import AccelerometerTrusted, MachineLearningCurated, StepTrainerTrusted
from stedi_dagster.keys import with_keys
from stedi_dagster.policies.people import ambiguous_serials, with_doubtful
from stedi_dagster.policies.selection import REASON, Selection, first_reason, select
from stedi_dagster.settings.policy import Policy

NOT_TRUSTED = "of nobody in customer_trusted"
NOT_CURATED = "of nobody in customers_curated"
BEFORE_CONSENT = "taken before consent"
AMBIGUOUS_SERIAL = "serial number carried by several people"
NO_COUNTERPART = "no accelerometer reading at that time"


def trusted_accelerometer(accelerometer_landing: DataFrame, customer_trusted: DataFrame, policy: Policy) -> Selection:
    """The readings of trusted customers.

    Args:
        accelerometer_landing: an AccelerometerLanding frame.
        customer_trusted: a CustomerTrusted frame.
        policy: `consent` applies.

    Returns:
        An AccelerometerTrusted frame and the counts of landed readings.
    """
    people = customer_trusted.select(F.col("email"), F.col("shareWithResearchAsOfDate").alias("since"))
    readings = with_keys(accelerometer_landing, "user")
    joined = readings.join(people, on=F.col("user") == F.col("email"), how="left")
    rules = [(F.col("email").isNull(), NOT_TRUSTED)]
    if policy.accelerometer_as_of:
        rules.append((F.col("timestamp") < F.col("since"), BEFORE_CONSENT))
    return select(joined.withColumn(REASON, first_reason(*rules)), AccelerometerTrusted.names(), once=True)


def trusted_steps(
    step_trainer_landing: DataFrame,
    customers_curated: DataFrame,
    customer_landing: DataFrame,
    customer_quarantine: DataFrame,
    policy: Policy,
    customer_trusted: DataFrame | None = None,
) -> Selection:
    """The step readings of curated customers, or, if the policy says so, of all trusted ones.

    Args:
        step_trainer_landing: a StepTrainerLanding frame.
        customers_curated: a CustomersCurated frame.
        customer_landing: a CustomerLanding frame, which tells who else carries a serial number.
        customer_quarantine: a Quarantine frame, which may tell the same.
        policy: `consent` and `step_people` apply.
        customer_trusted: a CustomerTrusted frame; needed where the step readings of all of them are kept.

    Returns:
        A StepTrainerTrusted frame and the counts of landed readings.
    """
    # Owners of an ambiguous serial number are left out, so that a reading never meets two of them.
    people, nobody = (customers_curated, NOT_CURATED) if customer_trusted is None else (customer_trusted, NOT_TRUSTED)
    owners = people.select(F.col("serialNumber").alias("owned"), F.col("shareWithResearchAsOfDate").alias("since"))
    ambiguous = ambiguous_serials(with_doubtful(customer_landing, customer_quarantine))
    owners = owners.join(ambiguous, on=F.col("owned") == F.col("ambiguousSerial"), how="left_anti")
    readings = with_keys(step_trainer_landing, "serialNumber")
    joined = readings.join(ambiguous, on=F.col("serialNumber") == F.col("ambiguousSerial"), how="left").join(
        owners, on=F.col("serialNumber") == F.col("owned"), how="left"
    )
    rules = [(F.col("ambiguousSerial").isNotNull(), AMBIGUOUS_SERIAL), (F.col("owned").isNull(), nobody)]
    if policy.steps_as_of:
        rules.append((F.col("sensorReadingTime") < F.col("since"), BEFORE_CONSENT))
    return select(joined.withColumn(REASON, first_reason(*rules)), StepTrainerTrusted.names(), once=True)


def paired_readings(
    step_trainer_trusted: DataFrame,
    accelerometer_trusted: DataFrame,
    customers_curated: DataFrame,
    participants: DataFrame,
    policy: Policy,
) -> Selection:
    """Each step reading with the accelerometer readings of the same time.

    Args:
        step_trainer_trusted: a StepTrainerTrusted frame.
        accelerometer_trusted: an AccelerometerTrusted frame.
        customers_curated: a CustomersCurated frame.
        participants: a Participants frame with everybody in customers_curated.
        policy: `match` and `step_people` apply.

    Returns:
        A MachineLearningCurated frame and the counts of step readings.
    """
    owners = (
        customers_curated.select(F.col("serialNumber").alias("owned"), "email")
        .join(participants, on="email", how="inner")
        .select("owned", F.col("email").alias("owner"), "participantId")
    )
    steps = step_trainer_trusted.join(owners, on=F.col("serialNumber") == F.col("owned"), how="inner")
    same_time = F.col("timestamp") == F.col("sensorReadingTime")
    same_person = F.col("user") == F.col("owner")
    pairing = same_time & same_person if policy.match == "person" else same_time
    kept = steps.join(accelerometer_trusted, on=pairing, how="inner").select(*MachineLearningCurated.names())
    paired = steps.join(accelerometer_trusted, on=pairing, how="left_semi")
    alone = steps.join(accelerometer_trusted, on=pairing, how="left_anti")
    labelled = paired.select(F.lit(None).cast("string").alias(REASON)).unionAll(
        alone.select(F.lit(NO_COUNTERPART).alias(REASON))
    )
    if policy.step_people == "trusted":
        others = step_trainer_trusted.join(owners, on=F.col("serialNumber") == F.col("owned"), how="left_anti")
        labelled = labelled.unionAll(others.select(F.lit(NOT_CURATED).alias(REASON)))
    return Selection(kept, labelled.groupBy(REASON).agg(F.count(F.lit(1)).alias("rows")))
