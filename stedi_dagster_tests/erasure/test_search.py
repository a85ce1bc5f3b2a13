"""The search is not blind: at the borders of blocks, in damaged files, in whatever way an address is written."""

import base64
import gzip
import io
import json
import lzma
import re
import textwrap

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from stedi_dagster.erasure import texts_in
from stedi_dagster.erasure.digests import Digester
from stedi_dagster.erasure.ledger import Trace
from stedi_dagster.erasure.search import Search
from stedi_dagster.landing.formats import form, packing
from stedi_dagster.landing.spellings import addresses_in
from stedi_dagster_tests.erasure.unique_person import LEE, NAME, PHONE, SERIAL, ZOE
from stedi_dagster_tests.landing.formats_of import FORMS, zipped

BY = Digester(SecretStr("k" * 40))
ODD = "zoé+ß@example.com"


def looking_for(email: str = ZOE, *others: str) -> Search:
    traces = {("customerName", NAME), ("phone", PHONE), ("serialNumber", SERIAL), ("email", email)}
    return Search(email, {Trace.of(what, value, BY) for what, value in traces}, BY, others=others)


def found(content: bytes | str, email: str = ZOE, *others: str, name: str = "file") -> set[str]:
    data = content if isinstance(content, bytes) else content.encode()
    return set(looking_for(email, *others).in_file(name, lambda: io.BytesIO(data)).found)


@pytest.mark.parametrize(
    "text",
    [
        f"<{ZOE}>",
        ZOE.upper(),
        f"mailto:{ZOE}?subject=x",
        f"/users/{ZOE.replace('@', '%40')}/",
        json.dumps(f"\U0001f600 {ZOE}"),
        "".join(f"\\u{ord(letter):04X}" for letter in ZOE),
        f"x{ZOE}y",
        f'{{"user": "bob@example.com", "note": "{ZOE}"}}',
    ],
)
def test_an_address_is_found_however_it_is_written(text):
    assert found(text) == {"email"}


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"%{ord(letter):02x}" for letter in ZOE),
        "".join(f"&#{ord(letter)};" for letter in ZOE),
        "".join(f"={ord(letter):02X}" for letter in ZOE),
        "zwiebel=\nfisch@exam=\r\nple.com",
        base64.b64encode(f"to: {ZOE}".encode()).decode(),
        "\n".join(textwrap.wrap(base64.b64encode(f"write to: {ZOE} today".encode()).decode(), 12)),
        json.dumps({"data": base64.b64encode(json.dumps({"email": ZOE}).encode()).decode()}),
        " " + "\0".join(ZOE),
        "".join(chr(ord(letter) + 0xFEE0) for letter in ZOE),
        '{"email": "zwiebel\\u00adfisch@example.com", "email": "bob@example.com"}',
    ],
)
def test_an_address_is_found_in_every_spelling_that_landing_reads(text):
    assert addresses_in(text) >= {ZOE}
    assert found(text) == {"email"}
    assert found(f"{{}}\n{text} 4711\n") == {"email"}


@pytest.mark.parametrize("packed", FORMS)
def test_an_address_and_a_name_are_found_in_every_form_that_landing_reads(packed):
    assert found(FORMS[packed](f'{{"a": "{ZOE}"}}\n{NAME}'.encode())) == {"email", "customerName"}


def whole(content: bytes) -> bool:
    return looking_for().in_file("file", lambda: io.BytesIO(content)).whole


def test_what_could_not_be_looked_into_is_told():
    lines = json.dumps(["nothing"]).encode()
    assert all(whole(pack(lines)) for pack in FORMS.values())
    assert whole(b"")
    assert whole(bytes(range(256)) * 9)
    parquet = io.BytesIO()
    pq.write_table(pa.table({"a": [1]}), parquet)
    assert whole(parquet.getvalue())
    locked = bytearray(zipped(lines))
    for header in re.finditer(rb"PK\x01\x02", locked):
        locked[header.start() + 8] |= 1
    for hidden in (
        gzip.compress(lines * 99)[:-9],
        gzip.compress(parquet.getvalue()),
        parquet.getvalue()[:-9],
        avro("deflate")[:-40],
        lzma.compress(lines),
        b"%PDF-1.7 ...",
        bytes(locked),
    ):
        assert not whole(hidden), hidden[:9]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"call {PHONE}.", {"phone"}),
        (f"ZOE\tquarkstrudel, {SERIAL.lower()}", {"customerName", "serialNumber"}),
        (f'{{"note": "{NAME}"}}', {"customerName"}),
        (f'{{"email": "bob@example.com", "phone": "{PHONE}"}}', set()),
        (f'{{"email": "mailto:bob@example.com", "phone": "{PHONE}"}}', set()),
        (f'{{"email": "n/a", "phone": "{PHONE}"}}', {"phone"}),
        (f'{{"email": "{ZOE}.", "customerName": "{NAME}"}}', {"email", "customerName"}),
        (f'[{{"email": "bob@example.com"}}, {{"email": "n/a", "phone": "{PHONE}"}}]', {"phone"}),
        (f'{{"a": [{{"email": "bob@example.com"}}, {{"email": "?", "phone": "{PHONE}"}}]}}', {"phone"}),
        (f'{{"user": "n/a", "note": "{NAME}"}}', {"customerName"}),
        (f'{{"email": "bob@example.com", "phone": "{PHONE}"}}\nhalf {NAME}', {"customerName"}),
        (f'{{"email": "{ZOE}", "phone": {PHONE}}}', {"email", "phone"}),
        ("Zoe and Quarkstrudel", set()),
        (f"9{PHONE}", set()),
    ],
)
def test_what_else_tells_of_somebody_is_found_word_by_word_unless_it_is_somebody_elses(text, what):
    assert found(text) == what


def test_half_of_somebody_elses_address_is_not_hers():
    assert found(f"{LEE}") == {"email"}
    assert found(f"{LEE}", ZOE, LEE) == set()
    assert found(f"{LEE} {ZOE}", ZOE, LEE, f"mary-{LEE}") == {"email"}


def test_a_files_name_counts():
    assert found(b"", name=f"export-{ZOE}.csv") == {"email"}


@pytest.mark.parametrize("packed", [False, True])
def test_nothing_is_lost_at_the_border_of_two_blocks(monkeypatch, packed):
    for module in (form, packing):
        monkeypatch.setattr(module, "BLOCK", 16)
    for before in range(20):
        content = (" " * before + ODD + " ").encode()
        assert found(gzip.compress(content) if packed else content, ODD) == {"email"}, before


def test_what_stands_before_or_behind_the_damage_of_a_packed_file_is_found():
    whole = gzip.compress(f"{ZOE}\n".encode() + bytes(range(256)) * 999, compresslevel=0)
    assert found(whole[: len(whole) // 2]) == {"email"}
    assert found(gzip.compress(b"nothing") + ZOE.encode()) == {"email"}


def avro(codec: str) -> bytes:
    schema = {
        "type": "record",
        "name": "file",
        "fields": [
            {"name": "path", "type": "string"},
            {"name": "bounds", "type": {"type": "map", "values": "bytes"}},
        ],
    }
    stream = io.BytesIO()
    rows = [{"path": f"{number}", "bounds": {"1": ZOE.encode()}} for number in range(50)]
    fastavro.writer(stream, schema, rows, codec=codec, metadata={"by": "nobody"}, sync_interval=100)
    return stream.getvalue()


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_an_avro_file_that_is_cut_short_anywhere_is_read_to_there(codec):
    content = avro(codec)
    assert found(content) == {"email"}
    for end in range(16, len(content), 29):
        found(content[:end])
    assert found(content[: len(content) * 3 // 4]) == {"email"}


def test_emoji_and_lone_surrogates_do_not_stop_it():
    assert found(r'{"email": "\ud83d\ude00", "x": "\ud83d"}') == set()
    assert BY.of("\ud83d")


@pytest.mark.parametrize("before", ["", "x", "to ", "\0"])
def test_nothing_that_packs_an_address_is_taken_for_a_random_number(before):
    content = f"{before}{ZOE}".encode()
    packed = [base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()]
    packed += [content.hex(), f"{content.hex()}-00", f"0-{content.hex()}"]
    for one in packed:
        assert found(one) == {"email"}, one
    assert not found("726c4927-79d5-41ff-b72d-e41bafd0e26f")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x93" + ZOE.encode() + b"\xc3", {"email"}),
        (b"\xff" + PHONE.encode() + b"\x80\xfe" + SERIAL.encode() + b"\xff", {"phone", "serialNumber"}),
        ("\U0001f600 ".encode() + ZOE.encode() + b"\xff" + "é".encode(), {"email"}),
        (b"\xff\xff".join(NAME.encode().split()), {"customerName"}),
        ("é ".encode() + b"\xff".join(NAME.encode().split()), {"customerName"}),
        (b"\xff".join(NAME.encode().split()) + " é".encode() + b"\xff", {"customerName"}),
        (b"\xff" + base64.b64encode(ZOE.encode()) + b"\xff", {"email"}),
        (b"\xff" + ZOE.encode("utf-16-le") + b"\xff\xff", {"email"}),
        ("".join(chr(ord(letter) + 0xFEE0) for letter in ZOE).encode() + b"\xff" + PHONE.encode(), {"email", "phone"}),
        (b"\xff".join([ZOE[:4].encode(), ZOE[4:].encode()]), set()),
    ],
)
def test_texts_among_bytes_that_are_none_are_found(content, what):
    # Of a table that is cut short there is nothing but bytes.
    assert found(b"PAR1\xff" + content) == what
    assert found(b"PAR1" + b"\xff" * 99 + content + b"\xff" + "ü".encode() + b"\xffx") == what


@pytest.mark.parametrize("block", range(1, 40, 3))
def test_no_text_among_bytes_is_lost_at_the_border_of_two_blocks(monkeypatch, block):
    monkeypatch.setattr(texts_in, "_BLOCK", block)
    content = b"PAR1\xff" + ODD.encode() + b"\xff\xc3" + "é ".encode() + NAME.encode() + b"\xff" + ODD.encode()
    assert found(content, ODD) == {"email", "customerName"}
