"""What Dagster loads: `workspace.yaml`, `dg` and `stedi ui` name this module. Everything is in `defs`."""

from stedi_dagster.defs.definitions import defs

__all__ = ["defs"]
