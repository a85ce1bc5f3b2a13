"""A lakehouse of its own for each test, and the same for those who read it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stedi_dagster import data
from stedi_dagster.lakehouse.lakehouse import Lakehouse


@pytest.fixture
def lake(tmp_path: Path) -> Lakehouse:
    """An empty lakehouse."""
    return Lakehouse(tmp_path / "home", str(tmp_path / "home" / "warehouse"))


@pytest.fixture
def opened(lake: Lakehouse) -> Callable[[], data.Tables]:
    """Open it as somebody does who has never seen it."""
    return lambda: data.open(lake.home)
