"""`docs/tutorials/auditors-walk.md`, followed word for word."""

import pytest

from stedi_dagster_tests.docs.pages import DOCS
from stedi_dagster_tests.docs.walk import walk

pytestmark = pytest.mark.long


def test_an_auditors_walk_goes_as_the_tutorial_says(tmp_path):
    walk(DOCS / "tutorials" / "auditors-walk.md", tmp_path)
