"""A table as it was: by its snapshot or by a moment, as far as its history reaches."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from stedi_dagster.errors import StediError
from stedi_dagster_tests.data.builders import NAME, add, measured, moment_of, publish, table_of
from stedi_dagster_tests.scenario import T0, reading, step

MILLISECOND = timedelta(milliseconds=1)


def xs(opened, **when) -> list[float]:
    return sorted(opened().table(NAME, columns=["x"], **when).to_arrow()["x"].to_pylist())


def test_each_run_can_be_read_after_the_next(three_published):
    from stedi_dagster import data

    between = datetime.now(UTC)
    before = data.open(three_published.home).table(NAME)
    three_published.land("accelerometer", reading(at=T0 + 9_000), name="part-2.json")
    three_published.land("step_trainer", step(at=T0 + 9_000), name="part-2.json")
    assert three_published.run().success
    tables = data.open(three_published.home)
    assert (before.rows, tables.table(NAME).rows) == (4, 5)
    assert tables.table(NAME, at=between).snapshot_id == before.snapshot_id
    assert tables.table(NAME, at=between.isoformat()).to_arrow().equals(before.to_arrow())
    assert tables.table(NAME, snapshot=before.snapshot_id, where=f"sensorReadingTime < {T0 + 2000}").rows == 2
    for name in tables.names():
        assert tables.table(name, at=between).made_at <= between


def test_a_snapshot_is_current_from_its_own_millisecond_until_the_next(lake, opened):
    first, second, third = publish(lake, measured(1.0)), publish(lake, measured(2.0)), add(lake, measured(3.0))
    assert xs(opened, at=moment_of(lake, first)) == [1.0]
    assert xs(opened, at=moment_of(lake, second) - MILLISECOND) == [1.0]
    assert xs(opened, at=moment_of(lake, second)) == [2.0]
    assert xs(opened, at=moment_of(lake, third)) == xs(opened) == [2.0, 3.0]
    assert xs(opened, snapshot=first.snapshot_id) == [1.0]
    assert opened().table(NAME, at=moment_of(lake, second)).made_at == moment_of(lake, second)


def test_what_is_published_later_does_not_change_a_reading(lake, opened):
    publish(lake, measured(1.0))
    one = opened().table(NAME)
    add(lake, measured(2.0))
    assert one.to_arrow()["x"].to_pylist() == [1.0]


def test_the_emptied_table_within_a_commit_was_never_seen(lake, opened):
    first, second = publish(lake, measured(1.0)), publish(lake, measured(2.0))
    halves = [one for one in table_of(lake).metadata.snapshots if one.parent_snapshot_id == first.snapshot_id]
    [half] = halves
    assert half.snapshot_id != second.snapshot_id
    assert xs(opened, at=datetime.fromtimestamp(half.timestamp_ms / 1000, tz=UTC) - MILLISECOND) == [1.0]
    with pytest.raises(StediError, match=f"has no snapshot {half.snapshot_id}: it was first published"):
        opened().table(NAME, snapshot=half.snapshot_id)


def test_before_the_first_the_moment_of_the_first_is_told(lake, opened):
    first = publish(lake, measured(1.0))
    publish(lake, measured(2.0))
    since = moment_of(lake, first)
    written = since.isoformat(timespec="milliseconds").replace("+", r"\+")
    with pytest.raises(StediError, match=f"cannot be read: it was first published at {written}"):
        opened().table(NAME, at=since - MILLISECOND)


def test_where_history_has_expired_the_oldest_that_is_left_is_told(lake, opened):
    first, second = publish(lake, measured(1.0)), publish(lake, measured(2.0))
    publish(lake, measured(3.0))
    gone = [one.snapshot_id for one in table_of(lake).metadata.snapshots if one.timestamp_ms < _ms(lake, second)]
    table_of(lake).maintenance.expire_snapshots().by_ids(gone).commit()
    with pytest.raises(
        StediError, match=f"the oldest snapshot that is left is of .*{second.snapshot_id}.*STEDI_RETENTION"
    ):
        opened().table(NAME, at=moment_of(lake, second) - MILLISECOND)
    with pytest.raises(StediError, match=f"has no snapshot {first.snapshot_id}: the oldest snapshot that is left"):
        opened().table(NAME, snapshot=first.snapshot_id)
    assert xs(opened, at=moment_of(lake, second)) == [2.0]


def test_an_older_snapshot_is_not_taken_for_one_between_that_is_gone(lake, opened):
    first = publish(lake, measured(1.0))
    second, third = add(lake, measured(2.0)), add(lake, measured(3.0))
    table_of(lake).maintenance.expire_snapshots().by_ids([second.snapshot_id]).commit()
    for lost in (moment_of(lake, third) - MILLISECOND, moment_of(lake, first)):
        with pytest.raises(StediError, match=f"the oldest snapshot that is left is of .*{third.snapshot_id}"):
            opened().table(NAME, at=lost)


def test_a_text_without_a_zone_is_in_utc_and_a_date_is_its_first_moment(lake, opened):
    snapshot = publish(lake, measured(1.0))
    made = moment_of(lake, snapshot)
    assert xs(opened, at=made.replace(tzinfo=None).isoformat()) == [1.0]
    assert xs(opened, at=made.astimezone(timezone(timedelta(hours=5))).isoformat()) == [1.0]
    with pytest.raises(StediError, match=f"{made.date()}T00:00:00.000\\+00:00 cannot be read"):
        opened().table(NAME, at=f"{made.date()}")


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ({"at": "last Tuesday"}, "'last Tuesday' is no moment: give one like 2026-01-31"),
        ({"at": datetime(2026, 1, 31)}, "2026-01-31T00:00:00 has no time zone"),  # noqa: DTZ001 - what is refused
        ({"at": "2999-01-01"}, "2999-01-01T00:00:00.000\\+00:00 has not come yet"),
        ({"at": "2026-01-31", "snapshot": 1}, "Give a snapshot or a moment, not both"),
    ],
)
def test_a_moment_that_is_none_is_refused(lake, opened, when, sentence):
    publish(lake, measured(1.0))
    with pytest.raises(StediError, match=sentence):
        opened().table(NAME, **when)


def test_an_older_snapshot_has_the_columns_that_the_table_had_then(lake, opened):
    first = publish(lake, measured(1.0))
    with table_of(lake).update_schema() as update:
        update.rename_column("x", "forward")
    second = publish(lake, measured(2.0))
    assert "forward" not in opened().table(NAME, snapshot=second.snapshot_id).schema  # it follows the contract again
    assert list(opened().table(NAME, snapshot=first.snapshot_id, columns=["x"]).schema) == ["x"]


def _ms(lake, snapshot) -> int:
    return round(moment_of(lake, snapshot).timestamp() * 1000)


def test_a_snapshot_that_was_written_down_as_a_text_is_the_same(lake, opened):
    snapshot = publish(lake, measured(1.0))
    assert opened().table(NAME, snapshot=str(snapshot.snapshot_id)).snapshot_id == snapshot.snapshot_id
    with pytest.raises(StediError, match="'the last' is no snapshot: its identifier is a whole number"):
        opened().table(NAME, snapshot="the last")


def test_a_date_is_its_first_moment_in_utc(lake, opened):
    publish(lake, measured(1.0))
    with pytest.raises(StediError, match=r"as it was at 2001-02-03T00:00:00\.000\+00:00"):
        opened().table(NAME, at=date(2001, 2, 3))
