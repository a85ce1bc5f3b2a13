"""`stedi settings`."""

import json

from stedi_dagster.cli.tables import show
from stedi_dagster.settings import Settings


def list_settings(*, as_json: bool) -> None:
    """Print every setting: its variable, its value now, what it means.

    Raises:
        SettingsError: a setting is not allowed.
    """
    settings = Settings.load()
    rules = settings.policy.model_dump()
    rows = []
    for name, spec in Settings.model_fields.items():
        value = getattr(settings, name)
        if name == "warehouse":
            value = settings.warehouse_location
        rows.append(
            {
                "setting": f"STEDI_{name.upper()}",
                "value": _shown(rules.get(name) if value is None else value),
                "meaning": spec.description,
            }
        )
    show(rows, as_json=as_json)


def _shown(value: object) -> str:
    """A value as one would set it; nothing for what is not set."""
    return "" if value is None else json.dumps(value) if isinstance(value, dict) else str(value)
