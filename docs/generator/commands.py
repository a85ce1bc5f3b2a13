"""The page of commands: what `--help` prints."""

import inspect
import re

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


def page() -> str:
    """The page."""
    command = typer.main.get_command(app)
    exit_codes = inspect.cleandoc(command.help or "").split("\n\n", maxsplit=1)[1]
    names = [info.callback.__name__ for info in app.registered_commands if info.callback]
    codes = re.split(r"(?<=\.)\s(?=\d)", exit_codes.removeprefix("Exit codes: "))
    parts = ["## Exit codes\n\n" + "\n".join(f"- {' '.join(code.split())}" for code in codes)]
    for name in names:
        help_text = CliRunner().invoke(app, [name, "--help"], terminal_width=_WIDTH).output
        more = f"\n\nRead on: {_READ_ON[name]}." if name in _READ_ON else ""
        parts.append(f"## stedi {name}\n\n```text\n{help_text.strip()}\n```{more}")
    return md.page("Commands", _INTRODUCTION, *parts)
