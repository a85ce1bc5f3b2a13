"""Where the generated pages get their facts from: the one place here that imports the platform."""

from infra.stack import TEMPLATE
from stedi_dagster.assets import curated, landing, trusted
from stedi_dagster.assets.table_asset import CHECKS
from stedi_dagster.audits.catalog import AUDITS
from stedi_dagster.automation import Automation, automation_for
from stedi_dagster.cli.app import app
from stedi_dagster.contracts import TABLES, Contract, Erasures, Participants, Quarantine
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster.settings import Settings
from stedi_dagster.sql.library import SQL

__all__ = [
    "AUDITS",
    "CHECKS",
    "SQL",
    "TABLES",
    "TEMPLATE",
    "Contract",
    "Settings",
    "app",
    "automation",
    "checks_of",
    "restricted_tables",
]

_ASSETS = (*landing.ASSETS, *trusted.ASSETS, *curated.ASSETS)


def checks_of() -> dict[str, list[str]]:
    """The gate's checks of each table, in the order of the tables."""
    found = {asset.key.to_user_string(): [spec.name for spec in asset.check_specs] for asset in _ASSETS}
    return {table: found[table] for table in TABLES}


def restricted_tables() -> dict[str, type[Contract]]:
    """The tables that only operators may read, by their names."""
    quarantines = {feed.quarantine: Quarantine for feed in FEEDS.values()}
    return {**quarantines, Participants.table(): Participants, Erasures.table(): Erasures}


def automation() -> Automation:
    """All jobs, schedules and sensors that any settings may give: those of EMR Serverless and of alerts, too."""
    settings = Settings(
        landing="s3://bucket/landing",
        warehouse="s3://bucket/warehouse",
        engine="emr-serverless",
        emr_application_id="application",
        emr_execution_role_arn="arn:aws:iam::123456789012:role/role",
        alert_topic_arn="arn:aws:sns:eu-west-1:123456789012:topic",
    )
    return automation_for(settings)
