"""Which lines and files an engine may read: the pattern on both engines, and the search for the files."""

import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from stedi_dagster.landing import canonical
from stedi_dagster.landing.canonical import Lines, canonical_files, is_canonical_line, pattern, scan
from stedi_dagster.landing.files import RawFile
from stedi_dagster.landing.records import is_iso_date
from stedi_dagster_tests.landing.zone import ACCELEROMETER, CUSTOMER, NOW, STEP_TRAINER, examples, raw_file
from stedi_dagster_tests.scenario import T0, customer, reading

DAY_MS = 24 * 60 * 60 * 1000
CUSTOMER_LINE = '{"email": "ann@example.com", "serialNumber": "7-a"%s}'
READING_LINE = '{"user":"ann@example.com","timestamp":%s,"x":%s,"y":-1,"z":0.5}'
STEP_LINE = '{"sensorReadingTime":1655564400000,"serialNumber":"7-a","distanceFromObject":%s}'
WHOLE_READING = READING_LINE % (T0, "0.0")

CANONICAL = {
    CUSTOMER: [
        CUSTOMER_LINE % "",
        CUSTOMER_LINE % "" + "\r",
        CUSTOMER_LINE % ', "customerName": "Zoë Ångström 山田 🦶", "phone": "", "birthDay": "13/45/1990"',
        CUSTOMER_LINE % ', "customerName": null, "birthDay":null, "shareWithResearchAsOfDate": \t null',
        CUSTOMER_LINE % ', "shareWithFriendsAsOfDate": 1655564400000, "registrationDate": 1000000000000',
        '\t{ "phone" : "5550100" ,\t"serialNumber": "7-a","email": "ann@example.com" } ',
    ],
    ACCELEROMETER: [
        WHOLE_READING,
        '{"z":0.5,"y":-1,"x":0,"timestamp":1655564400000,"user":"~ann+x!#$%&\'*/=?^_`|@example.com"}',
        READING_LINE % (NOW + DAY_MS, "0"),
        *(READING_LINE % (T0, x) for x in ("-0", "-0.0", "1e5", "1.25E-7", "999999999999999", "0.12345678901234567")),
    ],
    STEP_TRAINER: [STEP_LINE % x for x in ("0", "-0", "-5", "999999999999999999")],
}
NOT_CANONICAL = {
    CUSTOMER: [
        CUSTOMER_LINE % "" + "\u2028",
        CUSTOMER_LINE % "" + "\x85",
        CUSTOMER_LINE % ', "phone": "555:0100"',
        CUSTOMER_LINE % r', "customerName": "Zo\u00eb"',
        CUSTOMER_LINE % ', "customerName": "Ann\ufffd"',
        CUSTOMER_LINE % ', "customerName": "Ann\x7f"',
        CUSTOMER_LINE % ', "customerName": "Ann\tExample"',
        CUSTOMER_LINE % ', "customerName": "{Ann}"',
        CUSTOMER_LINE % ', "customerName": 5',
        CUSTOMER_LINE % ', "customerName": "Ann Example", "note": "new"',
        CUSTOMER_LINE % ', "shareWithResearchAsOfDate": "1655564400000"',
        CUSTOMER_LINE % ', "shareWithResearchAsOfDate": 999999999999',
        CUSTOMER_LINE % f', "shareWithResearchAsOfDate": {NOW + DAY_MS + 1}',
        CUSTOMER_LINE % ', "shareWithResearchAsOfDate": NULL',
        CUSTOMER_LINE % ",",
        '{"email": "ann@example.com"}',
        '{"email": "", "serialNumber": "7-a"}',
        '{"email": " ann@example.com", "serialNumber": "7-a"}',
        '{"email": "zoë@example.com", "serialNumber": "7-a"}',
        '{"email": null, "serialNumber": "7-a"}',
        '{"Email": "ann@example.com", "serialNumber": "7-a"}',
        '{"email": 5, "serialNumber": 7}',
    ],
    ACCELEROMETER: [
        "",
        "{}",
        "null",
        "\ufeff" + WHOLE_READING,
        WHOLE_READING * 2,
        WHOLE_READING + ",",
        WHOLE_READING[:-1],
        f"[{WHOLE_READING}]",
        f"x{WHOLE_READING}",
        f"{WHOLE_READING}x",
        WHOLE_READING.replace("timestamp", "timeStamp"),
        WHOLE_READING.replace('"timestamp":1655564400000,', ""),
        WHOLE_READING.replace(",", ",,"),
        WHOLE_READING.replace('"', "'"),
        *(READING_LINE % (T0, x) for x in ('"0.5"', "null", "NaN", "Infinity", "true", "[1]", "+1", "01", ".5", "1.")),
        *(READING_LINE % (T0, x) for x in ("1e+5", "1e999", "1000000000000000", "0.123456789012345678", "- 1")),
        *(READING_LINE % (time, "0") for time in (f"{T0}.0", f"-{T0}", f'"{T0}"', "null", f"0{T0}", "1.6555644e12")),
        *(READING_LINE % (time, "0") for time in (T0 // 1000, NOW + DAY_MS + 1, 10 * T0, 946_684_800_000)),
    ],
    STEP_TRAINER: [STEP_LINE % x for x in ("1.0", "1e2", "007", '"5"', "1000000000000000000", "null", "", "0x5")],
}


@pytest.mark.parametrize("feed", CANONICAL, ids=lambda feed: feed.name)
def test_the_pattern_tells_the_same_lines_apart_on_every_engine(feed, engine):
    lines = CANONICAL[feed] + NOT_CANONICAL[feed]
    frame = engine.createDataFrame(list(enumerate(lines)), "number int, line string")
    matches = F.col("line").rlike(pattern(feed.contract, now_ms=NOW))
    found = {row.number for row in frame.where(matches).select("number").collect()}
    assert [lines[number] for number in sorted(found)] == CANONICAL[feed]


@given(st.integers(10**12, 9 * 10**12), st.data())
@examples
def test_the_pattern_of_times_matches_the_integers_up_to_the_latest(latest, data):
    near = st.integers(-2000, 2000).map(lambda more: latest + more)
    cut = st.integers(1, 12).map(lambda digits: latest // 10**digits * 10**digits)
    number = data.draw(st.one_of(near, cut, cut.map(lambda n: n - 1), st.integers(0, 10**14), st.just(10**12 - 1)))
    matches = re.fullmatch(canonical._up_to(latest), str(number)) is not None
    assert matches == (10**12 <= number <= latest)


def test_engines_know_the_same_dates_as_we_do(engine):
    years = ("0000", "0001", "0004", "0100", "0400", "1582", "1900", "1999", "2000", "2023", "2024", "9999")
    texts = [f"{year}-{month:02}-{day:02}" for year in years for month in range(14) for day in range(33)]
    day = date(1990, 1, 31).isoformat()
    texts += [f"{day}\n", f"{day}\u2028", f"{day}\x85", f" {day}", f"{day} ", f"{day}T00:00", day[:-1], f"{day}1"]
    texts += ["", "unknown", "19900131", "1990-1-31", "01/31/1990", "\uff11990-01-31", "-990-01-31", "1990-01-3\u0661"]
    frame = engine.createDataFrame([(number, text) for number, text in enumerate(texts)], "number int, text string")
    rows = frame.select("number", canonical._is_iso_date("text").alias("valid")).collect()
    assert {texts[row.number]: row.valid for row in rows} == {text: is_iso_date(text) for text in texts}


def test_a_missing_date_is_neither_on_engines(engine):
    frame = engine.createDataFrame([(None,)], "text string")
    assert frame.select(canonical._is_iso_date("text").alias("valid")).collect() == [(None,)]


def written(folder: Path, texts: Iterable[str | bytes]) -> list[RawFile]:
    """Files with these contents, in this order."""
    folder.mkdir(exist_ok=True)
    files = []
    for number, text in enumerate(texts):
        path = folder / f"{number:03}.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        files.append(raw_file(path))
    return files


@pytest.mark.parametrize("text", ["{}\n", "{}", "\n{}\n\n   \n", "{0}\n{0}"], ids=["ended", "open", "blank", "two"])
def test_a_scan_accounts_for_every_byte_of_canonical_files(text, engine, tmp_path):
    files = written(tmp_path, [text.replace("{}", WHOLE_READING).replace("{0}", WHOLE_READING)] * 3)
    lines = scan(engine, ACCELEROMETER.contract, files, now_ms=NOW)
    assert lines.accounts_for(files)
    assert (lines.records, lines.values) == (3 * (1 + text.count("{0}") // 2), 5 * lines.records)


def test_values_are_counted_by_their_colons_and_nulls_are_none(engine, tmp_path):
    line = (
        CUSTOMER_LINE % ', "phone": "null", "birthDay": null, "customerName":\tnull, "registrationDate": 1655564400000'
    )
    lines = scan(engine, CUSTOMER.contract, written(tmp_path, [line + "\n"]), now_ms=NOW)
    assert (lines.canonical, lines.values) == (1, 4)


@pytest.mark.parametrize("values", [("null", T0), (T0, "null")], ids=["null first", "null last"])
def test_a_key_that_stands_twice_and_once_with_null_is_not_canonical(values, engine, tmp_path):
    # Engines take the last value, and the number of values does not show it.
    more = "".join(f', "shareWithResearchAsOfDate": {value}' for value in values)
    files = written(tmp_path, [CUSTOMER_LINE % more + "\n"])
    assert not scan(engine, CUSTOMER.contract, files, now_ms=NOW).accounts_for(files)


@pytest.mark.parametrize("key", ["email", "serialNumber"])
@pytest.mark.parametrize("name", ["Ann", "email", "serialNumber"])
def test_a_line_without_a_key_that_must_be_there_is_not_canonical_however_many_others_it_has(
    key, name, engine, tmp_path
):
    whole = customer("ann@example.com") | {"customerName": name}
    without = {other: value for other, value in whole.items() if other != key}
    for record, canonical_lines in ((whole, 1), (without, 0)):
        files = written(tmp_path, [json.dumps(record) + "\n"])
        assert scan(engine, CUSTOMER.contract, files, now_ms=NOW).canonical == canonical_lines


@pytest.mark.parametrize(("missing", "expected"), [(0, True), (1, True), (2, True), (3, False), (-1, False)], ids=str)
def test_only_the_ends_of_lines_may_be_missing(missing, expected, tmp_path):
    files = written(tmp_path, ["x" * 50, "x" * 50])
    assert Lines(octets=100 - missing, lines=2, records=2, canonical=2).accounts_for(files) is expected


def test_nothing_accounts_for_a_file_that_was_not_read(tmp_path):
    files = written(tmp_path, [WHOLE_READING])
    assert not Lines().accounts_for(files)


ODD: dict[int, str | bytes] = {
    3: f"{WHOLE_READING}\n[{WHOLE_READING}]\n",
    4: b'{"user":"\xff"}\n',
    11: b"\xef\xbb\xbf" + WHOLE_READING.encode(),
    18: f"{WHOLE_READING}{WHOLE_READING}",
}


def test_the_canonical_files_among_many_are_found_by_halving(sail, tmp_path, monkeypatch):
    files = written(tmp_path, [ODD.get(number, f"{WHOLE_READING}\n" * 2) for number in range(32)])
    scanning = Mock(wraps=scan)
    monkeypatch.setattr(canonical, "scan", scanning)
    found, lines = canonical_files(sail, ACCELEROMETER.contract, files, lambda _: True, now_ms=NOW)
    assert found == [file for number, file in enumerate(files) if number not in ODD]
    assert (lines.records, lines.canonical, lines.values) == (56, 56, 280)
    assert scanning.call_count < len(files)


def test_few_odd_files_are_found_on_spark_as_well(spark, tmp_path):
    files = written(tmp_path, [*ODD.values(), f"{WHOLE_READING}\n"])
    assert canonical_files(spark, ACCELEROMETER.contract, files, lambda _: True, now_ms=NOW)[0] == files[-1:]


def test_files_that_begin_oddly_cost_one_pass_more_however_many_they_are(sail, tmp_path, monkeypatch):
    files = written(tmp_path, [f"[{WHOLE_READING}]\n" if number % 2 else WHOLE_READING for number in range(32)])
    scanning = Mock(wraps=scan)
    monkeypatch.setattr(canonical, "scan", scanning)
    found, _ = canonical_files(
        sail, ACCELEROMETER.contract, files, lambda file: int(file.name.removesuffix(".json")) % 2 == 0, now_ms=NOW
    )
    assert found == files[::2]
    assert scanning.call_count == 2


@pytest.mark.parametrize(
    ("line", "looks"),
    [
        (WHOLE_READING, True),
        (WHOLE_READING.replace(" ", ""), True),
        ("", False),
        ("42", False),
        (f"[{WHOLE_READING}]", False),
        (WHOLE_READING * 2, False),
        (WHOLE_READING[:-1], False),
        ("\ufeff" + WHOLE_READING, False),
        (WHOLE_READING.replace("timestamp", "timeStamp"), False),
        (WHOLE_READING.replace('"user"', '"User": "a", "user"'), False),
        (json.dumps({**reading(), "timestamp": "1655564376361"}), False),
        (json.dumps({**reading(), "timestamp": True}), False),
        (json.dumps({**reading(), "x": None}), False),
        (json.dumps({**reading(), "x": 1}), True),
        ("[" * 100_000, False),
    ],
)
def test_a_first_line_looks_canonical_if_it_is_one_record_with_the_right_types(line, looks):
    assert is_canonical_line(ACCELEROMETER.contract, line.encode()) is looks


def test_a_customer_without_optional_values_looks_canonical():
    record = customer(phone=None)
    assert record.keys() < set(CUSTOMER.contract.names())
    assert is_canonical_line(CUSTOMER.contract, json.dumps(record).encode())


def test_canonical_files_alone_take_one_pass_and_no_files_none(sail, tmp_path, monkeypatch):
    files = written(tmp_path, [f"{WHOLE_READING}\n"] * 5)
    scanning = Mock(wraps=scan)
    monkeypatch.setattr(canonical, "scan", scanning)
    assert canonical_files(sail, ACCELEROMETER.contract, files, lambda _: True, now_ms=NOW)[0] == files
    assert canonical_files(sail, ACCELEROMETER.contract, [], lambda _: True, now_ms=NOW) == ([], Lines())
    scanning.assert_called_once()
