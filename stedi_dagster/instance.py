"""The Dagster instance of STEDI_HOME: the same one for `stedi run` and for the UI."""

import os
from pathlib import Path

# One event database instead of one a run: making a database takes longer than running the job's smaller tables.
# Dagster reports usage to its makers, and its UI opens with a sign-up dialog, unless told not to.
_DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: dagster._core.storage.event_log
  class: ConsolidatedSqliteEventLogStorage
  config:
    base_dir:
      env: DAGSTER_HOME
"""


def prepare_dagster_home(home: Path) -> None:
    """Make Dagster's home where it is missing, and point this process and its children at it."""
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(_DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)
