"""Tests of `stedi_dagster.contracts`."""
