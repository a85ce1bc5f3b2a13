"""The platform's errors as Dagster records them with the step that failed."""

import dagster as dg

from stedi_dagster.errors import StediError

# The entry of a failure's metadata that names the error's class: who reads events later can tell a sentence of ours.
ERROR = "error"


def failure(error: StediError) -> dg.Failure:
    """A step's failure for a reason that needs no stack trace, and that trying again does not mend."""
    return dg.Failure(description=str(error), metadata={ERROR: type(error).__name__}, allow_retries=False)
