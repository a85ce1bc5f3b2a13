"""The resources that the settings ask for."""

from typing import Any

import dagster as dg

from stedi_dagster.defs.resources.io_manager import iceberg_io_manager
from stedi_dagster.defs.resources.lakehouse import LakehouseResource
from stedi_dagster.defs.resources.lock import WriterLockResource
from stedi_dagster.defs.resources.rules import LandingResource, PolicyResource
from stedi_dagster.defs.resources.run import RunResource
from stedi_dagster.defs.resources.spark import (
    EmrServerlessResource,
    LocalSparkResource,
    RemoteSparkResource,
    SailResource,
)
from stedi_dagster.defs.resources.verdicts import verdicts_under
from stedi_dagster.settings import EMR_SERVERLESS, Settings


def resources_for(settings: Settings) -> dict[str, Any]:
    """The resources by their keys.

    Args:
        settings: where, how and by which rules.
    """
    lakehouse = LakehouseResource.configure_at_launch(
        catalog=settings.catalog,
        database=settings.database,
        home=str(settings.home),
        warehouse=settings.warehouse_location,
        retention_days=settings.retention,
        max_snapshots=settings.max_snapshots,
    )
    lock = WriterLockResource.configure_at_launch(lakehouse=lakehouse, timeout=settings.lock_timeout)
    landing = LandingResource.configure_at_launch(
        location=settings.landing,
        max_bad_share=settings.max_bad_share,
        max_shrink=settings.max_shrink,
        max_doubt=settings.max_doubt,
        evidence=settings.evidence,
    )
    policy = PolicyResource.configure_at_launch(rules=settings.policy.model_dump(exclude_none=True))
    spark = _spark(settings, lock)
    verdicts = verdicts_under(settings, lock)
    run = RunResource.configure_at_launch(
        lakehouse=lakehouse, lock=lock, spark=spark, landing=landing, policy=policy, verdicts=verdicts
    )
    return {
        "lakehouse": lakehouse,
        "lock": lock,
        "landing": landing,
        "policy": policy,
        "spark": spark,
        "verdicts": verdicts,
        "run": run,
        "tables": iceberg_io_manager.configured({"memory_mb": settings.memory}),
    }


def _spark(settings: Settings, lock: Any) -> Any:
    if settings.engine == "sail":
        return SailResource.configure_at_launch(home=str(settings.home), memory_mb=settings.memory)
    if settings.engine == "spark":
        return LocalSparkResource.configure_at_launch(memory_mb=settings.memory)
    if settings.engine == EMR_SERVERLESS:
        return EmrServerlessResource.configure_at_launch(
            lock=lock,
            application_id=settings.emr_application_id,
            execution_role_arn=settings.emr_execution_role_arn,
            session_name=settings.emr_session_name,
            spark_config=settings.emr_spark_conf,
            idle_minutes=settings.emr_idle_minutes,
            start_minutes=settings.emr_start_minutes,
        )
    # The URL's parameters may carry a token.
    url = dg.EnvVar("STEDI_ENGINE") if ";" in settings.engine else settings.engine
    return RemoteSparkResource.configure_at_launch(url=url)
