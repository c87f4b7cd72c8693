"""What the entity says of its consultation with stakeholders, for measures that CMS has not approved yet (401.715(b)(4)).

A TOML file (closed):

    notice = "how the stakeholders of the area were told"                     # (iv)
    supporting = "the arguments for the measures"                             # (vi)
    opposing = "the arguments against them"
    [[stakeholders]]                                                          # (v): at least one of each class
    name = ""
    role = ""                  # in the community
    class = "provider"         # provider, supplier, payer, employer, consumer
    [evidence]
    hwr = "why the measure is more valid, reliable, ..., than a standard one"  # (vii), by module
"""

from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from qe import closed_toml

StakeholderClass = Literal["provider", "supplier", "payer", "employer", "consumer"]
CLASSES: Final[tuple[StakeholderClass, ...]] = get_args(StakeholderClass)


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Stakeholder(Closed):
    """One person or organisation whose feedback was asked for, with the role in the community."""

    name: str
    role: str
    kind: Annotated[StakeholderClass, Field(alias="class")]

    @property
    def is_whole(self) -> bool:
        return bool(self.name.strip() and self.role.strip())


class Consultation(Closed):
    """The statements of the file; blank where it says nothing. evidence: by module."""

    notice: str = ""
    supporting: str = ""
    opposing: str = ""
    stakeholders: tuple[Stakeholder, ...] = ()
    evidence: dict[str, str] = {}

    def cross_section(self) -> str:
        """The stakeholders in words, or "" while a class of them is missing (401.715(b)(4)(iv))."""
        whole = [one for one in self.stakeholders if one.is_whole]
        if {one.kind for one in whole} != set(CLASSES):
            return ""
        return "; ".join(f"{one.name} ({one.kind}, {one.role})" for one in whole)

    def arguments(self) -> str:
        """Both sides, or "" while one is missing."""
        if not (self.supporting.strip() and self.opposing.strip()):
            return ""
        return f"For: {self.supporting.strip()} Against: {self.opposing.strip()}"


def read(path: Path) -> Consultation:
    """The statements of the file at `path`; all its faults at once."""
    return closed_toml.load(path, Consultation, shown_as=path.name)
