"""A table's history is bounded in number as well as in days, and only its current snapshot always stays."""

import pytest

from stedi_dagster.contracts import Participants
from stedi_dagster.lakehouse.lakehouse import Lakehouse
from stedi_dagster.lakehouse.summary import SnapshotSummary


@pytest.mark.parametrize("most", [1, 2, 8])
def test_where_there_are_too_many_snapshots_the_oldest_go_with_their_files(tmp_path, most):
    lakehouse = Lakehouse(tmp_path / "home", str(tmp_path / "warehouse"), max_snapshots=most)
    table = lakehouse.ensure_table("participants", Participants)
    made, counts = [], []
    for number in range(30):
        staged = lakehouse.stage(table, Participants)
        staged.write_rows([(f"p{number}@example.com", str(number))])
        published = lakehouse.prepare(table, staged.files(), SnapshotSummary()).publish()
        made.append(published.snapshot_id)
        lakehouse.expire(published.table)
        table = lakehouse.ensure_table("participants", Participants)
        counts.append(len(table.metadata.snapshots))
    # PyIceberg makes a snapshot for what a commit deletes, too.
    assert max(counts[5:]) <= most
    assert table.metadata.current_snapshot_id == made[-1]
    assert [row["participantId"] for row in table.scan().to_arrow().to_pylist()] == ["29"]
    data = {path for path in lakehouse.storage.list(f"{table.location()}/data") if path.endswith(".parquet")}
    assert len(data) <= most
