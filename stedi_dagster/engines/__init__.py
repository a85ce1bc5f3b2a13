"""Where the work runs: one small interface, and one module for each kind of Spark Connect engine.

What the engines compute belongs elsewhere: to `landing`, `policies` and `drafts`.
"""

from stedi_dagster.engines.base import Engine, Server

__all__ = ["Engine", "Server"]
