"""The Dagster side: assets, checks, resources, jobs, sensors, the instance and the UI.

Everything that imports Dagster is here, and nothing else is: what a table holds, how it is published and who is erased
is decided elsewhere, by code that does not know of Dagster.
"""
