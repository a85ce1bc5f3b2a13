"""The audit `consent`: is every row of somebody who agrees to research, by what has landed?

`sql/verify/consent.sql` asks it of the tables that it names. A table that came later is asked by its contract, which
says whose its rows are: no table can be forgotten. Both are judged by the same views of what landed, and neither by the
rules that select.
"""

from collections.abc import Iterator

from stedi_dagster.audits.standing.evidence import Evidence
from stedi_dagster.audits.standing.finding import Finding
from stedi_dagster.contracts import CONSENTED, Column, Contract
from stedi_dagster.sql import texts
from stedi_dagster.sql.library import VERIFY

NAME = "consent"
# From when on a row must be, where the rules ask it: a participant's may hold readings of both kinds, of which one is
# somebody else's where they are paired by their time alone.
_AS_OF = {
    "person": ":consent IN ('as_of', 'as_of_accelerometer')",
    "device": ":consent = 'as_of'",
    "participant": ":consent = 'as_of' OR (:consent = 'as_of_accelerometer' AND :match = 'person')",
}


def find_without_consent(evidence: Evidence) -> Iterator[Finding]:
    """Rows that nobody agreed to.

    Raises:
        StediError: a table is not published.
    """
    yield from evidence.answer(NAME)
    named = texts.question((VERIFY / f"{NAME}.sql").read_text(encoding="utf-8"), name=NAME).tables
    for name, contract in CONSENTED.items():
        if name not in named:
            for problem, rows in evidence.ask_text(question_of(contract), name=NAME):
                yield Finding(name, problem, int(rows))


def question_of(contract: type[Contract]) -> str:
    """The question of one table, in Athena's dialect: problem and rows."""
    named, devices = contract.identifying("person", "participant"), contract.identifying("device")
    parts = [_whose(contract, spec, _are_null([], contract)) for spec in named]
    if all(spec.nullable for spec in named):
        parts += [_whose(contract, spec, _are_null(named, contract)) for spec in devices]
    if all(spec.nullable for spec in (*named, *devices)):
        nobody, no_moment = "CAST(NULL AS varchar) AS person", "CAST(NULL AS bigint) AS moment"
        condition = _are_null([*named, *devices], contract)
        parts.append(f"SELECT {nobody}, {no_moment} FROM {contract.table()} WHERE {condition}")  # noqa: S608 - as below
    return f"""
        SELECT problem, count(*) AS "rows"
        FROM (
          SELECT
            CASE
              WHEN since IS NULL THEN 'rows of people who do not agree to research'
              WHEN moment < since THEN 'rows from before the person agreed'
            END AS problem
          FROM ({" UNION ALL ".join(parts)}) AS published
          LEFT JOIN consents ON consents.person = published.person
        ) AS judged
        WHERE problem IS NOT NULL
        GROUP BY problem
        ORDER BY problem
    """  # noqa: S608 - names of tables and columns of our own contracts


def _are_null(columns: list[Column], contract: type[Contract]) -> str:
    return " AND ".join(["true", *(f"{_in(contract, spec.name)} IS NULL" for spec in columns)])


def _in(contract: type[Contract], column: str) -> str:
    return f'{contract.table()}."{column}"'


def _whose(contract: type[Contract], spec: Column, condition: str) -> str:
    """Whose each row is by one column, where that is not null, and its moment where that counts."""
    kind, column, event_time = spec.identifies or "person", _in(contract, spec.name), contract.event_time()
    moment = f"CASE WHEN {_AS_OF[kind]} THEN {_in(contract, event_time)} END" if event_time else "CAST(NULL AS bigint)"
    person, joined = {
        "person": (f"matching_key({column})", ""),
        "device": ("owners.person", f"LEFT JOIN owners ON owners.device = matching_key({column})"),
        "participant": ("participants.email", f"LEFT JOIN participants ON participants.participantId = {column}"),
    }[kind]
    there = f"{column} IS NOT NULL" if spec.nullable else "true"
    return f"""
        SELECT {person} AS person, {moment} AS moment
        FROM {contract.table()} {joined}
        WHERE {condition} AND {there}
    """  # noqa: S608 - as above
