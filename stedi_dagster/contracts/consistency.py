"""What a contract may not say: it is refused when it is defined, and not when somebody is to be erased."""

from collections.abc import Mapping, Sequence

from pyspark.sql.types import LongType, StringType

from stedi_dagster.contracts.columns import Column, Identifies
from stedi_dagster.errors import ContractError


def refuse_contradictions(contract: str, columns: Sequence[Column], *, is_ledger: bool) -> None:
    """Refuse a contract that contradicts itself, or from whose table nobody could be erased.

    Args:
        contract: the name of its class.
        columns: its columns.
        is_ledger: whether it is that of the ledger of erasures, from which nobody is erased.

    Raises:
        ContractError: it does.
    """
    moments = [spec.name for spec in columns if spec.event_time]
    if len(moments) > 1:
        raise ContractError(
            f"{contract} has {len(moments)} event times ({', '.join(moments)}): a reading is taken once. Leave "
            "event_time=True to one of them."
        )
    for spec in columns:
        if problem := _contradiction(spec):
            raise ContractError(f"{contract}.{spec.name} {problem}")
    personal = ", ".join(spec.name for spec in columns if spec.personal != "no")
    if personal and not is_ledger and not any(spec.identifies or spec.holds == "text" for spec in columns):
        raise ContractError(
            f"{contract} has personal data ({personal}), and no column says whose a row is: nobody could be erased "
            'from it. Say so with identifies="person", "device" or "participant", or leave the data out.'
        )


def refuse_silence(contracts: Mapping[str, Sequence[Column]]) -> None:
    """Refuse a contract that leaves unsaid what a column of the same name says in another.

    Args:
        contracts: the columns of all contracts, by the names of their classes.

    Raises:
        ContractError: one does: nobody would be erased from its table, and nobody asked for their consent.
    """
    said: dict[str, tuple[str, Identifies | None]] = {}
    everything = [(contract, spec) for contract, columns in contracts.items() for spec in columns]
    for contract, spec in everything:
        if spec.identifies:
            said.setdefault(spec.name, (contract, spec.identifies))
    for contract, spec in everything:
        other, identifies = said.get(spec.name, (contract, spec.identifies))
        if spec.identifies != identifies:
            raise ContractError(
                f'{contract}.{spec.name} does not say identifies="{identifies}", as {other}.{spec.name} does. Say so, '
                "or give the column another name if it holds something else."
            )


def _contradiction(spec: Column) -> str | None:
    """What is wrong with a column, as the rest of a sentence."""
    tells = spec.identifies or spec.describes
    names = tells or spec.holds == "text"
    wrong = {
        "tells who somebody is, and is no string: addresses, numbers and names are compared as texts.": (
            names and not isinstance(spec.type, StringType)
        ),
        'tells who somebody is, which is personal data: say personal="yes", or "pseudonym".': (
            names and spec.personal == "no"
        ),
        "both identifies and describes somebody: leave out describes, which is for what several people share.": (
            spec.identifies and spec.describes
        ),
        "is a text, in which anybody may be named: it cannot say besides whose the row is.": (
            spec.holds == "text" and tells
        ),
        "holds several values, which only a column that identifies somebody may.": (
            spec.holds == "lines" and not spec.identifies
        ),
        "is the event time, and no whole number: moments are in epoch milliseconds.": (
            spec.event_time and not isinstance(spec.type, LongType)
        ),
    }
    return next((problem for problem, holds in wrong.items() if holds), None)
