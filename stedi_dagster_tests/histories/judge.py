"""Holds what stands in tables and files against the world as it should be."""

from collections import Counter
from dataclasses import dataclass

from stedi_dagster_tests.histories import standing
from stedi_dagster_tests.histories.world import TRUSTED, WHOSE, Erased, Rows, World
from stedi_dagster_tests.scenario import Scenario


@dataclass(frozen=True)
class Erasures:
    """The erasures that one deed had to do with: those that it finished, and those that it left unfinished."""

    finished: tuple[Erased, ...] = ()
    unfinished: tuple[Erased, ...] = ()

    def may_leave(self, name: str, rows: Rows) -> list[Rows]:
        """What may stand in a table that was not made anew."""
        for erased in self.finished:
            rows = erased.strike(name, rows)
        found = [rows]
        for erased in self.unfinished:
            found += [erased.strike(name, each) for each in found]
        return found


class Judge:
    """Remembers what stood in the tables when it last looked, and who was ever which participant."""

    def __init__(self, scenario: Scenario, world: World) -> None:
        self._scenario = scenario
        self._world = world
        self._stand: dict[str, Rows] = {name: Counter() for name in WHOSE}
        self._numbers: dict[str, str] = {}
        self._people: dict[str, str] = {}
        self._retired: set[str] = set()
        # People and serial numbers that were named since the last erasure of theirs: older snapshots may hold them.
        self._came_again: set[str] = set()

    def landed(self, erasures: Erasures) -> Rows:
        """The customer records that had landed when it last looked, without whom an erasure took out since."""
        [rows, *_] = erasures.may_leave("customer_landing", self._stand["customer_landing"])
        return rows

    def success(self, erasures: Erasures, *, everything: bool) -> None:
        """After a run: every table holds exactly what it should; with `everything`, nothing else can be reached."""
        before = self._known(erasures)
        self._look()
        expected = self._world.expected()
        for name, rows in self._stand.items():
            assert rows == expected[name], f"{name}: too much {rows - expected[name]}, lost {expected[name] - rows}"
        consenting = self._world.consenting()
        stay = {email: number for email, number in before.items() if email in consenting}
        self._judge_numbers(stay, may_come=_people(expected))
        assert self._numbers.keys() == stay.keys() | _people(expected), "somebody has no participantId, or still has"
        if everything:
            self._came_again = self._named()
        self._who_is_erased_is_nowhere()
        if everything:
            self._only_who_consents_can_be_reached()

    def failure(self, erasures: Erasures, emptied: str | None) -> None:
        """After a run that did not get through: each table is as before, or as it should be, or was emptied."""
        before, stood = self._known(erasures), self._stand
        self._look()
        expected = self._world.expected()
        for name, rows in self._stand.items():
            may_be = [expected[name], *erasures.may_leave(name, stood[name]), *[Counter()] * (name == emptied)]
            assert rows in may_be, f"{name} holds {rows}, which is none of {may_be}"
        consenting = self._world.consenting()
        going = {erased.person for erased in erasures.unfinished}
        stay = {email: before[email] for email in before.keys() & consenting.keys() - going}
        assert {
            email for email in self._numbers.keys() & before.keys() if self._numbers[email] != before[email]
        } <= going, "who withdrew and agrees again is new only after a run has seen it"
        self._judge_numbers(stay, may_come=_people(expected), may_stay=before)

    def erasure(self, erasures: Erasures) -> None:
        """After an erasure, whole or killed: who is erased is nowhere, everybody else is as before."""
        before, stood = self._known(erasures), self._stand
        self._look()
        for name, rows in self._stand.items():
            may_be = erasures.may_leave(name, stood[name])
            assert rows in may_be, f"{name} holds {rows}, which is none of {may_be}"
        going = {erased.person for erased in erasures.unfinished}
        stay = {email: number for email, number in before.items() if email not in going}
        self._judge_numbers(stay, may_come=set(), may_stay=before)
        self._who_is_erased_is_nowhere()

    def _look(self) -> None:
        lakehouse = self._scenario.lakehouse()
        self._numbers = standing.participants(lakehouse)
        for email, number in self._numbers.items():
            assert self._people.setdefault(number, email) == email, "a participantId is somebody else's now"
        self._stand = standing.tables(lakehouse, self._people)
        self._came_again |= self._named()

    def _named(self) -> set[str]:
        people = {erased.person for erased in self._world.erasures if self._world.names(erased.person)}
        return people | {serial for serial in self._world.serials() if serial}

    def _known(self, erasures: Erasures) -> dict[str, str]:
        """Who was which participant, without whom an erasure took out since."""
        gone = {erased.person for erased in erasures.finished}
        self._came_again -= gone.union(*(erased.serials for erased in erasures.finished))
        return {email: number for email, number in self._numbers.items() if email not in gone}

    def _judge_numbers(
        self, stay: dict[str, str], *, may_come: set[str], may_stay: dict[str, str] | None = None
    ) -> None:
        """Who stays keeps their participantId; who comes has one that nobody ever had."""
        assert stay.items() <= self._numbers.items(), "somebody who stayed has another participantId, or none"
        came = self._numbers.items() - stay.items() - (may_stay or {}).items()
        assert {email for email, _ in came} <= may_come, "somebody has a participantId who should have none"
        assert not {number for _, number in came} & self._retired, "a participantId has come back"
        self._retired = self._people.keys() - set(self._numbers.values())

    def _who_is_erased_is_nowhere(self) -> None:
        """Not a byte of them is below STEDI_HOME, and none of theirs in a raw file that was not delivered since.

        What came since and was taken back is history, which goes with its retention.
        """
        world = self._world
        if all(erased.done for erased in world.erasures):
            landed = {name: sorted(record.text for record in file) for name, file in world.files.items()}
            assert standing.raw(self._scenario.landing) == landed
        for erased in world.erasures:
            if erased.done and erased.person not in self._came_again and not world.names(erased.person):
                words = {erased.person, *self._ever(erased.person), *(erased.serials - self._came_again)}
                assert standing.files_naming(self._scenario.home, words) == {}, "an erased person still stands there"

    def _only_who_consents_can_be_reached(self) -> None:
        lakehouse = self._scenario.lakehouse()
        assert standing.history(lakehouse) == {}
        consenting = self._world.consenting()
        for email in {*self._people.values(), *self._world.agreeing()} - consenting.keys():
            for name in (*TRUSTED, "machine_learning_curated"):
                folder = self._scenario.home / "warehouse" / lakehouse.database / name
                assert standing.files_naming(folder, {email, *self._ever(email)}) == {}

    def _ever(self, email: str) -> set[str]:
        return {number for number, person in self._people.items() if person == email}


def _people(expected: dict[str, Rows]) -> set[str]:
    return {row[0] for row in expected["customers_curated"]}
