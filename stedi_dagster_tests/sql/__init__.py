"""Tests of `stedi_dagster.sql` and of the texts in sql/."""
