"""Chooses the engine that a setting names. Each is imported only when chosen."""

from stedi_dagster.engines.base import Engine


def engine_for(setting: str) -> Engine:
    """The engine that STEDI_ENGINE names: `sail`, `spark`, or an sc:// URL."""
    if setting == "sail":
        from stedi_dagster.engines.sail import Sail

        return Sail()
    if setting == "spark":
        from stedi_dagster.engines.spark import LocalSpark

        return LocalSpark()
    from stedi_dagster.engines.remote import Remote

    return Remote(setting)
