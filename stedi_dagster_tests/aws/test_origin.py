"""Whose a warehouse on S3 is: a machine that forgot its catalog is refused, and adopting brings all of it."""

from pathlib import Path
from typing import Any

import pytest

from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.adopt import adopt
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster_tests.aws.cloud import Cloud
from stedi_dagster_tests.lakehouse.builders import people, publish, published_rows, table_of

WAREHOUSE = f"s3://{Cloud.bucket}/warehouse"


def opened(home: Path, catalog: str) -> Lakehouse:
    return Lakehouse(home=home, warehouse=WAREHOUSE, database="stedi", catalog=catalog)


def published(lake: Lakehouse, name: str) -> None:
    """As a run does it: afterwards, nothing is left to do."""
    publish(lake, name)
    lake.expire(table_of(lake))


def writing(lake: Lakehouse) -> Any:
    return lake.writing("a test", timeout=0, waiting=print)


def objects(s3: Any) -> set[tuple[str, str]]:
    """Every version of every object, but for the lock's."""
    listed = s3.list_object_versions(Bucket=Cloud.bucket)
    found = [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())]
    return {(each["Key"], each["VersionId"]) for each in found if not each["Key"].endswith("_lock.json")}


def test_a_machine_that_forgot_the_catalog_changes_nothing_until_it_adopts_the_tables(s3, tmp_path):
    s3.put_bucket_versioning(Bucket=Cloud.bucket, VersioningConfiguration={"Status": "Enabled"})
    in_glue = opened(tmp_path / "orchestrator", "glue")
    with writing(in_glue):
        published(in_glue, "ann")
        published(in_glue, "bob")
    before = objects(s3)
    forgetful = opened(tmp_path / "laptop", "sqlite")
    with pytest.raises(OriginError, match="does not know: participants"), writing(forgetful):
        pytest.fail("it was opened for writing")
    assert objects(s3) == before
    with forgetful.holding.held("a test", timeout=0, waiting=print):
        [adopted] = adopt(forgetful, accept_loss=False)
    assert (adopted.table, adopted.rows, adopted.lost) == ("participants", 1, None)
    forgetful = opened(tmp_path / "laptop", "sqlite")
    with writing(forgetful):
        assert published_rows(forgetful) == people("bob")
        published(forgetful, "cid")
    # Glue's tables are the older ones now.
    in_glue = opened(tmp_path / "orchestrator", "glue")
    with pytest.raises(OriginError, match="holds a newer"), writing(in_glue):
        pytest.fail("it was opened for writing")
    with in_glue.holding.held("a test", timeout=0, waiting=print):
        [adopted] = adopt(in_glue, accept_loss=False)
    in_glue = opened(tmp_path / "orchestrator", "glue")
    with writing(in_glue):
        assert published_rows(in_glue) == people("cid")
