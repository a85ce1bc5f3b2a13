"""The Dagster instance in STEDI_HOME: its configuration, its databases, and the runs recorded in it."""
