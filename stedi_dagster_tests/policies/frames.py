"""Records as frames on an engine, and frames as records: for rules and audits without files and without Dagster."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.contracts import (
    AccelerometerLanding,
    Column,
    Contract,
    CustomerLanding,
    MachineLearningCurated,
    Participants,
    Quarantine,
    StepTrainerLanding,
    StepTrainerTrusted,
)
from stedi_dagster.keys import stored
from stedi_dagster.landing.feeds import is_key
from stedi_dagster.landing.records import is_iso_date
from stedi_dagster.policies.people import trusted_customers
from stedi_dagster.policies.selection import REASON, Selection
from stedi_dagster.settings.policy import Policy

Record = Mapping[str, Any]


def frame(session: SparkSession, contract: type[Contract], records: Iterable[Record]) -> DataFrame:
    """Records as a frame of a contract's columns, as landing stores them; what a record lacks is null."""
    rows = [tuple(_stored(spec, record.get(spec.name)) for spec in contract.columns()) for record in records]
    return session.createDataFrame(rows, contract.struct())


def _stored(spec: Column, value: Any) -> Any:
    return stored(value) if is_key(spec) and value is not None else value


def customers(session: SparkSession, *records: Record) -> DataFrame:
    """Customer records as landing has them."""
    return frame(
        session,
        CustomerLanding,
        [{"birthDayValid": is_iso_date(record.get("birthDay")), **record} for record in records],
    )


def readings(session: SparkSession, *records: Record) -> DataFrame:
    """Accelerometer records as landing has them."""
    return frame(session, AccelerometerLanding, records)


def steps(session: SparkSession, *records: Record) -> DataFrame:
    """Step trainer records as landing has them."""
    return frame(session, StepTrainerLanding, records)


def stepped(session: SparkSession, *records: Record) -> DataFrame:
    """Rows of step_trainer_trusted."""
    return frame(session, StepTrainerTrusted, records)


def participants(session: SparkSession, *emails: str) -> DataFrame:
    """A participant for each address: `p-` and the address."""
    return frame(session, Participants, [{"email": email, "participantId": f"p-{email}"} for email in emails])


def pairs(session: SparkSession, *records: Record) -> DataFrame:
    """Rows of machine_learning_curated."""
    return frame(session, MachineLearningCurated, records)


def unreadable(session: SparkSession, *records: Record) -> DataFrame:
    """What is quarantined of customers."""
    where = {"file": "f", "line": 1, "position": 0, "reason": "r", "raw": "?"}
    empty = dict.fromkeys(("people", "devices", "moment"))
    return frame(session, Quarantine, [{**where, **empty, **record} for record in records])


def trusting(landed: DataFrame, policy: Policy) -> Selection:
    """Who is trusted where every record can be read."""
    return trusted_customers(landed, unreadable(landed.sparkSession), policy)


def kept(selection: Selection, *columns: str) -> list[Any]:
    """What a rule keeps, equal rows once where it says so, in a fixed order; of one column its values."""
    rows = selection.kept.distinct() if selection.once else selection.kept
    return records(rows.select(*columns) if columns else rows)


def records(rows: DataFrame) -> list[Any]:
    """Rows as tuples in a fixed order; of one column its values."""
    table = rows.toArrow()
    tuples = sorted(zip(*(column.to_pylist() for column in table.columns), strict=True), key=repr)
    return [row[0] for row in tuples] if len(table.columns) == 1 else tuples


def reasons(selection: Selection) -> dict[str | None, int]:
    """How many rows of the input are withheld for which reason; those kept under None."""
    return {row[REASON]: row["rows"] for row in selection.counts.collect()}
