"""STEDI_MEMORY: what an engine computes stays below it, on disk where it does not fit, and the disk is as before."""

import subprocess
import sys

import duckdb

from stedi_dagster.lakehouse.query import connect
from stedi_dagster.scratch import scratch_of

# In a process of its own: Sail reads its configuration once.
SAIL = """
import os, sys, threading
from pathlib import Path
from pyspark.sql import functions as F
from stedi_dagster.engines.failure import ENGINE_ERRORS, failure_of
from stedi_dagster.engines.sail import Sail
from stedi_dagster.engines.remote import Remote

scratch, seen, done = Path(sys.argv[1]), set(), threading.Event()

def watch():
    while not done.wait(0.005):
        seen.update(scratch.rglob("*.tmp*"), scratch.rglob("tmp*"), scratch.rglob(".tmp*"))

with Sail((64, scratch)).serving() as url, Remote(url).session() as session:
    assert not (scratch / "left").exists()
    watching = threading.Thread(target=watch)
    watching.start()
    long = F.concat(F.lit("a text that is rather long, of the row "), F.col("id").cast("string"))
    rows = session.range(0, 2_000_000).select(long.alias("text"))
    print(rows.orderBy("text").agg(F.count("text")).collect()[0][0], rows.groupBy("text").count().count())
    done.set()
    try:
        rows.alias("a").join(rows.alias("b"), on="text", how="inner").count()
    except ENGINE_ERRORS as error:
        print(failure_of(error).split(": ")[1])
    watching.join()
print(bool(seen), scratch.exists(), [name for name in os.environ if name.startswith("SAIL_RUNTIME")])
"""


def test_sail_writes_to_disk_what_does_not_fit_or_says_that_it_cannot(tmp_path):
    scratch = scratch_of(tmp_path, "sail")
    scratch.mkdir(parents=True)
    (scratch / "left").write_text("by a run that was killed")
    done = subprocess.run(
        [sys.executable, "-c", SAIL, str(scratch)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stdout.splitlines() == [
        "2000000 2000000",
        "it needs more memory than STEDI_MEMORY gives it",
        "True False []",
    ], done.stderr


def test_duckdb_writes_to_stedi_home_what_does_not_fit_and_deletes_it(three_published, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    lakehouse = three_published.lakehouse()
    with connect(lakehouse, memory_mb=128) as connection:
        rows = connection.sql("SELECT 'a rather long text of row ' || i AS text FROM range(4_000_000) AS r(i)")
        connection.execute("CREATE TEMP TABLE many AS SELECT * FROM rows ORDER BY text")
        assert rows.columns == ["text"]
        written = [path for path in lakehouse.home.glob("scratch-*/*") if path.is_file()]
        assert written
        assert connection.sql("SELECT count(*) FROM many").fetchall() == [(4_000_000,)]
    assert [path for path in lakehouse.home.glob("scratch-*/*") if path.is_file()] == []
    assert list(tmp_path.glob(".tmp*")) == []


def test_an_audit_that_needs_more_says_so(three_published, monkeypatch, stedi):
    def much(*_, **__):
        raise duckdb.OutOfMemoryException("could not allocate: 'ann@example.com'")

    monkeypatch.setattr("stedi_dagster.audits.standing.evidence.Evidence.ask_text", much)
    done = stedi("audit", home=three_published.home, landing=three_published.landing, memory=128)
    assert done.exit_code == 1
    assert "it needs more memory than STEDI_MEMORY" in done.output.replace("\n", " ")
    assert "ann@" not in done.output


def test_a_limit_that_is_too_small_is_refused(stedi, tmp_path):
    done = stedi("audit", home=tmp_path, memory=5)
    assert done.exit_code != 0
    assert "STEDI_MEMORY" in done.output
