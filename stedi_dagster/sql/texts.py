"""Parses a query in Athena's dialect, adds the views that it names, and renders it for the engine that runs it."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from stedi_dagster.contracts import PUBLISHED
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings
from stedi_dagster.sql.library import FUNCTIONS, VIEWS
from stedi_dagster.sql.parameters import Value, bind, parameters_of

ATHENA, DUCKDB = "athena", "duckdb"
# The schema of DuckDB's views of the tables, and the additional view that it has.
_LOCAL_DATABASE = "main"
LOCAL_VIEWS = frozenset({"landed_files", "quarantine"})
# sqlglot warns about statements that it passes on without parsing them; passing them on is enough.
logging.getLogger("sqlglot").setLevel(logging.ERROR)


def parse(text: str, *, name: str = "The query") -> exp.Expr:
    """Parse one statement in Athena's dialect.

    Args:
        text: the statement, with or without a semicolon.
        name: what to call it in errors.

    Raises:
        StediError: it is not a statement, or several.
    """
    try:
        statements = [tree for tree in sqlglot.parse(text, read=ATHENA) if tree is not None]
    except SqlglotError as error:
        raise StediError(f"{name} is not in Athena's dialect of SQL: {_explain(error)}.") from None
    if not statements:
        raise StediError(f"{name} is empty: it holds no statement.")
    if len(statements) != 1:
        raise StediError(f"{name} holds {len(statements)} statements; Athena runs one at a time.")
    [tree] = statements
    return tree


def render_for_duckdb(
    tree: exp.Expr,
    settings: Settings,
    chosen: Mapping[str, Value] | None = None,
    *,
    known: frozenset[str] = frozenset(),
) -> str:
    """A complete statement in DuckDB's dialect, for `lakehouse.query.connect`.

    Args:
        tree: the statement.
        settings: provide the values of parameters.
        chosen: values of parameters that take precedence over the settings'.
        known: the views of `sql/views/` that the connection has as tables.

    Raises:
        StediError: it cannot run there, or a parameter has no value or does not exist.
    """
    complete = with_views(tree, known=LOCAL_VIEWS | known)
    return for_duckdb(bind(complete, parameters_of(settings, database=_LOCAL_DATABASE), chosen or {}))


def render_for_athena(tree: exp.Expr, settings: Settings, chosen: Mapping[str, Value] | None = None) -> str:
    """A complete statement in Athena's dialect, every table with its database.

    Args:
        tree: the statement.
        settings: provide the values of parameters, and the name of the database.
        chosen: values of parameters that take precedence over the settings'.

    Raises:
        StediError: a parameter has no value or does not exist.
    """
    values = parameters_of(settings, database=settings.database)
    return for_athena(bind(with_views(tree), values, chosen or {}), settings.database)


def with_views(tree: exp.Expr, *, known: frozenset[str] = frozenset()) -> exp.Expr:
    """A statement with its functions expanded and the views it names as CTEs, each after those that it names itself.

    Args:
        tree: the statement, which is not changed.
        known: names that are tables where the statement will run.
    """
    tree = _with_functions(tree.copy())
    if not isinstance(tree, exp.Query):
        return tree
    needed = needed_views(needed_tables(tree), known=known)
    own = tree.args.get("with_")
    ctes = [
        exp.CTE(this=view.tree.copy(), alias=exp.TableAlias(this=exp.to_identifier(name)))
        for name, view in needed.items()
    ]
    if ctes:
        everything = [*ctes, *(own.expressions if own else [])]
        tree.set("with_", exp.With(expressions=everything, recursive=own.recursive if own else None))
    return tree


@dataclass(frozen=True, eq=False)
class Question:
    """A statement that is asked again and again, a view's or an audit's, and so is looked through once in a process.

    Attributes:
        tree: the statement, which nobody changes.
        tables: the tables and views that it names.
    """

    tree: exp.Expr
    tables: tuple[str, ...]


@lru_cache(maxsize=256)
def question(text: str, *, name: str) -> Question:
    """A statement in Athena's dialect; takes what `parse` takes, and raises what it raises."""
    tree = _with_functions(parse(text, name=name))
    return Question(tree, tuple(needed_tables(tree)))


def question_for_duckdb(asked: Question, settings: Settings, *, known: frozenset[str] = frozenset()) -> str:
    """What `render_for_duckdb` makes of its statement."""
    return _question_for_duckdb(asked, tuple(parameters_of(settings, database=_LOCAL_DATABASE).items()), known)


@lru_cache(maxsize=256)
def _question_for_duckdb(asked: Question, values: tuple[tuple[str, Value], ...], known: frozenset[str]) -> str:
    return for_duckdb(bind(with_views(asked.tree, known=LOCAL_VIEWS | known), dict(values), {}))


def needed_views(tables: Iterable[str], *, known: frozenset[str] = frozenset()) -> dict[str, Question]:
    """The views that a statement needs, by name, each after those that it needs itself.

    Args:
        tables: what the statement names.
        known: names that are tables where the statement will run.
    """
    needed: dict[str, Question] = {}

    def add_views(names: Iterable[str]) -> None:
        for name in names:
            if name in needed or name in known or name in PUBLISHED or not (view := _view(name)):
                continue
            add_views(view.tables)
            needed[name] = view

    add_views(tables)
    return needed


def needed_tables(tree: exp.Expr) -> list[str]:
    """The tables and views that a statement names without defining them, in lower case, without a database."""
    return [table.name.lower() for table in _tables(tree) if not table.db]


def for_duckdb(tree: exp.Expr) -> str:
    """The statement in DuckDB's dialect.

    Raises:
        StediError: it creates a table of Athena's, or DuckDB has no equivalent.
    """
    if tree.find(exp.ExternalProperty):
        raise StediError("The statement creates a table of Athena's: add --on athena.")
    try:
        return tree.sql(DUCKDB, comments=False, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        raise StediError(f"The query cannot be expressed in DuckDB's dialect: {_explain(error)}.") from None


def for_athena(tree: exp.Expr, database: str) -> str:
    """The statement in Athena's dialect, every table with its database.

    Args:
        tree: the statement, which is not changed.
        database: that of the published tables; every other table is in `<database>_restricted`.
    """
    tree = tree.copy()
    for table in _tables(tree):
        if not table.db:
            here = database if table.name.lower() in PUBLISHED else f"{database}_restricted"
            table.set("db", exp.to_identifier(here))
    return tree.sql(ATHENA, comments=False, pretty=True)


def _tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """The tables that a statement names without defining them."""
    if isinstance(tree, exp.Create | exp.Drop):
        target = tree.find(exp.Table)
        if target is not None:
            yield target
    query = tree if isinstance(tree, exp.Query) else tree.find(exp.Query)
    if query is None:
        return
    seen: set[int] = set()
    for scope in traverse_scope(query):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and id(source) not in seen:
                seen.add(id(source))
                yield source


@cache
def _view(name: str) -> Question | None:
    """A view; None if there is none."""
    file = VIEWS / f"{name}.sql"
    return question(file.read_text(encoding="utf-8"), name=str(file)) if file.is_file() else None


@cache
def _body(file: Path) -> exp.Expr:
    """The expression that a function computes."""
    body: exp.Expr = parse(file.read_text(encoding="utf-8"), name=str(file)).args["expressions"][0].unalias()
    return body


def _with_functions(tree: exp.Expr) -> exp.Expr:
    """The statement with every call of one of our functions replaced by the expression it computes."""

    def expand(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Anonymous) or len(node.expressions) != 1:
            return node
        file = FUNCTIONS / f"{node.name.lower()}.sql"
        if not file.is_file():
            return node
        [value] = node.expressions
        expanded: exp.Expr = _body(file).transform(
            lambda part: value.copy() if isinstance(part, exp.Placeholder) else part
        )
        return expanded

    return tree.transform(expand)


def _explain(error: SqlglotError) -> str:
    """What is wrong, and where, without the coloured quotation that sqlglot adds."""
    for detail in getattr(error, "errors", []):
        if detail.get("description"):
            return f"line {detail['line']}, column {detail['col']}: {detail['description']}"
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[\d*m", "", str(error))).strip().rstrip(".")
