"""`stedi release`: what is printed, and how it ends."""

import json
import re

import dagster as dg
import pytest

from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.errors import StediError
from stedi_dagster_tests.command import Stedi
from stedi_dagster_tests.releases.worlds import PEOPLE, copy, forget, make, withdraw
from stedi_dagster_tests.scenario import Scenario

Release = Stedi


@pytest.fixture
def told(stedi: Stedi, world: Scenario, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STEDI_HOME", str(world.home))
    monkeypatch.setenv("STEDI_LANDING", str(world.landing))

    def run(*arguments: str, code: int = 0):
        result = stedi("release", *arguments)
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_release_is_created_listed_shown_exported_and_verified(world, told, tmp_path):
    created = told("create", "2026-11", "--note", "for the autumn's model")
    assert "2026-11 is created: 60 rows of 24 participants." in created.stdout
    [release] = json.loads(told("list", "--json").stdout)["releases"]
    assert (release["release"], release["revision"], release["rows"], release["rows_gone"]) == ("2026-11", 1, 60, 0)
    assert "for the autumn's model" in told("show", "2026-11").stdout
    told("show", "2026-11", "--html", str(tmp_path / "card.html"))
    assert "for the autumn" in (tmp_path / "card.html").read_text()
    shown = json.loads(told("show", "2026-11", "--json").stdout)
    assert (shown["rows"], shown["origin"]["note"]) == (60, "for the autumn's model")
    exported = told("export", "2026-11", str(tmp_path / "copy"), "--for", "gait lab")
    assert f"60 rows of 24 participants are in {tmp_path}/copy, for gait lab." in exported.stdout
    assert (
        "Nothing has had to go from the release since, as of the last run."
        in told("verify", str(tmp_path / "copy")).stdout
    )
    assert json.loads(told("verify", str(tmp_path / "copy"), "--json").stdout)["intact"] is True


def test_a_release_that_must_not_be_created_ends_with_1(world, told):
    withdraw(world, PEOPLE[0])
    refused = told("create", "2026-11", code=1)
    assert refused.stdout == ""
    assert "withdrawals: customer_trusted, 1 person" in refused.stderr
    assert PEOPLE[0] not in refused.stderr
    assert "There is no release yet" in told("list").stdout


def test_a_copy_that_must_be_replaced_ends_with_1_until_it_is(world, told, tmp_path):
    make(world)
    number = copy(world, tmp_path / "copy").export.number
    forget(world, PEOPLE[0])
    stale = told("verify", str(tmp_path / "copy"), code=1).stdout
    assert "It must be replaced: rows have had to go from the release since, which is at revision 2." in stale
    assert "must_be_replaced" in told("list").stdout
    [listed] = json.loads(told("list", "--json").stdout)["exports"]
    assert (listed["must_be_replaced"], listed["for"]) == (True, "gait lab")
    assert world.run().success
    told("export", "first", str(tmp_path / "again"), "--for", "gait lab")
    told("verify", str(tmp_path / "again"))
    assert "recorded" in told("destroyed", number[:8]).stdout
    first, again = json.loads(told("list", "--json").stdout)["exports"]
    assert (first["must_be_replaced"], again["must_be_replaced"]) == (False, False)
    assert first["destroyed"]


def test_a_damaged_copy_ends_with_1_and_says_which_file(world, told, tmp_path):
    make(world)
    copy(world, tmp_path / "copy")
    (tmp_path / "copy" / "train" / "part-00000.parquet").write_bytes(b"PAR1")
    assert "train/part-00000.parquet was altered." in told("verify", str(tmp_path / "copy"), code=1).stdout


def test_away_from_the_lakehouse_a_copy_says_what_can_be_said(world, told, tmp_path, monkeypatch):
    make(world)
    copy(world, tmp_path / "copy")
    monkeypatch.setenv("STEDI_HOME", str(tmp_path / "elsewhere"))
    said = told("verify", str(tmp_path / "copy")).stdout
    assert (
        "Every file is intact. Whether it must be replaced, only the lakehouse knows that it was exported from" in said
    )
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "other"), "There is no release 'other'"),
        (("export", "other", "FOLDER", "--for", "gait lab"), "There is no release 'other'"),
        (("verify", "FOLDER"), "has no manifest.json"),
        (("destroyed", "123"), "No export has a number that begins with '123'"),
        (("show", "other", "--html", "x", "--json"), "--json prints the facts"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_a_sentence(told, tmp_path, arguments, sentence):
    given = [str(tmp_path / "folder") if one == "FOLDER" else one for one in arguments]
    failed = told(*given, code=2)
    assert sentence in failed.stderr
    assert "Traceback" not in failed.output


def test_the_ui_shows_a_release_that_was_created_by_the_command(world, told):
    with open_instance(world.load_settings()):
        pass
    told("create", "2026-11")
    with open_instance(world.load_settings()) as instance:
        made = instance.get_latest_materialization_event(dg.AssetKey("ml_release"))
    assert made is not None
    assert made.asset_materialization is not None
    metadata = made.asset_materialization.metadata
    assert (metadata["release"].value, metadata["rows"].value) == ("2026-11", 60)
    assert re.search(r"# 2026-11", str(metadata["card"].value))


def test_a_run_says_which_releases_it_has_cut_again(world, stedi, monkeypatch):
    monkeypatch.setenv("STEDI_HOME", str(world.home))
    monkeypatch.setenv("STEDI_LANDING", str(world.landing))
    make(world)
    withdraw(world, PEOPLE[3])
    ran = stedi("run", engine=world.settings["engine"])
    assert ran.exit_code == 0
    assert "first, revision 2: 4 rows had to go" in ran.stdout
    withdraw(world, PEOPLE[7])
    assert json.loads(stedi("run", "--json").stdout)["releases"] == {
        "cut_again": {"first, revision 3": 4},
        "error": None,
    }


def test_a_run_that_cannot_cut_a_release_says_why(world, stedi, monkeypatch):
    monkeypatch.setenv("STEDI_HOME", str(world.home))
    monkeypatch.setenv("STEDI_LANDING", str(world.landing))
    make(world)
    withdraw(world, PEOPLE[3])

    def failing(*_: object, **__: object) -> None:
        raise StediError("A file of ml_release is gone.")

    monkeypatch.setattr("stedi_dagster.defs.assets.release.cut_again", failing)
    ran = stedi("run", engine=world.settings["engine"])
    assert ran.exit_code == 1
    assert "releases: A file of ml_release is gone." in ran.stdout
