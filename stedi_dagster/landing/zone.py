"""Whether there is anything to be read in the landing zone at all: said once, and not for each feed."""

from stedi_dagster.errors import LandingError
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.storage import fault, storage_for


def refuse_lost_zone(landing: str, *, begun: bool = True) -> None:
    """Refuse a landing zone of which no feed's folder can be read, all for the same reason.

    Args:
        landing: the zone.
        begun: whether tables are published: who has some is not helped by sample data.

    Raises:
        LandingError: there is none, or none can be read.
        AwsError: S3 refuses, or does not answer.
    """
    reasons = {_reason(f"{landing}/{feed.folder}", begun=begun) for feed in FEEDS.values()}
    reason = reasons.pop()
    if reason is not None and not reasons:
        raise LandingError(f"The landing zone {landing} {reason}")


def _reason(folder: str, *, begun: bool) -> str | None:
    """Why a folder cannot be read, and what to do about it; None where it can be."""
    try:
        storage_for(folder).entries(folder)
    except UnicodeDecodeError:
        return None  # but for one file
    except FileNotFoundError:
        *others, last = [feed.folder for feed in FEEDS.values()]
        otherwise = "" if begun else ", or make sample data with `stedi generate`"
        return (
            f"is not there, or holds none of {', '.join(others)} and {last}. Set STEDI_LANDING to a folder that holds "
            f"them{otherwise}."
        )
    except OSError as error:
        kind, advice = fault(error)
        return f"cannot be read ({kind}). {advice}"
    return None
