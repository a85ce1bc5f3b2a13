"""Published files that are gone, or are not what they were: a run over unchanged inputs makes the table again."""

import logging
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest
from pyiceberg.table import Table

from stedi_dagster.contracts import TABLES
from stedi_dagster_tests.defs.assets.builders import contents, failure, orphans, three_people
from stedi_dagster_tests.published import Published
from stedi_dagster_tests.scenario import Scenario

pytestmark = pytest.mark.long

QUARANTINE = "customer_quarantine"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, sail_url: str) -> Published:
    scenario = three_people(tmp_path_factory.mktemp("lost") / "world")
    scenario.settings |= {"engine": sail_url, "max_bad_share": 0.5}
    scenario.land_text("customer", '{"email": "half', name="broken.json")
    return Published(scenario)


@pytest.fixture
def world(once: Published) -> Scenario:
    """Everything of three people, published."""
    return once.restored()


def data_file(world: Scenario, table: str) -> Path:
    """One of those that are published now."""
    return Path(next(iter(published(world, table).scan().plan_files())).file.file_path)


def published(world: Scenario, name: str) -> Table:
    table = world.lakehouse().table(name)
    assert table is not None
    return table


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("table", "damage"),
    [
        *((table, Path.unlink) for table in (*TABLES, QUARANTINE)),
        *((table, cut_short) for table in ("customer_landing", "machine_learning_curated", QUARANTINE)),
    ],
)
def test_a_table_that_nobody_can_read_any_more_is_made_again(world, caplog, table, damage: Callable[[Path], None]):
    before = contents(world)
    damage(data_file(world, table))
    with caplog.at_level(logging.WARNING, "stedi_dagster"):
        assert world.run().success
    assert contents(world) == before
    assert orphans(world) == set()
    [told] = [record.getMessage() for record in caplog.records if f".{table} " in record.getMessage()]
    assert "1 data files of" in told
    assert "it is made again" in told


def test_a_table_whose_folder_of_data_is_gone_is_made_again(world):
    before = contents(world)
    [folder] = world.home.glob("warehouse/*/customers_curated/data")
    rmtree(folder)
    assert world.run().success
    assert contents(world) == before


def test_what_cannot_be_made_again_is_told(world):
    before = contents(world)
    [manifest, *_] = published(world, "customers_curated").inspect.manifests()["path"].to_pylist()
    manifest = Path(manifest)
    kept = manifest.read_bytes()
    manifest.unlink()
    result = world.run()
    assert not result.success
    assert "A manifest of stedi.customers_curated that its current snapshot names is gone" in failure(
        result, "customers_curated"
    )
    manifest.write_bytes(kept)
    assert world.run().success
    assert contents(world) == before


def test_nobody_is_given_another_number_because_the_numbers_cannot_be_read(world):
    before = contents(world)
    numbers = data_file(world, "participants")
    kept = numbers.read_bytes()
    numbers.unlink()
    assert not world.run().success
    numbers.write_bytes(kept)
    assert world.run().success
    assert contents(world) == before
