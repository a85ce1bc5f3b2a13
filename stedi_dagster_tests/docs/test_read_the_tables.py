"""`docs/how-to/read-the-tables.md`, block by block; what has a title needs what that says."""

import polars as pl
import pytest

from stedi_dagster.split import DEFAULT_SHARES, part_of
from stedi_dagster_tests.data.builders import NAME, tree
from stedi_dagster_tests.docs.pages import DOCS, blocks

PAGE = DOCS / "how-to" / "read-the-tables.md"
LIBRARIES = ("pandas", "polars", "duckdb", "createDataFrame", "pyiceberg", "load_asset_value", "torch")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_page_does_what_it_says(three_published, library, sail, monkeypatch, capsys):
    monkeypatch.setenv("STEDI_HOME", str(three_published.home))
    monkeypatch.setenv("STEDI_LANDING", str(three_published.landing))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    if library == "with PyTorch":
        # What is read must have rows, wherever two people would come to be.
        monkeypatch.setenv("STEDI_SPLIT", "100,0,0")
    before = tree(three_published.home)
    seen = {"spark": sail}
    for block in blocks(PAGE):
        if block.language == "python" and (block.title is None or block.title.startswith(library)):
            exec(compile(block.text, f"{PAGE.name}, line {block.line}", "exec"), seen)  # noqa: S102 - our own page
    printed = capsys.readouterr().out
    assert NAME in printed
    assert "Acceleration along x" in printed
    per_person = seen["per_person"]
    assert isinstance(per_person, pl.DataFrame)
    assert per_person.height == seen["frame"]["participantId"].nunique() == 2
    assert seen["measured"].count() == seen["steps"].count("x").fetchall()[0][0] == seen["table"].scan().count() == 4
    trained_on = seen["training"].to_arrow()["participantId"].to_pylist()
    if library == "without PyTorch":
        assert {part_of(participant, DEFAULT_SHARES) for participant in trained_on} <= {"train"}
    else:
        assert sum(len(distances) for _, distances in seen["loader"]) == len(trained_on) == 4
        assert all(features.shape[1] == 3 for features, _ in seen["loader"])
    assert seen["loaded"].rows == 4
    assert tree(three_published.home) == before


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_page_has_a_block_for_each_library(library):
    assert any(library in block.text for block in blocks(PAGE) if block.language == "python")
