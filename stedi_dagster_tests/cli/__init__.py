"""Tests of `stedi_dagster.cli`."""
