"""Where the work runs: one small interface, and one module for each kind of Spark Connect engine.

What the engines compute belongs elsewhere: to `landing`, `policies` and `drafts`.
"""

from stedi_dagster.engines.base import Engine, Server
from stedi_dagster.engines.choice import engine_for

__all__ = ["Engine", "Server", "engine_for"]
