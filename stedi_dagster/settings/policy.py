"""Which rules are in force, and the presets, which are named sets of them.

What each rule does to a table is in `policies`; this module does not need Spark.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Consent = Literal["granted", "as_of", "as_of_accelerometer"]
Match = Literal["person", "timestamp"]
StepPeople = Literal["curated", "trusted"]
Serials = Literal["unique", "evidence"]
MaxAge = Annotated[int, Field(ge=0, le=10_000)]
Preset = Literal[
    "default", "timestamp-match", "as-of", "as-of-accelerometer", "as-of-accelerometer-all-steps", "max-age-120"
]
# Why a policy may not be, as the rest of a sentence.
CONTRADICTION = (
    "gives a step reading to the one carrier who moved at that time, and match=timestamp pairs it with all who did: "
    "choose serials=unique or match=person"
)


class Policy(BaseModel):
    """The choices that decide which rows are kept. Two runs under equal policies keep the same rows."""

    model_config = ConfigDict(frozen=True)

    consent: Consent = Field(
        default="granted",
        description="Who is kept, and from when. `granted`: a person's latest record agrees. `as_of`: and no reading "
        "is older than the agreement. `as_of_accelerometer`: the same, for accelerometer readings only.",
    )
    match: Match = Field(
        default="person",
        description="How readings are paired: `person` (same time, same person) or `timestamp` (same time only).",
    )
    step_people: StepPeople = Field(
        default="curated",
        description="Whose step readings are kept: `curated` (of people with accelerometer readings) or `trusted` (of "
        "everybody in customer_trusted).",
    )
    max_age: MaxAge | None = Field(
        default=None,
        description="Withhold customers who were older than this, in completed years, when they registered.",
    )
    serials: Serials = Field(
        default="unique",
        description="What becomes of step readings of a serial number that several people carry. `unique`: they are "
        "withheld. `evidence`: one is kept if exactly one of the carriers moved at its moment, as that carrier's. "
        "Going back to `unique` takes these out of releases for good.",
    )

    @model_validator(mode="after")
    def _refuse_contradiction(self) -> "Policy":
        if self.contradicts_itself:
            msg = f"serials=evidence {CONTRADICTION}"
            raise ValueError(msg)
        return self

    @property
    def contradicts_itself(self) -> bool:
        """Whether readings would be given to one person and paired with those of others."""
        return self.serials == "evidence" and self.match == "timestamp"

    @property
    def accelerometer_as_of(self) -> bool:
        """Whether accelerometer readings from before the agreement are withheld."""
        return self.consent != "granted"

    @property
    def steps_as_of(self) -> bool:
        """Whether step readings from before the agreement are withheld."""
        return self.consent == "as_of"


PRESETS: dict[Preset, Policy] = {
    "default": Policy(),
    "timestamp-match": Policy(match="timestamp"),
    "as-of": Policy(consent="as_of"),
    "as-of-accelerometer": Policy(consent="as_of_accelerometer", match="timestamp"),
    "as-of-accelerometer-all-steps": Policy(consent="as_of_accelerometer", match="timestamp", step_people="trusted"),
    "max-age-120": Policy(max_age=120),
}
