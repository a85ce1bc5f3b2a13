"""The eight tables in DuckDB's SQL, each written as Parquet and read from there by the next one.

Prints the seconds of the queries, without the import and the connection, as one JSON line.
"""

import argparse
import json
import time
from pathlib import Path

import duckdb

QUERIES = {
    "customer_landing": """
        SELECT * FROM read_json(
            getvariable('landing') || '/customer/landing/*.json', format = 'newline_delimited',
            columns = {
                customerName: 'VARCHAR', email: 'VARCHAR', phone: 'VARCHAR', birthDay: 'VARCHAR',
                serialNumber: 'VARCHAR', registrationDate: 'BIGINT', lastUpdateDate: 'BIGINT',
                shareWithResearchAsOfDate: 'BIGINT', shareWithPublicAsOfDate: 'BIGINT',
                shareWithFriendsAsOfDate: 'BIGINT'
            }
        )""",
    "accelerometer_landing": """
        SELECT * FROM read_json(
            getvariable('landing') || '/accelerometer/landing/*.json', format = 'newline_delimited',
            columns = {user: 'VARCHAR', timestamp: 'BIGINT', x: 'DOUBLE', y: 'DOUBLE', z: 'DOUBLE'}
        )""",
    "step_trainer_landing": """
        SELECT * FROM read_json(
            getvariable('landing') || '/step_trainer/landing/*.json', format = 'newline_delimited',
            columns = {sensorReadingTime: 'BIGINT', serialNumber: 'VARCHAR', distanceFromObject: 'BIGINT'}
        )""",
    "customer_trusted": """
        SELECT * FROM customer_landing WHERE shareWithResearchAsOfDate IS NOT NULL""",
    "accelerometer_trusted": """
        SELECT * FROM accelerometer_landing reading
        SEMI JOIN customer_trusted customer ON reading.user = customer.email""",
    "customers_curated": """
        SELECT * FROM customer_trusted customer
        SEMI JOIN accelerometer_trusted reading ON reading.user = customer.email""",
    "step_trainer_trusted": """
        SELECT * FROM step_trainer_landing SEMI JOIN customers_curated USING (serialNumber)""",
    "machine_learning_curated": """
        SELECT sha256(customer.email) AS participantId, sensorReadingTime, distanceFromObject, x, y, z
        FROM step_trainer_trusted
        JOIN customers_curated customer USING (serialNumber)
        JOIN accelerometer_trusted reading
            ON reading.user = customer.email AND reading.timestamp = sensorReadingTime""",
}


def make_tables(landing: Path, out: Path) -> float:
    """Write the eight tables, a folder each, and return the seconds it took."""
    with duckdb.connect() as connection:
        # Spark does not guarantee the order of rows either, and DuckDB is faster without it.
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET VARIABLE landing = $1", [str(landing)])
        start = time.monotonic()
        for table, query in QUERIES.items():
            file = out / table / "part.parquet"
            file.parent.mkdir(parents=True)
            connection.sql(query).write_parquet(str(file))
            connection.read_parquet(str(file)).create_view(table)
        return time.monotonic() - start


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("landing", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    print(json.dumps({"seconds": make_tables(arguments.landing, arguments.out)}))


if __name__ == "__main__":
    main()
