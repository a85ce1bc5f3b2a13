"""The STEDI lakehouse: three JSON feeds to eight consent-checked Iceberg tables, on Dagster."""
