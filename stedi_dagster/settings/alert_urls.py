"""The Apprise URLs of STEDI_ALERT_URLS: told apart and judged. They hold secrets, so no message repeats one."""

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apprise import NotifyBase

# A comma or a blank may be part of a URL (a list of recipients): it ends one only where another begins.
_BETWEEN = re.compile(r"[\s,;]+(?=[A-Za-z0-9]+://)")
_SCHEME = re.compile(r"^([A-Za-z0-9]+)://")


def split_urls(text: str) -> list[str]:
    """The URLs of a setting, in order."""
    return [url.strip(" \t\r\n,;") for url in _BETWEEN.split(text.strip(" \t\r\n,;"))]


def scheme_of(url: str) -> str | None:
    """The service that a URL names; None for what is no URL."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else None


def open_url(url: str) -> "NotifyBase | None":
    """What sends to a URL; None where Apprise cannot."""
    import apprise

    # It logs what it could not load or send, in part with the URL. Its results still hold what it said of a sending.
    logging.getLogger(apprise.LOGGER_NAME).propagate = False
    opened: NotifyBase | None = apprise.Apprise.instantiate(url)
    return opened


def refuse_wrong(text: str) -> None:
    """Refuse a setting of which a URL is wrong.

    Raises:
        ValueError: names the URL by its position and its scheme only.
    """
    for position, url in enumerate(split_urls(text), start=1):
        scheme = scheme_of(url)
        which = f"number {position} of its URLs, {f'which begins with {scheme}://' if scheme else 'which has no ://'}"
        if scheme is None or open_url(url) is None:
            msg = f"{which}, is none that Apprise can send to; its documentation lists each service's form"
            raise ValueError(msg)
