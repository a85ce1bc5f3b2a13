"""The `doubt` audit of customer_trusted: unreadable records that would take out many people at once are an accident."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.keys import matching_key

CHECK = "doubt"
# So few people are never worth a block, unless they are all.
_FEW = 10


def too_many_doubted(doubted: int, published: int, max_doubt: float) -> bool:
    """Whether so many of the published people must not go by doubt alone.

    Args:
        doubted: whose latest record agrees, and of whom a later text is unreadable.
        published: how many are published.
        max_doubt: the largest share that may go, from 0 to 1; 1: all may.
    """
    if max_doubt >= 1:
        return False
    return doubted > max(_FEW, max_doubt * published) or (doubted == published and published > 1)


def audit_doubt(doubted: DataFrame, published: DataFrame | None, *, max_doubt: float) -> Outcome:
    """Audit that not too many of the published people are taken out because a record of theirs cannot be read.

    Args:
        doubted: a frame of one column, `doubted`: see `policies.people.doubted_people`.
        published: the CustomerTrusted frame that readers see now; None where there is nothing to be read.
        max_doubt: the largest share that may go, from 0 to 1.
    """
    if published is None:
        return Outcome(CHECK, passed=True, summary="Nobody was published who can be read.")
    people = published.count()
    going = published.join(doubted, on=matching_key("email") == F.col("doubted"), how="left_semi").count()
    counts = {"people": going, "people published before": people}
    if not too_many_doubted(going, people, max_doubt):
        return Outcome(CHECK, passed=True, summary="Not too many people are in doubt.", counts=counts)
    summary = (
        f"{going:,} of {people:,} published people ({going / people:.2%}) would be taken out only because a later "
        f"record of theirs cannot be read; the limit is {max_doubt:.2%}. They stay, and who withdrew in a record that "
        "can be read is taken out. Look at `stedi quarantine` and mend the file; or, if they are to go, raise "
        "STEDI_MAX_DOUBT for one run."
    )
    return Outcome(CHECK, passed=False, summary=summary, counts=counts)
