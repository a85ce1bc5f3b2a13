"""A copy of the platform to which `docs/how-to/add-a-table.md` is applied, block by block, and commands run there."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from markdown_it import MarkdownIt

REPOSITORY = Path(__file__).parent.parent
PAGE = REPOSITORY / "docs" / "how-to" / "add-a-table.md"
# The sentence above a block that names its file.
_INTO = re.compile(r"(?P<where>At the end of|In a new file,) `(?P<file>[\w/]+\.py)`:")
_COMMAND = f"""#!/bin/sh
exec '{sys.executable}' -c 'from stedi_dagster.cli import main; main()' "$@"
"""


_IN_ONE_PROCESS = """
import json
import shlex
from typer.testing import CliRunner
from stedi_dagster.cli.app import app

def answer(command):
    result = CliRunner().invoke(app, shlex.split(command))
    return result.exit_code, result.stdout
"""


class Block(NamedTuple):
    """A code block: its language, its text, and the paragraph above it."""

    language: str
    text: str
    above: str


def blocks() -> Iterator[Block]:
    """The code blocks of the page, in order."""
    above = ""
    for token in MarkdownIt().parse(PAGE.read_text(encoding="utf-8")):
        if token.type == "inline":
            above = token.content
        elif token.type == "fence":
            yield Block(token.info.strip(), token.content, above)


class Checkout:
    """A copy of the package, with a landing zone and a STEDI_HOME of its own."""

    def __init__(self, folder: Path) -> None:
        """Copy the package and the sample data."""
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "README.md")
        for source in ("stedi_dagster", "sql"):
            shutil.copytree(REPOSITORY / source, folder / source, ignore=ignored)
        shutil.copytree(REPOSITORY / "data" / "sample", folder / "landing", ignore=ignored)
        command = folder / "bin" / "stedi"
        command.parent.mkdir()
        command.write_text(_COMMAND)
        command.chmod(0o755)

    def follow_the_page(self) -> list[Path]:
        """Put every Python block of the page where the page says, and return the files."""
        files = []
        for block in blocks():
            if block.language == "python":
                named = _INTO.fullmatch(block.above)
                assert named is not None, block.above
                file = self.folder / named["file"]
                is_new = named["where"] == "In a new file,"
                assert file.exists() != is_new
                before = "" if is_new else f"{file.read_text()}\n\n"
                file.write_text(before + block.text)
                files.append(file)
        return files

    def shell(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script of commands in the copy, up to the first that fails."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("STEDI_")} | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder),
            "STEDI_HOME": str(self.folder / "home"),
            "STEDI_LANDING": str(self.folder / "landing"),
        }
        return subprocess.run(
            ["bash", "-euc", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def python(self, script: str) -> Any:
        """Run a Python script that prints JSON on its last line."""
        done = self.shell(f"'{sys.executable}' - <<'END'\n{script}\nEND")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def stedi(self, *commands: str) -> list[Any]:
        """The exit code of each command and the JSON that it prints; all in one process, which is quicker."""
        answers = self.python(f"{_IN_ONE_PROCESS}\nprint(json.dumps(list(map(answer, {list(commands)!r}))))")
        return [(code, json.loads(printed)) for code, printed in answers]
