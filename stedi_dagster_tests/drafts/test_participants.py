"""Nobody's readings are paired before they are a participant."""

from stedi_dagster_tests.defs.assets.builders import failure, three_people
from stedi_dagster_tests.scenario import T0, customer, reading, step

DEE = "dee@example.com"


def test_pairing_is_refused_while_somebody_has_no_participant_id(tmp_path):
    scenario = three_people(tmp_path)
    assert scenario.run().success
    scenario.land("customer", customer(DEE), name="dee.json")
    scenario.land("accelerometer", reading(DEE, T0 + 1000), name="dee.json")
    scenario.land("step_trainer", step(f"serial-of-{DEE}", T0 + 1000), name="dee.json")
    before = scenario.rows("machine_learning_curated")
    upper = ["customer_landing", "accelerometer_landing", "step_trainer_landing", "customer_trusted"]
    upper += ["accelerometer_trusted", "customers_curated", "step_trainer_trusted"]
    assert scenario.run(tables=upper).success
    alone = scenario.run(tables=["machine_learning_curated"], participants=False)
    said = "People in customers_curated who have no participantId yet: 1. Materialize participants first"
    assert failure(alone, "machine_learning_curated").startswith(said)
    assert scenario.rows("machine_learning_curated") == before
    assert scenario.run(tables=["participants"]).success
    assert scenario.run(tables=["machine_learning_curated"], participants=False).success
    assert len(scenario.rows("machine_learning_curated")) == len(before) + 1
