"""Tests of `stedi_dagster.defs.assets`: whole runs through Dagster, in this process."""
