"""Random crowds: people who register, agree, withdraw and agree again, their readings; and who may be published.

`Oracle` says it from the rules of docs/explanation/consent.md, in plain Python and record by record; nothing of
`policies` is used.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from stedi_dagster.settings.policy import Policy
from stedi_dagster_tests.scenario import T0, customer, reading, step

Row = tuple[Any, ...]
PEOPLE = ("ann", "Éva", "zoë")
# Few moments, a minute in all, so that records tie and people's readings meet.
MOMENTS = st.integers(0, 5).map(lambda tick: T0 + 10_000 * tick)
MAYBE = MOMENTS | MOMENTS | MOMENTS | st.none()
FEEDS = st.sampled_from([("reading", "step"), ("reading",), ("step",)])
SPELLINGS: st.SearchStrategy[Callable[[str], str]] = st.sampled_from(
    [str, str.upper, str.lower, lambda text: f" {text}\t", lambda text: f"\u3000{text.title()}"]
)
POLICIES = st.builds(
    Policy,
    consent=st.sampled_from(["granted", "as_of", "as_of_accelerometer"]),
    match=st.sampled_from(["person", "timestamp"]),
    step_people=st.sampled_from(["curated", "curated", "trusted"]),
    max_age=st.sampled_from([None, 120]),
)
YOUNG = "1970-01-01"
BIRTHDAYS = {"ann": [YOUNG], "Éva": [YOUNG, YOUNG, "0967-01-01"], "zoë": [YOUNG, YOUNG, "unknown"]}


@dataclass
class Crowd:
    """Records of all three feeds, as they land."""

    customers: list[dict[str, Any]] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)


@st.composite
def _circles(draw: st.DrawFn) -> Crowd:
    """Up to three people with up to three step trainers among them."""
    circle = Crowd()
    who = st.sampled_from(PEOPLE)
    for name, often in draw(st.lists(st.tuples(who, SPELLINGS), min_size=1, max_size=6)):
        circle.customers.append(
            customer(
                often(f"{name}@x.org"),
                agreed=draw(MAYBE),
                # Mostly a trainer of their own; now and then another's.
                serial=often(f"no-{draw(st.sampled_from([name] * 9 + ['ann']))}"),
                lastUpdateDate=draw(MAYBE),
                registrationDate=draw(st.sampled_from([T0] * 5 + [None])),
                birthDay=draw(st.sampled_from(BIRTHDAYS[name])),
            )
        )
    for name, at, spell, feeds in draw(st.lists(st.tuples(who, MOMENTS, SPELLINGS, FEEDS), min_size=3, max_size=12)):
        if "reading" in feeds:
            circle.readings.append(reading(spell(f"{name}@x.org"), at, x=float(len(circle.readings) // 2)))
        if "step" in feeds:
            circle.steps.append(step(spell(f"no-{name}"), at))
    return circle


@st.composite
def crowds(draw: st.DrawFn, circles: int = 40) -> Crowd:
    """Many circles at once, because an engine takes one large crowd in the time of a small one.

    They share nothing but time, and that only with every fourth circle.
    """
    crowd = Crowd()
    for number, circle in enumerate(draw(st.lists(_circles(), min_size=circles // 2, max_size=circles))):
        later = 1_000 * (number % 4)
        for record in circle.customers:
            moments = {key: at + later for key, at in record.items() if key.endswith("Date")}
            crowd.customers.append(_named(record, number, "email", "serialNumber") | moments)
        for record in circle.readings:
            crowd.readings.append(_named(record, number, "user") | {"timestamp": record["timestamp"] + later})
        for record in circle.steps:
            moment = {"sensorReadingTime": record["sensorReadingTime"] + later}
            crowd.steps.append(_named(record, number, "serialNumber") | moment)
    return crowd


def _named(record: dict[str, Any], circle: int, *names: str) -> dict[str, Any]:
    """The record with its names made those of its circle, spaces around them left alone."""
    return record | {name: record[name].replace("@", f"{circle}@").replace("-", f"-{circle}-") for name in names}


def key(text: str) -> str:
    """Whom or what an address or serial number stands for."""
    return text.strip().lower()


class Oracle:
    """Who may be published of a crowd under a policy, and what must be."""

    def __init__(self, crowd: Crowd, policy: Policy) -> None:
        self._crowd, self._policy = crowd, policy
        records: dict[str, list[dict[str, Any]]] = {}
        carriers: dict[str, set[str]] = {}
        for record in crowd.customers:
            records.setdefault(key(record["email"]), []).append(record)
            carriers.setdefault(key(record["serialNumber"]), set()).add(key(record["email"]))
        # The records of each person that may be the one that counts; where several do, any may be kept.
        self.agreeing = {email: latest for email, history in records.items() if (latest := _that_count(history))}
        self.ambiguous = {serial for serial, people in carriers.items() if len(people) > 1}

    def customer_trusted(self, published: dict[str, dict[str, Any]]) -> None:
        """Check the published customers, by address: nobody who does not agree, nobody who does is lost."""
        for email, row in published.items():
            assert email in self.agreeing, "published without consent"
            choices = [self._facts(record) for record in self.agreeing[email] if self._young(record)]
            assert (row["shareWithResearchAsOfDate"], row["serialNumber"]) in choices
        for email, latest in self.agreeing.items():
            if all(self._young(record) for record in latest):
                assert email in published, "lost although they agree"

    def accelerometer_trusted(self, since: dict[str, int]) -> set[Row]:
        """The readings to publish, where `since` says who is trusted, and since when they agree."""
        as_of = self._policy.consent in {"as_of", "as_of_accelerometer"}
        return {
            (key(one["user"]), one["timestamp"], one["x"], one["y"], one["z"])
            for one in self._crowd.readings
            if key(one["user"]) in since and not (as_of and one["timestamp"] < since[key(one["user"])])
        }

    def step_trainer_trusted(self, owners: dict[str, str], since: dict[str, int]) -> set[Row]:
        """The step readings to publish, where `owners` says whose trainer is whose."""
        return {
            (at, serial, one["distanceFromObject"])
            for one in self._crowd.steps
            for at, serial in [(one["sensorReadingTime"], key(one["serialNumber"]))]
            if serial in owners and serial not in self.ambiguous
            if not (self._policy.consent == "as_of" and at < since[owners[serial]])
        }

    def machine_learning_curated(self, stepped: set[Row], worn: set[Row], owners: dict[str, str]) -> Counter[Row]:
        """The pairs to publish, each as often as it is to be there."""
        return Counter(
            (owners[serial], at, distance, *values)
            for at, serial, distance in stepped
            if serial in owners
            for user, moment, *values in worn
            if moment == at and (user == owners[serial] or self._policy.match == "timestamp")
        )

    def _young(self, record: dict[str, Any]) -> bool:
        return self._policy.max_age is None or (record["birthDay"] == YOUNG and "registrationDate" in record)

    @staticmethod
    def _facts(record: dict[str, Any]) -> Row:
        return record["shareWithResearchAsOfDate"], key(record["serialNumber"])


def _that_count(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The agreements that decide over a person's history, or none where they do not agree."""
    dated: dict[int, list[dict[str, Any]]] = {}
    undated: list[dict[str, Any]] = []
    for record in history:
        when = record.get("lastUpdateDate") or record.get("registrationDate")
        (undated if when is None else dated.setdefault(when, [])).append(record)
    agrees = "shareWithResearchAsOfDate"
    if any(agrees not in record for record in undated):
        return []  # a refusal without a date may be the last word
    last = dated[max(dated)] if dated else undated
    if any(agrees not in record for record in last):
        return []
    latest = max(record[agrees] for record in last)
    return [record for record in last if record[agrees] == latest]
