"""The tables as Dagster assets: every module that defines one is found. They wire; the rules are in `policies`."""
