"""Dagster's web server behind a door, and the processes that `stedi ui` consists of."""
