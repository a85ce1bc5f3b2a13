"""The eight tables as Dagster assets, a module a layer. They wire; the rules are in `policies`."""
