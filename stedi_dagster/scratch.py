"""What engines write to disk while they compute, where it does not fit into memory: in STEDI_HOME, as private as that.

They delete it themselves; what a killed one has left, each erasure deletes.
"""

import shutil
from pathlib import Path

_PREFIX = "scratch-"


def scratch_of(home: Path, engine: str) -> Path:
    """The folder of an engine; it need not exist.

    Args:
        home: STEDI_HOME.
        engine: its name.
    """
    # DuckDB makes its folder itself, when it needs it, but not those above it.
    return home / f"{_PREFIX}{engine}"


def clear_scratch(home: Path) -> None:
    """Delete what engines have left.

    Args:
        home: STEDI_HOME.
    """
    for folder in home.glob(f"{_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)
