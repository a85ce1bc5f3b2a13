"""Dagster's own way to a table: `Definitions.load_asset_value` gives a person a reading, and a run its snapshot."""

import pytest

from stedi_dagster.data import Reading
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.errors import StediError
from stedi_dagster_tests.data.builders import NAME, tree


def test_a_table_is_loaded_as_a_reading(three_published):
    before = tree(three_published.home)
    found = build_defs(three_published.load_settings()).load_asset_value(NAME)
    assert isinstance(found, Reading)
    assert found.rows == len(found.to_pandas()) == 4
    assert tree(three_published.home) == before


def test_a_restricted_table_is_not_loaded(three_published):
    with pytest.raises(StediError, match="There is no table 'participants' to read"):
        build_defs(three_published.load_settings()).load_asset_value("participants")


def test_the_next_run_still_gets_its_inputs(three_published):
    definitions = build_defs(three_published.load_settings())
    loaded = definitions.load_asset_value(NAME)
    assert three_published.run(tags={"stedi/full-refresh": "all"}).success
    assert isinstance(loaded, Reading)
    assert loaded.rows == 4
