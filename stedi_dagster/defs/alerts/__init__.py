"""Alerts from Dagster's events: the checks and steps of ended runs, and the sensor that watches for them.

What an alert says and where it goes is in `alerts`, which does not know Dagster.
"""
