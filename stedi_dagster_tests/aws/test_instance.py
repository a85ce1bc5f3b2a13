"""Dagster's own files on S3: what runs print."""

import dagster as dg
from dagster_aws.s3 import S3ComputeLogManager

from stedi_dagster.defs.instance.opening import open_instance
from stedi_dagster_tests.aws.cloud import Cloud


def test_what_runs_print_is_kept_on_s3_where_the_setting_says_so(cloud: Cloud):
    @dg.job
    def talking() -> None:
        @dg.op
        def talk() -> None:
            print("hello from a run")  # noqa: T201

        talk()

    settings = cloud.load_settings(compute_logs=f"s3://{cloud.bucket}/logs/dagster")
    with open_instance(settings) as instance:
        assert isinstance(instance.compute_log_manager, S3ComputeLogManager)
        assert talking.execute_in_process(instance=instance).success
    keys = [found["Key"] for found in cloud.s3.list_objects_v2(Bucket=cloud.bucket, Prefix="logs/")["Contents"]]
    [key] = [key for key in keys if key.endswith(".out")]
    assert key.startswith("logs/dagster/")
    assert b"hello from a run" in cloud.s3.get_object(Bucket=cloud.bucket, Key=key)["Body"].read()


def test_without_it_they_are_kept_at_home_again(cloud: Cloud):
    for compute_logs in (f"s3://{cloud.bucket}", None):
        with open_instance(cloud.load_settings(compute_logs=compute_logs)) as instance:
            on_s3 = isinstance(instance.compute_log_manager, S3ComputeLogManager)
            assert on_s3 is (compute_logs is not None)
