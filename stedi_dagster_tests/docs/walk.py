"""Follows a tutorial as a reader would: its command blocks run in one shell, and say what the page says they say.

A block with a title, which the reader sees above it, is not run: the title says why. Everything else is, as it is
written, in a folder that looks like a checkout. The block `text` that follows one must be what it printed to standard
output: but for blanks, for numbers with two decimals, which are seconds, and for what the page shows as `...`.
"""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stedi_dagster_tests.docs.pages import REPOSITORY, Block, blocks

_AS_SHOWN = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_SECONDS = re.compile(r"\b\d+\.\d\d\b")
_END = "\x1e"
# What a run, or another tutorial, would write into.
_COPIED = ("data",)
_NOT_THERE = {".git", ".venv", ".stedi", "site", *_COPIED}
_TIMEOUT_SECONDS = 900
# Settings, and what `make test` hands on to a `make` below it, which then says where it enters and leaves.
_NOT_THE_READERS = ("STEDI_", "AWS_", "DAGSTER_", "MAKE", "MFLAGS")


def walk(page: Path, checkout: Path, environment: Mapping[str, str] | None = None) -> None:
    """Run the blocks of a tutorial, and compare what they print with what the page shows.

    Args:
        page: the tutorial.
        checkout: an empty folder, which becomes the reader's checkout, with everything set up.
        environment: variables beside those of the machine; settings and AWS's are not taken from it.
    """
    _lay_out(checkout)
    steps = _steps(blocks(page))
    script = "set -eo pipefail\n" + "".join(f"{step.text}\nprintf '{_END}'\n" for step, _ in steps)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_THE_READERS)}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=checkout,
        env={**kept, "PYTHONPATH": str(REPOSITORY), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    *printed, rest = done.stdout.split(_END)
    if done.returncode:
        failed = steps[len(printed)][0]
        pytest.fail(f"{page.name}, line {failed.line}:\n{failed.text}\n{rest}\n{done.stderr[-4000:]}")
    differing = [
        f"{page.name}, line {step.line}:\n{step.text}{difference}"
        for (step, shown), text in zip(steps, printed, strict=True)
        if shown is not None and (difference := _difference(shown, text))
    ]
    assert not differing, "\n".join(differing)


def _steps(found: list[Block]) -> list[tuple[Block, str | None]]:
    """The blocks to run, each with the output that the page shows below it."""
    steps: list[tuple[Block, str | None]] = []
    for block in found:
        if block.language == "sh" and block.title is None:
            steps.append((block, None))
        elif block.language == "text":
            steps[-1] = (steps[-1][0], block.text)
    return steps


def _difference(shown: str, printed: str) -> str:
    """What differs between two outputs; nothing if they are alike."""
    example = doctest.Example("", _SECONDS.sub("0.00", shown))
    got = _SECONDS.sub("0.00", printed)
    checker = doctest.OutputChecker()
    if checker.check_output(example.want, got, _AS_SHOWN):
        return ""
    return checker.output_difference(example, got, _AS_SHOWN)


def _lay_out(checkout: Path) -> None:
    """A checkout by links, in which `make setup` has nothing left to do: `.venv` is the environment of the tests."""
    for entry in REPOSITORY.iterdir():
        if entry.name not in _NOT_THERE:
            (checkout / entry.name).symlink_to(entry)
    (checkout / "data").mkdir()
    environment = checkout / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".ready":
            (environment / entry.name).symlink_to(entry)
    (environment / ".ready").touch()
