"""Which code a table was made by: a digest of everything that decides its rows."""

import hashlib
from functools import cache
from pathlib import Path

_DECIDES_ROWS = ("contracts", "drafts", "erasure", "landing", "policies")


@cache
def code_version() -> str:
    """Twelve hexadecimal digits that change whenever the code does."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for folder in _DECIDES_ROWS:
        for module in sorted((package / folder).rglob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()[:12]
