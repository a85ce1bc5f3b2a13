"""Small builders for whole scenarios: who registered, agreed and stepped, as landing files; and runs over them.

A test says only what it is about; everything else has a default that is kept by every rule.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from stedi_dagster.defs.assets.standing_audits import SELECTION as STANDING_AUDITS
from stedi_dagster.defs.definitions import build_defs
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.query import connect, pinned
from stedi_dagster.settings import Settings

T0 = 1_655_564_400_000  # 2022-06-18 15:00 UTC, when the public data begins
FEEDS = ("customer", "accelerometer", "step_trainer")
# The tables in which only people may stand who agreed.
SELECTED = (
    "customer_trusted",
    "accelerometer_trusted",
    "customers_curated",
    "step_trainer_trusted",
    "machine_learning_curated",
)


def customer(
    email: str = "ann@example.com", *, agreed: int | None = T0, serial: str | None = None, **more: Any
) -> dict[str, Any]:
    """A customer record; `agreed` is when the person agreed to research, None where they did not."""
    record = {
        "customerName": "Ann Example",
        "email": email,
        "phone": "5550100",
        "birthDay": "1970-01-01",
        "serialNumber": serial or f"serial-of-{email.strip().lower()}",
        "registrationDate": T0,
        "lastUpdateDate": T0,
        "shareWithResearchAsOfDate": agreed,
        **more,
    }
    return {key: value for key, value in record.items() if value is not None}


def reading(user: str = "ann@example.com", at: int = T0 + 1000, **more: Any) -> dict[str, Any]:
    """An accelerometer record."""
    return {"user": user, "timestamp": at, "x": 0.0, "y": 1.0, "z": -1.0, **more}


def step(serial: str = "serial-of-ann@example.com", at: int = T0 + 1000, **more: Any) -> dict[str, Any]:
    """A step trainer record."""
    return {"sensorReadingTime": at, "serialNumber": serial, "distanceFromObject": 218, **more}


@dataclass
class Scenario:
    """A landing zone and a home of its own, below a temporary folder."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for feed in FEEDS:
            (self.landing / feed / "landing").mkdir(parents=True, exist_ok=True)

    @property
    def landing(self) -> Path:
        """The landing zone."""
        return self.folder / "landing"

    @property
    def home(self) -> Path:
        """STEDI_HOME."""
        return self.folder / "home"

    def land(self, feed: str, *records: Mapping[str, Any], name: str = "part-1.json") -> Path:
        """Land records as one file, one object a line."""
        return self.land_text(feed, "".join(json.dumps(record) + "\n" for record in records), name=name)

    def land_text(self, feed: str, text: str | bytes, *, name: str = "part-1.json") -> Path:
        """Land a file as it is."""
        path = self.landing / feed / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def load_settings(self, **overrides: Any) -> Settings:
        """The settings of a run."""
        return Settings.load(**{"home": self.home, "landing": str(self.landing), **self.settings, **overrides})

    def run(
        self,
        instance: dg.DagsterInstance | None = None,
        job: str = "everything",
        tables: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        *,
        participants: bool = True,
        **overrides: Any,
    ) -> dg.ExecuteInProcessResult:
        """Run a job, or only some tables, in this process; a failure is in the result.

        `participants`: whether they are made with the table that is paired by them.
        """
        definitions = build_defs(self.load_settings(**overrides))
        if tables is not None:
            # Not `asset_selection` of a job: that would run the standing audits of these tables, too.
            job = "some_tables"
            some = dg.define_asset_job(job, selection=_selection(tables, participants=participants) - STANDING_AUDITS)
            definitions = dg.Definitions.merge(definitions, dg.Definitions(jobs=[some]))
        # One that is not closed here may be collected in another thread, which its databases do not allow.
        with nullcontext(instance) if instance else dg.DagsterInstance.ephemeral() as recording:
            return definitions.resolve_job_def(job).execute_in_process(
                instance=recording, raise_on_error=False, tags=dict(tags or {})
            )

    def lakehouse(self) -> Lakehouse:
        """What was published."""
        return Lakehouse.of(self.load_settings())

    def files(self) -> set[str]:
        """Every file in the warehouse."""
        return {str(path) for path in (self.home / "warehouse").rglob("*") if path.is_file()}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over what is published."""
        lakehouse = self.lakehouse()
        with connect(lakehouse, pinned(lakehouse, sql)) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a published table, in a fixed order."""
        return self.query(f'SELECT * FROM "{table}" ORDER BY ALL')


def _selection(tables: Iterable[str], *, participants: bool) -> dg.AssetSelection:
    """Tables, and the quarantines that are made with landing tables."""
    names = set(tables)
    if participants and "machine_learning_curated" in names:
        names.add("participants")
    return dg.AssetSelection.assets(*names).required_multi_asset_neighbors()


def checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    """A run's check evaluations by table and check."""
    return {
        (evaluation.asset_key.path[-1], evaluation.check_name): evaluation
        for evaluation in result.get_asset_check_evaluations()
    }


def counts(evaluation: dg.AssetCheckEvaluation) -> dict[str, int]:
    """The counts that a check recorded."""
    table: Any = evaluation.metadata["counts"]
    found = {}
    for record in table.records:
        *names, rows = record.data.values()
        found[": ".join(names)] = rows
    return found
