"""Agreements with authorized users as the officer keeps them: two checklists, what each signed paper lacks, when it ends.

The gate judges them by the same lists (`qe.release.rules.agreements`, G13 and G14). What was signed is recorded as it was
signed, also where a term is lacking: then the gate refuses, and says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts
from qe.release.artefact import RecipientKind
from qe.release.rules.agreements import (
    ANALYSES_TERMS,
    QE_DUA_TERMS,
    REDISCLOSURE,
    redisclosure_fault,
)
from qe.release.rules.agreements import AgreementKind as AgreementKind
from qe.release.rules.recipients import authorized_user

AgreementState = Literal["in_force", "not_begun", "expired", "ended"]

WARN_DAYS: Final = 90  # before the last day of an agreement
NAMES: Final[Mapping[AgreementKind, str]] = {
    "qe_dua": "QE data use agreement (42 CFR 401.713(d))",
    "analyses": "Non-public analyses agreement (42 CFR 401.716(c))",
}
CHECKLISTS: Final[Mapping[AgreementKind, Mapping[str, str]]] = {"qe_dua": QE_DUA_TERMS, "analyses": ANALYSES_TERMS}
MEANINGS: Final[Mapping[str, str]] = {
    "permitted_uses": "the data and analyses may be used only as 45 CFR 164.501 and 164.506 let a covered entity: quality "
    "assessment and improvement, review of providers' performance, fraud and abuse detection, treatment",
    "no_other_use": "every other use and disclosure is forbidden, except one that is required by law",
    "no_marketing": "no use for marketing (401.703(s))",
    "no_harm": "no use to harm, or to seek to harm, patients or other individuals",
    "no_fraud": "no use to effectuate, or to seek opportunities for, fraud or abuse",
    "employer_use": "an employer uses it only to provide health insurance to its employees, retirees and their dependents",
    "safeguards": "privacy and security as HIPAA asks of covered entities, also of one that is none",
    "survival": "the safeguards last as long as the user has the data, also after the agreement has ended",
    "no_redisclosure": "no redisclosure and no publication, except as permitted below or required by law",
    "no_linking": "no linking with identifiable information, and no attempt to identify any individual",
    "notify": "the user tells the entity of any violation",
    "cooperate": "the user cooperates in mitigating any harm from it",
    "binds_contractors": "the user's contractors and business associates that receive it are bound as well",
}
ONLY_FOR: Final[Mapping[tuple[AgreementKind, str], str]] = {
    ("qe_dua", "no_linking"): "needed for de-identified data",
    ("analyses", "employer_use"): "needed of an employer",
}


@dataclass(frozen=True, kw_only=True)
class Signed:
    """An agreement as it was signed. expires_on: its last day; evidence_sha256: of the signed paper."""

    agreement_id: str
    kind: AgreementKind
    party_id: str
    terms: tuple[str, ...]
    redisclosure: tuple[str, ...]
    signed_on: date
    expires_on: date
    evidence_sha256: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An agreement on a day.

    lacking  term -> paragraph, as far as the term is needed of this party
    fault    what is wrong with the redisclosure it permits, or None
    """

    agreement_id: str
    kind: AgreementKind
    party_id: str
    party_name: str
    state: AgreementState
    signed_on: date
    expires_on: date
    days_left: int
    redisclosure: tuple[str, ...]
    lacking: Mapping[str, str]
    fault: str | None

    @property
    def ends_soon(self) -> bool:
        return self.state == "in_force" and self.days_left <= WARN_DAYS


def add(
    ledger: Ledger, facts: Facts, signed: Signed, *, at: datetime, actor: str, dry_run: bool
) -> tuple[Standing, bool]:
    """Record a signed agreement; gives how it stands, and whether it was new. InputError: no such party, or bad days."""
    user = authorized_user(facts, signed.party_id)
    if user is None:
        raise InputError(
            "the party is not on record as an authorized user",
            remedy="Record it first: qe record user_authorised party_id=... kind=... name=... --effective-on DATE",
        )
    if signed.signed_on > facts.on or signed.expires_on < signed.signed_on:
        raise InputError(
            "an agreement is signed by today, and its last day is not before that", remedy="Correct the days."
        )
    if strange := sorted(set(signed.terms) - CHECKLISTS[signed.kind].keys()):
        raise InputError(
            f"{len(strange)} of the terms are not of this checklist",
            remedy=f"Its terms: {', '.join(CHECKLISTS[signed.kind])}.",
        )
    event = NewEvent(
        kind="agreement_signed",
        effective_on=signed.signed_on,
        payload={
            "agreement_id": signed.agreement_id,
            "kind": signed.kind,
            "party_id": signed.party_id,
            "terms": ";".join(signed.terms),
            **({"redisclosure": ";".join(signed.redisclosure)} if signed.redisclosure else {}),
            "signed_on": signed.signed_on.isoformat(),
            "expires_on": signed.expires_on.isoformat(),
        },
        evidence_sha256=signed.evidence_sha256,
        key=f"agreement_signed:{signed.agreement_id}",
    )
    is_known = bool(facts.of("agreement_signed", agreement_id=signed.agreement_id))
    if not dry_run:
        ledger.append([event], at=at, actor=actor, expected_head=facts.head)
    standing = _standing(
        facts, _Paper.of_signed(signed), party_name=user.text("name"), recipient=RecipientKind(user.text("kind"))
    )
    return standing, not is_known


def agreements(facts: Facts, *, party_id: str | None = None) -> tuple[Standing, ...]:
    """Every agreement signed by the day of `facts`, in order of recording."""
    found = []
    for event in facts.of("agreement_signed", **({} if party_id is None else {"party_id": party_id})):
        users = facts.of("user_authorised", party_id=event.text("party_id"))
        name = users[-1].text("name") if users else event.text("party_id")
        recipient = RecipientKind(users[-1].text("kind")) if users else RecipientKind.OTHER
        found.append(_standing(facts, _Paper.of_event(event), party_name=name, recipient=recipient))
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class _Paper:
    agreement_id: str
    kind: AgreementKind
    party_id: str
    terms: Sequence[str]
    redisclosure: tuple[str, ...]
    signed_on: date
    expires_on: date

    @classmethod
    def of_signed(cls, signed: Signed) -> "_Paper":
        return cls(**{name: getattr(signed, name) for name in cls.__dataclass_fields__})

    @classmethod
    def of_event(cls, event: LedgerEvent) -> "_Paper":
        return cls(
            agreement_id=event.text("agreement_id"),
            kind="analyses" if event.text("kind") == "analyses" else "qe_dua",
            party_id=event.text("party_id"),
            terms=event.texts("terms"),
            redisclosure=event.texts("redisclosure") if event.text("redisclosure") else (),
            signed_on=event.day("signed_on"),
            expires_on=event.day("expires_on"),
        )


def _standing(facts: Facts, paper: _Paper, *, party_name: str, recipient: RecipientKind) -> Standing:
    ended = bool(facts.of("agreement_ended", agreement_id=paper.agreement_id))
    lacking = {
        term: paragraph
        for term, paragraph in CHECKLISTS[paper.kind].items()
        if term not in paper.terms and not (term == "employer_use" and recipient is not RecipientKind.EMPLOYER)
    }
    return Standing(
        agreement_id=paper.agreement_id,
        kind=paper.kind,
        party_id=paper.party_id,
        party_name=party_name,
        state=_state(facts.on, paper, ended=ended),
        signed_on=paper.signed_on,
        expires_on=paper.expires_on,
        days_left=max(0, (paper.expires_on - facts.on).days),
        redisclosure=paper.redisclosure,
        lacking=lacking,
        fault=redisclosure_fault(paper.redisclosure, recipient, paper.kind),
    )


def _state(on: date, paper: _Paper, *, ended: bool) -> AgreementState:
    if ended:
        return "ended"
    if on < paper.signed_on:
        return "not_begun"
    return "expired" if on > paper.expires_on else "in_force"


def checklists_as_text() -> str:
    """Both checklists as Markdown, for docs/reference/agreements.md."""
    parts = []
    for kind, terms in CHECKLISTS.items():
        rows = [
            f"| {term} | {MEANINGS[term]} | {paragraph} | {ONLY_FOR.get((kind, term), 'always')} |"
            for term, paragraph in terms.items()
        ]
        options = ", ".join(f"45 CFR {option}" for option in sorted(REDISCLOSURE[kind]))
        parts += [
            f"## {NAMES[kind]}",
            "",
            "| term | what it says | paragraph | needed |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Redisclosure that a provider or supplier, and nobody else, may be permitted: {options}.",
            "",
        ]
    return "\n".join(parts)
