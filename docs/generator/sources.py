"""Where the generated pages get their facts from: the one place here that imports the platform."""

import dagster as dg

from infra.stack import TEMPLATE
from stedi_dagster.audits.standing.catalog import AUDITS
from stedi_dagster.cli.app import app
from stedi_dagster.contracts import RELEASES, RESTRICTED, TABLES, Contract
from stedi_dagster.defs import assets
from stedi_dagster.defs.assets.table_asset import CHECKS
from stedi_dagster.defs.jobs import jobs_for
from stedi_dagster.defs.schedules import schedules_for
from stedi_dagster.defs.sensors import sensors_for
from stedi_dagster.settings import Settings
from stedi_dagster.sql.library import SQL

__all__ = [
    "AUDITS",
    "CHECKS",
    "EVERYTHING",
    "RELEASES",
    "RESTRICTED",
    "SQL",
    "TABLES",
    "TEMPLATE",
    "Contract",
    "Settings",
    "app",
    "checks_of",
    "jobs_for",
    "schedules_for",
    "sensors_for",
]


def checks_of() -> dict[str, list[str]]:
    """The gate's checks of each table, in the order of the tables."""
    found: dict[str, list[str]] = {table: [] for table in TABLES}
    for asset in dg.load_assets_from_package_module(assets):
        for spec in asset.check_specs if isinstance(asset, dg.AssetsDefinition) else ():
            found.setdefault(spec.asset_key.to_user_string(), []).append(spec.name)
    return {table: found[table] for table in TABLES}


# Settings under which everything is there: the jobs of EMR Serverless and the sensor of alerts, too.
EVERYTHING = Settings(
    landing="s3://bucket/landing",
    warehouse="s3://bucket/warehouse",
    engine="emr-serverless",
    emr_application_id="application",
    emr_execution_role_arn="arn:aws:iam::123456789012:role/role",
    alert_topic_arn="arn:aws:sns:eu-west-1:123456789012:topic",
)
