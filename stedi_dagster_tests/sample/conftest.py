"""Landing zones generated once for all tests of the generator."""

import duckdb
import pytest

from stedi_dagster.sample import Generated, generate
from stedi_dagster_tests.sample.counting import open_in_duckdb


@pytest.fixture(scope="package")
def full(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    return generate(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="package")
def quirky(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    return generate(tmp_path_factory.mktemp("quirky"), scale=0.01, quirks=True)


@pytest.fixture(scope="package")
def db(full: Generated) -> duckdb.DuckDBPyConnection:
    return open_in_duckdb(full.landing)
