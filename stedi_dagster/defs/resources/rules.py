"""The rules in force as resources: who and what is kept, and how much of a feed must be sound."""

from typing import Any

import dagster as dg
from pydantic import Field

from stedi_dagster.settings.policy import Policy


class LandingResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where raw files land, and what of it is not believed: too much unreadable, missing, in doubt or guessed."""

    location: str = Field(description="Folder that holds the feeds' folders.")
    max_bad_share: float = Field(description="Share of a feed's records that may be quarantined.")
    max_shrink: float = Field(description="Share of a feed's published records that may be missing.")
    max_doubt: float = Field(description="Share of the published people that unreadable texts may take out at once.")
    evidence: float = Field(description="Share of readings with a known owner that evidence must give to their owner.")


class PolicyResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The rules in force: who is kept, which readings, how they are paired."""

    # One field for all rules: where one has a choice of values and a default, a resource that is configured at launch
    # gets the default, whatever it was given (pinned by a test).
    rules: dict[str, Any] = Field(description=f"Of {', '.join(Policy.model_fields)}, those that are set.")

    def policy(self) -> Policy:
        """The same, as the rest of the platform knows it."""
        return Policy(**self.rules)
