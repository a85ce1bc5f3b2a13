"""Attributes runs of `stedi run` to the job of the UI's code location, for the Timeline and the job's page.

Dagster attributes only runs that its own servers start; there is no public way to do so for a run in this process.
"""

import json
import sys
from typing import Any

import dagster as dg

LOCATION = "stedi_dagster.definitions"
"""Dagster's name for what `stedi ui` loads: that of the module."""
_REPOSITORY = "__repository__"
# The page of a job finds its runs by this tag.
TAGS = {".dagster/repository": f"{_REPOSITORY}@{LOCATION}"}


def attribute(run_id: str, job: str, instance: dg.DagsterInstance) -> None:
    """Give a recorded run the origin that it would have if the UI had started it.

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
    """The origin in the form that Dagster stores: its classes are not public."""
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
