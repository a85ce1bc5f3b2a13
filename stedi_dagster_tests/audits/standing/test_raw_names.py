"""A known person is found in a raw text however the address is spelled there, and nobody else is."""

import base64
import gzip
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stedi_dagster.audits.standing.raw import names as raw
from stedi_dagster.audits.standing.raw.names import Known
from stedi_dagster.keys import key_of

PEOPLE = ["mia.o'neil+news@post.example.org", "x@y", "andr\xe9@b\xfccher.example"]
KNOWN = Known(map(key_of, [*PEOPLE, "ann@post.example.org"]))
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
SIGNS = "\"'<>()[]{},;:|=&?!*`/\\ \t\n\0\u201d\u3002\xa0"
ENCODED: list[Callable[[str], str]] = [
    lambda text: quote(text, safe=""),
    lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    lambda text: html.escape(text).replace("@", "&#x40;").replace(".", "&#46;"),
    lambda text: json.dumps(text).replace("@", r"\u0040"),
    lambda text: json.dumps(json.dumps(text)).replace("@", r"\\x40"),
    lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(text.encode("utf-16-le")).decode() if text.isascii() else text,
    "\0".join,
    lambda text: base64.b64encode(text.encode("utf-16")).decode() if text.isascii() else text,
    lambda text: text.replace("@", " @ "),
    lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
    lambda text: text.encode().hex(),
    lambda text: text.replace("@", "%u0040"),
    lambda text: text.replace("@", "</i>@"),
    "\x07".join,
]


@EXAMPLES
@given(
    person=st.sampled_from([*PEOPLE, *map(str.title, PEOPLE)]),
    before=st.text(SIGNS, max_size=3),
    after=st.text(SIGNS, min_size=1, max_size=3),
    ways=st.lists(st.sampled_from(ENCODED), max_size=2, unique=True),
)
def test_a_known_person_is_found_between_any_signs_in_any_encoding(person, before, after, ways):
    text = f"word {before}{person}{after} word"
    for way in ways:
        text = way(text)
    assert key_of(person) in KNOWN.named_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "joann@post.example.org",
        "jo.ann@post.example.org",
        "serial-of-ann@post.example.org",
        "ann@post.example.organic",
        "ann@post.example.org.au",
        "ann@post.example, ",
        "ann at post.example.org",
        "@post.example.org",
        "annn@post.example.org",
    ],
)
def test_who_is_only_alike_is_not_found(text):
    assert KNOWN.named_in(text) == set()


@pytest.mark.parametrize("text", ['{"email": "ann@post.exam', "out: ann@", "ann@post.example.org."])
def test_a_text_that_ends_within_an_address_names_whoever_it_begins(text):
    assert KNOWN.named_in(text) == {"ann@post.example.org"}


@pytest.mark.parametrize(
    "text", ["ann@" * 5, "%", "\\", "\\\\u", "ab", "\u6162", "<a", "=40", "A", " ", "\0", "&#64;", '"', "."]
)
def test_looking_takes_time_in_proportion_to_the_text(monkeypatch, text):
    def steps(times: int) -> int:
        read = [0]

        def counted(said: str) -> str:
            read[0] += len(said)
            return folded(said)

        with monkeypatch.context() as patched:
            patched.setattr(raw, "_folded", counted)
            KNOWN.named_in(text * times + " nobody@x.example")
        return read[0]

    folded = raw._folded
    assert 0 < steps(2000) <= 2.2 * steps(1000)
