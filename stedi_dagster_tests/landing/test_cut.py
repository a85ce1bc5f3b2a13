"""A text that was cut within an address means everybody whose address begins so."""

import base64
import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.landing.cut import Addresses, cut_addresses
from stedi_dagster.landing.feeds import FEEDS
from stedi_dagster_tests.landing.zone import land
from stedi_dagster_tests.scenario import customer

KNOWN = ["liv@post.example.org", "liv@post.example.net", "olivia@post.example.org", "liv@b\xfccher.example"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ('{"email": "liv@post.example.o', {"liv@post.example.org"}),
        ('{"email": "Liv@Post.exa\n', {"liv@post.example.org", "liv@post.example.net"}),
        ("away with mailto:liv%40post.example.n", {"liv@post.example.net"}),
        ("liv@", set(KNOWN) - {"olivia@post.example.org"}),
        (base64.b64encode(b"stop liv@post.ex").decode(), {"liv@post.example.org", "liv@post.example.net"}),
        ("liv@b\xfcch", {"liv@b\xfccher.example"} | {one for one in KNOWN if one.startswith("liv@")}),
        ('{"email": "liv@post.example.o"', set()),
        ("liv@post.exa, and so on", set()),
        ("liv", set()),
        ("@post.example.org", set()),
        ("", set()),
    ],
)
def test_whoever_begins_as_the_text_ends_is_meant(text, meant):
    from stedi_dagster.keys import key_of

    known = Addresses(map(key_of, KNOWN))
    assert set(known.beginning(*cut_addresses(text))) == set(map(key_of, meant))


def test_the_quarantine_names_everybody_who_has_landed_and_is_meant(sail: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "customer" / "landing"
    folder.mkdir(parents=True)
    canonical = "".join(json.dumps(customer(one)) + "\n" for one in ("liv@post.example.org", "bo@post.example.org"))
    (folder / "all.json").write_text(canonical)
    (folder / "odd.json").write_text(f' {json.dumps(customer("liv@post.example.net"))}\n{{"email": "liv@post.ex')
    outcome = land(sail, FEEDS["customer_landing"], tmp_path / "landing", tmp_path / "staged")
    [row] = outcome.quarantine
    assert {"liv@post.example.org", "liv@post.example.net"} < set(row[5].split("\n"))
    assert "bo@post.example.org" not in row[5]
