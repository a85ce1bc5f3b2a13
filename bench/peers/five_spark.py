"""One of the five derived tables in its own Spark process, as such projects usually run them.

A job reads landing data from JSON and everything else from the Parquet that an earlier job wrote.
"""

import argparse
import json
import time
from pathlib import Path

from bench.peers.spark_tables import DERIVED, LANDING_SCHEMAS, Lake, local_spark


def make_table(lake: Lake, table: str) -> None:
    """Derive one table from what landed and from the tables made before it."""
    transform, inputs = DERIVED[table]
    read = (lake.json(name) if name in LANDING_SCHEMAS else lake.parquet(name) for name in inputs)
    lake.write(transform(*read), table)


def main() -> None:
    """Run one job."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=DERIVED)
    parser.add_argument("landing", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    spark = local_spark()
    start = time.monotonic()
    make_table(Lake(spark, arguments.landing, arguments.out), arguments.table)
    print(json.dumps({"seconds": time.monotonic() - start}))
    spark.stop()


if __name__ == "__main__":
    main()
