"""Training, validation and test: everybody is in one, and stays there."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster import data
from stedi_dagster.errors import SettingsError, StediError
from stedi_dagster.split import DEFAULT_SHARES, PARTS, Shares, part_of
from stedi_dagster_tests.data.builders import NAME, add, measured, publish
from stedi_dagster_tests.scenario import T0

PEOPLE = [str(uuid.UUID(int=number)) for number in range(1, 400)]
# The second letter of each of the first forty's part.
GOLDEN = "rarreaeaerererarrrrarrrrrarrrrrrrrrrarrr"
shares = st.integers(0, 100).flatmap(
    lambda train: st.integers(0, 100 - train).map(lambda then: Shares(train, then, 100 - train - then))
)


def rows(*people: str) -> list[tuple[object, ...]]:
    return [row for number, who in enumerate(people) for row in measured(1.0, 2.0, who=who, at=T0 + 10 * number)]


def people_in(reading: data.Reading) -> set[str]:
    return set(reading.to_arrow()["participantId"].to_pylist())


def test_the_parts_hold_everybody_once_and_as_many_as_the_shares_say(lake, opened):
    publish(lake, rows(*PEOPLE))
    parts = {part: opened().table(NAME, part=part) for part in PARTS}
    found = {part: people_in(reading) for part, reading in parts.items()}
    assert sum(len(people) for people in found.values()) == len(PEOPLE)
    assert set.union(*found.values()) == set(PEOPLE)
    assert sum(reading.rows for reading in parts.values()) == 2 * len(PEOPLE)
    for part, people in found.items():
        assert abs(len(people) / len(PEOPLE) - getattr(DEFAULT_SHARES, part) / 100) < 0.06


def test_nobody_moves_whoever_joins_or_leaves(lake, opened):
    publish(lake, rows(*PEOPLE[:200]))
    before = {part: people_in(opened().table(NAME, part=part)) for part in PARTS}
    publish(lake, rows(*PEOPLE[100:300]))
    add(lake, rows(*PEOPLE[300:]))
    for part in PARTS:
        there = people_in(opened().table(NAME, part=part))
        assert there & set(PEOPLE[:200]) == before[part] & set(PEOPLE[100:200])


def test_where_somebody_is_does_not_change_with_a_release():
    """Whoever has trained on them relies on it: not even a later version may draw anew."""
    found = "".join(part_of(person, DEFAULT_SHARES)[1] for person in PEOPLE[:40])
    assert found == GOLDEN


@given(st.uuids().map(str), shares, shares)
def test_other_shares_move_only_who_lies_between_the_borders(participant, before, after):
    first, second = (PARTS.index(part_of(participant, each)) for each in (before, after))
    borders = [(each.train, each.train + each.validation) for each in (before, after)]
    if all(now >= then for then, now in zip(*borders, strict=True)):
        assert second <= first
    assert part_of(participant, Shares(100, 0, 0)) == "train"
    assert part_of(participant, Shares(0, 0, 100)) == "test"


def test_the_shares_are_a_setting(lake, monkeypatch):
    publish(lake, rows(*PEOPLE))
    monkeypatch.setenv("STEDI_SPLIT", "100,0,0")
    assert data.open(lake.home).table(NAME, part="train").rows == 2 * len(PEOPLE)
    assert data.open(lake.home).table(NAME, part="test").to_arrow().num_rows == 0


@pytest.mark.parametrize("wrong", ["70,15", "70,15,16", "-10,10,100", "a,b,c", "70,15,15,0", "0.7,0.15,0.15"])
def test_shares_that_do_not_add_up_are_refused(lake, monkeypatch, wrong):
    publish(lake, [])
    monkeypatch.setenv("STEDI_SPLIT", wrong)
    with pytest.raises(SettingsError, match="STEDI_SPLIT"):
        data.open(lake.home)


def test_a_part_goes_with_columns_filters_and_every_way_to_read(lake, opened):
    publish(lake, rows(*PEOPLE[:50]))
    everybody = opened().table(NAME, part="test")
    reading = opened().table(NAME, part="test", columns=["x"], where="x > 1")
    frame = reading.to_pandas()
    assert list(frame) == ["x"]
    assert 0 < len(frame) == reading.rows == everybody.rows / 2
    assert reading.to_duckdb().fetchall() == [(2.0,)] * reading.rows
    assert reading.to_polars().collect().height == reading.rows
    assert {tuple(batch.schema.names) for batch in reading.to_batches()} == {("x",)}


def test_a_part_that_there_is_not_is_refused(lake, opened):
    publish(lake, [])
    publish(lake, [], name="step_trainer_trusted")
    with pytest.raises(StediError, match="no part 'dev': there are train, validation, test"):
        opened().table(NAME, part="dev")
    with pytest.raises(StediError, match="step_trainer_trusted has no participantId"):
        opened().table("step_trainer_trusted", part="train")


def test_the_shares_are_shown_as_they_are_set(stedi, tmp_path):
    done = stedi("settings", home=tmp_path, split="80,10,10")
    assert "80,10,10" in done.output
    assert "Shares(" not in done.output
