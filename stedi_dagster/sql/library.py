"""Where the files of `sql/` are: next to the package in a checkout, within it when installed from a wheel."""

from pathlib import Path

_HERE = Path(__file__).parent
# The folder's name in a wheel, set in pyproject.toml.
_IN_A_WHEEL = _HERE / "files"

SQL = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _HERE.parents[1] / "sql"
VIEWS, FUNCTIONS, VERIFY, EXPLORE = SQL / "views", SQL / "functions", SQL / "verify", SQL / "explore"
