"""What `stedi run` is told of a table whose making begins in another step."""

from typing import Any

from stedi_dagster.defs.assets import restricted
from stedi_dagster.defs.execution import EverythingJob
from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster.errors import EngineError
from stedi_dagster_tests.defs.assets.builders import three_people


def test_a_table_says_why_the_participants_that_it_needs_could_not_be_registered(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")  # put back afterwards

    def fail(*_: Any) -> None:
        raise EngineError("The engine is gone.")

    monkeypatch.setattr(restricted, "draft_participants", fail)
    settings = three_people(tmp_path).load_settings()
    with open_instance(settings) as instance:
        result = EverythingJob(settings).run(instance, {}, lambda _doing, _done: None)
    assert not result.success
    assert len(result.tables) == 8
    failed = result.tables.pop("machine_learning_curated")
    assert (failed.state, failed.error) == ("not published", "participants: The engine is gone.")
    assert {table.state for table in result.tables.values()} == {"published"}
