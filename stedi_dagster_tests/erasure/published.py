"""A world that is published once, and that every test of a module finds as it was then."""

import shutil
from typing import Any

from stedi_dagster_tests.assets.builders import contents
from stedi_dagster_tests.scenario import Scenario


class Published:
    """A scenario after its first run."""

    def __init__(self, scenario: Scenario) -> None:
        """Run it.

        Args:
            scenario: in a folder of its own, beside which a copy is kept.
        """
        self._scenario = scenario
        assert scenario.run().success
        self.rows: dict[str, list[tuple[Any, ...]]] = contents(scenario)
        self._backup = scenario.folder.with_name(f"{scenario.folder.name}-as-published")
        shutil.copytree(scenario.folder, self._backup)

    def restored(self) -> Scenario:
        """The scenario, with every file as it was."""
        shutil.rmtree(self._scenario.folder)
        shutil.copytree(self._backup, self._scenario.folder, copy_function=shutil.copy2)
        return self._scenario
