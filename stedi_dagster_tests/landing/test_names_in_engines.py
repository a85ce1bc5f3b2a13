"""What engines make of file names: the reason why files are listed by ourselves, and some never shown to an engine."""

from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from stedi_dagster.landing.files import _UNSAFE_IN_ENGINES
from stedi_dagster_tests.landing.zone import raw_file

RIGHT, OTHERS, OTHERS_TOO, NOTHING, REFUSED = "right", "other files", "other files too", "nothing", "refused"

# Name: what Sail 0.7 and Apache Spark 4.0 read beside the files of NEIGHBOURS.
QUIRKS = {
    "session 1.json": (RIGHT, RIGHT),
    "50% off%20.json": (RIGHT, RIGHT),
    "date=2022-06-18.json": (RIGHT, RIGHT),
    "part#2.json": (RIGHT, RIGHT),
    "a+b&c,d;e.json": (RIGHT, RIGHT),
    'it\'s "it".json': (RIGHT, RIGHT),
    "Prüfung-步.json": (RIGHT, RIGHT),
    "a*b.json": (OTHERS_TOO, OTHERS_TOO),
    "a?b.json": (OTHERS_TOO, OTHERS_TOO),
    "x{y}.json": (OTHERS, OTHERS),
    "a[1].json": (OTHERS, OTHERS),
    "a:b.json": (RIGHT, REFUSED),
    "a\\b.json": (RIGHT, OTHERS),
    "a\nb.json": (REFUSED, RIGHT),
    "a\rb.json": (REFUSED, RIGHT),
    "a\tb.json": (REFUSED, RIGHT),
    "_a.json": (NOTHING, NOTHING),
    ".a.json": (NOTHING, NOTHING),
    "a.json.gz": (REFUSED, REFUSED),
    "a.json.lz4": (RIGHT, NOTHING),
}
NEIGHBOURS = ("ab.json", "axb.json", "xy.json", "a1.json")


def what_is_read(session: SparkSession, path: Path) -> str:
    try:
        lines = [row.value for row in session.read.text([str(path)]).collect()]
    except PySparkException:
        return REFUSED
    if not lines:
        return NOTHING
    if lines == ["this"]:
        return RIGHT
    return OTHERS_TOO if "this" in lines else OTHERS


@pytest.mark.parametrize(("fixture", "column"), [("sail", 0), ("spark", 1)], ids=["sail", "spark"])
def test_engines_read_these_names_so(fixture, column, request, tmp_path):
    session = request.getfixturevalue(fixture)
    found = {}
    for number, name in enumerate(QUIRKS):
        folder = tmp_path / str(number)
        folder.mkdir()
        for neighbour in NEIGHBOURS:
            (folder / neighbour).write_text("another\n")
        (folder / name).write_text("this\n")
        found[name] = what_is_read(session, folder / name)
    assert found == {name: kinds[column] for name, kinds in QUIRKS.items()}


@pytest.mark.parametrize("name", [name for name in QUIRKS if name[0] not in "_."])
def test_a_name_that_an_engine_reads_as_others_is_never_shown_to_one(name, tmp_path):
    # A refusal is safe by itself: such a file is read by our own reader. So is nothing where something must be.
    (tmp_path / name).write_text("this\n")
    if {OTHERS, OTHERS_TOO} & set(QUIRKS[name]):
        assert not raw_file(tmp_path / name).engine_can_read
    if QUIRKS[name] == (RIGHT, RIGHT):
        assert raw_file(tmp_path / name).engine_can_read


def test_every_unsafe_character_is_in_a_name_that_some_engine_does_not_read_right():
    unsafe = "".join(name for name, kinds in QUIRKS.items() if kinds != (RIGHT, RIGHT))
    assert set(unsafe) >= _UNSAFE_IN_ENGINES


def test_an_unsafe_folder_makes_its_files_unsafe(tmp_path):
    folder = tmp_path / "{2022}"
    folder.mkdir()
    (folder / "a.json").write_text("")
    assert not raw_file(folder / "a.json").engine_can_read


@pytest.mark.parametrize("name", ["a.gz", "a.json.GZ", "a.gzip"])
def test_packed_files_are_not_shown_to_an_engine(name, tmp_path):
    (tmp_path / name).write_text("")
    assert not raw_file(tmp_path / name).engine_can_read
