"""A stand-in for AWS EMR Serverless's interactive Spark Connect sessions, in front of a local Spark Connect server."""

from stedi_dagster_tests.aws.emr_standin.control import opened
from stedi_dagster_tests.aws.emr_standin.knobs import APPLICATION
from stedi_dagster_tests.aws.emr_standin.proxy import TOKEN_HEADER
from stedi_dagster_tests.aws.emr_standin.sessions import Session
from stedi_dagster_tests.aws.emr_standin.standin import Standin

__all__ = ["APPLICATION", "TOKEN_HEADER", "Session", "Standin", "opened"]
