"""Whose a run of `stedi run` is for the UI: of the job of its code location, on the Timeline and on the job's page.

Dagster attributes only runs that its own servers start. There is no other way to say it of a run in this process.
"""

import json
import sys
from typing import Any

import dagster as dg

LOCATION = "stedi_dagster.definitions"
"""How Dagster calls what `stedi ui` loads: by the module."""
_REPOSITORY = "__repository__"
# By it the page of a job finds its runs.
TAGS = {".dagster/repository": f"{_REPOSITORY}@{LOCATION}"}


def attribute(run_id: str, job: str, instance: dg.DagsterInstance) -> None:
    """Give a run that is recorded the origin that it would have if the UI had started it.

    Args:
        run_id: the run.
        job: its job's name.
        instance: where it is recorded.
    """
    run = instance.get_run_by_id(run_id)
    if run is not None:
        origin: Any = dg.deserialize_value(json.dumps(_origin(job)))
        instance.run_storage.replace_job_origin(run, origin)


def _origin(job: str) -> dict[str, object]:
    """As Dagster stores it: the classes have no public names."""
    target = dict.fromkeys(("attribute", "package_name", "python_file", "working_directory"))
    return {
        "__class__": "ExternalPipelineOrigin",
        "external_repository_origin": {
            "__class__": "ExternalRepositoryOrigin",
            "repository_location_origin": {
                "__class__": "ManagedGrpcPythonEnvRepositoryLocationOrigin",
                "loadable_target_origin": {
                    "__class__": "LoadableTargetOrigin",
                    "executable_path": sys.executable,
                    "module_name": LOCATION,
                    **target,
                },
                "location_name": LOCATION,
            },
            "repository_name": _REPOSITORY,
        },
        "pipeline_name": job,
    }
