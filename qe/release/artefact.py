"""What may leave and to whom, the gate's decision on it, and the permit that a send or publication must hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from qe.errors import Reason, Refused
from qe.ledger.book import Head
from qe.providers import ProviderOrSupplier
from qe.release.lineage import RunLineage


class ArtefactKind(StrEnum):
    """Every kind of thing that can leave (rules.md sections 0.8 and 2)."""

    INTERNAL_RESULT = "internal_result"
    PROTOTYPE = "prototype"
    CONFIDENTIAL_REPORT = "confidential_report"
    PROVIDER_DATA_EXTRACT = "provider_data_extract"
    PUBLIC_REPORT = "public_report"
    LETTER = "letter"
    NPA_NOTICE = "npa_notice"
    NPA_EXTRACT = "npa_extract"
    NPA_DEID = "npa_deid"
    NPA_PATIENT_IDENTIFIABLE = "npa_patient_identifiable"
    DATA_DEID = "data_deid"
    DATA_PATIENT_IDENTIFIABLE = "data_patient_identifiable"
    MEASURE_FILING = "measure_filing"
    ANNUAL_REPORT = "annual_report"
    INCIDENT_REPORT = "incident_report"
    DISPOSITION_CERTIFICATE = "disposition_certificate"
    DATA_RETURN = "data_return"
    BENEFICIARY_LETTER = "beneficiary_letter"
    APPEALS_POSTING = "appeals_posting"
    PART2_RETURN = "part2_return"
    AGENT_SHARE = "agent_share"


class RecipientKind(StrEnum):
    """Every kind of recipient; one that no row of the decision table names gets nothing."""

    PUBLIC = "public"
    CMS = "cms"
    PROVIDER = "provider"
    SUPPLIER = "supplier"
    MEDICAL_SOCIETY = "medical_society"
    HOSPITAL_ASSOCIATION = "hospital_association"
    EMPLOYER = "employer"
    ISSUER = "issuer"
    PROVIDER_ASSOCIATION = "provider_association"
    STATE_ENTITY = "state_entity"
    FEDERAL_AGENCY = "federal_agency"
    QE_CONTRACTOR = "qe_contractor"
    BENEFICIARY = "beneficiary"
    PART2_PROGRAM = "part2_program"
    QSO_AGENT = "qso_agent"
    PSO = "pso"
    OTHER = "other"


LEAVES_BY: Final[Mapping[ArtefactKind, str]] = {  # the paragraph under which each kind of artefact leaves at all
    ArtefactKind.INTERNAL_RESULT: "401.709(b), 401.713(a)",
    ArtefactKind.PROTOTYPE: "401.707(c)",
    ArtefactKind.CONFIDENTIAL_REPORT: "401.717(a)",
    ArtefactKind.PROVIDER_DATA_EXTRACT: "401.717(c)",
    ArtefactKind.PUBLIC_REPORT: "401.717(d)",
    ArtefactKind.LETTER: "401.717(a), (d)",
    ArtefactKind.NPA_NOTICE: "401.717(f)(1)",
    ArtefactKind.NPA_EXTRACT: "401.717(f)(2)",
    ArtefactKind.NPA_DEID: "401.716(a), (b)(3)",
    ArtefactKind.NPA_PATIENT_IDENTIFIABLE: "401.716(b)(2)",
    ArtefactKind.DATA_DEID: "401.718(a), (b)(1), (c)",
    ArtefactKind.DATA_PATIENT_IDENTIFIABLE: "401.718(a), (b)(2), (c)",
    ArtefactKind.MEASURE_FILING: "401.707(a)",
    ArtefactKind.ANNUAL_REPORT: "401.719(b)",
    ArtefactKind.INCIDENT_REPORT: "401.713(b), 401.719(c)",
    ArtefactKind.DISPOSITION_CERTIFICATE: "401.721(b)",
    ArtefactKind.DATA_RETURN: "401.721(b)",
    ArtefactKind.BENEFICIARY_LETTER: "401.713(b)",
    ArtefactKind.APPEALS_POSTING: "401.717(e)",
    ArtefactKind.PART2_RETURN: "2.11 (QSO guide C, QSO guide D)",
    ArtefactKind.AGENT_SHARE: "401.709(b), 401.713(a)",
}


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Who receives.

    unit_id   the provider or supplier itself, "" for all others
    party_id  the authorized user, contractor or program on record, "" for all others
    """

    kind: RecipientKind
    unit_id: str = ""
    party_id: str = ""


def recipient_of(unit: ProviderOrSupplier) -> Recipient:
    """The unit itself as the recipient of what is about it."""
    return Recipient(kind=RecipientKind(unit.role), unit_id=unit.unit_id)


PUBLIC = Recipient(kind=RecipientKind.PUBLIC)


@dataclass(frozen=True, kw_only=True)
class Persons:
    """The beneficiaries that an artefact identifies, counted from its rows.

    without_visit    those without a visit with the recipient in the 24 months before (401.703(r))
    outside_lineage  rows that are not behind the result under appeal (401.717(c)); None: not known
    """

    identified: int
    without_visit: int = 0
    outside_lineage: int | None = None


NOBODY = Persons(identified=0)


@dataclass(frozen=True, kw_only=True)
class Artefact:
    """What would leave, with facts computed from its run, never typed. None or empty means unknown, and fails.

    sha256        of the exact bytes, or of the staged bundle
    operator      the organisation that acts
    cycle         the review cycle it belongs to; release_id the release
    units         each unit identified in it, at any level or by inference -> sha256 of its results as published
    posting       (unit_id, category) of the requests posted with it
    withheld      (unit_id, measure_id) whose figures it leaves out since they were withdrawn
    public_on     the day that public files name as that of their publication
    peer_minimum  the smallest peer group whose aggregate it shows
    analysis_id   the non-public analysis or data release it is; request_id the request it answers
    identified    units identified in it, at any level or by inference: what 401.716(b)(4) speaks of
    areas, covers the areas, and the first and last day, that an analysis covers
    persons       beneficiaries identified in it
    identifiers_found  what looks like identifiers of persons in the rendered bytes
    template_sha256    of the templates a confidential report was rendered from
    channel       how it travels
    """

    kind: ArtefactKind
    sha256: str
    operator: str
    lineage: RunLineage | None = None
    cycle: str = ""
    release_id: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    posting: frozenset[tuple[str, str]] | None = None
    withheld: frozenset[tuple[str, str]] = frozenset()
    public_on: date | None = None
    peer_minimum: int | None = None
    analysis_id: str = ""
    request_id: str = ""
    identified: frozenset[str] | None = None
    areas: frozenset[str] = frozenset()
    covers: tuple[date, date] | None = None
    persons: Persons | None = None
    identifiers_found: int | None = None
    template_sha256: str = ""
    channel: str = ""


class Permit:
    """Leave to send or publish one artefact to one recipient, on one day, at one state of the ledger, once."""

    def __init__(self, *, sha256: str, recipient: Recipient, on: date, head: Head) -> None:
        self._granted = (sha256, recipient, on, head)
        self._is_used = False

    def redeem(self, *, sha256: str, recipient: Recipient, on: date, head: Head) -> None:
        """Use the permit up. Refused for other bytes, another recipient, another day or a ledger that has moved on."""
        if self._is_used:
            raise Refused("this permit was used already", remedy="Ask the gate again.")
        for granted, used, named in zip(
            self._granted,
            (sha256, recipient, on, head),
            ("file", "recipient", "day", "state of the ledger"),
            strict=True,
        ):
            if granted != used:
                raise Refused(f"the permit is for another {named}", remedy="Ask the gate again.")
        self._is_used = True


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The gate's answer: whether the artefact may go, and the verdict of every rule."""

    allowed: bool
    reasons: tuple[Reason, ...]
    artefact: Artefact
    recipient: Recipient
    on: date
    head: Head

    @property
    def blockers(self) -> tuple[Reason, ...]:
        """The rules that refuse."""
        return tuple(one for one in self.reasons if one.verdict == "fail") if not self.allowed else ()

    def require(self, said: str, *, remedy: str = "") -> Permit:
        """A permit, or Refused with `said`, what to do about it, and the reasons of all rules."""
        if not self.allowed:
            raise Refused(said, reasons=self.reasons, remedy=remedy)
        return Permit(sha256=self.artefact.sha256, recipient=self.recipient, on=self.on, head=self.head)


def telling(decisions: Iterable[Decision]) -> Sequence[Reason]:
    """The reasons to show of many decisions that are alike: of the first that refuses, else of the first; () of none."""
    listed = list(decisions)
    shown = next((one for one in listed if not one.allowed), listed[0] if listed else None)
    return () if shown is None else shown.reasons
