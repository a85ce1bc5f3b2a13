"""Tests of `stedi_dagster.engines`."""
