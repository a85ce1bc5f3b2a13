"""The page of settings: from the fields of `Settings`."""

from typing import Any

from docs.generator import markdown as md
from docs.generator.sources import Settings

# Every setting stands in one of these; `page` refuses one that does not.
_GROUPS = {
    "Where things are": ("home", "landing", "warehouse", "catalog", "database", "compute_logs", "lock_timeout"),
    "Rules": ("preset", "consent", "match", "step_people", "max_age", "serials", "split"),
    "Limits": ("max_bad_share", "max_shrink", "max_doubt", "evidence"),
    "History, erasure and audits": ("retention", "max_snapshots", "erasure_key", "freshness"),
    "Engine": (
        "engine",
        "memory",
        "emr_application_id",
        "emr_execution_role_arn",
        "emr_session_name",
        "emr_spark_conf",
        "emr_idle_minutes",
        "emr_start_minutes",
        "athena_workgroup",
    ),
    "Alerts and the UI": ("alert_urls", "alert_topic_arn", "ui_url", "ui_hosts"),
}
_INTRODUCTION = """
Settings are environment variables. `stedi settings` prints each with its value now. A wrong value, or a variable that
begins with `STEDI_` and is no setting, stops a command before it starts anything. An empty variable counts as not set.
"""
_READ_ON = """
What the rules mean is in [Consent](../explanation/consent.md), and how to change them in
[Change a rule](../how-to/change-a-rule.md). `stedi settings --from-stack NAME` prints the settings of a stack
[on AWS](../how-to/deploy-on-aws.md).
"""


def page() -> str:
    """The page.

    Raises:
        ValueError: a setting stands in no group, or a group names what is no setting.
    """
    properties: dict[str, dict[str, Any]] = Settings.model_json_schema()["properties"]
    grouped = [name for names in _GROUPS.values() for name in names]
    if sorted(grouped) != sorted(properties):
        differing = ", ".join(sorted({*grouped} ^ {*properties}))
        raise ValueError(f"docs/generator/settings.py groups the settings, and does not agree about {differing}")
    parts = []
    for heading, names in _GROUPS.items():
        rows = [_row(name, properties[name]) for name in names]
        parts.append(f"## {heading}\n\n{md.table(('variable', 'default', 'allowed', 'meaning'), rows)}")
    return md.page("Settings", _INTRODUCTION, *parts, _READ_ON)


def _row(name: str, said: dict[str, Any]) -> tuple[str, str, str, str]:
    variable = f"STEDI_{name.upper()}"
    return (
        f"{md.anchor(variable.lower())}{md.code(variable)}",
        _default(said.get("default")),
        _allowed(said),
        said["description"],
    )


def _default(value: object) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, list):
        return md.code(",".join(str(one) for one in value))
    return md.code(f"{value:g}" if isinstance(value, float) else value)


def _allowed(said: dict[str, Any]) -> str:
    choices = [said, *said.get("anyOf", ())]
    for one in choices:
        if "enum" in one:
            return md.codes(one["enum"])
        if "exclusiveMinimum" in one:
            return f"above {one['exclusiveMinimum']:g}, up to {one['maximum']:g}"
        if "minimum" in one:
            return f"{one['minimum']:g} to {one['maximum']:g}" if "maximum" in one else f"{one['minimum']:g} or more"
    return ""
