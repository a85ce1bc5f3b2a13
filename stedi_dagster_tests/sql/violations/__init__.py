"""Violations to plant behind the platform's back, by what they are; each with the question that finds it."""

from stedi_dagster_tests.sql.violations.consent import OF_CONSENT
from stedi_dagster_tests.sql.violations.people import OF_PEOPLE
from stedi_dagster_tests.sql.violations.readings import OF_READINGS
from stedi_dagster_tests.sql.violations.reconciliation import OF_RECONCILIATION
from stedi_dagster_tests.sql.violations.references import OF_REFERENCES
from stedi_dagster_tests.sql.violations.rows import Violations

VIOLATIONS: Violations = {**OF_CONSENT, **OF_READINGS, **OF_PEOPLE, **OF_REFERENCES, **OF_RECONCILIATION}

__all__ = ["VIOLATIONS"]
