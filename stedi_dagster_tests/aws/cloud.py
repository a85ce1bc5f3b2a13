"""A scenario whose landing zone and warehouse are on S3 and whose tables are in Glue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from stedi_dagster.settings import Settings
from stedi_dagster_tests.scenario import Scenario

REGION = "eu-west-1"


@dataclass
class Cloud(Scenario):
    """`land` writes files here, `upload` brings them to S3, `run` works there."""

    s3: Any = None

    bucket: ClassVar[str] = "stedi-lakehouse"

    def upload(self, landing: Path | None = None) -> None:
        """Bring a landing zone, by default this scenario's own, to S3 under the same names."""
        source = landing or self.landing
        for path in sorted(source.rglob("*")):
            if path.is_file():
                key = f"landing/{path.relative_to(source)}"
                self.s3.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())

    def load_settings(self, **overrides: Any) -> Settings:
        """The settings of a run."""
        places = {
            "catalog": "glue",
            "landing": f"s3://{self.bucket}/landing",
            "warehouse": f"s3://{self.bucket}/warehouse",
        }
        return super().load_settings(**{**places, **overrides})

    def files(self) -> set[str]:
        """Every object in the warehouse but the lock, and but the empty folders that PyArrow makes of deleted files."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="warehouse/")
        keys = {found["Key"] for page in pages for found in page.get("Contents", ())}
        return {f"s3://{self.bucket}/{key}" for key in keys if not key.endswith(("_lock.json", "/"))}


def environment(url: str) -> dict[str, str]:
    """What points all SDKs at an address: boto3 takes the first name, Sail the other two."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
