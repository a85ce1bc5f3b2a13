"""Where the work runs: one small interface, one module for each kind of Spark Connect engine."""

from stedi_dagster.engines.base import Engine, Server
from stedi_dagster.engines.choice import engine_for

__all__ = ["Engine", "Server", "engine_for"]
