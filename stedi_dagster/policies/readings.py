"""Which readings are kept: those of the people kept, each once, and under `as_of` none from before the agreement."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.contracts import AccelerometerTrusted, MachineLearningCurated, StepTrainerTrusted
from stedi_dagster.keys import with_keys
from stedi_dagster.policies.evidence import shared_serials
from stedi_dagster.policies.people import ambiguous_serials, with_doubtful
from stedi_dagster.policies.selection import REASON, Selection, first_reason, select
from stedi_dagster.settings.policy import Policy

# Whose a reading is by evidence.
ATTRIBUTED = "attributedTo"
NOT_TRUSTED = "of nobody in customer_trusted"
NOT_CURATED = "of nobody in customers_curated"
BEFORE_CONSENT = "taken before consent"
AMBIGUOUS_SERIAL = "serial number carried by several people"
NO_COUNTERPART = "no accelerometer reading at that time"
# Of a serial number that several people carry, where evidence counts.
CARRIER_IN_DOUBT = "a carrier of the serial number is in doubt"
CARRIER_WITHOUT_APP = "a carrier of the serial number has no accelerometer reading"
SEVERAL_MOVED = "several carriers of the serial number moved at that time"
NOBODY_MOVED = "no carrier of the serial number moved at that time"


def trusted_accelerometer(accelerometer_landing: DataFrame, customer_trusted: DataFrame, policy: Policy) -> Selection:
    """The readings of trusted customers.

    Args:
        accelerometer_landing: an AccelerometerLanding frame.
        customer_trusted: a CustomerTrusted frame.
        policy: `consent` applies.

    Returns:
        An AccelerometerTrusted frame and the counts of landed readings.
    """
    standing = accelerometer_standing(customer_trusted, policy)
    labelled = _labelled(accelerometer_landing, "user", "timestamp", standing, nobody=NOT_TRUSTED)
    return select(labelled, AccelerometerTrusted.names(), once=True)


def accelerometer_standing(customer_trusted: DataFrame, policy: Policy) -> DataFrame:
    """All that decides about the accelerometer readings of a person; see `trusted_accelerometer`.

    Returns:
        One row for each person whose readings may be kept: `key`, `since` (epoch ms) from when on, null where that does
        not matter, and `shared`, which is false.
    """
    return _standing(customer_trusted, "email", as_of=policy.accelerometer_as_of)


def trusted_steps(
    step_trainer_landing: DataFrame,
    customers_curated: DataFrame,
    customer_landing: DataFrame,
    customer_quarantine: DataFrame,
    policy: Policy,
    customer_trusted: DataFrame | None = None,
    accelerometer_landing: DataFrame | None = None,
) -> Selection:
    """The step readings of curated customers, or, if the policy says so, of all trusted ones.

    Args:
        step_trainer_landing: a StepTrainerLanding frame.
        customers_curated: a CustomersCurated frame.
        customer_landing: a CustomerLanding frame, which tells who else carries a serial number.
        customer_quarantine: a Quarantine frame, which may tell the same.
        policy: `consent`, `step_people` and `serials` apply.
        customer_trusted: a CustomerTrusted frame; needed where the step readings of all of them are kept.
        accelerometer_landing: an AccelerometerLanding frame; needed where evidence tells whose a reading is.

    Returns:
        A StepTrainerTrusted frame and the counts of landed readings.
    """
    standing = step_standing(customers_curated, customer_landing, customer_quarantine, policy, customer_trusted)
    nobody = NOT_CURATED if customer_trusted is None else NOT_TRUSTED
    if policy.serials == "evidence" and accelerometer_landing is not None:
        people = customers_curated if customer_trusted is None else customer_trusted
        ambiguous = standing.where("shared").select(F.col("key").alias("ambiguousSerial"))
        evidence = shared_serials(ambiguous, customer_landing, customer_quarantine, accelerometer_landing)
        labelled = _with_evidence(step_trainer_landing, standing, people, *evidence, policy, nobody=nobody)
    else:
        labelled = _labelled(step_trainer_landing, "serialNumber", "sensorReadingTime", standing, nobody=nobody)
        labelled = labelled.withColumn(ATTRIBUTED, F.lit(None).cast("string"))
    return select(labelled, StepTrainerTrusted.names(), once=True)


def step_standing(
    customers_curated: DataFrame,
    customer_landing: DataFrame,
    customer_quarantine: DataFrame,
    policy: Policy,
    customer_trusted: DataFrame | None = None,
) -> DataFrame:
    """All that decides about the step readings of a device; see `trusted_steps`, also for the arguments.

    Returns:
        One row for each device that is somebody's whose readings may be kept, or several people's: `key`, `since`
        (epoch ms) from when on, null where that does not matter, and whether it is `shared`: then none is kept.
    """
    people = customers_curated if customer_trusted is None else customer_trusted
    owners = _standing(people, "serialNumber", as_of=policy.steps_as_of)
    ambiguous = ambiguous_serials(with_doubtful(customer_landing, customer_quarantine))
    # Owners of an ambiguous serial number are left out, so that a reading never meets two of them.
    own = owners.join(ambiguous, on=F.col("key") == F.col("ambiguousSerial"), how="left_anti")
    return own.unionAll(ambiguous.select(F.col("ambiguousSerial"), F.lit(None).cast("bigint"), F.lit(True)))


def _standing(people: DataFrame, key: str, *, as_of: bool) -> DataFrame:
    return people.select(F.col(key).alias("key"), _since(as_of=as_of), F.lit(False).alias("shared"))


def _since(*, as_of: bool) -> Column:
    since = F.col("shareWithResearchAsOfDate") if as_of else F.lit(None).cast("bigint")
    return since.alias("since")


def _labelled(readings: DataFrame, key: str, moment: str, standing: DataFrame, *, nobody: str) -> DataFrame:
    """Readings with the first rule that withholds each: a function of its moment and the standing of its key alone."""
    # Sail holds the first in memory, and there are far fewer people and devices than readings.
    joined = standing.join(with_keys(readings, key), on=F.col(key) == F.col("key"), how="right")
    return joined.withColumn(
        REASON,
        first_reason(
            (F.col("shared"), AMBIGUOUS_SERIAL),
            (F.col("shared").isNull(), nobody),
            (F.col(moment) < F.col("since"), BEFORE_CONSENT),
        ),
    )


def _with_evidence(
    step_trainer_landing: DataFrame,
    standing: DataFrame,
    people: DataFrame,
    serials: DataFrame,
    movers: DataFrame,
    policy: Policy,
    *,
    nobody: str,
) -> DataFrame:
    """Step readings with whose they are by evidence, and with the first rule that withholds each."""
    own = standing.join(serials.withColumnRenamed("key", "several"), on=F.col("key") == F.col("several"), how="left")
    readings = own.join(
        with_keys(step_trainer_landing, "serialNumber"), on=F.col("serialNumber") == F.col("key"), how="right"
    )
    same = (F.col("serialNumber") == F.col("carried")) & (F.col("sensorReadingTime") == F.col("moved"))
    met = movers.join(readings, on=same, how="right")
    # What tells whose the reading is was measured by the app: where that must not be older than the agreement, nor must
    # the reading. And as of any device, the reading is nobody's whose serial number is another one now.
    theirs = people.select(
        F.col("email").alias("keeper"), F.col("serialNumber").alias("kept"), _since(as_of=policy.accelerometer_as_of)
    ).withColumnRenamed("since", "agreed")
    keeps = (F.col("mover") == F.col("keeper")) & (F.col("serialNumber") == F.col("kept"))
    found = theirs.join(met, on=keeps, how="right")
    moment = F.col("sensorReadingTime")
    reason = first_reason(
        _of_shared("doubtful", CARRIER_IN_DOUBT),
        _of_shared("withoutApp", CARRIER_WITHOUT_APP),
        (F.col("shared") & F.isnull("carried"), NOBODY_MOVED),
        (F.col("shared") & F.isnull("mover"), SEVERAL_MOVED),
        (F.col("shared").isNull() | (F.col("shared") & F.isnull("keeper")), nobody),
        (moment < F.when(F.col("shared"), F.col("agreed")).otherwise(F.col("since")), BEFORE_CONSENT),
    )
    return found.withColumn(ATTRIBUTED, F.when(F.col("shared"), F.col("mover"))).withColumn(REASON, reason)


def _of_shared(what: str, reason: str) -> tuple[Column, str]:
    return F.col("shared") & F.col(what), reason


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
        policy: `match`, `step_people` and `serials` apply.

    Returns:
        A MachineLearningCurated frame and the counts of step readings.
    """
    owners = device_owners(customers_curated, participants)
    whose = F.col("serialNumber") == F.col("owned")
    if policy.serials == "evidence":
        # Several people own the device of a reading that evidence gives to one of them.
        whose &= F.coalesce(ATTRIBUTED, "owner") == F.col("owner")
    steps = owners.join(step_trainer_trusted, on=whose, how="inner")
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
        others = step_trainer_trusted.join(owners, on=whose, how="left_anti")
        labelled = labelled.unionAll(others.select(F.lit(NOT_CURATED).alias(REASON)))
    return Selection(kept, labelled.groupBy(REASON).agg(F.count(F.lit(1)).alias("rows")))


def device_owners(customers_curated: DataFrame, participants: DataFrame) -> DataFrame:
    """Whose a device is, and under which number: all of both tables that decides how readings are paired.

    Returns:
        One row for each person in both: `owned` (a serial number), `owner` (an address) and `participantId`.
    """
    return (
        customers_curated.select(F.col("serialNumber").alias("owned"), "email")
        .join(participants, on="email", how="inner")
        .select("owned", F.col("email").alias("owner"), "participantId")
    )
