"""The audits, without Dagster."""
