"""The two agreements with an authorized user, term by term (G13, G14), what it may use the thing for (G21), the fee (G19).

The lists are separate (rules.md section 0.10): under a QE DUA a provider may redisclose by 164.506(c)(4)(i), (c)(2) and
164.502(e)(1); under a non-public analyses agreement not by 164.506(c)(2). "Required by law" is excepted from both.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from qe.errors import Reason
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.artefact import Artefact, ArtefactKind, Recipient, RecipientKind
from qe.release.lineage import MEDICARE
from qe.release.rules.paragraph import Paragraph

AgreementKind = Literal["qe_dua", "analyses"]

QE_DUA: Final = Paragraph("G13", "42 CFR 401.713(d)")
ANALYSES: Final = Paragraph("G14", "42 CFR 401.716(c)")
FEE: Final = Paragraph("G19", "42 CFR 401.718(a)")
PURPOSE: Final = Paragraph("G21", "42 CFR 401.713(d)(1), 401.716(c)(1), (2)")

QE_DUA_TERMS: Final[Mapping[str, str]] = {
    "permitted_uses": "401.713(d)(1)(i)",
    "no_other_use": "401.713(d)(1)(ii)",
    "no_marketing": "401.713(d)(2)",
    "safeguards": "401.713(d)(3)",
    "survival": "401.713(d)(3)",
    "no_redisclosure": "401.713(d)(4)",
    "no_linking": "401.713(d)(6)",
    "notify": "401.713(d)(7)",
    "cooperate": "401.713(d)(7)",
    "binds_contractors": "401.713(d)",
}
ANALYSES_TERMS: Final[Mapping[str, str]] = {
    "no_marketing": "401.716(c)(1)(i)",
    "no_harm": "401.716(c)(1)(ii)",
    "no_fraud": "401.716(c)(1)(iii)",
    "employer_use": "401.716(c)(2)",
    "no_redisclosure": "401.716(c)(3), (4)",
    "no_linking": "401.716(c)(5)",
    "notify": "401.716(c)(6)",
    "cooperate": "401.716(c)(6)",
    "binds_contractors": "401.716(c)",
}
REDISCLOSURE: Final[Mapping[AgreementKind, frozenset[str]]] = {
    "qe_dua": frozenset({"164.506(c)(4)(i)", "164.506(c)(2)", "164.502(e)(1)"}),
    "analyses": frozenset({"164.506(c)(4)(i)", "164.502(e)(1)"}),
}
SELVES: Final = frozenset({RecipientKind.PROVIDER, RecipientKind.SUPPLIER})
DE_IDENTIFIED_DATA: Final = frozenset({ArtefactKind.DATA_DEID})
QE_DUA_PURPOSES: Final = frozenset(
    {"quality_improvement", "provider_performance", "fraud_and_abuse_detection", "treatment"}
)
FORBIDDEN_PURPOSES: Final = frozenset({"marketing", "harm", "fraud"})
UNDER_QE_DUA: Final = frozenset(
    {ArtefactKind.NPA_PATIENT_IDENTIFIABLE, ArtefactKind.DATA_DEID, ArtefactKind.DATA_PATIENT_IDENTIFIABLE}
)
DATA: Final = frozenset({ArtefactKind.DATA_DEID, ArtefactKind.DATA_PATIENT_IDENTIFIABLE})


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What an agreement must contain. terms: term -> paragraph."""

    kind: AgreementKind
    named: str
    paragraph: Paragraph
    terms: Mapping[str, str]


def terms_of_qe_dua(facts: Facts, artefact: Artefact, recipient: Recipient) -> Reason:
    """G13: a QE DUA with all terms of 401.713(d) is in force with the recipient; of an extract, its terms are signed."""
    if artefact.kind is ArtefactKind.PROVIDER_DATA_EXTRACT:
        return _terms_of_extract(facts, recipient)
    terms = {
        term: paragraph
        for term, paragraph in QE_DUA_TERMS.items()
        if term != "no_linking" or artefact.kind in DE_IDENTIFIED_DATA
    }
    needed = Needed(kind="qe_dua", named="QE data use agreement", paragraph=QE_DUA.on(artefact.kind), terms=terms)
    return _in_force_with_terms(facts, recipient, needed)


def terms_of_analyses_agreement(facts: Facts, recipient: Recipient) -> Reason:
    """G14: a non-public analyses agreement with all terms of 401.716(c) is in force with the recipient."""
    terms = {
        term: paragraph
        for term, paragraph in ANALYSES_TERMS.items()
        if term != "employer_use" or recipient.kind is RecipientKind.EMPLOYER
    }
    needed = Needed(kind="analyses", named="non-public analyses agreement", paragraph=ANALYSES, terms=terms)
    return _in_force_with_terms(facts, recipient, needed)


def _terms_of_extract(facts: Facts, recipient: Recipient) -> Reason:
    signed = facts.of("extract_terms_signed", unit_id=recipient.unit_id)
    if not [event for event in signed if event.day("signed_on") <= facts.on]:
        return QE_DUA.fails("the terms of an extract, with the duties of 401.713(d), are not signed")
    return QE_DUA.passes("the terms of an extract are signed")


def agreement_in_force(facts: Facts, party_id: str, kind: AgreementKind) -> LedgerEvent | None:
    """The newest agreement of this kind that has begun and not ended, or None."""
    ended = {event.text("agreement_id") for event in facts.of("agreement_ended")}
    found = [
        event
        for event in facts.of("agreement_signed", party_id=party_id, kind=kind)
        if event.text("agreement_id") not in ended and event.day("signed_on") <= facts.on <= event.day("expires_on")
    ]
    return found[-1] if party_id and found else None


def _in_force_with_terms(facts: Facts, recipient: Recipient, needed: Needed) -> Reason:
    agreement = agreement_in_force(facts, recipient.party_id, needed.kind)
    if agreement is None:
        return needed.paragraph.fails(f"no {needed.named} with the recipient is in force (qe agreement add)")
    terms = agreement.texts("terms")
    if lacking := [f"{term} ({paragraph})" for term, paragraph in needed.terms.items() if term not in terms]:
        return needed.paragraph.fails(f"the {needed.named} lacks {', '.join(lacking)}")
    if fault := redisclosure_fault(agreement.texts("redisclosure"), recipient.kind, needed.kind):
        return needed.paragraph.fails(f"the {needed.named} {fault}")
    return needed.paragraph.passes(f"a {needed.named} with all terms runs to {agreement.day('expires_on')}")


def redisclosure_fault(options: Collection[str], recipient: RecipientKind, kind: AgreementKind) -> str | None:
    """What is wrong with the redisclosure that an agreement permits, as the end of a sentence about it, or None."""
    if options and recipient not in SELVES:
        return "permits redisclosure, which only a provider or supplier may be permitted"
    if beyond := sorted(set(options) - REDISCLOSURE[kind]):
        return f"permits redisclosure by 45 CFR {', '.join(beyond)}, which it may not"
    return None


def purpose_allowed(facts: Facts, artefact: Artefact, recipient: Recipient) -> Reason:
    """G21: what the recipient will use it for: never marketing, harm or fraud; an employer insures its own; data by 401.713(d)."""
    purpose = purpose_of(facts, artefact.analysis_id)
    if purpose is None:
        return PURPOSE.fails("the purpose of the recipient is not on record")
    said = purpose.replace("_", " ")
    if purpose in FORBIDDEN_PURPOSES:
        return PURPOSE.fails(f"{said} is a forbidden purpose")
    if recipient.kind is RecipientKind.EMPLOYER and purpose != "health_insurance":
        return PURPOSE.fails(f"an employer may use it to provide health insurance to its own only, not for {said}")
    if artefact.kind in UNDER_QE_DUA and purpose not in QE_DUA_PURPOSES:
        return PURPOSE.fails(f"{said} is none of the purposes of 401.713(d)(1)(i)")
    return PURPOSE.passes(f"the purpose is {said}")


def purpose_of(facts: Facts, analysis_id: str) -> str | None:
    defined = facts.of("npa_defined", analysis_id=analysis_id)
    return (defined[-1].text("purpose") or None) if defined else None


def fee_allowed(facts: Facts, artefact: Artefact) -> Reason:
    """G19: the fee is on record, and Medicare data alone go at no cost (401.718(a))."""
    fee = FEE.on(artefact.kind)
    defined = facts.of("npa_defined", analysis_id=artefact.analysis_id)
    if not defined or "fee_dollars" not in defined[-1].payload:
        return fee.fails("the price asked is not on record")
    received = sum(event.count("dollars") for event in facts.of("fee_received", about=artefact.analysis_id))
    dollars = max(defined[-1].count("fee_dollars"), received)
    payers = {source.payer_type for source in artefact.lineage.sources} if artefact.lineage else set()
    if artefact.kind in DATA and dollars and payers <= {MEDICARE}:
        return fee.fails(f"${dollars:,} for data of Medicare alone, or of unknown sources: those go at no cost")
    return fee.passes(f"${dollars:,}" if dollars else "no fee")
