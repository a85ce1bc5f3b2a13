"""What imports cost: `python -m bench.imports` prints the seconds until a command could begin, here and on AWS.

Each line is the best of several fresh processes, as other load on the machine can only add time.
"""

import json
import subprocess
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

_CASES = {
    "nothing (Python itself)": "pass",
    "`stedi --help`": "import stedi_dagster.cli.app",
    "`stedi run`, on this machine": "import stedi_dagster.cli.run; {engine}",
    "`stedi run`, on S3, Glue and EMR Serverless": (
        "import stedi_dagster.cli.run; {engine}; import stedi_dagster.engines.emr_serverless, "
        "stedi_dagster.lakehouse.glue, stedi_dagster.lakehouse.s3_lock, stedi_dagster.storage.s3"
    ),
}
_ENGINE = "import pyspark.sql.connect.session, pyiceberg.catalog.sql"
_OF_AWS = ("boto3", "botocore", "dagster_aws")
_PROBE = "import sys, json; print(json.dumps([name for name in {names} if name in sys.modules] + [len(sys.modules)]))"


def main(runs: Annotated[int, typer.Option(min=1, help="Processes per line; the best counts.")] = 7) -> None:
    """Print seconds, modules, and the AWS libraries among them."""
    table = Table(box=None, header_style="bold")
    table.add_column("imported for")
    for heading in ("seconds", "modules"):
        table.add_column(heading, justify="right")
    table.add_column("of AWS")
    for label, code in _CASES.items():
        # Without garbage collection, like the command.
        text = f"import gc; gc.disable(); {code.format(engine=_ENGINE)}; {_PROBE.format(names=_OF_AWS)}"
        seconds, probed = min(_import(text) for _ in range(runs))
        *of_aws, modules = probed
        table.add_row(label, f"{seconds:.2f}", f"{modules:,}", ", ".join(map(str, of_aws)) or "nothing")
    Console().print(table)


def _import(code: str) -> tuple[float, list[str | int]]:
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return time.perf_counter() - started, json.loads(done.stdout)


if __name__ == "__main__":
    typer.run(main)
