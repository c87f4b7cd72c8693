"""A site: qe.toml with its closed schema, and the folders that hold one organisation's work."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from qe import closed_toml
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.signing import SigningKey
from qe.periods import ReportingPeriod, quarter
from qe.regulation import MINIMUM_CELL
from qe.store import Engine, Key, read_key

CLAIMS_KINDS = ("ccw-rif", "desynpuf", "apcd-cdl", "tuva-input", "claims-model")


def _known_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError('no such time zone; write it like "America/New_York"') from None
    return zone


Zone = Annotated[str, AfterValidator(_known_zone)]


class Closed(BaseModel):
    """A table of qe.toml: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SiteTable(Closed):
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="letters, digits, _ and -, a letter or digit first"
    )
    zone: Zone = "America/New_York"
    rehearsal: bool = False
    threads: int = Field(default=2, ge=1, le=64)
    memory_gib: Literal["auto"] | Annotated[float, Field(gt=0.25, le=512)] = "auto"
    key_file: str | None = None
    vault_key_file: str | None = None
    signing_key_file: str | None = None
    sealing_recipient: (
        Annotated[str, Field(pattern=r"^age1[a-z0-9]{58}$", description="a public key of age")] | None
    ) = None


class EntityTable(Closed):
    organisation: str
    kind: Literal["qualified", "quasi"] = "qualified"
    contact: str
    areas: list[str] = Field(min_length=1)


class PeriodTable(Closed):
    end: date
    run_out_days: int = Field(ge=0)
    measures: list[str] = ["all"]


class SourceTable(Closed):
    kind: Literal[
        "ccw-rif",
        "desynpuf",
        "apcd-cdl",
        "tuva-input",
        "claims-model",
        "roster",
        "contacts",
        "prices",
        "drugs",
        "hospital-stays",
    ]
    path: str
    payer_id: str | None = None
    payer_type: Literal["medicare", "medicare_advantage", "commercial", "medicaid"] | None = None
    start: date | None = None
    end: date | None = None
    crosswalk: str = ""
    layout: str = ""
    labels: list[str] = []
    delimiter: str = "|"
    implied_decimals: bool = False
    adjustment: Literal["replace", "net"] = "replace"
    on_bad_row: Literal["quarantine", "stop"] = "quarantine"
    accept_unreconciled: list[str] = []
    grace_days: int = Field(default=0, ge=0)


def _with_its_payer(source: SourceTable) -> SourceTable:
    """Claims belong to a payer and to a span of days; the other kinds do not."""
    missing = [key for key in ("payer_id", "payer_type", "start", "end") if getattr(source, key) is None]
    if source.kind in CLAIMS_KINDS and missing:
        raise ValueError(f"a source of kind {source.kind} needs {', '.join(missing)}")
    return source


LinkagePass = Literal[
    "mbi",
    "name_dob_sex_zip",
    "name_dob_sex",
    "dob_sex_similar_name",
    "first_dob_zip_sex",
    "name_dob_zip",
    "name_zip_sex_dob_slip",
    "name_zip_sex_near_dob",
]


class LinkageTable(Closed):
    passes: list[LinkagePass]
    to_review: list[LinkagePass] = []


class AttributionTable(Closed):
    window_months: int = Field(default=12, ge=1, le=24)
    tie: Literal["latest_service"] = "latest_service"


class PeersTable(Closed):
    by: list[Literal["specialty", "size_quartile", "area"]]
    min_peers: int = Field(ge=2)


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class ScoringTable(Closed):
    fdr_q: float = Field(gt=0, lt=1)
    confidence: float = Field(gt=0.5, lt=1)
    achievable_share: float = Field(gt=0, lt=1)
    bootstrap_draws: int = Field(default=1000, ge=100)  # of providers, behind intervals of models with their effects
    minimum_catchment_share: float = Field(default=0.5, ge=0, le=1)  # of a hospital's stays; below it nothing is public
    accept_calibration: dict[str, Reason] = {}  # measure id -> why its model is good enough


class DisclosureTable(Closed):
    min_count: int = Field(default=MINIMUM_CELL, ge=MINIMUM_CELL)
    hide_small_from_provider: bool


class ReviewTable(Closed):
    send_on: date | None = None
    public_on: date | None = None
    day_count: Literal["conservative", "literal"] = "conservative"
    request_zone: Zone = "Pacific/Honolulu"
    respond_within_days: int = Field(default=10, ge=1)


class QualityTable(Closed):
    threshold: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    severity: Literal["stop", "warn"] = "stop"


class DeliveryTable(Closed):
    encrypt: Literal["age", "pdf-aes256"] = "age"
    outbox: str = "out/outbox"
    public_url: Annotated[str, Field(pattern=r"^(https://\S+)?$", description="where the public report stands")] = ""


class MeasuresTable(BaseModel):
    """`folders` and `lists`; every other key is a module's table of parameters, checked against the module itself."""

    model_config = ConfigDict(extra="allow", frozen=True)
    folders: list[str] = []
    lists: str = "licensed/"

    @model_validator(mode="after")
    def _others_are_tables(self) -> Self:
        known = list(type(self).model_fields)
        faults = [
            f'"{key}" is no table of parameters{closed_toml.suggestion(key, known)}'
            for key, value in (self.model_extra or {}).items()
            if not isinstance(value, dict)
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def parameters(self, module_id: str) -> dict[str, Any]:
        table = (self.model_extra or {}).get(module_id, {})
        return dict(table)


SourceName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="lower-case letters, digits and _, a letter first")
]
Quarter = Annotated[str, Field(pattern=r"^[0-9]{4}Q[1-4]$", description="a quarter like 2025Q4")]


class Settings(Closed):
    """The whole of qe.toml (contracts.md section 8)."""

    site: SiteTable
    entity: EntityTable
    periods: dict[Quarter, PeriodTable] = Field(min_length=1)
    sources: dict[SourceName, Annotated[SourceTable, AfterValidator(_with_its_payer)]] = Field(min_length=1)
    linkage: LinkageTable
    measures: MeasuresTable = MeasuresTable()
    attribution: AttributionTable = AttributionTable()
    peers: PeersTable
    scoring: ScoringTable
    disclosure: DisclosureTable
    review: ReviewTable = ReviewTable()
    quality: dict[str, QualityTable] = {}
    delivery: DeliveryTable = DeliveryTable()

    @field_validator("quality")
    @classmethod
    def _of_sources_that_there_are(
        cls, quality: dict[str, QualityTable], info: ValidationInfo
    ) -> dict[str, QualityTable]:
        if (sources := info.data.get("sources")) is None:  # they have faults of their own, which are told
            return quality
        strange = [
            f'"{name}" is of no source{closed_toml.suggestion(source, sources)}'
            for name, at, source in ((name, *name.rpartition("@")[1:]) for name in quality)
            if at and source not in sources
        ]
        if strange:
            raise ValueError("; ".join(strange))
        return quality


@dataclass(frozen=True)
class Site:
    """One organisation's folder and its settings."""

    root: Path
    settings: Settings

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def public(self) -> Path:
        return self.root / "public"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def outbox(self) -> Path:
        return self.root / self.settings.delivery.outbox

    @property
    def measure_folders(self) -> list[Path]:
        """Folders of measures beside those that ship with qe."""
        return [self.root / folder for folder in self.settings.measures.folders]

    @property
    def licensed_lists(self) -> Path:
        """Where the site keeps code lists that it licenses itself."""
        return self.root / self.settings.measures.lists

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.site.zone)

    def engine(self) -> Engine:
        """What DuckDB may use; memory_gib = "auto" is half of the machine's memory, at most 12 GiB."""
        memory = self.settings.site.memory_gib
        return Engine(
            spill_folder=self.store / ".spill",
            threads=self.settings.site.threads,
            memory_gib=_machine_gib() if memory == "auto" else float(memory),
        )

    def store_key(self) -> Key:
        """The key of everything under store/ but the vault."""
        return self._key(self.settings.site.key_file, "QE_KEY", "key_file")

    def vault_key(self) -> Key:
        """The key of names and identifiers. Commands that need no names never call this."""
        return self._key(self.settings.site.vault_key_file, "QE_VAULT_KEY", "vault_key_file")

    def signing_key(self) -> SigningKey | None:
        """The key that signs the ledger's heads, or None where neither qe.toml nor the environment names one."""
        setting = self.settings.site.signing_key_file
        if setting is None and not os.environ.get("QE_SIGNING_KEY"):
            return None
        return SigningKey(self._key(setting, "QE_SIGNING_KEY", "signing_key_file"))

    def open_ledger(self) -> Ledger:
        """The site's ledger, which signs its heads where the site has a key."""
        return Ledger(self.ledger, zone=self.settings.site.zone, signing_key=self.signing_key)

    def _key(self, setting: str | None, variable: str, name: str) -> Key:
        if given := os.environ.get(variable):
            return Key(given.strip())
        if not setting:
            raise InputError(
                f"no key: qe.toml names no {name} and {variable} is not set", remedy=f"Set {name} in [site]."
            )
        path = Path(setting).expanduser()
        path = path if path.is_absolute() else self.root / path
        if path.resolve().is_relative_to(self.root.resolve()):
            raise InputError(f"{name} lies inside the site", remedy="Keep keys outside the folder that they protect.")
        return read_key(path)

    def period(self, label: str | None = None) -> ReportingPeriod:
        """The reporting period `label`, or the only one of qe.toml."""
        periods = self.settings.periods
        if label is None and len(periods) != 1:
            raise InputError("qe.toml has several periods", remedy=f"Name one: --period {sorted(periods)[-1]}")
        label = label or next(iter(periods))
        if label not in periods:
            raise InputError(f'qe.toml has no period "{label}"', remedy=f"It has: {', '.join(sorted(periods))}.")
        return quarter(label, end=periods[label].end, run_out_days=periods[label].run_out_days)


def _machine_gib() -> float:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError):
        return 2.0
    return max(1.0, min(12.0, round(total / 2, 1)))


def open_site(path: Path) -> Site:
    """The site whose qe.toml is at `path` (the file or its folder), its settings checked as a whole."""
    file = path if path.name == "qe.toml" else path / "qe.toml"
    if not file.exists():
        raise InputError(
            "there is no qe.toml here", remedy="Run `qe init DIR` for a new site, or name one: --site DIR."
        )
    return Site(root=file.parent.resolve(), settings=closed_toml.load(file, Settings, shown_as="qe.toml"))
