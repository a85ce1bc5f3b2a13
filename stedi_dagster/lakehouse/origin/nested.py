"""No warehouse within another: each would take the other's files for its own."""

from pathlib import PurePosixPath

from stedi_dagster.errors import OriginError
from stedi_dagster.lakehouse.origin.identity import NAME
from stedi_dagster.locations import is_s3
from stedi_dagster.storage import Storage

_SCHEME = "s3://"


def refuse_nested(storage: Storage, warehouse: str) -> None:
    """Refuse to make a warehouse within another one, or around one.

    Raises:
        OriginError: there is one.
    """
    inner = [path for path in storage.list(warehouse) if path.endswith(f"/{NAME}") and path != f"{warehouse}/{NAME}"]
    outer = [folder for folder in _above(warehouse) if _is_there(storage, f"{folder}/{NAME}")]
    for other, where in ((inner, "around"), (outer, "within")):
        if other:
            raise OriginError(
                f"A warehouse in {warehouse} would lie {where} the one in {other[0].removesuffix(f'/{NAME}')}. "
                "Nothing was made. Give STEDI_WAREHOUSE a place of its own."
            )


def _is_there(storage: Storage, path: str) -> bool:
    try:
        return storage.read(path) is not None
    except OSError:
        # What may not be read: S3 says so of what is not there, too.
        return False


def _above(warehouse: str) -> list[str]:
    if not is_s3(warehouse):
        return [str(folder).rstrip("/") for folder in PurePosixPath(warehouse).parents]
    bucket, *parts = warehouse.removeprefix(_SCHEME).split("/")
    return [f"{_SCHEME}{'/'.join((bucket, *parts[:depth]))}" for depth in range(len(parts))]
