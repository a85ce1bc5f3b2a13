"""The card says all that there is to say of a release, as a page and as Markdown, whatever the texts in it are."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from stedi_dagster.releases.card import as_html, as_markdown
from stedi_dagster.releases.facts import AgeBand, AuditOutcome, ExportedFile
from stedi_dagster.settings.policy import Policy
from stedi_dagster.split import PARTS
from stedi_dagster_tests.releases.builders import (
    AWKWARD,
    COLUMNS,
    LAKEHOUSE,
    SNAPSHOT,
    cut_again,
    emptied,
    release,
    revision,
)

FILES = (
    ExportedFile("train/0.parquet", "train", 698_600, 12_345_678, "0a" * 32),
    ExportedFile("test/0.parquet", "test", 149_000, 2_345_678, "1b" * 32),
)
BARE: dict[str, Any] = {
    "funnel": (),
    "ages": (),
    "audits": (),
    "gate": {},
    "withheld": {},
    "readings": None,
    "most_active": None,
}
BARE |= {"on_evidence": None, "false_at_most": None, "code_version": None, "note": None}
EVERY = {
    "as it was created": release(),
    "cut again": cut_again(),
    "nothing left": emptied(),
    "nothing left and nothing known": emptied(**BARE),
    "texts of any kind": release(
        revision(release=AWKWARD, reason=AWKWARD),
        name=AWKWARD,
        note=AWKWARD,
        withheld={AWKWARD: 1},
        gate={AWKWARD: AWKWARD},
        audits=(AuditOutcome(AWKWARD, AWKWARD, "failed"),),
        ages=(AgeBand(AWKWARD, 10),),
        code_version=AWKWARD,
        version=AWKWARD,
    ),
}
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


class _Page(HTMLParser):
    """The tags, attributes and words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in {"td", "th"}:
            self.words += " "

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.words += data


def words(text: str) -> str:
    """A card's words, with a blank between any two."""
    if not text.startswith("<!DOCTYPE"):
        return " ".join(" ".join(said(token) for token in _MARKDOWN.parse(body(text))).split())
    return " ".join(_Page(text).words.split())


def said(token: Any) -> str:
    """The text of a Markdown token."""
    return " ".join(child.content for child in token.children or [])


def body(text: str) -> str:
    """What follows the front matter, if there is one."""
    return text.split("\n---\n", 1)[1] if text.startswith("---\n") else text


def front(text: str) -> Any:
    """The front matter."""
    return yaml.safe_load(text.split("\n---\n", 1)[0])


@pytest.fixture(params=[as_html, as_markdown], ids=["page", "Markdown"])
def write(request):
    return request.param


def test_it_says_how_much_there_is_and_where_it_comes_from(write):
    card = words(write(cut_again(), COLUMNS))
    for fact in ("steps-2026", "Revision 3", "997,600", "3,207", "698,600", "2025-12-02 00:00 to 2025-12-31 00:00"):
        assert fact in card
    for fact in (SNAPSHOT, LAKEHOUSE, "stedi 0.1.0", "a1b2c3d4", "For the detector of spring."):
        assert fact in card
    assert "The latest record of a person must agree to research; readings of the same person" in card


def test_it_says_what_each_column_means(write):
    card = words(write(release(), COLUMNS))
    for column in COLUMNS:
        assert column.name in card
        assert column.description in card
        assert column.unit is None or column.unit in card


def test_it_says_who_is_missing_and_why(write):
    card = words(write(release(), COLUMNS))
    for fact in ("12,345", "6,000", "do not agree, or no longer do", "1,234,567", "\N{MINUS SIGN}235,467", "999,100"):
        assert fact in card
    assert "no accelerometer reading of the same time" in card


def test_it_says_what_the_data_are_biased_by(write):
    card = words(write(release(), COLUMNS))
    assert "a tenth of the participants had at most 12 each when it was created" in card
    assert "half of them at most 345, and nine tenths at most 1,678" in card
    assert "The most active tenth of the participants had 31.2 % of all rows" in card
    assert "4,321 step readings of step_trainer_trusted rested on evidence" in card
    assert "at most 0.75 % of them may be somebody else's" in card


@pytest.mark.parametrize(("percent", "told"), [(0.721, "0.73"), (1.1, "1.1"), (2, "2"), (0, "0"), (0.00001, "0.01")])
def test_a_bound_is_never_told_smaller_than_it_is(write, percent, told):
    assert f"at most {told} % of them" in words(write(release(false_at_most=percent), COLUMNS))


@pytest.mark.parametrize(
    ("people", "told"), [(None, "fewer than 10"), (0, "fewer than 10"), (9, "fewer than 10"), (10, "about 10")]
)
def test_no_band_of_ages_tells_of_fewer_than_ten(write, people, told):
    card = words(write(release(ages=(AgeBand("90 or more", people),)), COLUMNS))
    assert f"90 or more {told}" in card
    assert "Ages" in card


def test_it_says_what_gate_and_audits_found(write):
    card = words(write(release(), COLUMNS))
    assert "Of 2 standing audits, 1 passed, 1 warned when it was created." in card
    assert "same_person warned: 12 rows" in card
    assert re.search(r"customer_trusted ?: 1,234 rows of people who have withdrawn", card)
    assert "No standing audit was asked" in words(write(release(audits=()), COLUMNS))


def test_every_revision_is_there_with_its_reason(write):
    card = words(write(cut_again(), COLUMNS))
    assert "1 2026-01-01 00:00 created 0 0 999,100 3,210" in card
    assert "2 2026-01-02 00:00 2 people have withdrawn 1,400 2 997,700 3,208" in card
    assert "3 2026-01-03 00:00 1 person was erased 100 1 997,600 3,207" in card
    assert "It replaces revision 2: 1 person was erased." in card
    assert "It replaces revision" not in words(write(release(), COLUMNS))


def test_it_says_what_it_may_be_used_for_and_how_to_cite_it(write):
    card = words(write(cut_again(), COLUMNS))
    assert "Trying to find out who a participant is, by these data alone or together with others: that is not" in card
    for rule in ("Art. 4(5) and Recital 26", "Art. 7(3) and 17", "Art. 19"):
        assert rule in card
    cited = f"STEDI: steps-2026, revision 3 (2026-01-03). Snapshot {SNAPSHOT} of machine_learning_curated, lakehouse"
    assert f"{cited} {LAKEHOUSE}." in card


def test_files_are_there_only_where_it_was_exported(write):
    exported = words(write(cut_again(), COLUMNS, FILES))
    assert f"train/0.parquet train 698,600 12,345,678 {'0a' * 32}" in exported
    assert "SHA-256" not in words(write(cut_again(), COLUMNS))


def test_what_is_not_known_is_left_out(write):
    card = words(write(emptied(**BARE), COLUMNS))
    for part in ("From registering", "Ages", "evidence", "Check before", "checks before", "Note of", "most active"):
        assert part not in card
    assert "unknown" in card


def test_a_release_that_nothing_is_left_of_says_so(write):
    card = words(write(emptied(), COLUMNS))
    assert "There is no row in it." in card
    assert "999,100 rows of 3,210 participants have gone" in card


def test_rows_that_pair_two_people_are_not_called_one_persons(write):
    card = words(write(release(policy=Policy(match="timestamp").model_dump()), COLUMNS))
    assert "whoever they belong to" in card
    assert "A row may pair the readings of two people" in card
    assert "that person's" not in card
    assert "A row may pair" not in words(write(release(), COLUMNS))


@pytest.mark.parametrize("made", EVERY.values(), ids=EVERY.keys())
def test_the_page_has_no_script_and_loads_nothing(made):
    html = as_html(made, COLUMNS, FILES)
    page = _Page(html)
    assert page.open == []
    known = {"html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "h1", "h2", "p"}
    known |= {"span", "strong", "dl", "div", "dt", "dd", "time", "code", "table", "caption", "thead", "tbody", "tr"}
    known |= {"th", "td", "wbr", "ul", "li", "blockquote", "figure", "figcaption", "svg", "desc", "text", "rect"}
    assert {tag for tag, _ in page.tags} <= known
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {"src", "href", "style", "srcset", "action"} & names
    assert not any(name.startswith("on") for name in names)
    policy = {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"}
    assert ("meta", policy) in page.tags
    assert "url(" not in html
    assert ("://" in html) is (made is EVERY["texts of any kind"])


@pytest.mark.parametrize("made", EVERY.values(), ids=EVERY.keys())
def test_every_table_of_the_markdown_has_equally_many_cells_in_each_row(made):
    text = body(as_markdown(made, COLUMNS, FILES))
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in table.splitlines()}) == 1, table
    kinds = [token.type for token in _MARKDOWN.parse(text)]
    assert kinds.count("table_open") == len(tables) >= 6
    rows = sum(len(table.splitlines()) - 1 for table in tables)
    assert kinds.count("tr_open") == rows


@pytest.mark.parametrize("made", EVERY.values(), ids=EVERY.keys())
def test_no_text_becomes_markdown_or_a_tag(made):
    tokens = _MARKDOWN.parse(body(as_markdown(made, COLUMNS, FILES)))
    kinds = [token.type for token in tokens] + [child.type for token in tokens for child in token.children or []]
    assert not {"html_inline", "html_block", "link_open", "image", "code_block", "hr", "em_open"} & set(kinds)
    # How to open it: the same of every release.
    other = _MARKDOWN.parse(body(as_markdown(cut_again(), COLUMNS, FILES)))
    opening, same = ([token.content for token in each if token.type == "fence"] for each in (tokens, other))
    assert opening == same
    assert kinds.count("strong_open") == 1
    assert kinds.count("ordered_list_open") == 0
    assert kinds.count("blockquote_open") == 2 - (made.origin.note is None)


def test_awkward_texts_read_as_they_were_written(write):
    made = EVERY["texts of any kind"]
    card = words(write(made, COLUMNS))
    for line in AWKWARD.splitlines():
        assert " ".join(line.split()) in card


@pytest.mark.parametrize("made", EVERY.values(), ids=EVERY.keys())
def test_the_front_matter_is_what_the_hub_reads(made):
    told = front(as_markdown(made, COLUMNS, [replace(FILES[0], part=part) for part in PARTS]))
    assert told["pretty_name"] == made.current.name
    assert told["license"] == "other"
    assert "step detection" in told["tags"]
    [config] = told["configs"]
    assert config["config_name"] == "default"
    assert config["data_files"] == [
        {"split": part, "path": f"{part}/*.parquet"} for part in ("train", "validation", "test")
    ]
    assert told["size_categories"] == ["100K<n<1M" if made.current.rows else "n<1K"]


def test_what_is_no_export_says_nothing_of_files():
    assert as_markdown(cut_again(), COLUMNS).startswith("# steps-2026\n")


def test_a_split_without_files_is_none():
    [config] = front(as_markdown(cut_again(), COLUMNS, FILES))["configs"]
    assert [each["split"] for each in config["data_files"]] == ["train", "test"]


def test_nobody_is_in_a_card(write):
    card = write(cut_again(), COLUMNS, FILES)
    assert set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", card)) == {LAKEHOUSE}
    assert "@" not in words(card)


def test_a_column_that_may_be_missing_is_said_to_be(write):
    column = replace(COLUMNS[2], nullable=True, description="Distance | far")
    card = words(write(release(), [column]))
    assert "Distance | far; may be missing" in card
