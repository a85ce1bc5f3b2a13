"""`docs/tutorials/first-run.md`, followed word for word; not run is only the UI, which would serve for ever."""

import pytest

from stedi_dagster_tests.docs.pages import DOCS
from stedi_dagster_tests.docs.walk import walk

pytestmark = pytest.mark.long


def test_the_first_run_goes_as_the_tutorial_says(tmp_path):
    walk(DOCS / "tutorials" / "first-run.md", tmp_path)
