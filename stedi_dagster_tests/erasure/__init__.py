"""Tests of `stedi_dagster.erasure`, of `stedi forget` and of the job of that name."""
