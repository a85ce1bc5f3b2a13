"""Keyed digests: how the platform knows an erased person again without keeping anything of them."""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from pydantic import SecretStr

from stedi_dagster.errors import SettingsError
from stedi_dagster.keys import key_of
from stedi_dagster.settings.home import make_home

_FILE = "erasure.key"
_VARIABLE = "STEDI_ERASURE_KEY"
# What an address, a serial number, a telephone number or a word of a name is made of.
_WORD = re.compile(r"\w[\w.+@'-]*|[+][\d-]+")
_AFTER_A_WORD = ".'-"
_REMEMBERED = 1 << 18
_SHORTEST_KEY = 32


class Digester:
    """Makes digests with one key."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key.get_secret_value().encode()
        self.key_id = self._hmac("which key")[:16]
        # People and devices come again in every file.
        self.of = lru_cache(_REMEMBERED)(self._of)

    def _of(self, value: str) -> str:
        return self._hmac(key_of(value))

    def _hmac(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def words(text: str) -> list[str]:
    """The words of a value, or of any text, as matching keys."""
    return _words_of(key_of(text))


def phrases(text: str, lengths: Iterable[int]) -> set[str]:
    """The words of a text, and so many of them in a row as lengths say."""
    return phrases_of(key_of(text), lengths)


def phrases_of(key: str, lengths: Iterable[int]) -> set[str]:
    """The phrases of a text whose key is known."""
    there = _words_of(key)
    rows = (" ".join(there[at : at + length]) for length in lengths for at in range(len(there) - length + 1))
    return {*there, *rows}


def _words_of(key: str) -> list[str]:
    return [word.rstrip(_AFTER_A_WORD) for word in _WORD.findall(key)]


def load_digester(home: Path, *, make: bool) -> Digester | None:
    """The digester of this platform's key, from STEDI_ERASURE_KEY or the file in STEDI_HOME.

    Args:
        home: STEDI_HOME.
        make: whether to make a key where there is none; otherwise the answer is None.

    Raises:
        SettingsError: STEDI_HOME cannot be written, or the file holds no key.
    """
    # Not a field of a Dagster resource: Dagster keeps the configuration of resources with every run.
    if given := os.environ.get(_VARIABLE):
        return Digester(SecretStr(given))
    file = home / _FILE
    if not file.exists():
        if not make:
            return None
        make_home(home)
        unfinished = file.with_suffix(".new")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32))
        unfinished.replace(file)
    key = file.read_text(encoding="ascii", errors="replace").strip()
    if len(key) < _SHORTEST_KEY:
        raise SettingsError(
            f"{_FILE} in STEDI_HOME is damaged: it holds no key of {_SHORTEST_KEY} characters or more. Bring it back "
            "from a backup; if nobody was erased yet, remove it, and a new one is made."
        )
    return Digester(SecretStr(key))


def passing_digester() -> Digester:
    """A digester of a key that nobody keeps: enough to compare within one process."""
    return Digester(SecretStr(secrets.token_hex(32)))


def other_key(key_id: str) -> SettingsError:
    """What to say where the ledger was written with a key that is not here."""
    return SettingsError(
        f"The ledger of erasures was written with another key ({key_id}) than this process has, so nobody who was "
        f"erased can be recognised. Set {_VARIABLE} to that key, or bring back {_FILE} in STEDI_HOME."
    )
