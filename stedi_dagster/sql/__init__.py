"""Queries stored as text in Athena's dialect (sql/), prepared to run locally in DuckDB and on Athena.

The connections themselves are made in `lakehouse.query` and `defs.athena`.
"""
