"""Which rules are in force, and the named sets of them.

What each rule does to a table is in the other modules of this package; this one needs no Spark.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Consent = Literal["granted", "as_of", "as_of_accelerometer"]
Match = Literal["person", "timestamp"]
StepPeople = Literal["curated", "trusted"]
Preset = Literal[
    "default", "timestamp-match", "as-of", "as-of-accelerometer", "as-of-accelerometer-all-steps", "max-age-120"
]


class Policy(BaseModel):
    """The choices that decide which rows are kept. Two runs under equal policies keep the same rows."""

    model_config = ConfigDict(frozen=True)

    consent: Consent = Field(default="granted", description="Whether readings from before the agreement are used.")
    match: Match = Field(default="person", description="What a step reading and an accelerometer reading share.")
    step_people: StepPeople = Field(
        default="curated",
        description="Whose step readings are trusted: of people with accelerometer readings, or of all.",
    )
    max_age: int | None = Field(default=None, description="Years at registration above which nobody is kept.")

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
