"""The contenders: how each one is started, and how its rows and its seconds of work are read afterwards."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.data import ROOT, WORK, add_changed_people, add_readings
from bench.event_log import Work, work_by_table, write_conf
from bench.measure import BenchError, Usage, measured

LANDING_TABLES = ("customer_landing", "accelerometer_landing", "step_trainer_landing")
DERIVED_TABLES = (
    "customer_trusted",
    "accelerometer_trusted",
    "customers_curated",
    "step_trainer_trusted",
    "machine_learning_curated",
)
TABLES = LANDING_TABLES + DERIVED_TABLES

STEDI, STEDI_AGAIN, STEDI_AUDIT = "stedi", "stedi-again", "stedi-audit"
STEDI_DAY, STEDI_PEOPLE = "stedi-day", "stedi-people"
STEDI_FORGET, STEDI_VERIFY = "stedi-forget", "stedi-verify"
STEDI_SPARK, STEDI_CLUSTER = "stedi-spark", "stedi-cluster"
PLAIN, FIVE, SAIL, DUCKDB = "spark", "five", "sail", "duckdb"
#: Measured right after STEDI, in the home that it has filled.
AFTER_STEDI = (STEDI_AGAIN, STEDI_AUDIT, STEDI_DAY, STEDI_PEOPLE, STEDI_FORGET, STEDI_VERIFY)

_ABOUT_SOMEBODY = (STEDI_FORGET, STEDI_VERIFY)
_GROWN = (STEDI_DAY, STEDI_PEOPLE)
_COPY, _SOMEBODY = WORK / "landing-of-somebody", WORK / "somebody.txt"
_GROWING = WORK / "landing-that-grows"
_ON_SPARK = (STEDI_SPARK, STEDI_CLUSTER)
_EVENTS, _CONF = WORK / "spark-events", WORK / "spark-conf"

#: Settings of the person who runs the bench must not affect the results.
_DROPPED_PREFIXES = ("STEDI_", "DAGSTER_", "SPARK_", "PYSPARK_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Contender:
    """One way of making the tables.

    Attributes:
        name: Its name for `--only`.
        label: Its name in the report.
        steps: The arguments of its processes, which run one after the other.
        tables: The tables it makes.
        needs_java: Whether it needs a Java runtime.
    """

    name: str
    label: str
    steps: tuple[tuple[str, ...], ...]
    tables: tuple[str, ...] = TABLES
    needs_java: bool = False

    @property
    def is_stedi(self) -> bool:
        """Whether this is the platform itself, which keeps its tables in a home, not a peer."""
        return self.name in (STEDI, *AFTER_STEDI, *_ON_SPARK)


@dataclass(frozen=True)
class Run:
    """One measured run.

    Attributes:
        usage: What it cost.
        work: Its seconds without start-up, if it reports them.
        rows: The rows of its tables.
        jobs: What Apache Spark did for each table, where the platform runs on it.
    """

    usage: Usage
    work: float | None
    rows: Mapping[str, int]
    jobs: Mapping[str, Work] = field(default_factory=dict)


STEDI_COMMAND = str(Path(sys.executable).parent / "stedi")
_STEDI_RUN = (STEDI_COMMAND, "run", "--json")


def _peer(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"bench.peers.{module}", *arguments)


#: In the order in which a round runs them.
CONTENDERS = (
    Contender(STEDI, "stedi run", (_STEDI_RUN,)),
    Contender(STEDI_AGAIN, "stedi run, again (nothing new)", (_STEDI_RUN,)),
    Contender(STEDI_AUDIT, "stedi audit", ((STEDI_COMMAND, "audit", "--json"),), tables=()),
    Contender(STEDI_DAY, "stedi run, one more day's readings", (_STEDI_RUN,)),
    Contender(STEDI_PEOPLE, "stedi run, changed people", (_STEDI_RUN,)),
    Contender(STEDI_FORGET, "stedi forget", ((STEDI_COMMAND, "forget", "--yes", "--json"),), tables=()),
    Contender(STEDI_VERIFY, "stedi forget --verify", ((STEDI_COMMAND, "forget", "--verify", "--json"),), tables=()),
    Contender(STEDI_SPARK, "stedi run, Spark local[*]", (_STEDI_RUN,), needs_java=True),
    Contender(
        STEDI_CLUSTER,
        "stedi run, a Spark cluster with two workers",
        ((sys.executable, "-m", "bench.cluster", *_STEDI_RUN),),
        needs_java=True,
    ),
    Contender(PLAIN, "plain PySpark script, Spark local[*]", (_peer("plain_spark"),), needs_java=True),
    Contender(
        FIVE,
        "five Spark processes",
        tuple(_peer("five_spark", table) for table in DERIVED_TABLES),
        tables=DERIVED_TABLES,
        needs_java=True,
    ),
    Contender(SAIL, "plain PySpark script, Sail", (_peer("plain_spark", "--sail"),)),
    Contender(DUCKDB, "DuckDB, SQL by hand", (_peer("duckdb_sql"),)),
)


def java() -> str | None:
    """Return the Java that Apache Spark would start, or None if there is none."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(f"{home}/bin/java" if home else "java")


def run(contender: Contender, landing: Path, base: Path) -> Run:
    """Run a contender once on a landing folder of copies of `base`, and check that it made every table.

    Raises:
        BenchError: It failed, or a table is missing.
    """
    out = WORK / "out" / (STEDI if contender.name in AFTER_STEDI else contender.name)
    if contender.name not in AFTER_STEDI:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
    measurements = [_step(contender, step, landing, base, out) for step in contender.steps]
    usages = [usage for usage, _ in measurements]
    usage = Usage(
        sum(usage.wall for usage in usages),
        sum(usage.cpu for usage in usages),
        max(usage.peak_mb for usage in usages),
    )
    outputs = [output for _, output in measurements]
    work: float | None = None
    rows: dict[str, int] = {}
    if contender.name == STEDI_AUDIT:
        work = sum(audit["seconds"] for audit in json.loads(outputs[0])["audits"])
    elif contender.name in _ABOUT_SOMEBODY:
        pass
    elif contender.is_stedi:
        tables = json.loads(outputs[0])["tables"]
        work = sum(table["seconds"] for table in tables)
        # What others make has no more days.
        rows = {} if contender.name in _GROWN else {table["table"]: table["rows"] for table in tables}
    else:
        work = sum(json.loads(output.splitlines()[-1])["seconds"] for output in outputs)
        rows = _parquet_rows(out)
    missing = set(contender.tables) - rows.keys() if contender.name not in (STEDI_AGAIN, *_GROWN) else set()
    if missing:
        raise BenchError(f"{contender.label} made no {', '.join(sorted(missing))}.")
    return Run(usage, work, rows, work_by_table(_EVENTS, TABLES) if contender.name in _ON_SPARK else {})


def _step(contender: Contender, step: tuple[str, ...], landing: Path, base: Path, out: Path) -> tuple[Usage, str]:
    scratch = WORK / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    env = {key: value for key, value in os.environ.items() if not key.startswith(_DROPPED_PREFIXES)}
    env["TMPDIR"] = str(scratch)
    if contender.is_stedi:
        env |= {"STEDI_HOME": str(out), "STEDI_LANDING": str(landing)}
        if contender.name in _ON_SPARK:
            shutil.rmtree(_EVENTS, ignore_errors=True)
            write_conf(_CONF, _EVENTS)
            env |= {"STEDI_ENGINE": "spark", "SPARK_CONF_DIR": str(_CONF), "PYTHONPATH": str(ROOT)}
        if contender.name == STEDI_DAY:
            shutil.rmtree(_GROWING, ignore_errors=True)
            shutil.copytree(landing, _GROWING)
            add_readings(base, _GROWING)
        if contender.name == STEDI_PEOPLE:
            add_changed_people(base, _GROWING)
        if contender.name in _GROWN:
            env["STEDI_LANDING"] = str(_GROWING)
        if contender.name == STEDI_FORGET:
            _choose_somebody(env)
        command = list(step)
        if contender.name in _ABOUT_SOMEBODY:
            env["STEDI_LANDING"] = str(_COPY)
            command.append(_SOMEBODY.read_text())
    else:
        env |= {"PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(scratch)}
        command = [*step, str(landing), str(out)]
    return measured(command, env, scratch, WORK / f"{contender.name}.log")


def _choose_somebody(env: Mapping[str, str]) -> None:
    """Choose somebody who is in every table, and copy the raw files, which will be rewritten."""
    query = "SELECT min(email) AS email FROM customers_curated"
    result = subprocess.run(
        [STEDI_COMMAND, "sql", "--json", query], env=env, capture_output=True, text=True, check=True
    )
    _SOMEBODY.write_text(json.loads(result.stdout)[0]["email"])
    shutil.rmtree(_COPY, ignore_errors=True)
    shutil.copytree(_GROWING, _COPY)


def _parquet_rows(out: Path) -> dict[str, int]:
    """Count the rows from the files' footers; done here, outside of all measured time."""
    from pyarrow import parquet

    return {
        folder.name: sum(parquet.read_metadata(file).num_rows for file in folder.glob("*.parquet"))
        for folder in out.iterdir()
    }
