"""The parameters of a query: their values from the settings and the command line, and how they are bound.

Everything happens on sqlglot's tree, never on the text, so that a parameter can only ever be a value.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from sqlglot import exp

from stedi_dagster.errors import StediError
from stedi_dagster.locations import is_s3
from stedi_dagster.settings import Settings

Value = str | int | float | None

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_QUOTED = re.compile(r"'(.*)'", re.DOTALL)
# A parameter within a quoted string, where SQL does not allow an expression: the LOCATION of a table.
_WITHIN = re.compile(r"\$\{([A-Za-z_]\w*)\}")


def parameters_of(settings: Settings, *, database: str) -> dict[str, Value]:
    """The parameters whose values come from the settings.

    Args:
        settings: the rules in force, and the landing zone, which provides `bucket` and `prefix` if it is on S3.
        database: where the tables are for the engine that runs the query.
    """
    values: dict[str, Value] = {**settings.policy.model_dump(), "database": database}
    values["max_bad_share"] = settings.max_bad_share
    if is_s3(settings.landing):
        parts = urlsplit(settings.landing)
        values |= {"bucket": parts.netloc, "prefix": parts.path.strip("/")}
    return values


def given(assignments: Iterable[str]) -> dict[str, Value]:
    """The parameters of a command line: numbers if they look like one and are not in quotes, otherwise strings.

    Raises:
        StediError: one is not of the form name=value.
    """
    values: dict[str, Value] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.isidentifier():
            raise StediError("Give a parameter as name=value, such as `-p bucket=my-bucket`.")
        quoted = _QUOTED.fullmatch(value)
        if quoted:
            values[name] = quoted[1]
        elif _NUMBER.fullmatch(value):
            values[name] = int(value) if re.fullmatch(r"[+-]?\d+", value) else float(value)
        else:
            values[name] = value
    return values


def bind(tree: exp.Expr, values: Mapping[str, Value], chosen: Mapping[str, Value]) -> exp.Expr:
    """Put values in place of a statement's parameters.

    `:name` stands for a value, and `${name}` within a quoted string for a part of it.

    Args:
        tree: the statement.
        values: by name; those that the statement does not use are ignored.
        chosen: values given by the user, which take precedence; the statement must use them.

    Raises:
        StediError: a parameter has no value, or one was given that the statement does not have.
    """
    names = _parameters(tree)
    unknown = sorted(set(chosen) - names)
    if unknown:
        known = ", ".join(sorted(names)) or "none"
        raise StediError(f"The query has no parameter {', '.join(unknown)}; it has {known}.")
    values = {**values, **chosen}
    missing = sorted(names - set(values))
    if missing:
        options = " ".join(f"-p {name}=..." for name in missing)
        raise StediError(f"The query needs a value for {', '.join(missing)}: add {options}.")
    return tree.transform(lambda node: _bound(node, values))


def _parameters(tree: exp.Expr) -> set[str]:
    names = {str(node.this) for node in tree.find_all(exp.Placeholder) if node.this}
    for literal in tree.find_all(exp.Literal):
        if literal.is_string:
            names |= set(_WITHIN.findall(literal.name))
    return names


def _bound(node: exp.Expr, values: Mapping[str, Value]) -> exp.Expr:
    if isinstance(node, exp.Placeholder) and node.this:
        return exp.convert(values[str(node.this)])
    if isinstance(node, exp.Literal) and node.is_string and _WITHIN.search(node.name):
        text = _WITHIN.sub(lambda match: str(values[match[1]]), node.name)
        if isinstance(node.parent, exp.LocationProperty):
            # The landing zone may be a bucket without a prefix.
            text = re.sub(r"(?<!:)/{2,}", "/", text)
        return exp.Literal.string(text)
    return node
