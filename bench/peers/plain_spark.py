"""All eight tables in one plain PySpark script, on Apache Spark local[*] or, with --sail, on Sail.

Prints the seconds of the work itself, without imports and the engine's start, as one JSON line.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from bench.peers.spark_tables import DERIVED, LANDING_SCHEMAS, Lake, local_spark


def make_tables(lake: Lake) -> None:
    """Land the three feeds as Parquet, then derive the other tables from the Parquet written before."""
    for table in LANDING_SCHEMAS:
        lake.write(lake.json(table), table)
    for table, (transform, inputs) in DERIVED.items():
        lake.write(transform(*map(lake.parquet, inputs)), table)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("landing", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sail", action="store_true")
    arguments = parser.parse_args()
    if arguments.sail:
        # Keep a reference: the server stops when its object is collected, and its clients then wait for ever.
        server = _sail_server()
        _, port = server.listening_address
        spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    else:
        spark = local_spark()
    start = time.monotonic()
    make_tables(Lake(spark, arguments.landing, arguments.out))
    print(json.dumps({"seconds": time.monotonic() - start}))
    spark.stop()


def _sail_server() -> Any:
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    return server


if __name__ == "__main__":
    main()
