"""Every setting of the platform, checked before anything starts.

What the settings' rules do to tables is in `policies`.
"""

from stedi_dagster.settings.model import DEFAULT_MAX_SNAPSHOTS, DEFAULT_RETENTION_DAYS, EMR_SERVERLESS, Settings

__all__ = ["DEFAULT_MAX_SNAPSHOTS", "DEFAULT_RETENTION_DAYS", "EMR_SERVERLESS", "Settings"]
