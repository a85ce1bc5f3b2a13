"""Tests of `stedi_dagster.assets`: whole runs through Dagster, in this process."""
