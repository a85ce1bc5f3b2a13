"""A scenario whose landing zone and warehouse are on S3 and whose tables are in Glue."""

from dataclasses import dataclass
from typing import Any, ClassVar

from stedi_dagster.settings import Settings
from stedi_dagster_tests.scenario import Scenario

REGION = "eu-west-1"


@dataclass
class Cloud(Scenario):
    """`land` writes files here, `upload` brings them to S3, `run` works there."""

    s3: Any = None

    bucket: ClassVar[str] = "stedi-lakehouse"

    def upload(self) -> None:
        """Bring the landing zone to S3, under the same names."""
        for path in sorted(self.landing.rglob("*")):
            if path.is_file():
                key = f"landing/{path.relative_to(self.landing)}"
                self.s3.put_object(Bucket=self.bucket, Key=key, Body=path.read_bytes())

    def load_settings(self, **overrides: Any) -> Settings:
        """The settings of a run."""
        places = {
            "catalog": "glue",
            "landing": f"s3://{self.bucket}/landing",
            "warehouse": f"s3://{self.bucket}/warehouse",
        }
        return super().load_settings(**{**places, **overrides})

    def keys(self, prefix: str = "warehouse/") -> set[str]:
        """The objects below a prefix."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return {found["Key"] for page in pages for found in page.get("Contents", ())}
