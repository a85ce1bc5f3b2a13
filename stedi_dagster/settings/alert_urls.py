"""Splits and checks the Apprise URLs of STEDI_ALERT_URLS. They contain secrets, so no message repeats one.

Sending to them is the job of `alerts.destinations`.
"""

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apprise import NotifyBase

# A comma or a blank may be part of a URL (a list of recipients): it separates URLs only if another one follows.
_BETWEEN = re.compile(r"[\s,;]+(?=[A-Za-z0-9]+://)")
_SCHEME = re.compile(r"^([A-Za-z0-9]+)://")


def split_urls(text: str) -> list[str]:
    """The URLs in a setting, in order."""
    return [url.strip(" \t\r\n,;") for url in _BETWEEN.split(text.strip(" \t\r\n,;"))]


def scheme_of(url: str) -> str | None:
    """The service that a URL names; None if it is not a URL."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else None


def open_url(url: str) -> "NotifyBase | None":
    """Apprise's service for a URL; None if it cannot send there."""
    import apprise

    # Apprise logs what it could not load or send, partly with the URL. Its results still contain what was logged.
    logging.getLogger(apprise.LOGGER_NAME).propagate = False
    opened: NotifyBase | None = apprise.Apprise.instantiate(url)
    return opened


def refuse_wrong(text: str) -> None:
    """Refuse a setting if one of its URLs is wrong.

    Raises:
        ValueError: a URL is wrong; the message names only its position and scheme.
    """
    for position, url in enumerate(split_urls(text), start=1):
        scheme = scheme_of(url)
        which = f"URL number {position}, {f'which begins with {scheme}://' if scheme else 'which has no ://'}"
        if scheme is None or open_url(url) is None:
            msg = f"Apprise cannot send to {which}; its documentation lists the form for each service"
            raise ValueError(msg)
