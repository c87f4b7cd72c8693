"""Providers and suppliers as a report names them (42 CFR 401.703(b), (c))."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["clinician", "group", "facility", "area"]
Role = Literal["provider", "supplier"]


@dataclass(frozen=True, kw_only=True)
class ProviderOrSupplier:
    """One unit that results are about.

    unit_id     "U000012": stands for a CCN with its NPIs, a TIN, or a clinician's NPI
    id_type     what `identifier` is: NPI, CCN or TIN
    identifier  never printed for a TIN (a TIN may be a person's SSN): see `shown_id`
    area        county of the practice location, or None
    catchment   the part of its stays that the sources see, 0 to 1; None where nobody counts them all
    """

    unit_id: str
    level: Level
    id_type: Literal["NPI", "CCN", "TIN"]
    identifier: str
    name: str
    role: Role
    provider_type: str | None = None
    specialty: str | None = None
    area: str | None = None
    zip5: str | None = None
    catchment: float | None = None

    @property
    def public_id(self) -> str:
        """How public pages name the unit: its NPI or CCN; a group by its unit id, never by a TIN."""
        return self.unit_id if self.id_type == "TIN" else self.identifier

    @property
    def shown_id(self) -> str:
        """How its own confidential report names it: a TIN masked to the last four digits."""
        return f"••••{self.identifier[-4:]}" if self.id_type == "TIN" else self.identifier


def party_key(party_id: str) -> str:
    """How the address book knows an authorized user that is no unit of our data (a contact of id_type PARTY)."""
    return f"party:{party_id}"
