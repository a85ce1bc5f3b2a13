"""Releases for those who work with them: by name, part by part, without Dagster and without an engine."""

import re
import subprocess
import sys

import pytest

from stedi_dagster import data
from stedi_dagster.contracts import MachineLearningCurated
from stedi_dagster.errors import StediError
from stedi_dagster.split import PARTS
from stedi_dagster_tests.data.test_imports import HEAVY
from stedi_dagster_tests.releases.worlds import PEOPLE, make, parts, withdraw
from stedi_dagster_tests.scenario import Scenario

NAMES = MachineLearningCurated.names()


@pytest.fixture
def tables(world: Scenario) -> data.Tables:
    make(world)
    return data.open(world.home)


def test_each_part_of_a_release_by_its_name(world, tables):
    release = tables.release("first")
    assert (release.name, release.revision, release.reason) == ("first", 1, "created")
    assert (sum(release.rows.values()), sum(release.participants.values())) == (60, 24)
    place = parts(world)
    for part in PARTS:
        reading = release.part(part)
        rows = reading.to_arrow()
        assert rows.column_names == NAMES
        assert {place[who] for who in rows["participantId"].to_pylist()} == {part}
        assert rows.num_rows == reading.rows == release.rows[part]
        assert release.part(part, columns=["x"]).to_arrow().column_names == ["x"]
    assert release.all().rows == 60
    assert set(release.all(columns=["part"]).to_pandas()["part"]) == set(PARTS)


def test_other_releases_are_not_in_one(world, tables):
    make(world, "second")
    assert [release.name for release in tables.releases()] == ["first", "second"]
    assert tables.table("ml_release").rows == 120
    assert tables.release("second").all().rows == 60


def test_a_filter_is_of_the_rows_of_the_release(tables):
    release = tables.release("first")
    near = release.part("train", where="sensorReadingTime < 1655564400500")
    assert 0 < near.rows < release.rows["train"]
    with pytest.raises(StediError, match="no column of ml_release"):
        release.part("train", where="other > 1")
    with pytest.raises(StediError, match="not in PyIceberg's syntax"):
        release.part("train", where="x >")


def test_a_release_is_at_its_last_revision(world, tables):
    withdraw(world, PEOPLE[3])
    assert world.run().success
    release = tables.release("first")
    assert (release.revision, release.all().rows) == (2, 56)
    assert "people withdrew" in release.reason


def test_a_release_that_was_opened_is_the_revision_that_it_says(world, tables):
    release = tables.release("first")
    withdraw(world, PEOPLE[3])
    assert world.run().success
    assert (release.revision, release.all().rows, sum(release.rows.values())) == (1, 60, 60)


def test_what_there_is_not_is_told(world, tables):
    release = tables.release("first")
    with pytest.raises(StediError, match="There is no part 'dev'"):
        release.part("dev")
    with pytest.raises(StediError, match=re.escape("no release 'other': there are first.")):
        tables.release("other")
    with pytest.raises(StediError, match=re.escape("release(NAME).part(")):
        tables.table("ml_release", part="train")


def test_where_no_release_was_made(three_published):
    tables = data.open(three_published.home)
    assert tables.releases() == []
    with pytest.raises(StediError, match="stedi release create"):
        tables.release("first")


def test_a_release_is_opened_without_dagster_and_without_an_engine(world):
    make(world)
    script = (
        "import sys\nfrom stedi_dagster import data\n"
        f"release = data.open({str(world.home)!r}).release('first')\n"
        "assert release.part('train').to_arrow().num_rows == release.rows['train']\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
