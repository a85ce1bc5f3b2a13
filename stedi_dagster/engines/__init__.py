"""Where the work runs: one small interface, one module for each kind of Spark Connect engine."""

from stedi_dagster.engines.base import Engine, Server

__all__ = ["Engine", "Server"]
