"""What a run does at its end about the standing audits: a resource, which ends before the lakehouse is let go."""

from collections.abc import Iterator, Sequence

import dagster as dg

from stedi_dagster.audits.standing.audit import Audit, Verdict
from stedi_dagster.defs.audits.recording import settle
from stedi_dagster.errors import StediError
from stedi_dagster.settings import Settings

NAME = "verdicts"


def settling(settings: Settings) -> dg.ResourceDefinition:
    """The resource of every step that may change what is published.

    Args:
        settings: the rules in force.
    """

    @dg.resource(
        required_resource_keys={"lakehouse"},
        description="Keeps the verdicts of standing audits over the run, and has judged again what failed.",
    )
    def verdicts(context: dg.InitResourceContext) -> Iterator[None]:
        yield None
        lakehouse = context.resources.lakehouse

        def judge(audits: Sequence[Audit]) -> list[Verdict]:
            # Loaded only where something failed: every run would pay for it.
            from stedi_dagster.audits.standing.run import run_audits

            return list(
                run_audits(audits, settings, lakehouse.lakehouse(), consistent_read=lakehouse.consistent_read())
            )

        if context.instance is None or context.run is None:
            return
        try:
            settle(context.instance, context.run.run_id, judge, changed=lakehouse.changing)
        except StediError as error:
            if context.log:
                context.log.info("The standing audits that failed are not judged again: %s", error)

    return verdicts
