"""Tests of `stedi_dagster.landing`."""
