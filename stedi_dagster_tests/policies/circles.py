"""Random circles of people who share serial numbers, and in plain Python whose their step readings are by evidence."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any

from stedi_dagster_tests.policies.histories import key
from stedi_dagster_tests.scenario import T0, customer, reading, step

NAMES, SERIALS = ("ann", "bob", "eve"), ("s", "t")
SPELLINGS: list[Callable[[str], str]] = [str, str, str.upper, lambda text: f" {text}\t"]
MOMENTS = [T0 + tick for tick in range(4)]


@dataclass
class World:
    """Records of all three feeds, as they land, and what of customers cannot be read."""

    customers: list[dict[str, Any]] = field(default_factory=list)
    texts: list[dict[str, Any]] = field(default_factory=list)
    readings: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)


def random_world(seed: int, circles: int = 100) -> World:
    """Many circles at once: they share nothing but time."""
    world, chance = World(), Random(seed)
    for number in range(circles):
        _add_circle(chance, world, number)
    return world


def _add_circle(chance: Random, world: World, number: int) -> None:
    def address(name: str) -> str:
        return chance.choice(SPELLINGS)(f"{name}{number}@x.org")

    def device(name: str) -> str:
        return chance.choice(SPELLINGS)(f"{name}-{number}")

    for name in chance.choice([NAMES, NAMES[:2]]):
        # Somebody who has another one later carries both.
        for place, serial in enumerate(chance.choice([("s",)] * 4 + [("s", "t"), ("t",), (name, "s")])):
            written = chance.choice([T0 + place] * 9 + [None])
            world.customers.append(
                customer(
                    address(name),
                    serial=device(serial),
                    agreed=chance.choice([T0, T0, T0, T0 + 1, None]),
                    lastUpdateDate=written,
                    registrationDate=written and T0,
                )
            )
    if chance.random() < 0.4:
        people = chance.sample([*NAMES, "who"], chance.choice([0, 1, 1, 1, 2, 3]))
        devices = chance.sample(SERIALS, chance.choice([0, 1, 1, 2]))
        world.texts.append(
            {
                "people": "\n".join(sorted(f"{name}{number}@x.org" for name in people)) or None,
                "devices": "\n".join(device(serial).strip() for serial in devices) or None,
                "moment": chance.choice([T0 - 1, T0 - 1, T0 - 1, T0, T0 + 2, None]),
            }
        )
    # Most have the app.
    apps = [name for name in NAMES if chance.random() < 0.9]
    moved = [(name, T0 - 9) for name in apps]
    moved += [(chance.choice(apps), chance.choice(MOMENTS)) for _ in range(chance.randint(0, 6)) if apps]
    world.readings += [reading(address(name), at) for name, at in moved]
    world.steps += [step(device(chance.choice(SERIALS)), chance.choice(MOMENTS)) for _ in range(chance.randint(2, 6))]


class Evidence:
    """Whose a step reading is, said in the words of docs/explanation/consent.md, one reading at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._carried = {(key(one["serialNumber"]), key(one["email"])) for one in world.customers}
        self._nobodys: set[str] = set()
        for text in world.texts:
            people, devices = _lines(text["people"]), [key(one) for one in _lines(text["devices"])]
            self._carried |= set(product(devices, people))
            self._nobodys |= set() if people else set(devices)
        self._apps = {key(one["user"]) for one in world.readings}
        self._moves = {(key(one["user"]), one["timestamp"]) for one in world.readings}

    def carriers(self, serial: str) -> set[str]:
        """Everybody who carries a serial number."""
        return {person for carried, person in self._carried if carried == serial}

    def mover(self, serial: str, at: int) -> str | None:
        """Whose a reading is; None where evidence does not tell."""
        carriers = self.carriers(serial)
        if len(carriers) < 2 or serial in self._nobodys or any(map(self._in_doubt, carriers)) or carriers - self._apps:
            return None
        moving = [person for person in carriers if (person, at) in self._moves]
        return moving[0] if len(moving) == 1 else None

    def _in_doubt(self, person: str) -> bool:
        said = [one for one in self._world.customers if key(one["email"]) == person]
        if not said:
            return True
        undated = [one for one in said if "lastUpdateDate" not in one]
        refuses = any("shareWithResearchAsOfDate" not in one for one in undated)
        last = 0 if refuses else max((one["lastUpdateDate"] for one in said if one not in undated), default=0)
        texts = [one["moment"] for one in self._world.texts if person in _lines(one["people"])]
        return any(moment is None or moment >= last for moment in texts)


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text else []
