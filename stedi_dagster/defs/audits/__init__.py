"""The standing audits in Dagster: as asset checks, and how their verdicts are recorded."""
