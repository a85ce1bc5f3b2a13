"""What an engine's error is called in messages: never its own words, which may quote personal data."""

import grpc
from pyspark.errors import PySparkException

ENGINE_ERRORS = (PySparkException, grpc.RpcError)
# How DataFusion, in Sail, begins to say that its memory pool is used up.
_OUT_OF_MEMORY = "Failed to allocate additional"


def failure_of(error: PySparkException | grpc.RpcError) -> str:
    """The kind of an error, its condition if it has one, and whether it is for want of memory.

    Args:
        error: the engine's.
    """
    condition = error.getCondition() if isinstance(error, PySparkException) else None
    kind = f"{type(error).__name__}, {condition}" if condition else type(error).__name__
    return f"{kind}: it needs more memory than STEDI_MEMORY gives it" if _OUT_OF_MEMORY in str(error) else kind
