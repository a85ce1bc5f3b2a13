"""Files of plain lines are read as tables when somebody is erased: what goes, is known and is found stays alike.

The oracle is the same code, told that no file is plain.
"""

import base64
import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stedi_dagster.erasure import raw, search
from stedi_dagster.erasure.ledger import Trace
from stedi_dagster.erasure.person import Known, known_of
from stedi_dagster.erasure.plain_lines import NotPlainError, plain_lines
from stedi_dagster.erasure.raw import RawFiles, Rewritten
from stedi_dagster.erasure.search import Search, Seen
from stedi_dagster.landing.feeds import Feed
from stedi_dagster_tests.erasure.raw import ACCELEROMETER, BY, CUSTOMER, STEP_TRAINER, Zone, wanted
from stedi_dagster_tests.landing.zone import documents, examples
from stedi_dagster_tests.scenario import T0, customer, reading, step

ANN, BOB, ZOE = "ann@x.example", "joann@x.example", "zo\u00e9@m\u00fcller.example"
SERIAL, PHONE, NAME = "d-1", "8015550152", "Ann Ex"

people = st.sampled_from([ANN, ANN.upper(), f" {ANN}", BOB, ZOE, "n/a", f"mailto:{ANN}", f"{ANN} {BOB}"])
serials = st.sampled_from([SERIAL, SERIAL.upper(), "d-2", ANN, "00d-12", None])
notes = st.sampled_from(
    [
        NAME,
        "Bo",
        ANN,
        f"of {ANN}",
        base64.b64encode(f"to {ANN} now".encode()).decode(),
        f'"serialNumber": "{SERIAL}"',
    ]
)
customers = st.builds(
    lambda email, serial, name, phone, at: customer(
        email, serial=serial, customerName=name, phone=phone, lastUpdateDate=at
    ),
    people,
    serials,
    notes,
    st.sampled_from([PHONE, "801 555 0152", "5550000", "", ANN]),
    st.sampled_from([T0, T0 + 7]),
)
readings = st.builds(reading, people, st.integers(T0, T0 + 3))
steps = st.builds(step, st.sampled_from([SERIAL, SERIAL.upper(), "d-2", ANN]), st.integers(T0, T0 + 3))
FEEDS = {CUSTOMER.name: customers, ACCELEROMETER.name: readings, STEP_TRAINER.name: steps}
escaped, ended = st.booleans(), st.booleans()


class NothingPublished:
    """A lakehouse without tables."""

    def table(self, _name: str) -> None:
        return None


@contextmanager
def no_file_is_plain() -> Iterator[None]:
    def refuse(*_: object) -> Iterator[None]:
        raise NotPlainError
        yield

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(raw, "plain_lines", refuse)
        patched.setattr(search, "plain_lines", refuse)
        yield


def erased(feed: Feed, content: bytes) -> tuple[Rewritten, list[object], bytes]:
    """What went, and what is left, as values and as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        zone = Zone(Path(folder))
        path = zone.land(feed, content)
        erasing = wanted(ANN, SERIAL, others={BOB, ZOE}, own_phone=PHONE)
        files = RawFiles(folder)
        looked = files.check(erasing)
        assert path.read_bytes() == content
        planned = files.count(erasing)
        done = files.remove(erasing, number="one", looked=looked)
        assert planned == done
        left = path.read_bytes()
        assert RawFiles(folder).remove(erasing, number="two") == Rewritten()
        return done, [document.value for document in documents(left)], left


def known(content: bytes) -> Known:
    with tempfile.TemporaryDirectory() as folder:
        Zone(Path(folder)).land(CUSTOMER, content)
        return known_of(BY.of(ANN), NothingPublished(), RawFiles(folder), BY)  # type: ignore[arg-type]


def seen(content: bytes) -> Seen:
    told = {("customerName", NAME), ("phone", PHONE), ("serialNumber", SERIAL)}
    looking = Search(ANN, {Trace.of(what, value, BY) for what, value in told}, BY, others=[BOB])
    return looking.in_file("file", lambda: io.BytesIO(content))


def written(values: list[dict[str, object]], *, escaped: bool, ended: bool) -> bytes:
    return ("\n".join(json.dumps(value, ensure_ascii=escaped) for value in values) + "\n" * ended).encode()


@examples
@given(st.sampled_from(sorted(FEEDS)), st.data(), escaped, ended)
def test_what_goes_and_what_is_found_is_alike(name, data, escaped, ended):
    feed = {one.name: one for one in (CUSTOMER, ACCELEROMETER, STEP_TRAINER)}[name]
    values = data.draw(st.lists(FEEDS[name], min_size=1, max_size=6))
    content = written(values, escaped=escaped, ended=ended)
    assert sum(some.rows.num_rows for some in plain_lines(io.BytesIO(content), feed.contract)) == len(values)
    went, left, bytes_left = erased(feed, content)
    here = seen(content)
    with no_file_is_plain():
        assert (went, left) == erased(feed, content)[:2]
        assert here == seen(content)
    if not went.records:
        assert bytes_left == content


# What others' records hide in their texts is not looked for there: who carries a device, a record says by its field.
shown = customers.filter(lambda record: "serialNumber" not in record["customerName"] or record["email"] == ANN)


@examples
@given(st.lists(shown, min_size=1, max_size=5), escaped)
def test_what_is_known_of_somebody_is_alike(values, escaped):
    content = written(values, escaped=escaped, ended=True)
    here = known(content)
    with no_file_is_plain():
        assert here == known(content)


@pytest.mark.parametrize(
    "name",
    [
        f"{ANN} (Jos\u00e9)",
        f"to {ANN}, Zo\u00eb",
        r"ann\u003cb\u003e@x.example",
        r"ann\t@\tx.example",
        r"ann\u0020@\u0020x.example",
        r"\u0061nn@x.example",
        r"ann=\r\n@x.example",
    ],
)
def test_an_address_is_found_in_a_value_however_it_is_written(name):
    others = json.dumps(customer(BOB, customerName="NAME"), ensure_ascii=False).replace("NAME", name)
    content = f"{others}\n{json.dumps(customer(BOB, customerName='Bo'))}\n".encode()
    assert list(plain_lines(io.BytesIO(content), CUSTOMER.contract))
    assert seen(content).found.keys() == {"email"}
    with no_file_is_plain():
        assert seen(content).found.keys() == {"email"}


def test_others_stay_byte_for_byte(tmp_path):
    zone = Zone(tmp_path)
    others = [
        '{"user":"bob@x.example" ,"timestamp":1655564072697,"x":1.50,"y":-0.0,"z":1e3}\r\n',
        json.dumps(reading(BOB)),
    ]
    path = zone.land(ACCELEROMETER, others[0] + json.dumps(reading(ANN)) + "\n" + others[1])
    assert zone.erase(ANN) == Rewritten(files=1, records=1)
    assert path.read_bytes() == "".join(others).encode()


@pytest.mark.parametrize("changed", ["longer", "shorter", "other"])
def test_a_file_that_has_changed_since_it_was_looked_through_loses_nothing_else(tmp_path, monkeypatch, changed):
    zone = Zone(tmp_path)
    line, other = json.dumps(reading(ANN)) + "\n", json.dumps(reading(BOB)) + "\n"
    path = zone.land(ACCELEROMETER, other + line + other)
    erasing = wanted(ANN)
    files = RawFiles(str(tmp_path))
    looked = files.check(erasing)
    now = {"longer": other + line + other + other, "shorter": other, "other": line + other + other}[changed]
    path.write_text(now)
    # Also if nothing but what is in it tells that it is another one.
    monkeypatch.setattr(files, "_entries", lambda feed: [one for one in looked if feed.folder in one.path])
    files.remove(erasing, number="one", looked=looked)
    assert Counter(path.read_text().splitlines()) == Counter({other.strip(): now.count(other)})


@pytest.mark.parametrize("link", [Path.hardlink_to, Path.symlink_to])
def test_a_file_with_two_names_is_rewritten_under_both(tmp_path, link):
    zone = Zone(tmp_path)
    path = zone.land(ACCELEROMETER, "".join(json.dumps(reading(one)) + "\n" for one in (ANN, BOB, ANN)))
    second = path.with_name("second.json")
    link(second, path)
    files = RawFiles(str(tmp_path))
    erasing = wanted(ANN)
    files.remove(erasing, number="one", looked=files.check(erasing))
    assert path.read_text() == second.read_text() == json.dumps(reading(BOB)) + "\n"
