"""Row filters in PyIceberg's syntax, held against a table's columns before anything is read."""

from typing import Any

from pyiceberg.expressions import AlwaysTrue, BooleanExpression, UnboundPredicate
from pyiceberg.expressions.parser import parse
from pyiceberg.expressions.visitors import BooleanExpressionVisitor, visit
from pyiceberg.schema import Schema
from pyparsing import ParseBaseException

from stedi_dagster.errors import StediError

_SYNTAX = (
    "The filter is not in PyIceberg's syntax{}. Write something like \"x > 0 and participantId = 'a'\": texts stand in "
    "single quotes, `is null` and `in (…)` are known, values of one list are of one type. See "
    "https://py.iceberg.apache.org/row-filter-syntax."
)


def row_filter(where: str | BooleanExpression | None, schema: Schema, table: str) -> BooleanExpression:
    """A filter that the columns of a table allow.

    Args:
        where: a text in PyIceberg's syntax, or one of its expressions; None: every row.
        schema: the table's.
        table: its name, for messages.

    Raises:
        StediError: it cannot be read, names a column that the table does not have, or compares one with a value of
            another type. No value is quoted: it may be somebody's address.
    """
    found = parsed(where)
    visit(found, _Allowed(schema, table))
    return found


def parsed(where: str | BooleanExpression | None) -> BooleanExpression:
    """A filter, whatever columns it names.

    Args:
        where: see `row_filter`.

    Raises:
        StediError: it cannot be read.
    """
    if where is None:
        return AlwaysTrue()
    if isinstance(where, str):
        try:
            where = parse(where)
        except ParseBaseException as error:
            # At its first character nothing is wrong: it is where pyparsing gave up all it could have been.
            place = f", at its character {error.column}" if error.column > 1 else ""
            raise StediError(_SYNTAX.format(place)) from None
        except (ValueError, TypeError):
            raise StediError(_SYNTAX.format("")) from None
    if not isinstance(where, BooleanExpression):
        raise StediError(f"A filter is a text or an expression of pyiceberg.expressions, not {type(where).__name__}.")
    return where


class _Allowed(BooleanExpressionVisitor[None]):
    """Refuses what the columns do not allow, predicate by predicate, so that it can be said which."""

    def __init__(self, schema: Schema, table: str) -> None:
        self._schema, self._table = schema, table

    def visit_unbound_predicate(self, predicate: UnboundPredicate) -> None:
        # A transformed column names the column within.
        name = str(getattr(predicate.term, "name", ""))
        known = {field.name: field for field in self._schema.fields}
        if name and name not in known:
            raise StediError(
                f"The filter names {name!r}, which is no column of {self._table}: it has {', '.join(known)}."
            )
        try:
            predicate.bind(self._schema, case_sensitive=True)
        except (ValueError, TypeError):
            kind = f"{name} is of the type {known[name].field_type}" if name else "a column is of another type"
            raise StediError(f"The filter compares a column with a value of another type: {kind}.") from None

    def visit_true(self) -> None:
        """Every row."""

    def visit_false(self) -> None:
        """No row."""

    def visit_not(self, child_result: None) -> None:
        """What is within was visited."""

    def visit_and(self, left_result: None, right_result: None) -> None:
        """What is within was visited."""

    def visit_or(self, left_result: None, right_result: None) -> None:
        """What is within was visited."""

    def visit_bound_predicate(self, predicate: Any) -> None:
        """One that was bound to columns."""
