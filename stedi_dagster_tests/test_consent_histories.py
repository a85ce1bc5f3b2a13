"""No published row without consent, and nobody who agrees is lost: random histories against one oracle."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.audits.gate.consent import audit_consent, consents
from stedi_dagster.audits.gate.people import audit_same_person, audit_unique_person
from stedi_dagster.audits.outcome import Outcome
from stedi_dagster.contracts import (
    AccelerometerTrusted,
    Contract,
    CustomersCurated,
    CustomerTrusted,
    MachineLearningCurated,
    StepTrainerTrusted,
)
from stedi_dagster.policies.people import curated_customers
from stedi_dagster.policies.readings import paired_readings, trusted_accelerometer, trusted_steps
from stedi_dagster.policies.selection import Selection
from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.policies.frames import (
    customers,
    frame,
    kept,
    participants,
    readings,
    reasons,
    records,
    stepped,
    steps,
    trusting,
    unreadable,
)
from stedi_dagster_tests.policies.histories import POLICIES, Crowd, Oracle, Row, crowds, key
from stedi_dagster_tests.scenario import Scenario

# A crowd is many histories, so that few examples will do. Phase.shrink takes minutes: add it to look into a failure.
FEW = settings(
    derandomize=True,
    deadline=None,
    max_examples=25,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def judge(
    crowd: Crowd,
    policy: Policy,
    tables: dict[type[Contract], list[Row]],
    *,
    person_of: dict[str, str],
) -> None:
    """Hold published tables against the oracle; `person_of` says which participant is whom."""
    oracle = Oracle(crowd, policy)
    names = CustomerTrusted.names()
    trusted = {row["email"]: row for row in (dict(zip(names, one, strict=True)) for one in tables[CustomerTrusted])}
    assert len(trusted) == len(tables[CustomerTrusted])
    oracle.customer_trusted(trusted)

    since = {email: row["shareWithResearchAsOfDate"] for email, row in trusted.items()}
    worn = oracle.accelerometer_trusted(since)
    assert Counter(tables[AccelerometerTrusted]) == Counter(worn)

    active = {user for user, *_ in worn}
    curated = [one for one in tables[CustomerTrusted] if one[names.index("email")] in active]
    assert Counter(tables[CustomersCurated]) == Counter(curated)

    owners = {trusted[email]["serialNumber"]: email for email in sorted(active)}
    steppers = trusted if policy.step_people == "trusted" else active
    stepped = oracle.step_trainer_trusted({trusted[email]["serialNumber"]: email for email in sorted(steppers)}, since)
    # Of nobody by evidence.
    assert Counter(tables[StepTrainerTrusted]) == Counter((*row, None) for row in stepped)

    pairs = Counter((person_of[who], *rest) for who, *rest in tables[MachineLearningCurated])
    assert pairs == oracle.machine_learning_curated(stepped, worn, owners)


class Chain:
    """The rules one after the other, without files and without Dagster."""

    def __init__(self, session: SparkSession, crowd: Crowd, policy: Policy) -> None:
        self._session, self.policy = session, policy
        self.tables: dict[type[Contract], list[Row]] = {}
        self.landed = customers(session, *crowd.customers)
        people = self._publish(CustomerTrusted, trusting(self.landed, policy), len(crowd.customers))
        worn = self._publish(
            AccelerometerTrusted,
            trusted_accelerometer(readings(session, *crowd.readings), people, policy),
            len(crowd.readings),
        )
        curated = self._publish(CustomersCurated, curated_customers(people, worn), len(self.tables[CustomerTrusted]))
        stepped = self._publish(
            StepTrainerTrusted,
            trusted_steps(
                steps(session, *crowd.steps),
                curated,
                self.landed,
                unreadable(session),
                policy,
                people if policy.step_people == "trusted" else None,
            ),
            len(crowd.steps),
        )
        self.participants = participants(session, *records(curated.select("email")))
        self._publish(
            MachineLearningCurated,
            paired_readings(stepped, worn, curated, self.participants, policy),
            len(self.tables[StepTrainerTrusted]),
        )

    def _publish(self, contract: type[Contract], selection: Selection, rows_in: int) -> DataFrame:
        assert sum(reasons(selection).values()) == rows_in, "every row is kept or withheld, once"
        self.tables[contract] = kept(selection)
        return self.frame(contract)

    def frame(self, contract: type[Contract]) -> DataFrame:
        names = contract.names()
        rows = (dict(zip(names, row, strict=True)) for row in self.tables[contract])
        return frame(self._session, contract, rows)

    def audits(self) -> list[Outcome]:
        """What the audits say of it."""
        policy, landed, worn = self.policy, self.landed, self.frame(AccelerometerTrusted)
        pairs = self.frame(MachineLearningCurated)
        return [
            *(
                audit_consent(self.frame(one), one, landed, policy=policy)
                for one in (CustomerTrusted, CustomersCurated)
            ),
            *(audit_unique_person(self.frame(one)) for one in (CustomerTrusted, CustomersCurated)),
            audit_consent(worn, AccelerometerTrusted, landed, policy=policy),
            audit_consent(self.frame(StepTrainerTrusted), StepTrainerTrusted, landed, policy=policy),
            audit_consent(pairs, MachineLearningCurated, landed, policy=policy, participants=self.participants),
            *([audit_same_person(pairs, worn, self.participants, match="person")] if policy.match == "person" else []),
        ]


AS_OF = Policy(consent="as_of")


@FEW
@given(crowds(), POLICIES)
def test_the_rules_publish_exactly_what_people_agreed_to(sail: SparkSession, crowd: Crowd, policy: Policy) -> None:
    chain = Chain(sail, crowd, policy)
    emails = {f"p-{key(record['email'])}": key(record["email"]) for record in crowd.customers}
    judge(crowd, policy, chain.tables, person_of=emails)


@FEW
@given(crowds(), POLICIES)
def test_the_audits_find_nothing_in_what_the_rules_publish(sail: SparkSession, crowd: Crowd, policy: Policy) -> None:
    assert [outcome for outcome in Chain(sail, crowd, policy).audits() if not outcome.passed] == []


@FEW
@given(crowds())
def test_the_audits_count_exactly_the_rows_that_nobody_agreed_to(sail: SparkSession, crowd: Crowd) -> None:
    oracle = Oracle(crowd, Policy())
    since = {email: choices[0]["shareWithResearchAsOfDate"] for email, choices in oracle.agreeing.items()}
    landed = customers(sail, *crowd.customers)
    assert dict(records(consents(landed))) == since

    users = [(key(one["user"]), one["timestamp"]) for one in crowd.readings]
    outcome = audit_consent(readings(sail, *crowd.readings), AccelerometerTrusted, landed, policy=AS_OF)
    assert dict(outcome.counts) == {
        "rows without consent": sum(user not in since for user, _ in users),
        "rows from before consent": sum(user in since and at < since[user] for user, at in users),
    }

    carriers: dict[str, set[str]] = {}
    for record in crowd.customers:
        carriers.setdefault(key(record["serialNumber"]), set()).add(key(record["email"]))
    safe = {serial: since.get(*people) for serial, people in carriers.items() if len(people) == 1}
    known = [(safe.get(key(one["serialNumber"])), one["sensorReadingTime"]) for one in crowd.steps]
    outcome = audit_consent(stepped(sail, *crowd.steps), StepTrainerTrusted, landed, policy=AS_OF)
    assert dict(outcome.counts) == {
        "rows without consent": sum(agreed is None for agreed, _ in known),
        "rows from before consent": sum(agreed is not None and at < agreed for agreed, at in known),
    }


@settings(FEW, max_examples=3)
@given(crowds(), POLICIES)
def test_the_whole_job_publishes_exactly_what_people_agreed_to(sail_url: str, crowd: Crowd, policy: Policy) -> None:
    with TemporaryDirectory() as folder:
        scenario = Scenario(Path(folder), {"engine": sail_url})
        scenario.land("customer", *crowd.customers)
        scenario.land("accelerometer", *crowd.readings)
        scenario.land("step_trainer", *crowd.steps)
        chosen: dict[str, Any] = policy.model_dump()
        assert scenario.run(**chosen).success
        contracts = (
            CustomerTrusted,
            AccelerometerTrusted,
            CustomersCurated,
            StepTrainerTrusted,
            MachineLearningCurated,
        )
        tables: dict[type[Contract], list[Row]] = {one: scenario.rows(one.table()) for one in contracts}
        person_of = {who: email for email, who in scenario.rows("participants")}
        judge(crowd, policy, tables, person_of=person_of)
