"""What `bench.attribution` counts: whose readings the rule would give to whom."""

from bench.attribution import attributions
from stedi_dagster_tests.scenario import T0, Scenario, customer, reading, step


def test_a_reading_of_a_carrier_without_the_app_goes_to_whoever_moves_at_that_moment(tmp_path):
    scenario = Scenario(tmp_path)
    ann, bob = "ann@example.com", "bob@example.com"
    scenario.land("customer", customer(ann), customer(bob, agreed=None), customer("eve@example.com"))
    scenario.land("accelerometer", reading(ann, T0), reading(ann, T0 + 10), reading("eve@example.com", T0 + 10))
    # Ann's, once while she alone moves and once beside Eve; Bob's, who did not agree and has no app, while Ann moves.
    scenario.land("step_trainer", step(f"serial-of-{ann}", T0), step(f"serial-of-{ann}", T0 + 10))
    scenario.land("step_trainer", step(f"serial-of-{bob}", T0), name="bobs.json")
    [shared] = attributions(scenario.landing, [1], [0])
    assert (shared.steps, shared.given, shared.right) == (3, 2, 1)
    assert (shared.published, shared.false, shared.leaked) == (2, 1, 1)
    # As built, Bob keeps the serial number from being judged: he has no app.
    assert (shared.built, shared.built_right) == (0, 0)
    [nobody] = attributions(scenario.landing, [1], [1])
    assert (nobody.given, nobody.published) == (0, 0)
    scenario.land("accelerometer", reading(bob, T0 - 9), name="bobs.json")
    [settled] = attributions(scenario.landing, [1], [0])
    assert (settled.built, settled.built_right) == (2, 1)
