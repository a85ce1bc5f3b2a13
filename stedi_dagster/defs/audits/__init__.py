"""Verdicts in Dagster: how what audits found is recorded, and what becomes of the last ones."""
