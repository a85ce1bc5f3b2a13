"""`python -m stedi_dagster.defs.ui.daemon`: Dagster's daemon, started once the code server answers.

If started earlier, it would find no definitions, and look for them again only a minute later.
"""

import sys
from importlib.metadata import distribution

from stedi_dagster.defs.ui.webserver import wait_for


def main(code_server: str, arguments: list[str]) -> None:
    """Run sensors, schedules and queued runs until the process ends.

    Args:
        code_server: path of the socket that answers when the definitions are loaded.
        arguments: those of `dagster-daemon run`.
    """
    # Its command is public, its module is not.
    [command] = distribution("dagster").entry_points.select(group="console_scripts", name="dagster-daemon")
    run = command.load()
    wait_for(code_server)
    sys.argv = [command.name, "run", *arguments]
    run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
