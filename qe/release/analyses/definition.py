"""What an analysis is: asked for by an analyst, and as the ledger holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from qe.errors import InputError, Refused
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.providers import Level, party_key
from qe.release.artefact import ArtefactKind, Recipient, RecipientKind
from qe.release.rules.recipients import authorized_user
from qe.release.standing import reason

AnalysisKind = Literal["npa_deid", "npa_patient_identifiable"]
Rows = Literal["units", "areas", "peer_groups"]

KINDS: Final[Mapping[AnalysisKind, ArtefactKind]] = {
    "npa_deid": ArtefactKind.NPA_DEID,
    "npa_patient_identifiable": ArtefactKind.NPA_PATIENT_IDENTIFIABLE,
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an analyst asks for.

    rows        one row a provider or supplier, or one for all of an area or of a peer group
    measures    measure ids; levels, areas and units narrow the results down, empty: all of the run
    areas       states or counties of the practice location (OH, 39 or 39049)
    release_on  the day for which it is made: patients are those of that day
    """

    analysis_id: str
    kind: AnalysisKind
    run_id: str
    party_id: str
    topic: str
    purpose: str
    measures: tuple[str, ...]
    levels: tuple[Level, ...]
    areas: tuple[str, ...]
    units: frozenset[str]
    rows: Rows
    fee_dollars: int
    release_on: date


@dataclass(frozen=True, kw_only=True)
class User:
    """The authorized user as it stands on record. unit_id: the unit it is in our data, "" when it is none."""

    party_id: str
    kind: RecipientKind
    name: str
    unit_id: str

    @property
    def recipient(self) -> Recipient:
        return Recipient(kind=self.kind, unit_id=self.unit_id, party_id=self.party_id)

    @property
    def known_as(self) -> tuple[str, ...]:
        """How the address book may know it: by a row of id_type PARTY first, then as the unit that it is."""
        return (party_key(self.party_id), *([self.unit_id] if self.unit_id else []))


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A defined analysis, as the newest npa_defined of its id holds it.

    units      providers and suppliers identified in its content
    disclosed  the npa_disclosed of it, or None
    """

    analysis_id: str
    kind: AnalysisKind
    run_id: str
    party_id: str
    topic: str
    purpose: str
    measures: tuple[str, ...]
    areas: frozenset[str]
    period_start: date
    period_end: date
    units: frozenset[str]
    artefact_sha256: str
    fee_dollars: int
    disclosed: LedgerEvent | None

    def require_open(self) -> None:
        """Refused after the disclosure: nothing about it can change any more."""
        if self.disclosed is not None:
            said = f"analysis {self.analysis_id} was released on {self.disclosed.effective_on}"
            raise Refused(
                f"{said} (42 CFR 401.717(f)(2))",
                reasons=(reason("G12", "42 CFR 401.717(f)(2)", "fail", said),),
                remedy="Define another analysis under an id of its own.",
            )

    def require_named(self, unit_id: str) -> None:
        if unit_id not in self.units:
            raise InputError(
                f"{unit_id} is not identified in analysis {self.analysis_id}", remedy="`qe npa status` lists who is."
            )


def analysis_of(facts: Facts, analysis_id: str) -> Analysis:
    """The analysis of this id. InputError when there is none on the day of `facts`."""
    defined = [event for event in facts.of("npa_defined", analysis_id=analysis_id) if event.text("kind") in KINDS]
    if not defined:
        raise InputError(
            f"no analysis with this id was defined by {facts.on}",
            remedy="Define it: qe npa define. Ids: qe npa status.",
        )
    return _analysis(facts, defined[-1])


def analyses(facts: Facts) -> tuple[Analysis, ...]:
    """All analyses, each as it was defined last, in order of their ids."""
    newest = {one.text("analysis_id"): one for one in facts.of("npa_defined") if one.text("kind") in KINDS}
    return tuple(_analysis(facts, event) for _, event in sorted(newest.items()))


def _analysis(facts: Facts, event: LedgerEvent) -> Analysis:
    disclosed = facts.of("npa_disclosed", analysis_id=event.text("analysis_id"))
    return Analysis(
        analysis_id=event.text("analysis_id"),
        kind="npa_deid" if event.text("kind") == "npa_deid" else "npa_patient_identifiable",
        run_id=event.text("run_id"),
        party_id=event.text("party_id"),
        topic=event.text("topic"),
        purpose=event.text("purpose"),
        measures=event.texts("measures"),
        areas=frozenset(event.texts("areas")),
        period_start=event.day("period_start"),
        period_end=event.day("period_end"),
        units=frozenset(event.texts("units")) if event.payload.get("units") else frozenset(),
        artefact_sha256=event.text("artefact_sha256"),
        fee_dollars=event.count("fee_dollars"),
        disclosed=disclosed[-1] if disclosed else None,
    )


def user_of(facts: Facts, party_id: str) -> User:
    """The authorized user. InputError when it is not on record, or was revoked."""
    event = authorized_user(facts, party_id)
    if event is None:
        raise InputError(
            "the party is not on record as an authorized user",
            remedy="Record it first: qe record user_authorised party_id=... kind=... name=... --effective-on DATE",
        )
    return User(
        party_id=party_id,
        kind=RecipientKind(event.text("kind")),
        name=event.text("name"),
        unit_id=event.text("unit_id"),
    )
