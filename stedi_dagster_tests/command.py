"""The `stedi` command in this process, as tests call it."""

import json
from collections.abc import Callable
from typing import Any

from typer.testing import Result

Stedi = Callable[..., Result]


def parsed(result: Result) -> Any:
    """Standard output, all of which is JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)
