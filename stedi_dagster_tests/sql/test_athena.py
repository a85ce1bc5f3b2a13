"""`stedi sql --on athena`: what is sent, in which workgroup, and what comes of it. Athena is moto's."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID

from stedi_dagster.sql.library import SQL
from stedi_dagster_tests.command import Stedi, parsed

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Athena with a workgroup, and no settings but those of a test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "STEDI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        boto3.setup_default_session()
        client = boto3.client("athena")
        output = {"OutputLocation": "s3://results/"}
        client.create_work_group(Name="analysts", Configuration={"ResultConfiguration": output})
        yield client
    boto3.DEFAULT_SESSION = None


def answer(columns: dict[str, str], *rows: tuple[str | None, ...]) -> None:
    """Let Athena answer the next query; a heading comes first, as it does on Athena."""
    column = {"CatalogName": "hive", "SchemaName": "", "TableName": "", "Precision": 0, "Scale": 0}
    column |= {"Nullable": "UNKNOWN", "CaseSensitive": True}
    info = [{**column, "Name": name, "Label": name, "Type": kind} for name, kind in columns.items()]
    data = [[{} if cell is None else {"VarCharValue": cell} for cell in row] for row in (tuple(columns), *rows)]
    results = {"rows": [{"Data": row} for row in data], "column_info": info}
    told: Any = {"account_id": DEFAULT_ACCOUNT_ID, "region": REGION, "results": [results]}
    response = requests.post("http://motoapi.amazonaws.com/moto-api/static/athena/query-results", json=told, timeout=10)
    assert response.status_code == 201


def sent(client: Any, workgroup: str = "analysts") -> list[str]:
    """The texts of the queries of a workgroup."""
    ids = client.list_query_executions(WorkGroup=workgroup)["QueryExecutionIds"]
    return [client.get_query_execution(QueryExecutionId=one)["QueryExecution"]["Query"] for one in ids]


def ends(state: str, **status: str) -> None:
    """Let queries end so."""
    boto3.DEFAULT_SESSION.events.register(
        "after-call.athena.GetQueryExecution",
        lambda parsed, **_: parsed["QueryExecution"]["Status"].update(State=state, **status),
    )


def refuses(operation: str, code: str, message: str) -> None:
    """Let Athena refuse an operation."""
    from botocore.awsrequest import AWSResponse

    response = AWSResponse("https://athena", 400, {}, None)
    told = {"Error": {"Code": code, "Message": message}}
    boto3.DEFAULT_SESSION.events.register(f"before-call.athena.{operation}", lambda **_: (response, told))


def test_a_query_runs_in_the_workgroup_and_its_rows_are_printed(stedi: Stedi, aws: Any) -> None:
    answer({"step": "varchar", "people": "bigint"}, ("1 registered", "956"), ("2 agreed", None))
    told = stedi(
        "sql", "--on", "athena", "--json", str(SQL / "explore/consent_funnel.sql"), athena_workgroup="analysts"
    )
    assert parsed(told) == [{"step": "1 registered", "people": 956}, {"step": "2 agreed", "people": None}]
    [text] = sent(aws)
    assert "FROM stedi.customer_landing" in text
    assert "REGEXP_REPLACE(email" in text
    assert sent(aws, "primary") == []


def test_values_have_their_types(stedi: Stedi) -> None:
    answer(
        {"i": "integer", "d": "double", "b": "boolean", "t": "varchar", "n": "decimal"},
        ("7", "0.5", "true", 'two\nlines, "quoted"', "1.50"),
    )
    [row] = parsed(stedi("sql", "--on", "athena", "--json", "SELECT 1", athena_workgroup="analysts"))
    assert row == {"i": 7, "d": 0.5, "b": True, "t": 'two\nlines, "quoted"', "n": "1.50"}


def test_rows_are_shown_to_people_as_those_of_this_machine(stedi: Stedi) -> None:
    answer({"table_name": "varchar", "rows": "bigint"}, ("customer_trusted", "1"))
    told = stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="analysts")
    assert [line.split() for line in told.stdout.splitlines()] == [["table_name", "rows"], ["customer_trusted", "1"]]


def test_a_typed_query_is_athenas_and_has_parameters(stedi: Stedi, aws: Any) -> None:
    query = 'SELECT "user", "timestamp", count(*) AS "rows" FROM Accelerometer_Landing WHERE "user" = :who'
    answer({"a": "varchar"})
    told = stedi("sql", "--on", "athena", query, "-p", "who=o'neil", athena_workgroup="analysts", database="lake")
    assert told.exit_code == 0, told.output
    [text] = sent(aws)
    assert " ".join(text.split()) == (
        'SELECT "user", "timestamp", COUNT(*) AS "rows" FROM lake.Accelerometer_Landing WHERE "user" = \'o\'\'neil\''
    )


def test_a_raw_table_is_made(stedi: Stedi, aws: Any) -> None:
    file = str(SQL / "landing/accelerometer_landing.sql")
    told = stedi(
        "sql", "--on", "athena", "--json", file, "--param", "bucket=b", "-p", "prefix=", athena_workgroup="analysts"
    )
    assert parsed(told) == []
    [text] = sent(aws)
    assert text.startswith("CREATE EXTERNAL TABLE IF NOT EXISTS stedi_restricted.raw_accelerometer")
    assert "`user` STRING" in text
    assert "`timestamp` BIGINT" in text
    assert text.endswith("LOCATION 's3://b/accelerometer/landing/'")


def failed(told: Any) -> str:
    """What a command that failed says, which is one line."""
    assert told.exit_code == 2
    assert told.stdout == ""
    [line] = told.stderr.splitlines()
    assert isinstance(line, str)
    return line


def test_without_a_workgroup_nothing_is_sent(stedi: Stedi, aws: Any) -> None:
    assert "set STEDI_ATHENA_WORKGROUP" in failed(stedi("sql", "--on", "athena", "SELECT 1"))
    assert sent(aws, "primary") == []


def test_a_query_that_fails_is_explained(stedi: Stedi) -> None:
    ends("FAILED", StateChangeReason="COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved")
    told = failed(stedi("sql", "--on", "athena", "SELECT x", athena_workgroup="analysts"))
    assert told == "stedi: The query failed on Athena: COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved"


def test_a_failure_never_quotes_data(stedi: Stedi, aws: Any) -> None:
    ends("FAILED", StateChangeReason="INVALID_CAST_ARGUMENT: Cannot cast 'ann@example.com' to BIGINT")
    told = failed(stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="analysts"))
    assert "INVALID_CAST_ARGUMENT. " in told
    assert "ann@example.com" not in told
    [query] = aws.list_query_executions(WorkGroup="analysts")["QueryExecutionIds"]
    assert query in told


def test_a_table_that_could_not_be_made_is_explained(stedi: Stedi) -> None:
    ends("FAILED", StateChangeReason="FAILED: SemanticException [Error 10072]: Database does not exist:\nx")
    ddl = "CREATE EXTERNAL TABLE t (a string) LOCATION 's3://a/b/'"
    told = failed(stedi("sql", "--on", "athena", ddl, athena_workgroup="analysts"))
    assert told.endswith("Database does not exist: x")


def test_a_query_that_was_cancelled_is_told(stedi: Stedi) -> None:
    ends("CANCELLED")
    assert re.search(
        r"Query \S+ was cancelled on Athena",
        failed(stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="analysts")),
    )


def test_a_query_that_does_not_end_is_told(stedi: Stedi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stedi_dagster.defs.athena._LOOKS", 60)
    monkeypatch.setattr("time.sleep", lambda _: None)
    ends("RUNNING")
    told = failed(stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="analysts"))
    assert told.endswith("after 1 minutes.")


@pytest.mark.parametrize("operation", ["StartQueryExecution", "GetQueryExecution", "GetQueryResults"])
def test_access_that_is_denied_is_told(stedi: Stedi, operation: str) -> None:
    refuses(operation, "AccessDeniedException", "You are not authorized to perform:\n athena:X on the resource")
    told = failed(stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="analysts"))
    assert "Athena refused the query: AccessDeniedException: You are not authorized to perform: athena:X" in told


def test_a_workgroup_that_does_not_exist_is_told(stedi: Stedi) -> None:
    told = failed(stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="nobodys"))
    assert "WorkGroup does not exist" in told


def test_missing_credentials_are_told(stedi: Stedi, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from botocore.exceptions import NoCredentialsError

    def without(**_: Any) -> None:
        raise NoCredentialsError

    boto3.DEFAULT_SESSION.events.register("before-call.athena.StartQueryExecution", without)
    told = failed(stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="analysts"))
    assert told == "stedi: Athena cannot be reached: Unable to locate credentials"


def test_a_missing_region_is_told(stedi: Stedi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    boto3.setup_default_session()
    assert "You must specify a region" in failed(
        stedi("sql", "--on", "athena", "SELECT 1", athena_workgroup="analysts")
    )


def test_dagsters_own_results_have_no_names_and_break_at_lines(aws: Any) -> None:
    """Why the results are fetched by Athena's API."""
    from dagster_aws.athena import AthenaClient

    boto3.client("s3").create_bucket(Bucket="results")
    boto3.client("s3").put_object(Bucket="results", Key="x.csv", Body=b'"a"\n"two\n\nlines"\n')

    class Finished(AthenaClient):
        def _poll(self, execution_id: str) -> None: ...

    finished: Any = Finished
    client = finished(aws, workgroup="analysts")
    aws.meta.events.register(
        "after-call.athena.GetQueryExecution",
        lambda parsed, **_: parsed["QueryExecution"].update(
            ResultConfiguration={"OutputLocation": "s3://results/x.csv"}
        ),
    )
    assert client.execute_query("SELECT 1", fetch_results=True) != [("two\n\nlines",)]


def test_neither_athena_nor_sqlglot_is_loaded_by_a_run() -> None:
    code = (
        "import sys, stedi_dagster.defs.definitions, stedi_dagster.cli.run, stedi_dagster.cli.sql;"
        "print([m for m in ('sqlglot', 'boto3', 'dagster_aws') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
