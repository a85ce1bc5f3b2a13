"""Making a table, without Dagster."""
