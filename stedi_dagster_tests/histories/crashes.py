"""Crashes: at the n-th time that a place is reached the process is as good as gone, and writes nothing any more."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from sqlalchemy.orm import Session

from stedi_dagster.lakehouse.commit import Commit
from stedi_dagster.lakehouse.staged import StagedTable
from stedi_dagster.storage.local import LocalStorage

# What writes, in the warehouse, in the catalog and in the landing zone.
_WRITES: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "staging": (StagedTable, ("write_rows", "write_frame", "write_batches")),
    "publishing": (Commit, ("publish",)),
    "the catalog's commit": (Session, ("commit",)),
    "deleting files": (LocalStorage, ("delete", "delete_folder")),
    "rewriting a raw file": (LocalStorage, ("_replace",)),
}
PLACES = tuple(_WRITES)


class Killed(BaseException):
    """Stands for kill -9; `test_faults` does it for real."""


@dataclass(frozen=True)
class Crash:
    """Before or after the n-th time (from 0) of one kind of write."""

    where: str
    when: str
    nth: int


crashes = st.builds(Crash, st.sampled_from(PLACES), st.sampled_from(["before", "after"]), st.integers(0, 12))


@dataclass
class _Fate:
    crash: Crash
    reached: int = -1
    dead: bool = False

    def write(self, where: str, original: Any, arguments: Any, more: Any) -> Any:
        if self.dead:
            raise Killed
        if where != self.crash.where:
            return original(*arguments, **more)
        self.reached += 1
        if self.reached != self.crash.nth:
            return original(*arguments, **more)
        if self.crash.when == "after":
            original(*arguments, **more)
        self.dead = True
        raise Killed


@contextmanager
def crashing(crash: Crash) -> Iterator[_Fate]:
    """While this lasts, the crash may happen; `dead` of what is given says whether it did."""
    fate = _Fate(crash)
    with ExitStack() as stack:
        for where, (owner, names) in _WRITES.items():
            for name in names:
                stack.enter_context(patch.object(owner, name, _dying(fate, where, getattr(owner, name))))
        yield fate


def _dying(fate: _Fate, where: str, original: Any) -> Any:
    def write(*arguments: Any, **more: Any) -> Any:
        return fate.write(where, original, arguments, more)

    return write
