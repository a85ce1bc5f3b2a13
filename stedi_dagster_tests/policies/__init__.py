"""The rules, without Dagster."""
