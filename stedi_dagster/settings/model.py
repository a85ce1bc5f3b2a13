"""Every setting of the platform, read from the environment (STEDI_...) and checked before anything starts.

The rules about who and what is kept are in `settings.policy`; this module only reads which ones were chosen.
"""

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UndecodableError

from stedi_dagster.errors import SettingsError
from stedi_dagster.locations import Home, Landing, Warehouse, is_s3, lies_within
from stedi_dagster.settings.policy import (
    CONTRADICTION,
    PRESETS,
    Consent,
    Match,
    MaxAge,
    Policy,
    Preset,
    Serials,
    StepPeople,
)
from stedi_dagster.split import DEFAULT_SHARES, Shares, shares_of

EMR_SERVERLESS = "emr-serverless"
DEFAULT_RETENTION_DAYS = 7.0
DEFAULT_MAX_SNAPSHOTS = 100
# A name, or an IPv6 address in brackets; with or without a port.
_HOST = re.compile(r"([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def _of_the_policy(name: str) -> Any:
    """A rule that can be chosen by a setting of its own; without one it is the preset's."""
    return Field(default=None, description=f"{Policy.model_fields[name].description} By default the preset's.")


class Settings(BaseSettings):
    """The settings of one process. Each field is the environment variable STEDI_<NAME IN CAPITALS>."""

    model_config = SettingsConfigDict(env_prefix="STEDI_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Home = Field(
        default=Path(".stedi"),
        description="Folder of everything the platform keeps: Dagster's home, the catalog, the warehouse. A relative "
        "path starts from the current folder.",
    )
    landing: Landing = Field(
        default="data/landing",
        description="Folder, or s3://bucket/prefix, that holds customer/landing, accelerometer/landing and "
        "step_trainer/landing. A relative path starts from the current folder.",
    )
    warehouse: Warehouse | None = Field(
        default=None,
        description="Folder, or s3://bucket/prefix, of the tables' files. By default `warehouse` in STEDI_HOME.",
    )
    catalog: Literal["sqlite", "glue"] = Field(
        default="sqlite",
        description="Where the tables' current snapshots are recorded: `sqlite` (a file in STEDI_HOME) or `glue` "
        "(AWS Glue; needs an s3:// warehouse).",
    )
    database: str = Field(
        default="stedi",
        pattern=r"^[a-z][a-z0-9_]{0,200}$",
        description="The catalog's database of the eight tables. What only operators may read is in "
        "`<database>_restricted`.",
    )
    engine: str = Field(
        default="sail",
        description="What does the work: `sail` (inside the process, no Java), `spark` (Apache Spark 4.0 on this "
        "machine, needs Java 17 or 21), the `sc://host:port` URL of a Spark Connect server, or `emr-serverless`.",
    )
    memory: int | None = Field(
        default=None,
        ge=128,
        description="Megabytes (of a million bytes) that an engine on this machine may use for what it computes: Sail, "
        "the Java heap of Apache Spark, DuckDB in the audits and in `stedi sql`. What needs more is written to disk "
        "meanwhile (below STEDI_HOME; Apache Spark: to the system's temporary folder), and where it cannot be, the run "
        "or the audit stops and says so. By default Sail "
        "has no limit, Apache Spark 2,147, and DuckDB four fifths of the machine's.",
    )
    emr_application_id: str | None = Field(
        default=None,
        description="The EMR Serverless application that sessions are started in. Needed by `emr-serverless`.",
    )
    emr_execution_role_arn: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:iam::[0-9]{12}:role/.+$",
        description="The IAM role that EMR Serverless sessions work under. Needed by `emr-serverless`.",
    )
    emr_session_name: str = Field(
        default="stedi", pattern=r"^[A-Za-z0-9._/#-]{1,200}$", description="What sessions are called in EMR Studio."
    )
    emr_spark_conf: dict[str, str] = Field(default={}, description="Spark properties of a session, as a JSON object.")
    emr_idle_minutes: int = Field(
        default=15, ge=1, le=1440, description="Idle minutes after which EMR ends a session by itself."
    )
    emr_start_minutes: float = Field(default=10, gt=0, le=60, description="Minutes to wait for a session to start.")
    compute_logs: str | None = Field(
        default=None,
        pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$",
        description="s3://bucket/prefix below which Dagster keeps what runs print. By default in STEDI_HOME.",
    )
    athena_workgroup: str | None = Field(default=None, description="The Athena workgroup of `stedi sql --on athena`.")
    preset: Preset = Field(
        default="default",
        description="A named set of rules: "
        + ", ".join(f"`{name}`" for name in PRESETS)
        + ". STEDI_CONSENT, STEDI_MATCH, "
        "STEDI_STEP_PEOPLE, STEDI_MAX_AGE and STEDI_SERIALS each replace one of them.",
    )
    consent: Consent | None = _of_the_policy("consent")
    match: Match | None = _of_the_policy("match")
    step_people: StepPeople | None = _of_the_policy("step_people")
    max_age: MaxAge | None = _of_the_policy("max_age")
    serials: Serials | None = _of_the_policy("serials")
    max_bad_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of a feed's records, lines or bytes that may be unreadable. Above it the feed counts as "
        "broken and is not published.",
    )
    max_shrink: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of a feed's published records that may be missing. Above it, or if all are missing, the "
        "feed counts as cut off and is not published. 10 records or fewer never count, unless they are all there are.",
    )
    max_doubt: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the published people that unreadable customer records alone may take out in one run. 10 "
        "people or fewer may always go, unless they are everybody. 1: no limit.",
    )
    evidence: float = Field(
        default=0.999,
        ge=0.5,
        le=1,
        description="Under STEDI_SERIALS=evidence: share of step readings with a known owner that the same evidence "
        "must give to their owner. Below it, or with fewer than 1,000 of them, step_trainer_trusted is not published.",
    )
    split: Annotated[Shares, NoDecode] = Field(
        default=DEFAULT_SHARES,
        description="Percentages of the participants who are in train, validation and test, in this order, where "
        "machine_learning_curated is read in parts. Who is where follows from the participantId alone: nobody moves "
        "while these stay as they are. All releases of a lakehouse have the same.",
    )
    retention: float = Field(
        default=DEFAULT_RETENTION_DAYS,
        ge=0,
        le=36_500,
        description="Days for which older snapshots stay, so that readers can travel back. 0: they go as soon as a "
        "newer one is published.",
    )
    max_snapshots: int = Field(
        default=DEFAULT_MAX_SNAPSHOTS,
        ge=1,
        description="How many snapshots of a table stay at most, the current one among them. Where there are more, the "
        "oldest go earlier than STEDI_RETENTION says: each run that publishes reads and writes a list of them.",
    )
    erasure_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="The secret, of 32 characters or more, that digests of erased people are made with. By default a "
        "random one in the file erasure.key in STEDI_HOME. Where several machines share a warehouse, and to forget "
        "anybody with the catalog `glue`, set the same one everywhere.",
    )
    freshness: float = Field(
        default=36,
        ge=0,
        description="Hours for which a table may stay behind what it is made from before `stedi audit` warns.",
    )
    lock_timeout: float = Field(
        default=600, ge=0, description="Seconds to wait for another run that holds the lakehouse."
    )
    alert_urls: SecretStr | None = Field(
        default=None,
        description="Apprise URLs of whoever is told of failed checks and runs, separated by blanks or commas.",
    )
    alert_topic_arn: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$",
        description="The ARN of a standard SNS topic that is told, too.",
    )
    ui_url: str = Field(
        default="http://127.0.0.1:3000",
        pattern=r"^https?://[^\s/][^\s]*$",
        description="Where the Dagster UI is, for the links in alerts. The UI also answers requests for the host that "
        "this names. Unless it is set, alerts that `stedi ui` sends link to that UI's own port.",
    )
    ui_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="More hosts that a proxy serves the UI under, separated by blanks or commas. Requests for any "
        "other host are refused.",
    )

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if value in {"sail", "spark", EMR_SERVERLESS}:
            return value
        parts = urlsplit(value)
        if parts.scheme == "sc" and parts.hostname:
            return value
        msg = "it must be sail, spark, the sc://host:port URL of a Spark Connect server, or emr-serverless"
        raise ValueError(msg)

    @field_validator("alert_urls")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        from stedi_dagster.settings.alert_urls import refuse_wrong  # Apprise, which only alerts need

        if value is not None:
            refuse_wrong(value.get_secret_value())
        return value

    @field_validator("ui_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        hosts = tuple(re.split(r"[\s,]+", value.strip(" ,").lower())) if isinstance(value, str) else value
        if isinstance(hosts, tuple) and not all(_HOST.fullmatch(host) for host in hosts):
            msg = "it must hold hosts like stedi.example.com or stedi.example.com:8443, separated by blanks or commas"
            raise ValueError(msg)
        return hosts

    @field_validator("split", mode="before")
    @classmethod
    def _shares(cls, value: object) -> object:
        return shares_of(value) if isinstance(value, str) else value

    @field_validator("ui_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @model_validator(mode="after")
    def _check_combinations(self) -> "Settings":
        """Settings that need each other."""
        on_s3 = {"STEDI_WAREHOUSE": self.warehouse_location, "STEDI_LANDING": self.landing}
        needed = {}
        if self.catalog == "glue":
            needed = {"STEDI_WAREHOUSE": is_s3(self.warehouse_location)}
        if self.engine == EMR_SERVERLESS:
            needed |= {name: is_s3(location) for name, location in on_s3.items()}
            needed["STEDI_EMR_APPLICATION_ID"] = self.emr_application_id is not None
            needed["STEDI_EMR_EXECUTION_ROLE_ARN"] = self.emr_execution_role_arn is not None
        if self.engine == "spark" and any(map(is_s3, on_s3.values())):
            msg = "STEDI_ENGINE=spark cannot read s3:// by itself: use sail, emr-serverless, or an sc:// cluster's URL"
            raise ValueError(msg)
        # A sweep or an erasure must never remove raw files, and a run must never read a table's files as raw ones.
        feeds = [f"{self.landing}/{feed}" for feed in ("customer", "accelerometer", "step_trainer")]
        inner = any(lies_within(self.warehouse_location, feed) for feed in feeds)
        if inner or lies_within(self.landing, self.warehouse_location):
            msg = (
                f"STEDI_LANDING ({self.landing}) and STEDI_WAREHOUSE ({self.warehouse_location}) lie within each "
                "other: give each its own place"
            )
            raise ValueError(msg)
        if self.policy.contradicts_itself:
            msg = f"STEDI_SERIALS=evidence {CONTRADICTION} (STEDI_PRESET={self.preset} is in force)"
            raise ValueError(msg)
        missing = [name for name, given in needed.items() if not given]
        if missing:
            chosen = f"STEDI_CATALOG={self.catalog} with STEDI_ENGINE={self.engine}"
            requirements = [f"{name} to be {'s3://bucket/prefix' if name in on_s3 else 'set'}" for name in missing]
            msg = f"{chosen} needs {', '.join(requirements)}"
            raise ValueError(msg)
        return self

    @classmethod
    def load(cls, **overrides: object) -> "Settings":
        """Read the environment; keyword arguments take precedence.

        Raises:
            SettingsError: a value is not allowed; the message names the setting, the value and what is allowed. Or a
                STEDI_ variable is not a setting: a misspelt rule must not go unnoticed.
        """
        _refuse_unknown(cls.model_fields)
        try:
            return cls(**overrides)  # type: ignore[arg-type]
        except ValidationError as error:
            raise SettingsError("\n".join(_explain(detail) for detail in error.errors())) from None
        except UndecodableError:
            raise SettingsError("STEDI_EMR_SPARK_CONF is not allowed: it must be a JSON object.") from None

    @cached_property
    def warehouse_location(self) -> str:
        """Where the tables' files are."""
        return self.warehouse or str(self.home / "warehouse")

    @cached_property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its runs and events."""
        return self.home / "dagster"

    @property
    def alerting(self) -> bool:
        """Whether anybody is to be alerted."""
        return self.alert_urls is not None or self.alert_topic_arn is not None

    @cached_property
    def policy(self) -> Policy:
        """The rules in force: the preset's, each replaced by its own setting if that is given."""
        chosen = {name: getattr(self, name) for name in Policy.model_fields}
        return PRESETS[self.preset].model_copy(update={k: v for k, v in chosen.items() if v is not None})


def _refuse_unknown(known: Iterable[str]) -> None:
    settings = {f"STEDI_{name.upper()}" for name in known}
    for name in sorted(os.environ):
        if name.startswith("STEDI_") and name not in settings and not name.startswith("STEDI_TESTS_"):
            close = get_close_matches(name, settings, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise SettingsError(f"{name} is not a STEDI setting: `stedi settings` lists them.{hint}")


def _explain(detail: Any) -> str:
    if not detail["loc"]:
        return f"{str(detail['msg']).removeprefix('Value error, ')}."
    name = str(detail["loc"][0])
    reason = str(detail["msg"]).removeprefix("Value error, ")
    if Settings.model_fields[name].annotation == SecretStr | None:
        return f"STEDI_{name.upper()} is not allowed: {reason}."
    # The parameters of an sc:// URL may carry a token.
    value = re.sub(r";.*", ";...", detail["input"]) if isinstance(detail["input"], str) else detail["input"]
    return f"STEDI_{name.upper()}={value!r} is not allowed: {reason}."
