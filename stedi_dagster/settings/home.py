"""STEDI_HOME, the folder of everything the platform keeps."""

import os
from pathlib import Path

from stedi_dagster.errors import SettingsError


def make_home(home: Path) -> None:
    """Create STEDI_HOME, readable only by its owner because it holds personal data.

    Raises:
        SettingsError: it cannot be created or written.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = home.is_dir() and os.access(home, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        raise SettingsError(f"STEDI_HOME={str(home)!r} is not allowed: it must be a folder that this user can write.")
