"""Statements between the dialects: parameters as values, views and functions put in, tables with their database."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from stedi_dagster.contracts import TABLES
from stedi_dagster.errors import StediError
from stedi_dagster.keys import key_of, stored
from stedi_dagster.settings.policy import PRESETS
from stedi_dagster.sql.library import FUNCTIONS
from stedi_dagster.sql.parameters import given
from stedi_dagster.sql.texts import parse, render_for_athena, render_for_duckdb
from stedi_dagster_tests.scenario import Scenario
from stedi_dagster_tests.sql.worlds import IDA_KEY


def locally(text: str, tmp_path: Path, chosen=None, **settings) -> str:
    return render_for_duckdb(parse(text), Scenario(tmp_path).load_settings(**settings), chosen)


def run(text: str) -> list[tuple[Any, ...]]:
    return duckdb.connect().execute(text).fetchall()


def on_athena(text: str, tmp_path: Path, chosen=None, **settings) -> str:
    return " ".join(render_for_athena(parse(text), Scenario(tmp_path).load_settings(**settings), chosen).split())


@pytest.mark.parametrize("preset", PRESETS)
def test_the_rules_are_parameters_by_their_names(tmp_path, preset):
    text = locally("SELECT :consent, :match, :max_age, :database", tmp_path, preset=preset)
    rules = PRESETS[preset]
    assert run(text) == [(rules.consent, rules.match, rules.max_age, "main")]


def test_a_parameter_that_is_asked_for_wins_over_the_settings(tmp_path):
    assert locally("SELECT :consent", tmp_path, {"consent": "as_of"}) == "SELECT 'as_of'"


def test_a_landing_zone_on_s3_gives_bucket_and_prefix(tmp_path):
    query = "SELECT :bucket, :prefix"
    assert locally(query, tmp_path, landing="s3://zone/a/b/") == "SELECT 'zone', 'a/b'"
    assert locally(query, tmp_path, landing="s3://zone") == "SELECT 'zone', ''"


def test_a_parameter_without_a_value_is_one_clear_error(tmp_path):
    with pytest.raises(StediError, match=r"^The query needs a value for bucket, since: add -p bucket=\.\.\. -p since="):
        locally("SELECT :since, '${bucket}', :consent", tmp_path)


def test_a_parameter_that_a_query_does_not_have_is_refused(tmp_path):
    with pytest.raises(StediError, match="The query has no parameter sinse; it has since"):
        locally("SELECT :since", tmp_path, {"sinse": 1, "since": 2})


@pytest.mark.parametrize(
    "hostile", ["x' OR '1' = '1", "x'; DROP TABLE customer_trusted; --", "\\' OR 1=1 --", "'", "${y}"]
)
def test_a_parameter_is_a_value_whatever_is_in_it(tmp_path, hostile):
    query = "SELECT :who AS a, 'is ${who}' AS b"
    assert run(locally(query, tmp_path, {"who": hostile})) == [(hostile, f"is {hostile}")]
    for text in (locally(query, tmp_path, {"who": hostile}), on_athena(query, tmp_path, {"who": hostile})):
        tree = parse(text)
        assert [literal.name for literal in tree.find_all(exp.Literal)] == [hostile, f"is {hostile}"]
    ddl = "CREATE EXTERNAL TABLE t (a string) LOCATION 's3://${who}/'"
    made = parse(on_athena(ddl, tmp_path, {"who": hostile}))
    [location] = made.find_all(exp.LocationProperty)
    assert location.this.name == f"s3://{hostile}/"


def test_a_prefix_may_be_empty(tmp_path):
    ddl = "CREATE EXTERNAL TABLE t (a string) LOCATION 's3://${bucket}/${prefix}/customer/'"
    assert "LOCATION 's3://b/customer/'" in on_athena(ddl, tmp_path, {"bucket": "b", "prefix": ""})


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("'7'", "7"),
        ("a b", "a b"),
        ("", ""),
        ("a=b", "a=b"),
        ("7a", "7a"),
    ],
)
def test_a_value_is_a_number_where_it_looks_like_one(told, value):
    assert given([f"name={told}"]) == {"name": value}
    assert type(given([f"name={told}"])["name"]) is type(value)


@pytest.mark.parametrize("told", ["name", "=1", "a b=1", ""])
def test_an_assignment_that_is_none_is_explained(told):
    with pytest.raises(StediError, match="parameter as name=value"):
        given([told])


def test_a_view_is_put_before_the_query_that_names_it_with_those_it_names_itself(tmp_path):
    tree = parse(locally("SELECT count(*) FROM OWNERS AS o", tmp_path))
    assert [cte.alias for cte in tree.find_all(exp.CTE)] == ["landed_customers", "owners"]


def test_a_query_may_define_what_is_also_a_view_or_a_table(tmp_path):
    query = "WITH owners AS (SELECT 1 AS a), customer_trusted AS (SELECT * FROM customer_trusted) "
    told = on_athena(query + "SELECT * FROM owners, customer_trusted", tmp_path)
    assert told == (
        "WITH owners AS ( SELECT 1 AS a ), customer_trusted AS ( SELECT * FROM stedi.customer_trusted ) "
        "SELECT * FROM owners, customer_trusted"
    )


def test_quarantine_is_a_view_here_and_spelled_out_on_athena(tmp_path):
    query = "SELECT count(*) FROM quarantine"
    assert locally(query, tmp_path) == "SELECT COUNT(*) FROM quarantine"
    told = on_athena(query, tmp_path)
    for feed in ("customer", "accelerometer", "step_trainer"):
        assert f"FROM stedi_restricted.{feed}_quarantine" in told


@pytest.mark.parametrize("table", [*TABLES, "participants", "customer_quarantine", "raw_customer"])
def test_a_table_is_in_the_database_that_its_readers_may_read(tmp_path, table):
    expected = "lake" if table in TABLES else "lake_restricted"
    query = f"SELECT 1 FROM (SELECT * FROM {table}) AS a WHERE EXISTS (SELECT 1 FROM {table} AS b)"
    assert on_athena(query, tmp_path, database="lake").count(f"{expected}.{table}") == 2
    assert f"{expected}.{table.upper()}" in on_athena(f"SELECT 1 FROM {table.upper()}", tmp_path, database="lake")


def test_a_table_that_names_its_database_keeps_it(tmp_path):
    assert on_athena("SELECT 1 FROM other.customer_trusted", tmp_path) == "SELECT 1 FROM other.customer_trusted"


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        (" Ann@X.org\t", "ann@x.org"),
        ("\x0b\x0c\r\nE@x\x0b\x0c\r\n", "e@x"),
        (IDA_KEY, IDA_KEY),
        ("\u13a0@x", "\u13a0@x"),  # a capital with a small letter, which is the key of both
        ("a b", "a b"),
        ("", ""),
    ],
)
def test_a_person_is_recognised_as_the_pipeline_does(tmp_path, spelling, key):
    text = locally("SELECT matching_key(:spelling)", tmp_path, {"spelling": spelling})
    assert run(text) == [(key,)]


def test_what_landing_stores_has_the_key_that_python_gives_it(tmp_path):
    letters = [chr(code) for code in range(1, 0x1F000, 7) if not 0xD800 <= code <= 0xDFFF]
    texts = [stored(f"{letter}A{letter}") for letter in (*map(chr, range(1, 128)), *letters)]
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT unnest($1) AS spelling", [texts])
    query = locally("SELECT spelling, matching_key(spelling) FROM x.t", tmp_path).replace("x.t", "t")
    found = dict(connection.execute(query).fetchall())
    assert {text: found[text] for text in texts if found[text] != key_of(text)} == {}


def test_the_function_is_one_expression_of_one_value():
    [file] = FUNCTIONS.glob("*.sql")
    tree = parse(file.read_text(encoding="utf-8"))
    assert {str(node.this) for node in tree.find_all(exp.Placeholder)} == {"spelling"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT (1", "line 1, column 9: Expecting"),
        ("SELECT 1; SELECT 2", "holds 2 statements"),
        ("-- nothing", "is empty: it holds no statement"),
        ("SELECT 'a", "not in Athena's dialect"),
    ],
)
def test_what_is_no_statement_is_explained_in_one_line(text, reason):
    with pytest.raises(StediError, match=reason) as raised:
        parse(text, name="a.sql")
    assert str(raised.value).startswith("a.sql ")
    assert "\n" not in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_a_table_of_athenas_is_not_made_here(tmp_path):
    with pytest.raises(StediError, match="add --on athena"):
        locally("CREATE EXTERNAL TABLE t (a string) LOCATION 's3://a/b/'", tmp_path)


def test_where_the_dialects_differ_and_are_bridged():
    text = (
        "SELECT regexp_replace('aXbX', 'X', ''), element_at(ARRAY[7], 1), max_by(a, b) FROM (VALUES (1, 2)) AS t(a, b)"
    )
    assert run(sqlglot.transpile(text, read="athena", write="duckdb")[0]) == [("ab", 7, 1)]


def test_where_they_differ_and_are_not():
    """What the files must do without; `test_files` sees to it."""

    def here(text: str) -> object:
        return run(sqlglot.transpile(text, read="athena", write="duckdb")[0])[0][0]

    assert here("SELECT 1 / 2") == 0.5  # Athena: 0
    assert here("SELECT date_diff('year', DATE '1970-12-31', DATE '1971-01-01')") == 1  # Athena: 0, completed years
    assert here("SELECT user") == "duckdb"  # the engine's user and not a column
