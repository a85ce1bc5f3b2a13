"""Whose address may be read in a text, however it is written there, and that looking takes time in proportion to it."""

import base64
import gzip
import html
import json
import quopri
import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stedi_dagster.keys import key_of
from stedi_dagster.landing.spellings import addresses_in

LIV = "liv.o'dea@mail.example.net"
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))


def packed(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


BESIDE = [
    "MAILTO:%s?subject=stop",
    "action=stop&who=%s&again=0",
    "'%s'",
    "Take out %s.",
    "Take out %s, please",
    "Is it %s?",
    "Out with %s!!",
    "(%s)",
    "<a href='%s'>",
    "%s...",
    "%s-----",
    "%s.Thanks",
    "%sThanks",
    "%s_",
    "**%s**",
    "_%s_",
    "`%s`",
    "a/%s/b",
    "#%s",
    "x;%s;y",
    "x|%s|y",
    "~%s~",
    "\\%s\\",
    '\\"%s\\"',
    "\\\\\\n%s\\\\\\n",
    r"Hello\n%s\nbye",
    r"Hello\t%s\tbye",
    r"Hello\r\n%s\r\nbye",
    "\u201c%s\u201d",
    "\u2018%s\u2019",
    "\u00ab%s\u00bb",
    "\u300c%s\u300d",
    "\u2014%s\u2014",
    "\u2026%s\u2026",
    "%s\u3002",
    "\u9001\u4fe1\u8005%s\u3055\u3093",
    "\udcff\udcfe%s\udc9d",
    "\0%s\0",
    "\ufeff%s\u200b",
]
WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "for a URL": lambda text: quote(text, safe=""),
    "for a URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "for a form": lambda text: "q=" + quote(text, safe="").replace("%20", "+"),
    "for HTML by number": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "for HTML by name": lambda text: html.escape(text).replace("@", "&commat;").replace(".", "&period;"),
    "for JSON": lambda text: json.dumps(text).replace("@", r"\u0040"),
    "for JSON in JSON": lambda text: json.dumps(json.dumps(json.dumps({"to": text}).replace("@", r"\u0040"))),
    "for Python": lambda text: text.replace("@", r"\x40"),
    "for a mail": lambda text: quopri.encodestring(text.encode("utf-8", "replace")).decode().replace("@", "=40"),
    "with soft line ends": "=\r\n".join,
    "in base64": lambda text: packed(text.encode("utf-8", "replace").decode()),
    "in base64 twice": lambda text: packed(packed(text.encode("utf-8", "replace").decode())),
    "in UTF-16": "\0".join,
    "in UTF-16 and base64": lambda text: packed(text.encode("utf-8", "replace").decode(), "utf-16"),
    "in base64 of gzip": lambda text: base64.b64encode(gzip.compress(text.encode("utf-8", "replace"))).decode(),
    "in hexadecimal": lambda text: text.encode("utf-8", "replace").hex(),
    "in UTF-16 without its first byte": lambda text: f" {text} x ".encode("utf-16-le")[1:-1].decode("utf-16-le"),
    "in UTF-8 read as UTF-16": lambda text: f" {text} "[: len(text) // 2 * 2 + 2].encode().decode("utf-16-le"),
    "for a URL by Unicode": lambda text: text.replace("@", "%u0040"),
    "with tags": lambda text: text.replace("@", "</b>@<wbr>"),
    "with controls": "\b".join,
    "full-width": lambda text: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text),
    "with invisible signs": "\u200d".join,
    "with blanks around the @": lambda text: text.replace("@", " @ "),
}


# They change what another way has written, or write letters of ASCII only.
ALONE = {"in capitals", "in UTF-16 without its first byte", "in UTF-8 read as UTF-16"}


@pytest.mark.parametrize("how", WRITTEN)
def test_an_address_is_read_however_it_is_written(how):
    assert LIV in addresses_in(f"Take out {WRITTEN[how](LIV)} now")
    assert addresses_in(f"Take out {WRITTEN[how]('Liv')} now") == set()


@pytest.mark.parametrize("beside", BESIDE)
def test_an_address_is_read_whatever_stands_beside_it(beside):
    assert LIV in addresses_in(beside % LIV)


@EXAMPLES
@given(
    st.sampled_from([LIV, "B+C_d@x", "jos\xe9@m\xfcnchen.example", "x.y-z@a-b.example.org"]),
    st.sampled_from(BESIDE),
    st.lists(st.sampled_from([way for way in WRITTEN if way not in ALONE]), max_size=2),
    st.text("abc @.,;\"'\n\\%&={}", max_size=9),
)
def test_an_address_is_read_in_any_combination(address, beside, ways, around):
    text = beside % address
    for way in ways:
        text = WRITTEN[way](text)
    assert key_of(address) in addresses_in(f"{around} {text} {around}")


@pytest.mark.parametrize(
    "text",
    [
        "nobody",
        "@",
        "a @",
        "@b",
        "@@@",
        "me@",
        "12:00@",
        "goKC" * 999,
        "\0" * 999,
        "email: nan",
        "\\u0040",
        "%40",
        "&#64;",
    ],
)
def test_nobody_is_read_where_nobody_is_named(text):
    assert addresses_in(text) == set()


def test_neighbours_are_not_read_into_an_address():
    assert addresses_in("liv.dea@x.example") == {"liv.dea@x.example"}
    assert addresses_in("liv+dea@x.example, jos\xe9m@x.example") == {"liv+dea@x.example", "jos\xe9m@x.example"}


def test_what_was_cut_within_an_address_names_what_is_left():
    assert addresses_in('{"email":"liv@mail.exam') == {"liv@mail.exam"}


# What made a regular expression look again and again at the same letters, or would.
LONG = {
    "nothing but NUL": "\0",
    "base64": "goKC",
    "lines of base64": "abcdefgh\n",
    "backslashes": "\\",
    "equals signs": "=",
    "addresses": "a@b ",
    "at signs": "a@",
    "blanks": " ",
    "full stops": ".",
    "apostrophes and at signs": "'''''''@",
    "percent signs": "%25",
    "ampersands": "&#",
    "keys without an end": '"email":"',
    "tags": "<a",
    "letters of two bytes each": "\u6162",
    "hexadecimal": "6b",
    "letters of a script without capitals": "\u9001",
}


def steps(text: str) -> int:
    """How many functions are called, in Python and in C, to find the addresses in a text."""
    count = 0

    def called(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(called)
    try:
        addresses_in(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("part", LONG)
def test_twice_the_text_takes_twice_the_steps(part):
    once, twice = (steps("liv@x.example" + LONG[part] * (times // len(LONG[part])) + "@x") for times in (8_000, 16_000))
    assert twice <= 2.2 * once + 100


@pytest.mark.parametrize("part", LONG)
def test_a_long_text_is_read_to_its_end(part):
    # What takes a thousand times as long for thirty times the text would never end here.
    assert "liv@x.example" in addresses_in(LONG[part] * (400_000 // len(LONG[part])) + "' liv@x.example")


def test_a_photograph_names_nobody_but_its_owner():
    photograph = base64.b64encode(bytes(range(256)) * 4_000).decode()
    assert addresses_in(f'{{"email": "liv@x.example", "photo": "{photograph}"}}') == {"liv@x.example"}
