"""What was received and what became of it: the files of a site's sources."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

Status = Literal["reconciled", "accepted_unreconciled", "replaced"]
Period = tuple[date, date]


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One received file, recognised.

    path         where it lies; never changed
    layout       the layout's id
    staged_as    what its rows are: "institutional", "medical", a table of the claims model
    sha256       of the bytes as received
    size         bytes as received
    received_on  the day it came: its delivery's, else the one that its own trailer states, or None
    delivery     its delivery's folder below the source's path, "" in none
    manifest     sha256 of its delivery's manifest, or None
    sender       who sends for whom, by the file's own first record
    period       the days that it says it is about, both inclusive, or None
    crosswalk    the delivery whose crosswalk names its beneficiaries; None where the source has no crosswalk
    """

    source_id: str
    path: Path
    layout: str
    staged_as: str
    sha256: str
    size: int
    payer_id: str | None
    payer_type: str | None
    received_on: date | None = None
    delivery: str = ""
    manifest: str | None = None
    sender: tuple[str, ...] = ()
    period: Period | None = None
    crosswalk: str | None = None

    @property
    def name(self) -> str:
        """How messages name the file."""
        return self.path.name

    @property
    def place(self) -> str:
        """Where it lies below its source's path, as results name it: several deliveries may hold files of one name."""
        return f"{self.delivery}/{self.name}" if self.delivery else self.name


@dataclass(frozen=True, kw_only=True)
class StagedFile:
    """One file as staged: rows_read = rows_accepted + rows_quarantined.

    database        table staged_row; under the store key, or under the vault key when `in_vault`
    vault_database  table identity_row under the vault key, for files that mix claims data with identity; else None
    expected_rows   what the trailer states, or None
    claims          distinct claims of the accepted rows, or None for files that hold no claims
    paid_amount     dollars of the accepted rows at their own grain (a claim's header once), or None
    has_period      whether its rows belong to a time (claims, fills, months)
    reaches         the last day of its rows inside the source's start..end, or None
    replaced_by     the later delivery that replaces this file, or None; a replaced file is kept and never loaded
    """

    file: SourceFile
    database: Path
    vault_database: Path | None
    in_vault: bool
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    expected_rows: int | None
    claims: int | None
    paid_amount: Decimal | None
    status: Status
    replaced_by: str | None = None
    has_period: bool = False
    reaches: date | None = None
