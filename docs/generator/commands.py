"""The page of commands: what `--help` prints."""

import inspect
import re
from typing import NamedTuple

import typer
from typer.testing import CliRunner

from docs.generator import markdown as md
from docs.generator.sources import app

# Where to read more about a command; one without a page of its own is explained by its help.
_READ_ON = {
    "generate": "[First run](../tutorials/first-run.md)",
    "run": "[Run in production](../how-to/run-in-production.md), [Publishing](../explanation/publishing.md)",
    "audit": "[Standing audits](../explanation/audits.md), [A failed check](../how-to/a-failed-check.md)",
    "report": "[Make a report](../how-to/make-a-report.md)",
    "release": "[Make a release](../how-to/make-a-release.md)",
    "quarantine": "[Use your own data](../how-to/use-your-own-data.md)",
    "forget": "[Forget a person](../how-to/forget-a-person.md), [Erasure](../explanation/erasure.md)",
    "adopt": "[Restore from a backup](../how-to/restore-from-a-backup.md)",
    "sql": "[Ask questions in SQL](../how-to/ask-in-sql.md), [the files of `sql/`](sql.md)",
    "alerts": "[Set up alerts](../how-to/set-up-alerts.md)",
    "settings": "[Settings](settings.md)",
    "ui": "[Run in production](../how-to/run-in-production.md#the-ui-for-other-people)",
}
_INTRODUCTION = """
The command is `.venv/bin/stedi`, or `stedi` after `source .venv/bin/activate`. Each subcommand has `--help`, which is
what stands here. With `--json` a command prints JSON for scripts. Commands of the repository itself (`make run`,
`make test`, ...) are listed by `make help`.
"""
_WIDTH = 100


class _Group(NamedTuple):
    """Commands of one name."""

    name: str
    app: typer.Typer


def page() -> str:
    """The page."""
    command = typer.main.get_command(app)
    exit_codes = inspect.cleandoc(command.help or "").split("\n\n", maxsplit=1)[1]
    names = [*_names(app), *(f"{group.name} {name}" for group in _groups(app) for name in _names(group.app))]
    codes = re.split(r"(?<=\.)\s(?=\d)", exit_codes.removeprefix("Exit codes: "))
    parts = ["## Exit codes\n\n" + "\n".join(f"- {' '.join(code.split())}" for code in codes)]
    for name in names:
        help_text = CliRunner().invoke(app, [*name.split(), "--help"], terminal_width=_WIDTH).output
        read_on = _READ_ON.get(name.split()[0])
        more = f"\n\nRead on: {read_on}." if read_on else ""
        parts.append(f"## stedi {name}\n\n```text\n{help_text.strip()}\n```{more}")
    return md.page("Commands", _INTRODUCTION, *parts)


def _groups(commands: typer.Typer) -> list[_Group]:
    groups = [info.typer_instance for info in commands.registered_groups if info.typer_instance]
    return [_Group(str(group.info.name), group) for group in groups]


def _names(commands: typer.Typer) -> list[str]:
    return [info.name or info.callback.__name__ for info in commands.registered_commands if info.callback]
