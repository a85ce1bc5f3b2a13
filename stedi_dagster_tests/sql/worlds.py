"""A published world with every kind of person, questions to it, and violations planted behind the platform's back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from stedi_dagster.sql.library import SQL
from stedi_dagster.sql.parameters import Value
from stedi_dagster.sql.texts import parse, render_for_duckdb
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step

FILES = sorted(SQL.rglob("*.sql"))
EARLY, LATE = T0 + 1_000, T0 + 9_000
ANN, BOB, CID, FAY, GUS, HAL, NED = (
    f"{name}@example.com" for name in ("ann", "bob", "cid", "fay", "gus", "hal", "ned")
)
# A small sigma at the end of a word, and what the platform makes of it.
IDA, IDA_KEY = "\u03c3\u03b1\u03c2-ida@example.com", "\u03c3\u03b1\u03c3-ida@example.com"

Row = dict[str, Any]
Change = Callable[[list[Row]], list[Row]]


def everybody(folder: Path, **settings: Any) -> Scenario:
    """People who agree, refuse, withdraw, tie, share a trainer, are old, are written in several ways; not yet run."""
    scenario = Scenario(folder, {"max_bad_share": 0.5, **settings})
    scenario.land(
        "customer",
        customer(ANN),
        customer(BOB, agreed=None),
        customer(CID),
        customer("dan@example.com", serial="shared"),
        customer("eve@example.com", serial="SHARED "),
        customer(FAY),
        customer(FAY, agreed=None, lastUpdateDate=T0 + 1),
        customer(GUS, agreed=T0 + 5_000),
        customer(HAL, birthDay="1800-06-19"),
        customer(f"\u3000{IDA.upper()}\t", serial="ida-1"),
        customer("jan@example.com"),
        customer("jan@example.com", agreed=None),
        customer("kim@example.com"),
        customer("kim@example.com", agreed=None, lastUpdateDate=None, registrationDate=None),
        customer("leo@example.com", lastUpdateDate=None, registrationDate=None),
        customer(NED),
        customer("pia@example.com"),
    )
    names = ("ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "jan", "kim", "leo", "ned", "pia")
    people = [*(f"{name}@example.com" for name in names), IDA]
    moments = (EARLY, LATE)
    # Ned's last record cannot be read; Pia's that cannot is older than her agreement.
    scenario.land(
        "customer",
        customer(NED, phone=["?"]),
        customer("pia@example.com", agreed=None, lastUpdateDate=T0 - 1, phone=["?"]),
        name="unreadable.json",
    )
    scenario.land(
        "accelerometer",
        *(reading(who, at, x=float(n)) for n, who in enumerate(people) for at in moments),
        reading(ANN.upper(), EARLY, x=0.0),
    )
    serials = [f"serial-of-{who}" for who in people[:3] + people[5:-1]] + ["ida-1", "shared"]
    scenario.land(
        "step_trainer",
        *(step(serial, at, distanceFromObject=200 + n) for n, serial in enumerate(serials) for at in moments),
        step(f" SERIAL-OF-{ANN}", EARLY, distanceFromObject=200),
    )
    return scenario


def ask(
    scenario: Scenario, file: str, chosen: dict[str, Value] | None = None, **settings: Any
) -> list[tuple[Any, ...]]:
    """The rows of a file below sql/, as `stedi sql FILE` has them."""
    tree = parse((SQL / file).read_text(encoding="utf-8"))
    text = render_for_duckdb(tree, scenario.load_settings(**settings), chosen)
    return scenario.query(text)


@contextmanager
def planted(scenario: Scenario, changes: dict[str, Change]) -> Iterator[None]:
    """Tables with other rows, committed as anybody could who has access to the catalog; afterwards as before."""
    lake = scenario.lakehouse()
    before: dict[str, pa.Table] = {}
    for name, change in changes.items():
        table = lake.table(name)
        assert table is not None
        before[name] = table.scan().to_arrow()
        table.overwrite(pa.Table.from_pylist(change(before[name].to_pylist()), schema=table.schema().as_arrow()))
    try:
        yield
    finally:
        for name, rows in before.items():
            table = lake.table(name)
            assert table is not None
            table.overwrite(rows)


def adding(*rows: Row) -> Change:
    """The rows there are, and these; a column that is not given is null."""
    return lambda there: [*there, *rows]


def without(**values: Any) -> Change:
    """The rows there are, but for those with these values, of which there must be some."""

    def change(there: list[Row]) -> list[Row]:
        left = [row for row in there if any(row[name] != value for name, value in values.items())]
        assert len(left) < len(there)
        return left

    return change


def twice(**values: Any) -> Change:
    """The rows there are, and those with these values once more, of which there must be some."""

    def change(there: list[Row]) -> list[Row]:
        again = [row for row in there if all(row[name] == value for name, value in values.items())]
        assert again
        return there + again

    return change


def with_values(values: Row, **where: Any) -> Change:
    """The rows there are, with other values in those that have these, of which there must be some."""

    def change(there: list[Row]) -> list[Row]:
        hit = [all(row[name] == value for name, value in where.items()) for row in there]
        assert any(hit)
        return [row | values if is_hit else row for row, is_hit in zip(there, hit, strict=True)]

    return change
