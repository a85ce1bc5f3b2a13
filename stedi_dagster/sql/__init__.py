"""Queries kept as texts in Athena's dialect (sql/), and what it takes to run them here and there."""
