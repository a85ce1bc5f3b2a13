"""A contract that contradicts itself, or from whose table nobody could be erased, is refused when it is defined."""

from typing import Any

import pyspark.sql.types as T  # noqa: N812 - PySpark's own convention
import pytest

from stedi_dagster.contracts import CONTRACTS, AccelerometerLanding, Contract
from stedi_dagster.contracts.base import column, epoch_ms
from stedi_dagster.contracts.consistency import refuse_silence
from stedi_dagster.errors import ContractError

PERSON: dict[str, Any] = {"personal": "yes", "identifies": "person"}


def define(base: type[Contract] = Contract, **columns: tuple[type[T.DataType], Any]) -> type[Contract]:
    """A new contract `Visits`."""
    body = {name: field for name, (_, field) in columns.items()}
    annotations = {name: kind for name, (kind, _) in columns.items()}
    return type("Visits", (base,), {**body, "__annotations__": annotations, "__doc__": "Who came.", "__module__": "m"})


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"who": (T.StringType, column("Who", identifies="person"))}, "Visits.who tells who somebody is, which"),
        ({"who": (T.StringType, column("Who", describes="name"))}, "Visits.who tells who somebody is, which"),
        ({"note": (T.StringType, column("Note", holds="text"))}, "Visits.note tells who somebody is, which"),
        ({"who": (T.LongType, column("Who", **PERSON))}, "Visits.who tells who somebody is, and is no string"),
        ({"who": (T.StringType, column("Who", describes="name", **PERSON))}, "Visits.who both identifies"),
        ({"who": (T.StringType, column("Who", holds="text", **PERSON))}, "Visits.who is a text, in which anybody may"),
        ({"tags": (T.StringType, column("Tags", holds="lines"))}, "Visits.tags holds several values, which only a"),
        ({"day": (T.StringType, column("Day", event_time=True))}, "Visits.day is the event time, and no whole number"),
        (
            {name: (T.LongType, epoch_ms("A moment", event_time=True)) for name in ("came", "went")},
            "Visits has 2 event times (came, went): a reading is taken once.",
        ),
        (
            {"phone": (T.StringType, column("Phone", personal="yes", describes="telephone"))},
            "Visits has personal data (phone), and no column says whose a row is: nobody could be erased from it.",
        ),
        (
            {"number": (T.StringType, column("Number", personal="pseudonym"))},
            "Visits has personal data (number), and no column says whose a row is: nobody could be erased from it.",
        ),
    ],
)
def test_a_contradiction_is_refused_with_a_sentence(columns, sentence):
    with pytest.raises(ContractError) as refused:
        define(**columns)
    assert str(refused.value).startswith(sentence)


def test_what_a_base_leaves_unsaid_is_refused_in_the_contract_that_inherits_it():
    with pytest.raises(ContractError, match=r"Visits has 2 event times \(timestamp, came\)"):
        define(AccelerometerLanding, came=(T.LongType, epoch_ms("Came", event_time=True)))


def test_a_table_without_personal_data_needs_to_identify_nobody():
    contract = define(day=(T.StringType, column("Day")), people=(T.LongType, column("People")))
    assert contract.identifying() == contract.owners() == contract.texts() == []


def test_a_table_of_texts_alone_is_erased_from_by_what_they_name():
    contract = define(note=(T.StringType, column("Note", personal="yes", holds="text")))
    assert [spec.name for spec in contract.texts()] == ["note"]


def test_a_column_called_like_one_that_identifies_somebody_elsewhere_must_say_so_too():
    silent = define(user=(T.StringType, column("Name of the account")))
    with pytest.raises(
        ContractError, match=r'Visits.user does not say identifies="person", as AccelerometerLanding.user'
    ):
        refuse_silence({each.__name__: each.columns() for each in (*CONTRACTS.values(), silent)})


def test_whose_a_row_is_stands_in_the_contracts_as_follows():
    said: dict[str, dict[str, str | None]] = {
        name: {"at": contract.event_time(), **{spec.name: spec.identifies for spec in contract.identifying()}}
        for name, contract in CONTRACTS.items()
    }
    customers = {"email": "person", "serialNumber": "device", "at": None}
    readings = {"user": "person", "at": "timestamp"}
    steps = {"serialNumber": "device", "at": "sensorReadingTime"}
    unreadable = {"people": "person", "devices": "device", "at": "moment"}
    pairs = {"participantId": "participant", "at": "sensorReadingTime"}
    nobodys = {"at": None}
    assert said == {
        **dict.fromkeys(("customer_landing", "customer_trusted", "customers_curated"), customers),
        **dict.fromkeys(("accelerometer_landing", "accelerometer_trusted"), readings),
        "step_trainer_landing": steps,
        "step_trainer_trusted": {**steps, "attributedTo": "person"},
        **dict.fromkeys(("machine_learning_curated", "ml_release"), pairs),
        **dict.fromkeys(("customer_quarantine", "accelerometer_quarantine", "step_trainer_quarantine"), unreadable),
        **dict.fromkeys(("customer_landed_files", "accelerometer_landed_files", "step_trainer_landed_files"), nobodys),
        "participants": {"email": "person", "participantId": "participant", "at": None},
        **dict.fromkeys(("erasures", "release_revisions", "release_exports"), nobodys),
    }
