"""A world that is published once, and that every test finds as it was then."""

import shutil
from pathlib import Path
from typing import Any

from stedi_dagster_tests.defs.assets.builders import contents
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
        self._settings = dict(scenario.settings)
        self._backup = scenario.folder.with_name(f"{scenario.folder.name}-as-published")
        shutil.copytree(scenario.folder, self._backup)

    def restored(self) -> Scenario:
        """The scenario, with every file and setting as it was, and in its place: tables know where their files are.

        What nobody has touched stays: the platform takes a raw file that was put back for another one.
        """
        self._scenario.settings = dict(self._settings)
        folders = {path.relative_to(self._backup) for path in self._backup.rglob("*") if path.is_dir()}
        there, then = _files(self._scenario.folder), _files(self._backup)
        for name in there.keys() - then.keys():
            (self._scenario.folder / name).unlink()
        for path in sorted(self._scenario.folder.rglob("*"), reverse=True):
            if path.is_dir() and path.relative_to(self._scenario.folder) not in folders:
                path.rmdir()
        for name in folders:
            (self._scenario.folder / name).mkdir(parents=True, exist_ok=True)
        for name in (name for name, state in then.items() if there.get(name) != state):
            shutil.copy2(self._backup / name, self._scenario.folder / name)
        return self._scenario


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file below a folder, with its size and when it was written."""
    found = {}
    for path in folder.rglob("*"):
        if not path.is_dir():
            about = path.lstat()
            found[path.relative_to(folder)] = about.st_size, about.st_mtime_ns
    return found
