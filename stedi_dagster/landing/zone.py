"""Checks that the landing zone can be read at all, to report it once and not for each feed."""

from stedi_dagster.errors import LandingError
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.storage import fault, storage_for


def refuse_lost_zone(landing: str, *, begun: bool = True) -> None:
    """Refuse a landing zone if no feed's folder can be read, all for the same reason.

    Args:
        landing: the zone.
        begun: whether tables are published already: then sample data is no help.

    Raises:
        LandingError: no folder exists, or none can be read.
        AwsError: S3 refused, or did not answer.
    """
    reasons = {_reason(f"{landing}/{feed.folder}", begun=begun) for feed in FEEDS.values()}
    reason = reasons.pop()
    if reason is not None and not reasons:
        raise LandingError(f"The landing zone {landing} {reason}")


def _reason(folder: str, *, begun: bool) -> str | None:
    """Why a folder cannot be read, and what to do about it; None if it can."""
    try:
        storage_for(folder).entries(folder)
    except UnicodeDecodeError:
        return None  # one file's name is not UTF-8; the folder itself can be read
    except FileNotFoundError:
        *others, last = [feed.folder for feed in FEEDS.values()]
        alternative = "" if begun else ", or make sample data with `stedi generate`"
        return (
            f"does not exist, or holds none of {', '.join(others)} and {last}. Set STEDI_LANDING to a folder that "
            f"holds them{alternative}."
        )
    except OSError as error:
        kind, advice = fault(error)
        return f"cannot be read ({kind}). {advice}"
    return None
