"""The page of the questions in `sql/`: from the comment that each file begins with."""

import re
from itertools import takewhile
from pathlib import Path

from docs.generator import markdown as md
from docs.generator.sources import SQL

_FOLDERS = {
    "explore": "Counts to look at.",
    "verify": "One question that an auditor asks a file: no row when all is well, else a table, a problem and a number "
    "of rows, and no personal data. `stedi audit` asks them all.",
    "landing": "External tables over the raw files on S3, for Athena, in the restricted database: what landed, before "
    "any parsing.",
    "views": "What several files need. A file, or a query typed with `--on athena`, may name a view like a table; a "
    "query typed for this machine knows only `quarantine` of them.",
    "functions": "What several files call.",
}
_INTRODUCTION = """
How to run them, here or on Athena, is in [Ask questions in SQL](../how-to/ask-in-sql.md). A parameter `:name` has its
value from the settings or from `-p name=value`.
"""
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)\b|\$\{([a-z_]+)\}")


def page() -> str:
    """The page."""
    parts = []
    for folder, about in _FOLDERS.items():
        rows = [
            (md.code(path.name), _comment(path), _parameters(path)) for path in sorted((SQL / folder).glob("*.sql"))
        ]
        parts.append(f"## sql/{folder}\n\n{about}\n\n{md.table(('file', 'what it says', 'parameters'), rows)}")
    return md.page("SQL files", _INTRODUCTION, *parts)


def _comment(path: Path) -> str:
    lines = takewhile(lambda line: line.startswith("--"), path.read_text("utf-8").splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


def _parameters(path: Path) -> str:
    statement = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("--"))
    return md.codes(dict.fromkeys(first or second for first, second in _PARAMETER.findall(statement)))
