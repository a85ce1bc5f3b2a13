"""Iceberg tables: the catalog, staging, publishing, and what must not stay behind. Knows no Dagster and no rule."""
