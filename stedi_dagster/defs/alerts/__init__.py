"""Alerts from Dagster's events: what ended runs say about checks and steps, and the sensor that looks."""
