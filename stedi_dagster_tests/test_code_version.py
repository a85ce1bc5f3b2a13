"""A table's code version is of what decides its rows, and of nothing else."""

import importlib.metadata
import shutil
from pathlib import Path

import grimp
import pytest

from stedi_dagster import code_version as versions
from stedi_dagster.code_version import audit_version, code_version, deciding
from stedi_dagster.contracts import TABLES, Contract
from stedi_dagster.errors import ContractError

PACKAGE = Path(versions.__file__).parent


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """Append a comment to a module in a copy of the package; what that makes of each table's version."""

    def edit(module: str) -> set[str]:
        before = {table: code_version(contract) for table, contract in TABLES.items()}
        copy = tmp_path / "stedi_dagster"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        with (copy / module).open("a", encoding="utf-8") as file:
            file.write("# edited\n")
        monkeypatch.setattr(versions, "_HERE", copy)
        code_version.cache_clear()
        versions._imported_by.cache_clear()
        return {table for table, contract in TABLES.items() if code_version(contract) != before[table]}

    yield edit
    code_version.cache_clear()
    audit_version.cache_clear()


LANDING = {"customer_landing", "accelerometer_landing", "step_trainer_landing"}
MADE_OF_READINGS = {"accelerometer_trusted", "step_trainer_trusted", "machine_learning_curated"}


@pytest.mark.parametrize(
    ("module", "stale"),
    [
        ("report/gather.py", set()),
        ("cli/app.py", set()),
        ("audits/gate/consent.py", set()),
        ("audits/standing/judging.py", set()),
        ("defs/definitions.py", set()),
        ("engines/base.py", set(TABLES)),
        ("lakehouse/schema.py", set(TABLES)),
        ("lakehouse/staged.py", set(TABLES)),
        ("keys.py", set(TABLES)),
        ("landing/records.py", LANDING),
        ("drafts/landed_feed.py", LANDING),
        ("drafts/batches.py", LANDING),
        ("drafts/landed_files.py", LANDING),
        ("drafts/merging.py", set(TABLES)),
        ("drafts/following.py", set(TABLES) - LANDING),
        ("drafts/delta.py", set(TABLES) - LANDING),
        ("drafts/amending.py", set(TABLES) - LANDING),
        ("drafts/making.py", set(TABLES) - LANDING),
        ("drafts/plan.py", set(TABLES) - LANDING),
        ("policies/readings.py", MADE_OF_READINGS),
        ("policies/evidence.py", MADE_OF_READINGS),
        ("policies/people.py", set(TABLES) - LANDING),
        ("contracts/curated.py", {"customers_curated", "machine_learning_curated"}),
        ("contracts/base.py", set(TABLES)),
    ],
)
def test_an_edit_makes_stale_what_it_may_change(edited, module, stale):
    assert edited(module) == stale


@pytest.mark.parametrize("library", ["pysail", "pyspark", "pyiceberg"])
def test_a_new_release_of_what_does_the_work_makes_every_table_stale(monkeypatch, library):
    before = {table: code_version(contract) for table, contract in TABLES.items()}
    found = importlib.metadata.version
    monkeypatch.setattr(versions, "version", lambda name: "999" if name == library else found(name))
    code_version.cache_clear()
    after = {table: code_version(contract) for table, contract in TABLES.items()}
    code_version.cache_clear()
    assert all(before[table] != after[table] for table in TABLES)


def test_imports_are_followed_as_python_follows_them():
    graph = grimp.build_graph("stedi_dagster")
    for module in set().union(*map(deciding, TABLES.values())):
        imported = {one for one in graph.find_modules_directly_imported_by(module) if one in graph.modules}
        # A package that is named on the way is among those found by reading, and not among Python's.
        assert imported <= versions._imported_by(module)


def test_a_table_whose_rule_cannot_be_found_is_refused():
    class OfNoRule(Contract):
        """A table that no rule selects."""

    with pytest.raises(ContractError, match=r"No module of stedi_dagster/policies selects the columns of OfNoRule"):
        code_version(OfNoRule)


@pytest.mark.parametrize(
    ("module", "new"),
    [
        ("audits/gate/consent.py", True),
        ("audits/outcome.py", True),
        ("contracts/base.py", True),
        ("defs/assets/trusted.py", True),
        ("drafts/feed_checks.py", True),
        ("policies/people.py", True),
        ("audits/standing/judging.py", False),
        ("cli/app.py", False),
        ("report/gather.py", False),
    ],
)
def test_an_edit_of_what_the_gate_asks_has_everything_audited_anew(edited, module, new):
    before = audit_version()
    audit_version.cache_clear()
    edited(module)
    assert (audit_version() != before) == new
