"""Tests of `stedi_dagster.lakehouse`."""
