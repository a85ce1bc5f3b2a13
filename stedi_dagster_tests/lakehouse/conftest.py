"""A lakehouse of its own for each test."""

from pathlib import Path

import pytest

from stedi_dagster.lakehouse.lakehouse import Lakehouse


@pytest.fixture
def lake(tmp_path: Path) -> Lakehouse:
    """An empty lakehouse."""
    return Lakehouse(tmp_path / "home", str(tmp_path / "warehouse"))
