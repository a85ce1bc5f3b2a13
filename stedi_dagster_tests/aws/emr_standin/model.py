"""EMR Serverless as botocore's service model describes it: which request is which operation, and what may be in it."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.validate import ParamValidator

_ANYTHING_ENCODED = r"(?P<\1>[^/]+)"
# What any AWS service may say, and no model lists.
_COMMON_ERRORS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "MissingAuthenticationTokenException": 403,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
}


class RefusedError(Exception):
    """What the service answers instead of doing it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Call:
    """A request that was understood: the operation, its parameters, and what the model does not allow of them."""

    operation: str
    parameters: dict[str, Any]
    problems: tuple[str, ...]


@cache
def service() -> Any:
    """The service model."""
    return botocore.session.get_session().get_service_model("emr-serverless")


@cache
def _routes() -> tuple[tuple[str, re.Pattern[str], Any], ...]:
    operations = [service().operation_model(name) for name in service().operation_names]
    return tuple(
        (
            operation.http["method"],
            re.compile(re.sub(r"\{(\w+)\}", _ANYTHING_ENCODED, operation.http["requestUri"])),
            operation,
        )
        for operation in operations
    )


def understood(method: str, target: str, body: bytes) -> Call | None:
    """What a request asks for, or None if it is no operation of the service.

    Args:
        method: HTTP's.
        target: the path and the query as they were sent.
        body: JSON, or nothing.
    """
    path, _, query = target.partition("?")
    for verb, pattern, operation in _routes():
        found = pattern.fullmatch(path)
        if verb == method and found:
            return _call(operation, found.groupdict(), parse_qs(query, keep_blank_values=True), body)
    return None


def _call(operation: Any, in_path: dict[str, str], in_query: dict[str, list[str]], body: bytes) -> Call:
    shape = operation.input_shape
    problems: list[str] = []
    parameters: dict[str, Any] = {name: unquote(value) for name, value in in_path.items()}
    names = {
        member.serialization.get("name", name): name
        for name, member in shape.members.items()
        if member.serialization.get("location") == "querystring"
    }
    for sent, values in in_query.items():
        if sent in names:
            parameters[names[sent]] = _from_query(shape.members[names[sent]], values)
        else:
            problems.append(f"Unknown parameter in the query: {sent}")
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        content = {}
        problems.append("The body is not JSON")
    in_body = {name for name, member in shape.members.items() if "location" not in member.serialization}
    problems += [f"Not of the body: {name}" for name in content if name in shape.members and name not in in_body]
    parameters.update(content)
    return Call(operation.name, parameters, (*problems, *violations(shape, parameters)))


def _from_query(shape: Any, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    value = values[0]
    if shape.type_name in {"integer", "long"} and value.isdecimal():
        return int(value)
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(value, value)
    return value


def violations(shape: Any, value: Any) -> list[str]:
    """What the model does not allow of a value: types, required and unknown fields, lengths, patterns and enums."""
    report = ParamValidator().validate(value, shape)
    found = report.generate_report().splitlines() if report.has_errors() else []
    return [*found, *_beyond(shape, value, shape.name)]


def _beyond(shape: Any, value: Any, where: str) -> list[str]:
    """What botocore itself leaves to the service."""
    if shape.type_name == "structure" and isinstance(value, dict):
        known = [
            (shape.members[name], held, f"{where}.{name}") for name, held in value.items() if name in shape.members
        ]
    elif shape.type_name == "list" and isinstance(value, list):
        known = [(shape.member, held, f"{where}[{index}]") for index, held in enumerate(value)]
    elif shape.type_name == "map" and isinstance(value, dict):
        known = [(shape.key, key, f"{where} (key)") for key in value]
        known += [(shape.value, held, f"{where}[{key!r}]") for key, held in value.items()]
    else:
        known = []
    found = [problem for inner in known for problem in _beyond(*inner)]
    rules = shape.metadata
    size = value if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else 0
    if size > rules.get("max", size):
        found.append(f"{where}: {size} is above {rules['max']}")
    if isinstance(value, str):
        if rules.get("enum") and value not in rules["enum"]:
            found.append(f"{where}: {value!r} is none of {rules['enum']}")
        if "pattern" in rules and not re.fullmatch(rules["pattern"], value, re.DOTALL):
            found.append(f"{where}: {value!r} does not match {rules['pattern']}")
    return found


def answered(operation: str, answer: dict[str, Any]) -> tuple[bytes, list[str]]:
    """An answer as it goes over the wire, and what the model does not allow of it."""
    found = violations(service().operation_model(operation).output_shape, answer)
    # REST-JSON has timestamps in bodies as seconds since 1970.
    return json.dumps(answer, default=datetime.timestamp).encode(), found


def status_of(operation: str, code: str) -> int:
    """The HTTP status of an error.

    Raises:
        KeyError: the operation does not make this error.
    """
    shapes = service().operation_model(operation).error_shapes
    declared = {shape.name: int(shape.metadata["error"]["httpStatusCode"]) for shape in shapes}
    return {**_COMMON_ERRORS, **declared}[code]
