"""Histories that went wrong once, each as a test: found by the oracle of the random ones, played step by step."""

from pathlib import Path

import pytest

from stedi_dagster_tests.histories.crashes import Crash
from stedi_dagster_tests.histories.play import Play

ANN, BOB = "ann@example.com", "bob@example.com"
DEVICE = "serial-of-ann"
IN_THE_MIDDLE = Crash("publishing", "after", 0)


@pytest.fixture
def play(tmp_path: Path, sail_url: str) -> Play:
    """Ann agreed."""
    play = Play(tmp_path, sail_url)
    says(play, ANN, "agrees")
    return play


def says(play: Play, email: str, what: str) -> None:
    play.land("customer", play.world.says(email, DEVICE, what, 0, email))


def test_an_erasure_leaves_what_somebody_with_the_same_device_said_even_if_it_cannot_be_read(play):
    says(play, BOB, "is cut off")
    play.forget(ANN, None, resume=True, run_waits=False)
    assert [record.person for file in play.world.files.values() for record in file] == [BOB]


def test_who_registers_anew_before_a_killed_erasure_is_resumed_is_not_lost(play):
    play.forget(ANN, IN_THE_MIDDLE, resume=True, run_waits=False)
    says(play, ANN, "agrees")
    play.run(0)
    assert play.world.consenting().keys() == {ANN}


def test_an_erasure_that_was_killed_and_is_asked_for_again_takes_what_came_between(play):
    play.forget(ANN, IN_THE_MIDDLE, resume=True, run_waits=False)
    says(play, ANN, "agrees")
    anew = [record for file in play.world.files.values() for record in file]
    play.forget(ANN, None, resume=False, run_waits=False)
    says(play, BOB, "agrees")
    play.land("customer", *anew)
    play.run(0)
    assert play.world.consenting().keys() == {BOB}
