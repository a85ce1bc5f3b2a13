"""Who counts as the same person: addresses that differ in what nobody sees or minds."""

import unicodedata2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from stedi_dagster.keys import key_of, matching_key, stored
from stedi_dagster_tests.policies.frames import records

SPELLINGS = {
    "ann@example.com": [
        "ann@example.com",
        "ANN@Example.COM",
        "  ann@example.com ",
        "\tann@example.com\r\n",
        "\x0bann@example.com\f",
        "ann@example.com\xa0",
        "\u200bann@example.com",
        "\ufeffann@example.com",
        "a\xadnn@exam\u2060ple.com",
        "ann\ufe0f@example.com\u200e",
        "ann\uff20example.com",
        "\uff21nn@example\uff0ecom",
        "ann@example\u3002com",
    ],
    "andr\xe9@example.com": [
        "andr\xe9@example.com",
        "ANDR\xc9@EXAMPLE.COM",
        "andre\u0301@example.com",
        "ANDRE\u0301\u200d@example.com",
        "\xa0Andr\xe9@example.com\u3000",
        "\u2003andr\xe9@example.com\x85",
    ],
    # Turkish \u0130 is an i with a dot above, which every i has.
    "ipek@example.com": ["\u0130PEK@example.com", "i\u0307pek@example.com", "ipek@example.com"],
    "strasse@example.com": ["stra\xdfe@example.com", "STRA\u1e9eE@EXAMPLE.COM", "STRASSE@example.com"],
    # Sigma is written \u03c2 where a word ends, and lower-casing capitals guesses where one does.
    "\u03bd\u03b9\u03ba\u03bf\u03c3@example.com": [
        "\u039d\u0399\u039a\u039f\u03a3@EXAMPLE.COM",
        "\u03bd\u03b9\u03ba\u03bf\u03c2@example.com",
    ],
    # A domain in letters, and as the domain name system has it; in small letters and as a composition.
    "jo@xn--mnchen-3ya.example": [
        "jo@m\xfcnchen.example",
        "jo@M\xdcNCHEN.Example",
        "jo@mu\u0308nchen.example",
        "Jo@XN--MNCHEN-3YA.example",
    ],
    "jo@xn--i-7iq.example": ["jo@i\u2764.example", "jo@I\u2764\ufe0f.example", "jo@xn--i-7iq.example"],
    # Letters that are younger than the Unicode of Pythons and engines: of versions 16 and 17.
    "\u019b\ua7cf@example.com": ["\ua7dc\ua7ce@example.com", "\u019b\ua7cf@EXAMPLE.com"],
}
DIFFERENT = ["ann@example.com", "a nn@example.com", "ann@example.co", "ann\xe9@example.com", "jo@strasse.example"]
DIFFERENT += ["jo@stra\xdfe.example", "i\u0323pek@example.com", "\u0131pek@example.com"]
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))


def test_all_spellings_of_an_address_have_one_key():
    wrong = {text: key_of(text) for key, texts in SPELLINGS.items() for text in texts if key_of(text) != key}
    assert wrong == {}


def test_addresses_that_differ_otherwise_have_keys_of_their_own():
    assert len({key_of(text) for text in DIFFERENT}) == len(DIFFERENT)


@EXAMPLES
@given(st.text(max_size=12), st.text(max_size=12), st.sampled_from(["@", "\uff20", "", "\ufe6b"]))
def test_a_key_is_its_own_key_and_that_of_its_capitals(local, domain, at):
    key = key_of(f"{local}{at}{domain}")
    assert key_of(key) == key
    assert key_of(stored(key)) == key
    if "\u0131" not in key:  # whose capital is that of i
        assert key_of(key.upper()) == key or not key.isascii()


def test_a_key_has_nothing_invisible_and_is_composed():
    letters = "".join(map(chr, (*range(0x80, 0xD800, 5), *range(0xE000, 0x20000, 5), *range(0xE0000, 0xE0200))))
    key = key_of(letters)
    assert unicodedata2.normalize("NFKC", key) == key
    assert [letter for letter in key if unicodedata2.category(letter) == "Cf"] == []


def test_keys_are_made_by_one_version_of_unicode_whatever_python_and_the_engine_have():
    # With another one, keys of landed records and of erasures may change: say so in the changelog.
    assert unicodedata2.unidata_version == "18.0.0"


def test_what_landing_stores_has_the_same_key_on_an_engine(engine: SparkSession) -> None:
    spellings = [text for texts in SPELLINGS.values() for text in texts] + DIFFERENT
    frame = engine.createDataFrame([(stored(text),) for text in spellings], "text string")
    found = dict(records(frame.select("text", matching_key("text").alias("key"))))
    assert found == {stored(text): key_of(text) for text in spellings}


def test_an_engine_changes_nothing_beyond_ascii(engine: SparkSession) -> None:
    letters = [chr(code) for code in range(0x80, 0x20000, 3) if not 0xD800 <= code <= 0xDFFF]
    frame = engine.createDataFrame([(f" {letter}A\u03a3 ",) for letter in letters], "text string")
    assert records(frame.where(matching_key("text") != frame["text"]).select("text")) == []


def test_an_unknown_address_has_no_key(engine: SparkSession) -> None:
    frame = engine.createDataFrame([(None,)], "text string")
    assert records(frame.select(matching_key("text"))) == [None]
