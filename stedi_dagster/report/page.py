"""Renders the facts as one self-contained HTML page: no script, no font, no picture, no other file."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stedi_dagster.report.facts import Facts, State
from stedi_dagster.wording import counted

_HERE = Path(__file__).parent
_CONSENT = {
    "granted": "The latest record of a person must agree to research",
    "as_of": "The latest record of a person must agree to research, and no reading may be older than the agreement",
    "as_of_accelerometer": "The latest record of a person must agree to research, and no accelerometer reading may be "
    "older than the agreement",
}
_MATCH = {
    "person": "readings of the same person and the same time are paired",
    "timestamp": "readings of the same time are paired, whoever they belong to",
}
_STEP_PEOPLE = {
    "curated": "step readings come from people who also have accelerometer readings",
    "trusted": "step readings come from everybody who agrees",
}
_SERIALS = {
    "unique": "",
    "evidence": "a step reading of a serial number that several people carry is kept if one of them alone moved then; ",
}
STATES: dict[State, str] = {"passed": "Passed", "warns": "Warning", "failed": "Failed"}


def render(facts: Facts) -> str:
    """Render the page."""
    return environment().get_template("page.html").render(report=facts, rules=rules(facts.policy))


def environment(*folders: Path, finalize: Callable[[Any], Any] | None = None) -> Environment:
    """What renders this page, and pages that are made of its parts: `base.html`, `macros.html`, `page.css`.

    Args:
        folders: where further templates are; they are found before those of this folder.
        finalize: what becomes of each value before it is written. Texts are escaped for HTML unless it makes Markup.
    """
    # Loaded from folders, not by the package's name: they are the same in a wheel.
    made = Environment(
        loader=FileSystemLoader([*folders, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    made.filters |= {
        "counted": counted,
        "number": lambda number: f"{number:,}",
        "minute": minute,
        "day": day,
        "machine": lambda at_ms: _moment(at_ms, "%Y-%m-%dT%H:%M:%SZ"),
        "state": STATES.__getitem__,
        "brief": _brief,
        "share": share,
        "breakable": _breakable,
    }
    return made


def day(at_ms: int) -> str:
    """The day of a moment in epoch ms, in UTC."""
    return _moment(at_ms, "%Y-%m-%d")


def minute(at_ms: int) -> str:
    """The minute of a moment in epoch ms, in UTC."""
    return _moment(at_ms, "%Y-%m-%d %H:%M")


def _moment(at_ms: int, form: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).strftime(form)


def _breakable(text: str) -> Markup:
    """Let a narrow column break the text within names."""
    return Markup("_<wbr>").join(text.split("_"))


def rules(policy: Mapping[str, Any]) -> str:
    """The rules in words."""
    age = policy["max_age"]
    limit = "people of any age" if age is None else f"nobody who was older than {age:,} when they registered"
    steps = f"{_STEP_PEOPLE[_step_people(policy)]}; {_SERIALS[_serials(policy)]}"
    return f"{_CONSENT[policy['consent']]}; {_MATCH[policy['match']]}; {steps}{limit}."


def _brief(policy: Mapping[str, Any]) -> str:
    """The rules in short: the values of their settings."""
    age = policy["max_age"]
    steps = "" if _step_people(policy) == "curated" else "steps of all, "
    steps += "" if _serials(policy) == "unique" else "by evidence, "
    return f"{policy['consent']}, {policy['match']}, {steps}{'any age' if age is None else f'to age {age}'}"


def _step_people(policy: Mapping[str, Any]) -> str:
    """Older snapshots do not record it: there was only one rule."""
    return str(policy.get("step_people", "curated"))


def _serials(policy: Mapping[str, Any]) -> str:
    """As `_step_people`."""
    return str(policy.get("serials", "unique"))


def share(part: float, whole: float) -> str:
    """A percentage that shows neither 0 nor 100 for values that only come near."""
    if not whole:
        return "0"
    percent = 100 * part / whole
    if 0 < percent < 0.1:  # noqa: PLR2004 - what one decimal can show
        return "<0.1"
    if 99.9 < percent < 100:  # noqa: PLR2004
        return ">99.9"
    return f"{percent:.1f}".removesuffix(".0")
