"""Reading what is recorded of releases."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from stedi_dagster.contracts import MachineLearningCurated, MlRelease
from stedi_dagster.errors import StediError
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.revisions import ROWS, Revision, Revisions
from stedi_dagster.lakehouse.schema import arrow_schema
from stedi_dagster.releases.facts import Origin, Release
from stedi_dagster.split import Part

_ORIGIN = TypeAdapter(Origin)


def releases_of(lakehouse: Lakehouse) -> list[Release]:
    """All releases, the oldest first.

    Raises:
        StediError: what is recorded of one cannot be read.
    """
    return [_release(name, revisions) for name, revisions in Revisions(lakehouse).all().items()]


def release_of(lakehouse: Lakehouse, name: str) -> Release:
    """A release.

    Raises:
        StediError: there is none of that name, or what is recorded of it cannot be read.
    """
    found = Revisions(lakehouse).all()
    if name not in found:
        raise StediError(f"There is no release {name!r}: there are {', '.join(found) or 'none yet'}.")
    return _release(name, found[name])


def _release(name: str, revisions: list[Revision]) -> Release:
    try:
        origin = _ORIGIN.validate_json(revisions[0].origin or "")
    except ValidationError:
        raise StediError(
            f"What is recorded of the release {name} cannot be read: another program has written it, or a newer "
            "version of the platform. Create a release under another name."
        ) from None
    return Release(name, origin, tuple(revisions))


def rows_of(lakehouse: Lakehouse, name: str, part: Part) -> Iterator[pa.RecordBatch]:
    """The rows of a part of a release as it is now, with the columns of machine_learning_curated.

    Args:
        lakehouse: the tables.
        name: the release's.
        part: which part.

    Raises:
        StediError: the table cannot be read.
    """
    released = lakehouse.read(ROWS, MlRelease)
    if released is None:
        return
    columns, schema = MachineLearningCurated.names(), arrow_schema(MachineLearningCurated)
    for batch in released.files.batches([*columns, "release", "part"]):
        ours = pc.and_(pc.equal(batch["release"], name), pc.equal(batch["part"], part))
        rows = batch.filter(ours).select(columns)
        if rows.num_rows:
            yield rows.cast(schema)
