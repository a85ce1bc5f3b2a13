"""How well an accelerometer reading tells whose a step reading is, where many people carry one serial number.

In the real feeds of the serial bug a few serial numbers stand for everybody. Here the serial numbers of data in which
everybody has their own are made few, so that the truth is known. `python -m bench.attribution` prints how often the
rule "exactly one carrier has an accelerometer reading at that very moment" is right, also where some carriers have no
app: theirs are the readings that it gives to others. So the rule as it is built (STEDI_SERIALS=evidence) demands that
every carrier has the app; its own columns say what that costs and brings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from bench.data import base_landing

_FEEDS = """
CREATE TABLE people AS
    SELECT lower(trim(email)) AS person, any_value(serialNumber) AS device,
        bool_and(shareWithResearchAsOfDate IS NOT NULL) AS agrees
    FROM read_json('{folder}/customer/landing/**/*.json', format = 'newline_delimited',
        columns = {{email: 'VARCHAR', serialNumber: 'VARCHAR', shareWithResearchAsOfDate: 'BIGINT'}})
    GROUP BY ALL HAVING person IS NOT NULL AND device IS NOT NULL;
CREATE TABLE worn AS
    SELECT DISTINCT lower(trim("user")) AS person, "timestamp" AS moment
    FROM read_json('{folder}/accelerometer/landing/**/*.json', format = 'newline_delimited',
        columns = {{"user": 'VARCHAR', "timestamp": 'BIGINT'}});
CREATE TABLE steps AS
    SELECT row_number() OVER () AS step, serialNumber AS device, sensorReadingTime AS moment
    FROM read_json('{folder}/step_trainer/landing/**/*.json', format = 'newline_delimited',
        columns = {{serialNumber: 'VARCHAR', sensorReadingTime: 'BIGINT'}});
"""
# Whose a step reading is, by the serial number that is theirs alone.
_TRUTH = """
CREATE TABLE truth AS
    SELECT step, moment, person, agrees FROM steps JOIN people USING (device)
    WHERE device IN (SELECT device FROM people GROUP BY device HAVING count(*) = 1)
"""
_ATTRIBUTED = """
WITH carriers AS (
    SELECT person, agrees, md5_number_lower(person || ' serial') % $serials AS shared,
        md5_number_lower(person || ' app') % 1000 >= $without_app * 1000 AS has_app
    FROM people
), seen AS (
    SELECT person, moment FROM worn JOIN carriers USING (person) WHERE has_app
), settled AS (
    SELECT shared FROM carriers GROUP BY shared HAVING bool_and(person IN (SELECT person FROM seen))
), evidence AS (
    SELECT step, any_value(other.person) AS person, any_value(other.agrees) AS agrees,
        any_value(other.shared IN (FROM settled)) AS built
    FROM truth JOIN carriers AS own USING (person) JOIN carriers AS other USING (shared)
        JOIN seen ON seen.person = other.person AND seen.moment = truth.moment
    GROUP BY step HAVING count(*) = 1
)
SELECT
    count(*),
    count(evidence.step),
    count(*) FILTER (evidence.person = truth.person),
    count(*) FILTER (evidence.agrees),
    count(*) FILTER (evidence.agrees AND evidence.person <> truth.person),
    count(*) FILTER (evidence.agrees AND NOT truth.agrees),
    count(*) FILTER (evidence.built),
    count(*) FILTER (evidence.built AND evidence.person = truth.person)
FROM truth LEFT JOIN evidence USING (step)
"""
# What was never seen in n cases is, with 95 % certainty, rarer than 3 in n (the rule of three).
_NEVER_SEEN = 3


@dataclass(frozen=True)
class Attributed:
    """What became of the step readings under so few serial numbers.

    Attributes:
        serials: How many serial numbers there are for everybody.
        without_app: The share of people without accelerometer readings.
        steps: How many step readings there are whose owner is known.
        given: How many of them the rule gives to somebody.
        right: How many of these to the right person.
        published: How many it gives to somebody who agrees to research: these would be published.
        false: How many of the published ones are somebody else's.
        leaked: How many of these are of somebody who does not agree.
        built: How many of the given ones have a serial number of which every carrier has the app.
        built_right: How many of these are given to the right person.
    """

    serials: int
    without_app: float
    steps: int
    given: int
    right: int
    published: int
    false: int
    leaked: int
    built: int
    built_right: int

    def row(self) -> str:
        """A row of the table."""
        precision = f"{self.right / self.given:.2%}" if self.given else "-"
        as_built = f"{self.built_right / self.built:.2%}" if self.built else "-"
        leaked = f"{self.leaked / self.published:.3%}" if self.published else "-"
        if self.published and not self.leaked:
            leaked = f"under {_NEVER_SEEN / self.published:.3%}"
        return (
            f"| {self.serials} | {self.without_app:.0%} | {self.given:,} | {precision} | {self.right / self.steps:.1%} "
            f"| {self.published:,} | {self.false:,} | {self.leaked:,} | {leaked} "
            f"| {as_built} | {self.built_right / self.steps:.1%} |"
        )


def attributions(folder: Path, serials: list[int], without_app: list[float]) -> Iterator[Attributed]:
    """Judge the rule on landing data in which most people have a serial number of their own.

    Args:
        folder: The landing folder.
        serials: For each of these numbers, everybody's are made so few.
        without_app: For each of these shares, so many people lose their accelerometer readings.
    """
    with duckdb.connect() as connection:
        connection.execute(_FEEDS.format(folder=str(folder).replace("'", "''")))
        connection.execute(_TRUTH)
        for number in serials:
            for share in without_app:
                [found] = connection.execute(_ATTRIBUTED, {"serials": number, "without_app": share}).fetchall()
                yield Attributed(number, share, *found)


def main(
    data: Annotated[
        Path | None, typer.Option(help="A landing folder; by default the public data, or a sample.")
    ] = None,
    serials: Annotated[str, typer.Option(help="How many serial numbers there are.")] = "30,100,300",
    without_app: Annotated[str, typer.Option(help="Shares of people without the app.")] = "0,0.1,0.3",
) -> None:
    """Print the table."""
    folder, name = base_landing(data)
    found = attributions(
        folder, [int(one) for one in serials.split(",")], [float(one) for one in without_app.split(",")]
    )
    lines = [one.row() for one in found]
    typer.echo(f"{name}\n")
    typer.echo(
        "| serial numbers | without app | given to somebody | precision | recall | published | somebody else's "
        "| of those who do not agree | their share | precision as built | recall as built |"
    )
    typer.echo("|" + "---:|" * 11)
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    typer.run(main)
