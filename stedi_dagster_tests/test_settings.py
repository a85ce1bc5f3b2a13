"""Settings: every one from the environment, and a wrong value refused by its name, with what is allowed."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stedi_dagster.errors import SettingsError
from stedi_dagster.settings import Settings
from stedi_dagster.settings.alert_urls import scheme_of, split_urls
from stedi_dagster.settings.policy import PRESETS, Policy


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"STEDI_{name.upper()}", raising=False)


@pytest.fixture
def env(monkeypatch):
    return lambda name, value: monkeypatch.setenv(f"STEDI_{name}", value)


def test_everything_has_a_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.load()
    assert settings.home == tmp_path / ".stedi"
    assert settings.dagster_home == tmp_path / ".stedi" / "dagster"
    assert settings.warehouse_location == str(tmp_path / ".stedi" / "warehouse")
    assert settings.landing == str(tmp_path / "data" / "landing")
    assert (settings.engine, settings.catalog, settings.preset) == ("sail", "sqlite", "default")
    assert (settings.max_bad_share, settings.max_shrink, settings.max_doubt) == (0.05, 0.1, 0.1)
    assert settings.policy == Policy()


def test_every_setting_is_described():
    assert all(len(field.description or "") > 20 for field in Settings.model_fields.values())


@pytest.mark.parametrize("folder", ["elsewhere", "./elsewhere", "a b/c"])
def test_relative_folders_are_below_the_working_directory_of_the_start(tmp_path, monkeypatch, env, folder):
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "LANDING", "WAREHOUSE"):
        env(name, f"{folder}/{name}")
    settings = Settings.load()
    monkeypatch.chdir("/")
    assert settings.home == tmp_path / folder / "HOME"
    assert Path(settings.landing) == tmp_path / folder / "LANDING"
    assert Path(settings.warehouse_location) == tmp_path / folder / "WAREHOUSE"


def test_a_tilde_is_the_home_folder_and_a_file_url_a_path(env):
    env("HOME", "~/stedi")
    env("LANDING", "file:///data/landing")
    env("WAREHOUSE", "~/tables")
    settings = Settings.load()
    assert settings.home == Path.home() / "stedi"
    assert settings.landing == "/data/landing"
    assert settings.warehouse_location == str(Path.home() / "tables")


@pytest.mark.parametrize("engine", ["sail", "spark", "sc://localhost:15002", "sc://10.0.0.1/;token=x"])
def test_engines_are_known_by_name_or_by_url(env, engine):
    env("ENGINE", engine)
    assert Settings.load().engine == engine


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("ENGINE", "duckdb", "sail, spark, the sc://host:port"),
        ("ENGINE", "sc://", "sail, spark, the sc://host:port"),
        ("ENGINE", "SAIL", "sail, spark, the sc://host:port"),
        ("CATALOG", "hive", "'sqlite' or 'glue'"),
        ("DATABASE", "Stedi", "pattern"),
        ("EMR_EXECUTION_ROLE_ARN", "stedi", "arn:"),
        ("WAREHOUSE", "s3://", "s3://bucket/prefix"),
        ("PRESET", "strict", "'timestamp-match'"),
        ("CONSENT", "yes", "'as_of_accelerometer'"),
        ("MATCH", "email", "'timestamp'"),
        ("MAX_AGE", "-1", "greater than or equal to 0"),
        ("MAX_AGE", "old", "integer"),
        ("MAX_AGE", "100000", "10000"),
        ("MAX_BAD_SHARE", "5", "less than or equal to 1"),
        ("MAX_BAD_SHARE", "-0.1", "greater than or equal to 0"),
        ("MAX_BAD_SHARE", "nan", "1"),
        ("MAX_BAD_SHARE", "5%", "number"),
        ("MAX_DOUBT", "-1", "greater than or equal to 0"),
        ("MAX_SHRINK", "1.5", "less than or equal to 1"),
        ("LOCK_TIMEOUT", "-1", "greater than or equal to 0"),
        ("LOCK_TIMEOUT", "forever", "number"),
        ("LOCK_TIMEOUT", "nan", "0"),
        ("WAREHOUSE", "gs://bucket", "a folder on this machine"),
        ("ALERT_TOPIC_ARN", "alerts", "arn:"),
        ("ALERT_TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:alerts.fifo", "arn:"),
        ("UI_URL", "dagster.example", "https?://"),
        ("UI_HOSTS", "https://lake.example", "stedi.example.com:8443"),
        ("UI_HOSTS", "lake.example, *", "stedi.example.com:8443"),
        ("HOME", "s3://bucket/home", "a folder on this machine"),
        ("HOME", "/data/a*b", "must not contain * ? [ ] { }"),
        ("WAREHOUSE", "/data/{a,b}", "must not contain * ? [ ] { }"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_is_allowed(env, name, value, allowed):
    env(name, value)
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert f"STEDI_{name}='{value}' is not allowed" in str(error.value)
    assert allowed in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("value", ["spark.x=1", '{"spark.x": 1}', "[]"])
def test_spark_properties_are_a_json_object_of_texts(env, value):
    env("EMR_SPARK_CONF", value)
    with pytest.raises(SettingsError, match=r"STEDI_EMR_SPARK_CONF.* not allowed: "):
        Settings.load()
    env("EMR_SPARK_CONF", '{"spark.executor.cores": "4"}')
    assert Settings.load().emr_spark_conf == {"spark.executor.cores": "4"}


def test_settings_that_need_each_other_are_told_together(env):
    env("CATALOG", "glue")
    with pytest.raises(SettingsError, match=r"STEDI_CATALOG=glue .*needs STEDI_WAREHOUSE to be s3://bucket/prefix"):
        Settings.load()
    env("WAREHOUSE", "s3://bucket/warehouse/")
    assert Settings.load().warehouse_location == "s3://bucket/warehouse"
    env("ENGINE", "emr-serverless")
    needed = "STEDI_LANDING to be s3://.*, STEDI_EMR_APPLICATION_ID to be set, STEDI_EMR_EXECUTION_ROLE_ARN to be set"
    with pytest.raises(SettingsError, match=needed):
        Settings.load()
    env("LANDING", "s3://bucket/landing")
    env("EMR_APPLICATION_ID", "00f1")
    env("EMR_EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/stedi-execution")
    assert Settings.load().engine == "emr-serverless"


def test_all_wrong_values_are_told_at_once(env):
    env("ENGINE", "duckdb")
    env("PRESET", "strict")
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert len(str(error.value).splitlines()) == 2


def test_an_empty_variable_is_the_default(env):
    for name in Settings.model_fields:
        env(name.upper(), "")
    assert Settings.load() == Settings.load()
    assert Settings.load().policy == Policy()


def test_the_token_of_an_engine_url_is_not_repeated(env):
    env("ENGINE", "https://host:443/;token=very-secret")
    with pytest.raises(SettingsError) as error:
        Settings.load()
    assert "very-secret" not in str(error.value)


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ("slack://geheim", "Apprise cannot send to URL number 1, which begins with slack://; "),
        ("json://h/geheim, nope://geheim", "Apprise cannot send to URL number 2, which begins with nope://; "),
        ("geheim", "Apprise cannot send to URL number 1, which has no ://; "),
    ],
)
def test_a_wrong_url_of_alerts_is_told_by_its_place_and_not_repeated(env, urls, said):
    env("ALERT_URLS", urls)
    with pytest.raises(SettingsError, match=r"^STEDI_ALERT_URLS is not allowed: ") as error:
        Settings.load()
    assert said in str(error.value)
    assert "geheim" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_urls_of_alerts_are_separated_by_blanks_or_commas_and_hidden(env):
    env(
        "ALERT_URLS",
        "json://a.example/x,\n json://b.example mailto://c.example?from=c@c.example&to=d@e.example,f@g.example",
    )
    settings = Settings.load()
    assert settings.alerting
    assert "example" not in repr(settings.alert_urls)
    assert settings.alert_urls is not None
    assert [scheme_of(url) for url in split_urls(settings.alert_urls.get_secret_value())] == ["json", "json", "mailto"]
    assert not Settings.load(alert_urls=None).alerting


def test_hosts_of_the_ui_are_separated_by_blanks_or_commas(env):
    env("UI_HOSTS", " Lake.example, audit.example:8443\t[fd00::1] ")
    assert Settings.load().ui_hosts == ("lake.example", "audit.example:8443", "[fd00::1]")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_a_set_of_rules(env, preset):
    env("PRESET", preset)
    assert Settings.load().policy == PRESETS[preset]


def test_every_rule_of_the_policy_has_a_setting_that_says_the_same_of_it():
    for name, rule in Policy.model_fields.items():
        assert str(Settings.model_fields[name].description).startswith(str(rule.description))


def test_a_rule_of_its_own_wins_over_the_presets(env):
    env("PRESET", "as-of-accelerometer")
    env("CONSENT", "granted")
    env("STEP_PEOPLE", "trusted")
    env("MAX_AGE", "0")
    expected = Policy(consent="granted", match="timestamp", step_people="trusted", max_age=0)
    assert Settings.load().policy == expected


def test_a_call_wins_over_the_environment(env):
    env("PRESET", "as-of")
    assert Settings.load(preset="default").policy == Policy()


@pytest.mark.parametrize(
    ("landing", "warehouse"),
    [
        ("w/landing", "w"),
        ("same", "same"),
        ("l", "l/customer/tables"),
        ("s3://lake-of-tests/w/in", "s3://lake-of-tests/w"),
    ],
)
def test_landing_zone_and_warehouse_do_not_lie_within_each_other(tmp_path, landing, warehouse):
    places = [place if place.startswith("s3:") else str(tmp_path / place) for place in (landing, warehouse)]
    with pytest.raises(SettingsError, match="lie within each other"):
        Settings.load(home=tmp_path / "home", landing=places[0], warehouse=places[1])


def test_landing_zone_and_warehouse_may_lie_side_by_side(tmp_path):
    Settings.load(home=tmp_path, landing=str(tmp_path / "landing"), warehouse=str(tmp_path / "landing-tables"))
    Settings.load(home=tmp_path, landing=str(tmp_path), warehouse=str(tmp_path / "tables"))


@pytest.mark.parametrize(
    "chosen",
    [{"match": "timestamp"}, {"preset": "timestamp-match"}, {"preset": "as-of-accelerometer-all-steps"}],
    ids=str,
)
def test_evidence_of_whose_a_reading_is_and_pairs_of_different_people_contradict_each_other(chosen):
    assert Settings.load(**chosen).policy.serials == "unique"
    with pytest.raises(
        SettingsError, match="STEDI_SERIALS=evidence gives a step reading to the one carrier"
    ) as refused:
        Settings.load(serials="evidence", **chosen)
    assert "choose serials=unique or match=person" in str(refused.value)
    assert Settings.load(serials="evidence", **chosen | {"match": "person"}).policy.serials == "evidence"
    # What is configured in the UI is refused, too.
    with pytest.raises(ValidationError, match="serials=evidence gives a step reading"):
        Policy(serials="evidence", match="timestamp")


@pytest.mark.parametrize("share", ["0.49", "1.01"])
def test_evidence_may_be_asked_to_be_right_half_of_the_time_or_always(monkeypatch, share):
    monkeypatch.setenv("STEDI_EVIDENCE", share)
    with pytest.raises(SettingsError, match="STEDI_EVIDENCE"):
        Settings.load()
