"""What a Dagster run is given, a resource a concern; each is one object a run, whoever depends on it.

Dagster makes a copy of a resource for each other resource that depends on it, unless it was made by
`configure_at_launch`: so `configured` makes all of them, and a test pins it. Dagster records a resource's configuration
with every run, so that no secret may be in one.
"""
