"""Alerts about failed checks and runs, and about their recovery: at least once, in order, without repeats (ADR 7).

`defs.alerts.record` turns the events of ended runs into alerts in the outbox, `deliver` sends them; either may happen
in any process. Nothing here knows Dagster.
"""
