"""A lost catalog brings nobody back who was erased: the warehouse is refused, until its ledger is adopted."""

import shutil
from typing import Any

import pytest

from stedi_dagster_tests.defs.assets.builders import contents
from stedi_dagster_tests.erasure.unique_person import ZOE, bytes_of, forget, land_zoe_and_bob, standing, stedi, verify
from stedi_dagster_tests.scenario import Scenario


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Erased, the catalog lost, delivered again, adopted: what was said and there after each."""
    scenario = Scenario(tmp_path_factory.mktemp("lost"))
    land_zoe_and_bob(scenario)
    old = shutil.copytree(scenario.landing, scenario.folder / "old")
    assert scenario.run().success
    forget(scenario)
    told: dict[str, Any] = {"before": contents(scenario)}
    (scenario.home / "catalog.db").rename(scenario.folder / "catalog.backup")
    shutil.copytree(old, scenario.landing, dirs_exist_ok=True)
    files = bytes_of(scenario.home / "warehouse")
    told["refused"] = {
        command: stedi(scenario, *command.split(), pipe=ZOE)
        for command in ("forget --verify", "run", "forget --yes", "audit", "tables")
    }
    told["untouched"] = bytes_of(scenario.home / "warehouse") == files
    told["planned"] = stedi(scenario, "adopt", "--dry-run")
    told["adopted"] = stedi(scenario, "adopt")
    told["as before"] = contents(scenario)
    told["run"] = scenario.run()
    told["again"] = contents(scenario)
    told["stands"] = standing(scenario.home)
    for path in scenario.landing.rglob("*.json"):
        path.unlink()
    told["verified"] = verify(scenario)
    return told


def test_every_command_refuses_the_warehouse_in_one_sentence_and_touches_nothing(told):
    for command, result in told["refused"].items():
        assert result.exit_code == 2, command
        [sentence] = [line for line in result.stderr.splitlines() if line.startswith("stedi: ")]
        assert "does not know: customer_landing and" in sentence, command
        assert "`stedi adopt`" in sentence
    assert told["untouched"]


def test_adopting_takes_every_table_over_as_it_was(told):
    assert told["planned"].exit_code == told["adopted"].exit_code == 0
    assert "erasures" in told["adopted"].stdout
    assert told["planned"].stdout == told["adopted"].stdout
    assert told["as before"] == told["before"]


def test_who_was_erased_stays_out_after_adopting(told):
    assert told["run"].success
    assert ZOE not in repr(told["again"])
    assert told["stands"] == set()
    assert told["verified"] == {}
