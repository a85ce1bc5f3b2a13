"""Reads Apache Spark's event log: which jobs were run for which table, and how much they read."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Has every Spark that is started with SPARK_CONF_DIR at this file's folder write an event log to a folder.
CONF = """
spark.eventLog.enabled true
spark.eventLog.dir file://{folder}
spark.eventLog.compress false
spark.eventLog.rolling.enabled false
"""
_JOB, _TASK = "SparkListenerJobStart", "SparkListenerTaskEnd"


@dataclass
class Work:
    """What Spark did for one table: jobs, tasks, and the bytes that these read from files."""

    jobs: int = 0
    tasks: int = 0
    bytes_read: int = 0


def write_conf(conf_dir: Path, folder: Path) -> None:
    """Have Spark log its events.

    Args:
        conf_dir: what SPARK_CONF_DIR is to be.
        folder: where the log goes.
    """
    for each in (conf_dir, folder):
        each.mkdir(parents=True, exist_ok=True)
    (conf_dir / "spark-defaults.conf").write_text(CONF.format(folder=folder))


def work_by_table(folder: Path, tables: tuple[str, ...]) -> Mapping[str, Work]:
    """What was done for each table, by the tags that a run gives its jobs.

    Args:
        folder: with the logs.
        tables: the tables.
    """
    found: dict[str, Work] = defaultdict(Work)
    for log in sorted(folder.iterdir()):
        stages: dict[int, str] = {}
        for event in _events(log):
            if event["Event"] == _JOB:
                tags = event["Properties"].get("spark.job.tags", "").split(",")
                table = next((name for name in tables if any(tag.endswith(f"_{name}") for tag in tags)), None)
                if table is not None:
                    found[table].jobs += 1
                    stages |= dict.fromkeys(event["Stage IDs"], table)
            elif event["Event"] == _TASK and (table := stages.get(event["Stage ID"])):
                found[table].tasks += 1
                read = event.get("Task Metrics", {}).get("Input Metrics", {})
                found[table].bytes_read += read.get("Bytes Read", 0)
    return found


def _events(log: Path) -> Iterator[dict[str, Any]]:
    with log.open() as lines:
        for line in lines:
            # Of a log that is still written the last line may not be whole.
            if line.endswith("\n"):
                yield json.loads(line)
