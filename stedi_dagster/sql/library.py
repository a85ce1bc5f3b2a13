"""Where the files of `sql/` are: beside a checkout, and within the package that is installed from a wheel."""

from pathlib import Path

_HERE = Path(__file__).parent
# What pyproject.toml calls the folder in a wheel.
_IN_A_WHEEL = _HERE / "files"

SQL = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _HERE.parents[1] / "sql"
VIEWS, FUNCTIONS, VERIFY, EXPLORE = SQL / "views", SQL / "functions", SQL / "verify", SQL / "explore"
