"""Every setting of the platform, and what is checked of one before anything starts."""

from stedi_dagster.settings.model import DEFAULT_RETENTION_DAYS, EMR_SERVERLESS, Settings

__all__ = ["DEFAULT_RETENTION_DAYS", "EMR_SERVERLESS", "Settings"]
