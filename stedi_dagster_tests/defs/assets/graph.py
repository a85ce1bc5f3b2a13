"""What the asset graph is to show: the groups, what each table is made from, and what else is read for it."""

from stedi_dagster.contracts import TABLES, Contract, Participants
from stedi_dagster_tests.defs.assets.builders import LANDED_FILES, QUARANTINES
from stedi_dagster_tests.scenario import FEEDS

GROUPS = {
    "landing": {"customer_landing", "accelerometer_landing", "step_trainer_landing"},
    "trusted": {"customer_trusted", "accelerometer_trusted", "step_trainer_trusted"},
    "curated": {"customers_curated", "machine_learning_curated"},
}
ALL = {
    **GROUPS,
    "raw": {"customer_feed", "accelerometer_feed", "step_trainer_feed"},
    "restricted": {*QUARANTINES, *LANDED_FILES, "erasures"},
    "pseudonyms": {"participants"},
    "releases": {"ml_release"},
}
RESTRICTED = ALL["restricted"] | ALL["pseudonyms"]
INPUTS = {
    "customer_trusted": {"customer_landing"},
    "accelerometer_trusted": {"accelerometer_landing", "customer_trusted"},
    "customers_curated": {"customer_trusted", "accelerometer_trusted"},
    "step_trainer_trusted": {"step_trainer_landing", "customers_curated", "customer_landing"},
    "machine_learning_curated": {"step_trainer_trusted", "accelerometer_trusted", "customers_curated", "participants"},
}
# Whether everybody in a table agrees is judged by these.
JUDGED_BY = {"customer_landing", "customer_quarantine"}
KINDS = ("landing", "quarantine", "landed_files")
READ = {
    **{table: inputs | JUDGED_BY for table, inputs in INPUTS.items()},
    "participants": {"customers_curated"} | JUDGED_BY,
    "ml_release": {"machine_learning_curated"},
    **{f"{feed}_{kind}": {f"{feed}_feed", "erasures"} for feed in FEEDS for kind in KINDS},
}
# Where the policy keeps the readings of all who agree, and where it goes by evidence.
READ["step_trainer_trusted"] |= {"customer_trusted", "accelerometer_landing"}
CONTRACTS: dict[str, type[Contract]] = {**TABLES, "participants": Participants}
PERSONAL = dict.fromkeys(TABLES, "yes") | {"machine_learning_curated": "pseudonym"}
