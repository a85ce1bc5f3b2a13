"""A published world with enough people for all three parts, and short ways to what is done with releases in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pyarrow import parquet as pq

from stedi_dagster.erasure.digests import load_digester
from stedi_dagster.erasure.erase import Eraser
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.releases.create import create
from stedi_dagster.releases.export import Exported, export
from stedi_dagster.releases.facts import Release
from stedi_dagster.releases.read import release_of
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

PEOPLE = [f"p{number:02}@example.com" for number in range(24)]
AnyScenario = TypeVar("AnyScenario", bound=Scenario)
BORN = ["1950-05-05", "1980-01-01"]


def walkers(folder: Path, **settings: Any) -> Scenario:
    """A world of walkers in a folder."""
    return land_walkers(Scenario(folder, settings))


def land_walkers(scenario: AnyScenario) -> AnyScenario:
    """Everybody with one to four readings that pair; one more who never agreed."""
    scenario.land("customer", *(customer(email, birthDay=BORN[n % 2]) for n, email in enumerate(PEOPLE)))
    scenario.land("customer", customer("no@example.com", agreed=None), name="no.json")
    moments = {email: [T0 + 100 * n + at for at in range(1 + n % 4)] for n, email in enumerate(PEOPLE)}
    moments["no@example.com"] = [T0]
    scenario.land("accelerometer", *(reading(email, at) for email, ats in moments.items() for at in ats))
    scenario.land("step_trainer", *(step(f"serial-of-{email}", at) for email, ats in moments.items() for at in ats))
    return scenario


@contextmanager
def holding(scenario: Scenario) -> Iterator[Lakehouse]:
    """The lakehouse, locked as a command has it."""
    lakehouse = scenario.lakehouse()
    with lakehouse.writing("a test", timeout=0, waiting=print):
        yield lakehouse


def make(scenario: Scenario, name: str = "first", note: str | None = None, **settings: Any) -> Release:
    """Create a release."""
    with holding(scenario) as lakehouse:
        return create(scenario.load_settings(**settings), lakehouse, name, note=note, tell=print)


def copy(scenario: Scenario, folder: Path | str, name: str = "first", recipient: str = "gait lab") -> Exported:
    """Export a release."""
    with holding(scenario) as lakehouse:
        return export(scenario.load_settings(), lakehouse, name, str(folder), recipient=recipient, tell=print)


def released(scenario: Scenario, name: str = "first") -> Release:
    """A release as it is now."""
    return release_of(scenario.lakehouse(), name)


def withdraw(scenario: Scenario, email: str) -> None:
    """Land that somebody no longer agrees."""
    scenario.land("customer", customer(email, agreed=None, lastUpdateDate=T0 + 5), name=f"withdrawn-{email[:3]}.json")


def forget(scenario: Scenario, email: str) -> None:
    """Erase somebody."""
    with holding(scenario) as lakehouse:
        digester = load_digester(lakehouse.home, make=True)
        assert digester is not None
        Eraser(lakehouse, scenario.load_settings().landing, digester, print).erase(digester.of(email))


def participant_of(scenario: Scenario, email: str) -> str:
    """Somebody's participantId."""
    [(number,)] = scenario.query(f"SELECT participantId FROM participants WHERE email = '{email}'")
    return str(number)


def parts(scenario: Scenario, name: str = "first") -> dict[str, str]:
    """The part of everybody in a release, by participantId."""
    found = scenario.query(f"SELECT DISTINCT participantId, part FROM ml_release WHERE release = '{name}'")
    assert len(dict(found)) == len(found), "somebody is in two parts"
    return dict(found)


def participants_in_files(warehouse: Path) -> set[str]:
    """Every participantId in any Parquet file, whether a snapshot has it or not."""
    return set().union(*map(participants_in, warehouse.rglob("*.parquet")))


def participants_in(path: Path | str) -> set[str]:
    """Every participantId in a Parquet file."""
    if "participantId" not in pq.read_schema(path).names:
        return set()
    return set(pq.read_table(path, columns=["participantId"])["participantId"].to_pylist())
