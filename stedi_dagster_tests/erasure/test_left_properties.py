"""Whatever stands in raw files: without somebody, everybody else is read and meant as before, and nothing grows."""

import base64
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster.erasure.fields import owners_of
from stedi_dagster.keys import key_of
from stedi_dagster.landing.cut import cut_addresses
from stedi_dagster.landing.mentions import mentions_of
from stedi_dagster.landing.spellings import addresses_in
from stedi_dagster_tests.erasure.raw import ACCELEROMETER, CUSTOMER, left_of, records, texts
from stedi_dagster_tests.landing.zone import NOW, examples
from stedi_dagster_tests.scenario import T0, customer, reading

# Of two an address stands in another's, of two one begins as the other, and one is beyond ASCII.
BEYOND_ASCII = "zo\u00e9@m\u00fcller.example"
PEOPLE = ["neil@example.com", "o'neil@example.com", "ada@exam.example", "ada@exam.exa", BEYOND_ASCII, "b+c@x.example"]
KEYS = {person: key_of(person) for person in PEOPLE}
# Whoever looks at a file that begins so takes it for text.
FIRST = '{"first": "line"}\n'

person = st.sampled_from(PEOPLE)
SPELLINGS: list[Callable[[str], str]] = [  # of an address
    str,
    str.upper,
    lambda one: f"<mailto:{one}>",
    lambda one: f"user={one}&x=1",
    lambda one: json.dumps(one, ensure_ascii=True),
    lambda one: "".join(f"%{byte:02x}" for byte in one.encode()),
    lambda one: "".join(f"&#{ord(sign)};" for sign in one),
    lambda one: one.replace("@", " @ "),
    lambda one: base64.b64encode(f"of {one} now".encode()).decode(),
    lambda one: " " + "\0".join(one),
]
named = st.builds(lambda spell, one: spell(one), st.sampled_from(SPELLINGS), person)
serial = st.sampled_from(["d-1", "d-2", "d-3"])
moment = st.sampled_from([T0, T0 + 7, 5, "soon", None])
record = st.builds(
    lambda one, device, at, agreed: customer(one, serial=device, lastUpdateDate=at, agreed=agreed),
    person,
    serial,
    moment,
    st.sampled_from([T0, None]),
)
mentioning = st.builds(lambda one, note: {**one, "note": note}, record, named)
ownerless = st.builds(lambda one, note: {**{k: v for k, v in one.items() if k != "email"}, "note": note}, record, named)
misspelt = st.builds(lambda one, said: {**one, "email": said}, record, named)
twice = st.builds(lambda one, other: {**one, "E_Mail": other}, record, person)
objects = st.one_of(record, mentioning, ownerless, misspelt, twice)
several = st.lists(objects, min_size=1, max_size=4)


def lines_of(values: Sequence[object]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in values]


text = st.one_of(
    objects.map(json.dumps),
    several.map(lambda values: json.dumps({"Records": values, "lastUpdateDate": T0 + 3})),
    several.map(lambda values: json.dumps({"Records": values}, indent=1)),
    several.map(lambda values: "// " + ", ".join(lines_of(values))),
    several.map(lambda values: json.dumps({"message": "\\n".join(lines_of(values))})),
    several.map(lambda values: "/* " + "\x1e".join(lines_of(values)) + " */"),
    st.lists(named, min_size=1, max_size=4).map(" and ".join),
    st.lists(named, min_size=1, max_size=4).map(",".join),
    st.builds(lambda values, length: json.dumps({"gone": values})[:-length], several, st.integers(1, 90)),
    st.builds(lambda one, length: f'{{"email": "{one[: one.index("@") + length]}', person, st.integers(1, 9)),
    st.sampled_from(["a half", '{"y":', "}", "[", "]", '"', "\x00"]),
)
worlds = st.lists(text, min_size=1, max_size=4).map(lambda texts_: FIRST + "\n".join(texts_))


def meant(world: str, without: str) -> set[tuple[object, ...]]:
    """Who of the people is meant by texts, and when; with what device together with somebody else."""
    found: set[tuple[object, ...]] = set()
    for one in texts(CUSTOMER, world):
        said = mentions_of(one, now_ms=NOW)
        people = {*(said.people or "").split("\n")} - {""}
        begun = tuple(cut_addresses(one.text))
        people |= {key for key in KEYS.values() if begun and key.startswith(begun)}
        found |= {(key, said.moment) for key in people & {*KEYS.values()} if key != without}
        shared = people - {without}
        if len(people) > 1 and shared & {*KEYS.values()}:
            found |= {("of several", device) for device in (said.devices or "").split("\n") if device}
    return found


def means(world: str, whom: str) -> bool:
    """Whether a text means somebody that is nobody else's record, and not for meaning somebody else."""
    for one in texts(CUSTOMER, world):
        if not owners_of(one.value, CUSTOMER.contract):
            others = [key for key in KEYS.values() if key != whom]
            people = {*(mentions_of(one, now_ms=NOW).people or "").split("\n")}
            if whom in people and not any(whom in addresses_in(other) for other in people & {*others}):
                return True
    return False


@examples
@given(worlds, person)
def test_without_somebody_the_others_are_read_and_meant_as_before(world, whom):
    key = KEYS[whom]
    with tempfile.TemporaryDirectory() as folder:
        left = left_of(Path(folder), CUSTOMER, world, whom, others=set(PEOPLE))
    assert not means(left, key), left
    assert records(CUSTOMER, left) == [row for row in records(CUSTOMER, world) if key_of(str(row[1])) != key]
    assert meant(left, key) == meant(world, key), left
    assert len(texts(CUSTOMER, left)) <= len(texts(CUSTOMER, world))
    assert len(left) <= len(world) + 200 * len(texts(CUSTOMER, world))


readings_ = st.lists(st.builds(lambda one, at: reading(one, at=T0 + at), person, st.integers(0, 9)), max_size=5)
collapsed = st.one_of(
    readings_.map(lambda values: "\n".join(lines_of(values))),
    readings_.map(lambda values: json.dumps({"readings": values})),
    readings_.map(lambda values: "// " + ", ".join(lines_of(values))),
    readings_.map(lambda values: json.dumps({"message": "\\n".join(lines_of(values))}, ensure_ascii=False)),
    st.builds(lambda said: json.dumps({**reading("nobody", at=T0), "user": said}), named),
    st.builds(
        lambda values, between: between.join(lines_of(values)), readings_, st.sampled_from("\x0b\x0c\x85\u2028&|")
    ),
    readings_.map(lambda values: '{"readings": [' + ",".join(lines_of(values)) + "]"),
    named,
)


def said(world: str, one: str) -> int:
    return world.count(f'"{one}"') + world.count(f'\\"{one}\\"')


@examples
@given(st.lists(collapsed, min_size=1, max_size=3).map(lambda texts_: FIRST + "\n".join(texts_)), person)
def test_without_somebody_the_readings_of_others_stay(world, whom):
    with tempfile.TemporaryDirectory() as folder:
        left = left_of(Path(folder), ACCELEROMETER, world, whom, others=set(PEOPLE))
    hers = {whom, KEYS[whom]}
    assert records(ACCELEROMETER, left) == [
        row for row in records(ACCELEROMETER, world) if key_of(str(row[0])) not in hers
    ]
    assert len(texts(ACCELEROMETER, left)) <= len(texts(ACCELEROMETER, world))
    assert all(
        hers.isdisjoint(addresses_in(one.text))
        or any(hers & addresses_in(other) for other in PEOPLE if other not in hers)
        for one in texts(ACCELEROMETER, left)
    )
    for other in PEOPLE:
        if other not in hers and not hers & addresses_in(other):
            assert said(left, other) == said(world, other), other
