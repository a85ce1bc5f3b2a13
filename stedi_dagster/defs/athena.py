"""Running a statement on Athena, with dagster-aws's client, and telling what came of it."""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from dagster_aws.athena import AthenaClientResource, AthenaError, AthenaTimeout

from stedi_dagster import aws
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings

_SECONDS_BETWEEN_LOOKS = 1
_LOOKS = 1_800  # Athena itself ends a query after half an hour

_NUMBERS: dict[str, type[int] | type[float]] = {
    **dict.fromkeys(("tinyint", "smallint", "integer", "bigint"), int),
    **dict.fromkeys(("float", "real", "double"), float),
}
# What Athena finds wrong with a query before it reads any row says where in the query it is.
_ABOUT_THE_QUERY = re.compile(r"(?:[A-Z_]+: )?line \d+:\d+: ")


def run_on_athena(text: str, settings: Settings, *, query: bool) -> tuple[list[str], list[dict[str, Any]]]:
    """Run one statement and wait for it.

    Args:
        text: the statement, in Athena's dialect, every table with its database.
        settings: the workgroup is used, which says where results go and what they may cost.
        query: whether it returns rows under column names.

    Returns:
        The columns' names, and the rows: numbers and truth values as such, everything else as Athena's text.

    Raises:
        StediError: no workgroup is set, Athena cannot be reached, refuses the statement, or fails.
    """
    if settings.athena_workgroup is None:
        raise StediError("Athena runs queries in a workgroup: set STEDI_ATHENA_WORKGROUP to its name.")
    started: list[str] = []
    aws.prepare()  # dagster-aws makes a session of its own
    try:
        athena: Any = AthenaClientResource(
            workgroup=settings.athena_workgroup, polling_interval=_SECONDS_BETWEEN_LOOKS, max_polls=_LOOKS
        ).get_client()
        # It tells neither the query's identifier nor, in its own results, the columns' names (pinned by a test).
        athena.client.meta.events.register(
            "after-call.athena.StartQueryExecution",
            lambda parsed, **_: started.append(parsed.get("QueryExecutionId", "")),
        )
        athena.execute_query(text)
        pages = list(athena.client.get_paginator("get_query_results").paginate(QueryExecutionId=started[0]))
    except AthenaTimeout:
        raise StediError(f"Athena has not finished query {started[0]} after {_LOOKS // 60} minutes.") from None
    except AthenaError as error:
        raise StediError(f"The query failed on Athena: {_reason(str(error), started[0], query=query)}") from None
    except KeyError:  # dagster-aws looks for a reason, which a cancelled query may not have
        raise StediError(f"Query {started[0]} was cancelled on Athena.") from None
    except ClientError as error:
        told = error.response["Error"]
        raise StediError(f"Athena refused the query: {told['Code']}: {_one_line(told.get('Message', ''))}") from None
    except BotoCoreError as error:
        raise StediError(f"Athena cannot be reached: {_one_line(str(error))}") from None
    return _rows(pages, query=query)


def _reason(reason: str, query_id: str, *, query: bool) -> str:
    """Athena's reason, unless it may quote a value that the query met."""
    if not query or _ABOUT_THE_QUERY.match(reason):
        return _one_line(reason)
    code = re.match(r"[A-Z][A-Z_]+(?=:|$)", reason)
    return (
        f"{code[0] if code else 'for a reason that may quote personal data'}. Athena's own message is withheld "
        f"because it may quote personal data; its console shows it for query {query_id}."
    )


def _rows(pages: list[dict[str, Any]], *, query: bool) -> tuple[list[str], list[dict[str, Any]]]:
    columns = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"] if pages else []
    raw = [row.get("Data", []) for page in pages for row in page["ResultSet"]["Rows"]]
    names = [column["Name"] for column in columns]
    names = [f"{name}_{names[:at].count(name) + 1}" if name in names[:at] else name for at, name in enumerate(names)]
    types = [column["Type"] for column in columns]
    # The first row of a query's result is its heading.
    return names, [
        dict(zip(names, (_typed(cell, kind) for cell, kind in zip(row, types, strict=True)), strict=True))
        for row in raw[1 if query else 0 :]
    ]


def _typed(cell: dict[str, str], kind: str) -> Any:
    text = cell.get("VarCharValue")
    if text is None:
        return None
    if kind == "boolean":
        return text == "true"
    return _NUMBERS[kind](text) if kind in _NUMBERS else text


def _one_line(text: str) -> str:
    return " ".join(text.split())
