"""What a table is made from, for the engine; what nobody asks for is not read, nor said to be."""

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame, SparkSession

from stedi_dagster.lakehouse.snapshot import Snapshot


class Frames(Mapping[str, DataFrame]):
    """The rows of snapshots by their tables' names, each made when it is asked for."""

    def __init__(
        self, session: SparkSession, snapshots: Mapping[str, Snapshot], instead: Mapping[str, DataFrame] | None = None
    ) -> None:
        """Say what they are.

        Args:
            session: the engine's.
            snapshots: the snapshots.
            instead: frames that stand in the place of some of them.
        """
        self._session = session
        self._snapshots = snapshots
        self._made: dict[str, DataFrame] = dict(instead or {})

    def __getitem__(self, name: str) -> DataFrame:
        if name not in self._made:
            self._made[name] = self._snapshots[name].frame(self._session)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshots)

    def __len__(self) -> int:
        return len(self._snapshots)
