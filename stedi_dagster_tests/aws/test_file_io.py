"""Metadata is read from S3 once; whoever opens the catalog again sees what has become of it."""

import pytest

from stedi_dagster.contracts import CustomerTrusted
from stedi_dagster.errors import OriginError
from stedi_dagster_tests.scenario import customer, reading, step


def test_metadata_that_is_gone_is_noticed_when_the_catalog_is_opened_again(cloud):
    cloud.land("customer", customer())
    cloud.land("step_trainer", step())
    cloud.land("accelerometer", reading())
    cloud.upload()
    assert cloud.run().success
    lakehouse = cloud.lakehouse()
    table = lakehouse.table("customer_trusted")
    key = table.metadata_location.removeprefix(f"s3://{cloud.bucket}/")
    cloud.s3.delete_object(Bucket=cloud.bucket, Key=key)
    # A reader that works with it goes on.
    assert lakehouse.read("customer_trusted", CustomerTrusted).rows == 1
    with pytest.raises(OriginError, match=r"metadata file of stedi\.customer_trusted .* gone"):
        cloud.lakehouse().table("customer_trusted")
