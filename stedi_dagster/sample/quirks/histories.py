"""People with several customer records, other spellings, a shared serial number, or no customer record.

All their records are good; what becomes of them is decided by the rules in `policies`.
"""

from collections.abc import Callable, Sequence
from typing import Final

from stedi_dagster.sample.plan import ACCELEROMETER, CUSTOMER
from stedi_dagster.sample.quirks.quirk import Delivery, Quirk, QuirkFile, Record, flat, plain

DAY_MS: Final = 86_400_000
RESEARCH: Final = "shareWithResearchAsOfDate"
BUGGED_SERIALS: Final = 30
BUGGED_PEOPLE: Final = 60


def _without_research(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != RESEARCH}


def _later(record: Record, days: int, *, consents: bool) -> Record:
    """Return a later record of the same person, who now does or does not share for research."""
    time = record["lastUpdateDate"] + days * DAY_MS
    later = {**_without_research(record), "lastUpdateDate": time}
    return {**later, RESEARCH: record.get(RESEARCH, time)} if consents else later


def _histories(feed: str, delivery: Delivery, history: Callable[[Record], Sequence[Record]]) -> list[QuirkFile]:
    """Put the history of each person in place of their customer record, and leave the readings alone."""
    if feed != CUSTOMER:
        return [plain(feed, flat(delivery))]
    return [plain(feed, [new for records in delivery for record in records for new in history(record)])]


def details_updated(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Customers with a later record: another name and phone, consent as it was."""
    return _histories(
        feed,
        delivery,
        lambda record: (
            record,
            {
                **_later(record, 1, consents=RESEARCH in record),
                "customerName": f"{record['customerName']} Junior",
                "phone": "8015550199",
            },
        ),
    )


def consent_withdrawn(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Customers who consented and later withdrew; the later record is delivered first."""
    return _histories(
        feed, delivery, lambda record: (_later(record, 2, consents=False), _later(record, 0, consents=True))
    )


def consent_given_again(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Customers who consented, withdrew, and consented again, from a later date."""
    return _histories(
        feed,
        delivery,
        lambda record: (
            _later(record, 0, consents=True),
            _later(record, 3, consents=False),
            _later(_without_research(record), 5, consents=True),
        ),
    )


def consent_tied(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Two records with the same lastUpdateDate that disagree on consent: the more private one counts."""
    return _histories(
        feed, delivery, lambda record: (_later(record, 0, consents=False), _later(record, 0, consents=True))
    )


def email_spelt_otherwise(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """A withdrawal under the same email in capitals with spaces around it: the same person."""
    return _histories(
        feed,
        delivery,
        lambda record: (
            _later(record, 0, consents=True),
            {**_later(record, 1, consents=False), "email": f"  {record['email'].upper()} "},
        ),
    )


def only_email_spelt_otherwise(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Customers known only by an email in other letters than their readings have."""
    return _histories(feed, delivery, lambda record: ({**record, "email": f" {record['email'].swapcase()} "},))


def user_spelt_otherwise(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Readings whose user is the customer's email in another case, or with spaces around it."""
    records = flat(delivery)
    if feed == ACCELEROMETER:
        spell = (str.upper, str.lower, lambda user: f" {user}  ")
        records = [
            {**record, "user": spell[number % len(spell)](record["user"])} for number, record in enumerate(records)
        ]
    return [plain(feed, records)]


def strangers(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Readings of people and serial numbers without a customer record."""
    if feed != CUSTOMER:
        return [plain(feed, flat(delivery))]
    return [plain(feed, [record for records in delivery[2:] for record in records])]


def no_readings(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Customers who never trained."""
    return [plain(feed, flat(delivery))] if feed == CUSTOMER else []


def no_accelerometer_readings(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """Customers with step readings only: the phone app never ran."""
    return [plain(feed, flat(delivery))] if feed != ACCELEROMETER else []


def serials_for_everybody(feed: str, delivery: Delivery) -> list[QuirkFile]:
    """The fulfilment bug: a second batch of customers who all carry one of the same thirty serial numbers."""
    if feed == ACCELEROMETER:
        return [plain(feed, flat(delivery))]
    people = delivery[:BUGGED_PEOPLE]
    pool = [records[0]["serialNumber"] for records in people[:BUGGED_SERIALS]]
    bugged: list[Record] = [
        {**record, "serialNumber": pool[number % BUGGED_SERIALS]}
        for number, records in enumerate(people)
        for record in records
    ]
    return [plain(feed, bugged + flat(delivery[BUGGED_PEOPLE:]))]


HISTORIES = (
    Quirk(details_updated),
    Quirk(consent_withdrawn),
    Quirk(consent_given_again),
    Quirk(consent_tied),
    Quirk(email_spelt_otherwise),
    Quirk(only_email_spelt_otherwise),
    Quirk(user_spelt_otherwise),
    Quirk(strangers),
    Quirk(no_readings),
    Quirk(no_accelerometer_readings),
    Quirk(serials_for_everybody, BUGGED_PEOPLE),
)
