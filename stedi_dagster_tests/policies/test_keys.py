"""Who counts as the same person: addresses that differ in spaces and in small and capital letters."""

import pytest
from pyspark.sql import SparkSession

from stedi_dagster.policies.keys import key_of, matching_key
from stedi_dagster_tests.policies.frames import records

SPELLINGS = {
    "ann@example.com": [
        "ann@example.com",
        "ANN@Example.COM",
        "  ann@example.com ",
        "\tann@example.com\r\n",
        "\x0bann@example.com\f",
    ],
    "andré@example.com": [
        "andré@example.com",
        "ANDRÉ@EXAMPLE.COM",
        "\xa0André@example.com\u3000",
        "\u2003andré@example.com\x85",
    ],
    # Turkish İ is i with a dot above, wherever the engine runs.
    "i\u0307pek@example.com": ["İPEK@example.com", "i\u0307pek@example.com"],
    "straße@example.com": ["straße@example.com", "STRAẞE@EXAMPLE.COM"],
    # Sigma is written ς where a word ends, and lower-casing capitals guesses where one does.
    "οδυσσευσ@example.com": ["ΟΔΥΣΣΕΥΣ@EXAMPLE.COM", "οδυσσευς@example.com", "οδυσσευσ@example.com"],
    "νικοσ.a@example.com": ["ΝΙΚΟΣ.A@example.com", "νικος.a@example.com", "νικοσ.a@example.com"],
}
DIFFERENT = [
    "ann@example.com",
    "a nn@example.com",
    "ann@example.co",
    "anné@example.com",
    "strasse@example.com",
    "\u200bann@example.com",  # a zero-width space is no white space to Unicode either
]


def keys_of(session: SparkSession, texts: list[str]) -> dict[str, str]:
    frame = session.createDataFrame([(text,) for text in texts], "text string")
    return dict(records(frame.select("text", matching_key("text").alias("key"))))


@pytest.mark.parametrize("key", SPELLINGS)
def test_all_spellings_of_an_address_have_one_key_on_both_engines(engine: SparkSession, key: str) -> None:
    found = keys_of(engine, SPELLINGS[key])
    assert found == dict.fromkeys(SPELLINGS[key], key)


def test_addresses_that_differ_otherwise_have_keys_of_their_own(engine: SparkSession) -> None:
    assert len(set(keys_of(engine, DIFFERENT).values())) == len(DIFFERENT)


def test_an_unknown_address_has_no_key(engine: SparkSession) -> None:
    frame = engine.createDataFrame([(None,)], "text string")
    assert records(frame.select(matching_key("text"))) == [None]


@pytest.mark.java
def test_no_letter_of_any_script_has_another_key_on_the_other_engine(sail: SparkSession, spark: SparkSession) -> None:
    # Lower-casing looks at the neighbours of a sigma only, and every sigma becomes the same one: letters one by one
    # are therefore all there is to compare. Those after the last plane with letters are left out.
    letters = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code <= 0xDFFF]
    between = [f"a{letter}Σ" for letter in letters[::7]] + [f"aΣ{letter}b" for letter in letters[3::7]]
    assert keys_of(sail, letters + between) == keys_of(spark, letters + between)


def test_python_gives_every_letter_the_key_that_the_engine_gives(sail: SparkSession) -> None:
    letters = [chr(code) for code in range(1, 0x20000) if not 0xD800 <= code <= 0xDFFF]
    between = [f"a{letter}\u03a3" for letter in letters[::7]] + [f"a\u03a3{letter}b" for letter in letters[3::7]]
    texts = letters + between + [f" {letter}Ab{letter} " for letter in letters[:0x3100]]
    found = keys_of(sail, texts)
    assert {text: key_of(text) for text in texts if key_of(text) != found[text]} == {}


@pytest.mark.parametrize("key", SPELLINGS)
def test_python_gives_all_spellings_of_an_address_one_key(key: str) -> None:
    assert {key_of(text) for text in SPELLINGS[key]} == {key}
