"""Columns that hold one value throughout a file: Sail reads them from the file's statistics unless it is told not to.

Small worlds are full of them: one participant, one moment, everybody at rest.
"""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.audits.gate.distinct import distinct_rows
from stedi_dagster.keys import matching_key
from stedi_dagster_tests.scenario import T0, Scenario, checks, customer, reading, step

PANIC = "Trying to access an element at index 1 from a StringArray of length 1"
KINDS = (pa.string(), pa.int64(), pa.float64())
COLUMNS = ("who", "moment", "x")
WORLDS: dict[str, list[tuple[Any, ...]]] = {
    "one value in every column": [("zoë@example.org", T0, 1.0)] * 3,
    "one person": [("ann@example.org", T0 + at, float(at)) for at in range(3)],
    "one moment": [(f"p{at}@example.org", T0, float(at)) for at in range(3)],
    "nobody and no moment": [(None, None, float(at)) for at in range(3)],
    "a blank": [("", T0, 0.0), ("", T0, -0.0), ("", T0, 1.5)],
    "nothing the same": [(f"p{at}@example.org", T0 + at, float(at)) for at in range(3)],
}


def expressions() -> dict[str, Column]:
    """The functions that rules and checks are made of."""
    return {
        "hash of a text": F.xxhash64("who"),
        "hash of a number": F.xxhash64("moment"),
        "hash of several": F.xxhash64("who", "moment", "x"),
        "matching key": matching_key("who"),
        "pattern": F.regexp_extract("who", "(.*)@", 1),
        "replaced": F.regexp_replace("who", "@.*", ""),
        "text of a number": F.concat_ws("|", "who", F.col("moment").cast("string")),
        "moment": F.timestamp_millis(F.col("moment")),
        "first that is there": F.coalesce("who", F.lit("nobody")),
        "choice": F.when(F.col("who").isNull(), F.lit("none")).when(F.col("moment") > T0, F.lit("late")),
        "struct": F.struct("who", "moment"),
        "parts": F.split("who", "@"),
        "length": F.length("who") + F.col("moment"),
        "least": F.least("moment", F.lit(T0 + 1)),
    }


def written(folder: Path, rows: list[tuple[Any, ...]]) -> str:
    """The path of a Parquet file of some rows, with statistics and a column that differs in every row."""
    who, moment, x = (pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), KINDS, strict=True))
    pq.write_table(pa.table([who, moment, x, pa.array(range(len(rows)))], [*COLUMNS, "n"]), folder / "rows.parquet")
    return str(folder / "rows.parquet")


@pytest.mark.parametrize("world", WORLDS)
def test_an_expression_says_the_same_of_a_file_as_of_the_same_rows_without_statistics(
    sail: SparkSession, tmp_path: Path, world: str
) -> None:
    in_file = sail.read.parquet(written(tmp_path, WORLDS[world]))
    rows = [(*row, n) for n, row in enumerate(WORLDS[world])]
    in_memory = sail.createDataFrame(rows, "who string, moment long, x double, n long")
    named = [column.alias(name) for name, column in expressions().items()]
    found, expected = (frame.select(*named, "n").orderBy("n").collect() for frame in (in_file, in_memory))
    assert found == expected
    for name, column in expressions().items():
        # Alone, because an engine may read another column of a query and so hide what it does to this one.
        alone = in_file.select(column.alias("found"), "n").orderBy("n").collect()
        assert [row.found for row in alone] == [row[name] for row in expected], name


def test_different_rows_are_counted_where_every_column_has_one_value(sail: SparkSession, tmp_path: Path) -> None:
    frame = sail.read.parquet(written(tmp_path, WORLDS["one value in every column"]))
    assert distinct_rows(frame, COLUMNS, expected=3) == 1
    assert distinct_rows(frame, [*COLUMNS, "n"], expected=3) == 3


def test_two_steps_of_one_moment_are_published_and_their_pairs_audited(sail_url: str, tmp_path: Path) -> None:
    scenario = Scenario(tmp_path, {"engine": sail_url})
    scenario.land("customer", customer("ann@example.com"), customer("bea@example.com"))
    scenario.land("accelerometer", reading("ann@example.com", x=0.25), reading("bea@example.com", x=-4.0))
    scenario.land("step_trainer", *(step("serial-of-bea@example.com", distanceFromObject=mm) for mm in (90, 91)))
    result = scenario.run()
    assert result.success
    assert checks(result)["machine_learning_curated", "same_person"].passed
    assert len(scenario.rows("machine_learning_curated")) == 2


def test_with_statistics_sail_would_panic(tmp_path: Path) -> None:
    """The quirk for which `Sail` switches them off; where it is gone, they may be on again."""
    code = """
    import sys
    from pyspark.sql import functions as F
    from stedi_dagster.engines.sail import Sail
    with Sail().session() as session:
        print(len(session.read.parquet(sys.argv[1]).select(F.xxhash64("who"), "n").collect()))
    """
    path = written(tmp_path, WORLDS["one person"])
    for setting, said in (({"SAIL_EXECUTION__COLLECT_STATISTICS": "true"}, PANIC), ({}, "3\n")):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SAIL_")} | setting
        command = [sys.executable, "-c", dedent(code), path]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=600)
        assert said in done.stdout + done.stderr
