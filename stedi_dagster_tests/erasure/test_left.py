"""What an erasure leaves of a text that names several: one text at most, and everybody else is meant as before."""

import json

import pytest

from stedi_dagster_tests.erasure.raw import (
    ACCELEROMETER,
    CUSTOMER,
    STEP_TRAINER,
    concluded,
    left_of,
    records,
    texts,
)
from stedi_dagster_tests.erasure.unique_person import BOB, CID, NAME, SERIAL, ZOE, her_record
from stedi_dagster_tests.scenario import T0, customer, reading, step

CROWD = [customer(f"person{number}@example.com") for number in range(40)]
HER = her_record()


@pytest.mark.parametrize("indent", [None, 2])
def test_out_of_an_envelope_of_many_only_her_record_is_cut(tmp_path, indent):
    whole = json.dumps({"Records": [*CROWD[:20], HER, *CROWD[20:]], "lastUpdateDate": T0}, indent=indent)
    left = left_of(tmp_path, CUSTOMER, whole, ZOE, SERIAL)
    assert json.loads(left) == {"Records": CROWD, "lastUpdateDate": T0}
    assert concluded(left) == {one for one in concluded(whole, ZOE) if SERIAL not in one}


def test_where_her_name_would_stay_in_an_envelope_only_the_others_are_named(tmp_path):
    others = [customer(BOB, customerName=NAME), customer(CID)]
    envelope = {"Records": [HER, *others]}
    left = left_of(tmp_path, CUSTOMER, json.dumps(envelope), ZOE, SERIAL, name=NAME)
    assert json.loads(left) == {"Records": others}
    left = left_of(tmp_path, CUSTOMER, json.dumps({**envelope, "asked by": NAME}), ZOE, SERIAL, name=NAME)
    assert {one[0] for one in concluded(left)} == {BOB, CID, "of several"}
    assert "Quarkstrudel" not in left


@pytest.mark.parametrize(
    "text",
    [
        f"please take out {ZOE}, {BOB} and {CID}",
        f'{{"email": "{BOB}", "lastUpdateDate": 1, "shareWithRes{{"email": "{ZOE}", "phone": "',
        json.dumps({"lastUpdateDate": T0 + 5, "people": [ZOE, BOB], "serialNumber": "d-1"}),
        json.dumps({"users": [{"email": ZOE, "serialNumber": SERIAL}, {"e-mail": BOB}], "x": [ZOE, CID]}),
        json.dumps({"email": ZOE, "friends": [BOB, CID], "lastUpdateDate": "?", "serialNumber": SERIAL}),
        f'{{"email": "{ZOE}", "email": "{BOB}", "serialNumber": "d-1"}}',
        f"email={ZOE}&friend={BOB}",
        f"{BOB} knows {ZOE} and {CID[:-2]}",
        "".join(f"\\u{ord(letter):04x}" for letter in ZOE) + f" \u2018{BOB}\u2019",
    ],
)
def test_one_text_stays_and_means_the_others_as_before(tmp_path, text):
    left = left_of(tmp_path, CUSTOMER, text, ZOE, SERIAL)
    assert len(texts(CUSTOMER, left)) == 1
    assert records(CUSTOMER, left) == []
    assert concluded(left, "somebody@erased.invalid") >= {
        one for one in concluded(text, ZOE) if one[0] in {BOB, CID, "of several", "cid@example.c"} and SERIAL not in one
    }
    assert "zwiebelfisch" not in left.lower()
    assert SERIAL not in left


def test_a_text_that_names_everybody_does_not_grow(tmp_path):
    text = " ".join(one["email"] for one in [*CROWD, HER])
    left = left_of(tmp_path, CUSTOMER, text, ZOE)
    assert len(left) < len(text) + 3 * len(CROWD) + 80
    for number, person in enumerate(CROWD):
        smaller = left_of(tmp_path, CUSTOMER, left, person["email"])
        assert len(smaller) < len(left), number
        left = smaller
    assert left == ""


def test_a_text_that_names_her_alone_goes(tmp_path):
    for text in (f"write to <{ZOE}>", f'{{"email": "{ZOE}", ', "email=" + ZOE.replace("@", "%40") + "&x=1"):
        assert left_of(tmp_path, CUSTOMER, f"{text}\n{json.dumps(CROWD[0])}", ZOE) == json.dumps(CROWD[0]) + "\n"


def test_of_an_address_that_is_cut_hers_goes_and_whoever_is_called_alike_is_named(tmp_path):
    known = {ZOE, "zwiebelfisch@exam.example"}
    for length in range(ZOE.index("@") + 1, len(ZOE) + 1):
        text = f'{{"customerName": "Zoe", "email": "{ZOE[:length]}'
        left = left_of(tmp_path, CUSTOMER, text, ZOE, others=known)
        alike = "zwiebelfisch@exam.example".startswith(ZOE[:length])
        assert {one[0] for one in concluded(left)} == ({"zwiebelfisch@exam.example"} if alike else set())
        assert "Zoe" not in left


def test_a_neighbour_in_whose_address_hers_may_be_read_is_still_meant(tmp_path):
    text = "o'neil@example.com has left"
    left = left_of(tmp_path, CUSTOMER, text, "neil@example.com", others={"o'neil@example.com"})
    assert ("o'neil@example.com", None) in concluded(left)
    assert left_of(tmp_path, CUSTOMER, text, "neil@example.com") == ""


def test_texts_that_would_be_read_on_without_her_are_set_apart(tmp_path):
    text = f'{{"y":\n{json.dumps(HER)}\n{json.dumps(CROWD[0])}\n}} of {BOB}\n'
    left = left_of(tmp_path, CUSTOMER, text, ZOE)
    assert concluded(left) == concluded(text, ZOE)
    assert records(CUSTOMER, left) == records(CUSTOMER, json.dumps(CROWD[0]))


def test_what_she_wrote_and_can_be_read_means_nobody_else(tmp_path):
    assert left_of(tmp_path, CUSTOMER, json.dumps({**HER, "referredBy": BOB}), ZOE) == ""


@pytest.mark.parametrize("other", ["EMAIL", "e-mail", "E_Mail", "\uff45mail"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_record_of_two_people_by_two_spellings_of_a_key_means_both(tmp_path, other, order):
    text = json.dumps(dict([("email", ZOE), (other, BOB), ("lastUpdateDate", T0)][::order]))
    assert {one[0] for one in concluded(left_of(tmp_path, CUSTOMER, text, ZOE))} == {BOB}
    assert {one[0] for one in concluded(left_of(tmp_path, CUSTOMER, text, BOB))} == {ZOE}


def test_a_reading_of_two_people_by_two_spellings_of_a_key_goes_with_either(tmp_path):
    text = json.dumps({**reading(ZOE), "us_er": BOB})
    assert left_of(tmp_path, ACCELEROMETER, text, ZOE) == ""
    assert left_of(tmp_path, ACCELEROMETER, text, BOB) == ""
    assert left_of(tmp_path, ACCELEROMETER, text, CID) == text


# What stands where an address should, and is none: it says whose a record is only by whom it names.
NO_ADDRESSES = [
    "mailto:{}",
    "Zoe <{}>",
    "'{}'",
    '"{}"',
    "{}.",
    "{},{}",
    "E-Mail: {}",
    "tel:1;{}",
]


@pytest.mark.parametrize("spelt", NO_ADDRESSES)
def test_a_record_with_her_address_in_something_else_is_hers(tmp_path, spelt):
    for feed, hers in ((CUSTOMER, {**HER, "email": "?"}), (ACCELEROMETER, {**reading(ZOE), "user": "?"})):
        for address in (ZOE, ZOE.upper(), ZOE.replace("@", "%40")):
            text = json.dumps(hers).replace('"?"', json.dumps(spelt.replace("{}", address)))
            assert records(feed, text) == []
            assert left_of(tmp_path, feed, text, ZOE, SERIAL) == ""
            assert left_of(tmp_path, feed, text, BOB, "bobs") == text


def test_an_address_beyond_ascii_in_several_words_is_hers_and_a_longer_one_is_not(tmp_path):
    hers, longer = "zo\u00e9@m\u00fcller.example", "o'zo\u00e9@m\u00fcller.example"
    for escaped in (True, False):
        for address in (hers, longer):
            spelt = address.replace("@", " @ ")
            text = json.dumps({**reading("?"), "user": spelt}, ensure_ascii=escaped)
            left = left_of(tmp_path, ACCELEROMETER, text, hers, others={hers, longer})
            assert left == ("" if address == hers else text)


@pytest.mark.parametrize("spelt", NO_ADDRESSES)
def test_a_record_with_somebody_elses_address_in_something_else_goes_on_meaning_them(tmp_path, spelt):
    record = {"email": spelt.replace("{}", BOB), "serialNumber": "bobs", "lastUpdateDate": T0}
    assert left_of(tmp_path, CUSTOMER, json.dumps(record), ZOE, SERIAL) == json.dumps(record)
    text = json.dumps({**record, "friend": ZOE})
    left = left_of(tmp_path, CUSTOMER, text, ZOE, SERIAL)
    assert (BOB, T0) in concluded(left)
    assert ZOE not in left


@pytest.mark.parametrize("nobody", ["n/a", "-", "", None, 0, "zwiebelfisch(at)example.com"])
def test_a_record_of_no_address_is_hers_by_her_device_or_telephone(tmp_path, nobody):
    phone = "0170 90817263"
    for told in ({"serialNumber": SERIAL.lower()}, {"phone": phone}, {"serialNumber": "d-1", "phone": f" {phone}"}):
        text = json.dumps({"email": nobody, **told})
        assert left_of(tmp_path, CUSTOMER, text, ZOE, SERIAL, own_phone=phone) == ""
        assert left_of(tmp_path, CUSTOMER, text, BOB, "bobs", own_phone="0170 1") == text
    for text in (json.dumps({"email": BOB, "phone": phone}), json.dumps({"email": nobody, "phone": "0170"})):
        assert left_of(tmp_path, CUSTOMER, text, ZOE, SERIAL, own_phone=phone) == text


READINGS = [reading(BOB, at=T0 + at) for at in range(3)], [step("bobs", at=T0 + at) for at in range(3)]


@pytest.mark.parametrize(
    ("feed", "hers", "others"),
    [(ACCELEROMETER, reading(ZOE), READINGS[0]), (STEP_TRAINER, step(SERIAL), READINGS[1])],
    ids=["accelerometer", "step trainer"],
)
@pytest.mark.parametrize(
    "write",
    [
        lambda lines: "// " + ", ".join(lines),
        lambda lines: "withdrawn: " + r"\n".join(lines),
        lambda lines: '{"readings": [' + ",".join(lines) + "]}",
        lambda lines: '{"readings": [' + ",\n".join(lines),
        lambda lines: "/*\n" + "\n".join(lines) + "\n*/",
        lambda lines: json.dumps({"message": r"\n".join(lines)}),
        lambda lines: "/*\x1e" + "\x1e".join(line.replace("{", "").replace("}", "") for line in lines) + "\x1e*/",
        lambda lines: json.dumps([{"data": json.loads(line)} for line in lines]),
    ],
)
def test_readings_of_others_in_a_text_stay_byte_for_byte(tmp_path, feed, hers, others, write):
    lines = [json.dumps(one) for one in [hers, *others[:2], hers, hers, others[2], hers]]
    text = write(lines)
    left = left_of(tmp_path, feed, text, ZOE, SERIAL)
    assert ZOE not in left
    assert SERIAL not in left
    for line in (lines[1], lines[2], lines[5]):
        assert json.dumps(line)[1:-1] in left or line.strip("{}") in left, left
    assert records(feed, left) == records(feed, text) == []


SEPARATORS = [*"\x0b\x0c\x1c\x1d\x1f\x85\xa0\u2028\u3000|&", '"', "\x00x", " and ", "\\"]


@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
@pytest.mark.parametrize(
    ("feed", "hers", "others"),
    [(ACCELEROMETER, reading(ZOE), READINGS[0]), (STEP_TRAINER, step(SERIAL), READINGS[1])],
    ids=["accelerometer", "step trainer"],
)
def test_readings_of_others_on_one_line_with_hers_stay_whatever_stands_between(tmp_path, feed, hers, others, separator):
    her, *lines = map(json.dumps, [hers, *others])
    for at in range(3):
        text = separator.join([*lines[:at], her, *lines[at:]])
        left = left_of(tmp_path, feed, text, ZOE, SERIAL)
        assert her not in left
        assert records(feed, left) == [row for row in records(feed, text) if not {ZOE, SERIAL} & set(row)]
        assert all(line in left or json.dumps(line)[1:-1] in left for line in lines), left


@pytest.mark.parametrize("separator", ["&", "\x0c", " and ", "|", "\xa0"], ids=ascii)
def test_readings_of_others_stay_behind_one_of_hers_that_was_cut(tmp_path, separator):
    lines = [json.dumps(one) for one in READINGS[0]]
    cut = json.dumps(reading(ZOE))[:-9]
    text = ",".join([*lines[:2], separator.join([cut, lines[2], lines[0]])])
    left = left_of(tmp_path, ACCELEROMETER, text, ZOE)
    assert ZOE not in left
    assert records(ACCELEROMETER, left) == records(ACCELEROMETER, text)
    assert left.count(BOB) == 4


def test_readings_in_an_envelope_stay_an_envelope(tmp_path):
    text = json.dumps({"readings": [*READINGS[0], reading(ZOE)], "last": reading(ZOE)})
    left = left_of(tmp_path, ACCELEROMETER, text, ZOE)
    assert json.loads(left) == {"readings": READINGS[0], "last": None}
