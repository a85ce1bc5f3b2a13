"""How `generate` behaves: the same bytes again, files of a bounded size, refusals, and nothing half done."""

import hashlib
import math
from pathlib import Path

import pytest

from stedi_dagster.errors import SettingsError
from stedi_dagster.sample import generate, generator, plan
from stedi_dagster_tests.sample.counting import contents

REPOSITORY = Path(__file__).parents[2]


def digest(landing: Path) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(contents(landing).items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    for name in ("one", "other"):
        generate(tmp_path / name, scale=0.02, seed=7, quirks=True)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_the_bytes_are_the_same_on_every_machine_and_python(tmp_path, full):
    """A change here changes everybody's data: say so in the changelog, and make `data/sample` anew."""
    generate(tmp_path, scale=0.01, quirks=True)
    assert digest(full.landing)[:16] == "289be2b1d6bb4dd6"
    assert digest(tmp_path)[:16] == "adb9c30d5041565d"


def test_another_seed_gives_other_people(tmp_path):
    for seed in (0, 1):
        generate(tmp_path / str(seed), scale=0.01, seed=seed)
    one, other = (set((tmp_path / seed / "customer/landing/customer-0001.json").open()) for seed in "01")
    assert not one & other


def test_the_committed_sample_is_what_the_command_in_its_readme_makes(tmp_path):
    committed = contents(REPOSITORY / "data" / "sample")
    assert b"stedi generate --scale 0.005 --seed 0 data/sample" in committed.pop("README.md")
    generate(tmp_path, scale=0.005, seed=0)
    assert contents(tmp_path) == committed
    assert sum(map(len, committed.values())) < 100_000


def test_progress_adds_up_to_the_plan(tmp_path):
    steps: list[int] = []
    generate(tmp_path, scale=1.5, progress=steps.append)
    assert len(steps) > 1
    assert sum(steps) == sum(plan(1.5).records.values())


def test_files_and_bytes_are_counted(full):
    for feed, totals in full.feeds.items():
        files = list((full.landing / feed / "landing").iterdir())
        assert totals.files == len(files)
        assert totals.bytes == sum(path.stat().st_size for path in files)
    assert {feed: totals.files for feed, totals in full.feeds.items()} == {
        "customer": 1,
        "accelerometer": 9,
        "step_trainer": 3,
    }


def test_files_grow_with_the_scale_up_to_a_bound(tmp_path, monkeypatch):
    made = generate(tmp_path / "larger", scale=4)
    assert {feed: totals.files for feed, totals in made.feeds.items()} == {
        "customer": 1,
        "accelerometer": 16,
        "step_trainer": 12,
    }
    monkeypatch.setitem(generator.MOST_RECORDS_PER_FILE, "accelerometer", 3_000)
    made = generate(tmp_path / "bounded", scale=0.1)
    assert made.feeds["accelerometer"].files == math.ceil(made.feeds["accelerometer"].records / 3_000)


def test_the_largest_files_stay_below_64_megabytes(full):
    for feed, totals in full.feeds.items():
        longest = 1.2 * totals.bytes / totals.records
        assert generator.MOST_RECORDS_PER_FILE[feed] * longest < 64e6 * 1.1


@pytest.mark.parametrize("feed", ["customer", "accelerometer", "step_trainer"])
def test_a_landing_folder_that_holds_data_is_refused_by_name_and_left_alone(tmp_path, feed):
    there = tmp_path / feed / "landing" / "somebody's.json"
    there.parent.mkdir(parents=True)
    there.write_text("theirs")
    with pytest.raises(SettingsError, match=str(there.parent)):
        generate(tmp_path)
    assert contents(tmp_path) == {str(there.relative_to(tmp_path)): b"theirs"}


def test_empty_folders_and_files_beside_the_feeds_are_no_hindrance(tmp_path):
    (tmp_path / "customer" / "landing").mkdir(parents=True)
    (tmp_path / "README.md").write_text("mine")
    generate(tmp_path, scale=0.005)
    assert (tmp_path / "customer" / "landing" / "customer-0001.json").exists()


def test_a_landing_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "landing").write_text("")
    with pytest.raises(SettingsError, match="is a file"):
        generate(tmp_path / "landing")


def test_an_interrupted_generator_leaves_no_files(tmp_path):
    def interrupt(_records: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scale", [0, -1, math.nan, math.inf, 1e12])
def test_a_nonsensical_scale_is_refused(tmp_path, scale):
    with pytest.raises(SettingsError, match="scale is"):
        generate(tmp_path / "landing", scale=scale)
    assert not (tmp_path / "landing").exists()


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="seed is -1"):
        generate(tmp_path, seed=-1)
