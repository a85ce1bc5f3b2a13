"""What rule, gate and standing audit share: of each part, a fault planted in it is found by one of them.

ADR 17 says what is shared, and why nothing else is.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from stedi_dagster.audits.standing.withdrawals import OVERLOOKED
from stedi_dagster.landing import files, records
from stedi_dagster.landing.documents import Document, reader
from stedi_dagster_tests.audits.standing.auditing import Audited, found
from stedi_dagster_tests.defs.assets.builders import ANN
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading

pytestmark = pytest.mark.long

WITHDRAWAL = customer(ANN, agreed=None, lastUpdateDate=T0 + 5000)
PRETTY = json.dumps(WITHDRAWAL, indent=2)


def problems(audited: Audited, scenario: Scenario, audit: str) -> dict[str, int]:
    """What an audit finds in customer_trusted, which must be an error."""
    code, told = audited(scenario)
    assert (code, told[audit]["outcome"]) == (1, "ERROR")
    return {problem: rows for table, problem, rows in found(told, audit) if table == "customer_trusted"}


def left_in(scenario: Scenario, email: str = ANN) -> bool:
    return (email,) in scenario.query("SELECT email FROM customer_trusted")


def test_a_record_that_is_read_wrongly(three_published, audited, monkeypatch):
    three_published.land_text("customer", PRETTY, name="later.json")
    with monkeypatch.context() as planted:
        read = records.RecordReader.read

        def agreeing(self: Any, value: Any) -> Any:
            return read(self, {"shareWithResearchAsOfDate": T0, **value})

        planted.setattr(records.RecordReader, "read", agreeing)
        assert three_published.run().success
    assert left_in(three_published)
    (problem,) = problems(audited, three_published, "withdrawals")
    assert problem.startswith("people who have withdrawn")


def test_a_document_that_is_lost(three_published, audited, monkeypatch):
    three_published.land_text("customer", f"{json.dumps(customer(ANN), indent=2)}\n{PRETTY}", name="later.json")
    with monkeypatch.context() as planted:
        documents = reader._Reader.documents

        def all_but_the_last(self: Any) -> Iterator[Document]:
            yield from list(documents(self))[:-1]

        planted.setattr(reader._Reader, "documents", all_but_the_last)
        assert three_published.run().success
        assert left_in(three_published)
        # The audit, too, is told of no more documents.
        assert problems(audited, three_published, "withdrawals") == {OVERLOOKED: 1 + 1}


def test_a_file_that_is_overlooked(three_published, audited, monkeypatch):
    with monkeypatch.context() as planted:
        sort_out = files._sort_out

        def all_but_later_ones(entries: Any, *rest: Any) -> Any:
            return sort_out([entry for entry in entries if "later" not in entry.path], *rest)

        planted.setattr(files, "_sort_out", all_but_later_ones)
        three_published.land("customer", WITHDRAWAL, name="later.json")
        assert three_published.run().success
        assert left_in(three_published)
        told = problems(audited, three_published, "withdrawals")
    assert told.pop(OVERLOOKED) == 1
    assert list(told.values()) == [1]


def test_a_key_that_differs_between_spellings_beyond_ascii(tmp_path, sail_url, audited, monkeypatch):
    scenario = Scenario(tmp_path, {"engine": sail_url})
    email, otherwise = "andr\xe9@example.com", "Andre\u0301@Example.com"
    scenario.land("customer", customer(email))
    scenario.land("accelerometer", reading(email))
    with monkeypatch.context() as planted:
        planted.setattr("stedi_dagster.keys._key_beyond_ascii", lambda text: text)
        assert scenario.run().success
        scenario.land("customer", customer(otherwise, agreed=None, lastUpdateDate=T0 + 5000), name="later.json")
        assert scenario.run().success
        assert left_in(scenario, email)
        assert len(problems(audited, scenario, "withdrawals")) == 1


def test_a_key_that_differs_between_spellings_in_ascii(three_published, audited, monkeypatch):
    three_published.land("customer", {**WITHDRAWAL, "email": f"\t{ANN}"}, name="later.json")
    with monkeypatch.context() as planted:
        planted.setattr("stedi_dagster.keys._ASCII_WHITE_SPACE", " ")
        assert three_published.run().success
        assert left_in(three_published)
        (problem,) = problems(audited, three_published, "consent")
    assert re.match("rows of people who do not agree", problem)
