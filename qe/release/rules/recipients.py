"""Whether this recipient may be handed such a thing at all (G9): itself and verified, or on record as one of the nine kinds.

Source: 42 CFR 401.703(j) to (p), 401.717(c); 42 CFR 2.11; rules.md N2, S1, P3, P4.
"""

from typing import Final

from qe.errors import Reason
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.artefact import Artefact, ArtefactKind, Recipient, RecipientKind
from qe.release.rules.paragraph import Paragraph

ALLOWED: Final = Paragraph("G9", "42 CFR 401.703(j)")
TO_ITSELF: Final = frozenset(
    {
        ArtefactKind.CONFIDENTIAL_REPORT,
        ArtefactKind.PROVIDER_DATA_EXTRACT,
        ArtefactKind.LETTER,
        ArtefactKind.NPA_NOTICE,
        ArtefactKind.NPA_EXTRACT,
    }
)
TO_AUTHORIZED_USERS: Final = frozenset(
    {
        ArtefactKind.NPA_DEID,
        ArtefactKind.NPA_PATIENT_IDENTIFIABLE,
        ArtefactKind.DATA_DEID,
        ArtefactKind.DATA_PATIENT_IDENTIFIABLE,
    }
)
SCOPES: Final = {  # 401.703(m), (n), (o): the levels at which an association may represent its members
    RecipientKind.MEDICAL_SOCIETY: ("national", "state"),
    RecipientKind.HOSPITAL_ASSOCIATION: ("national", "state", "local"),
    RecipientKind.PROVIDER_ASSOCIATION: ("national", "state"),
}


def recipient_allowed(facts: Facts, artefact: Artefact, recipient: Recipient) -> Reason:
    """G9: the recipient is the one it is about, an authorized user of its kind, a contractor or program with its agreement."""
    if artefact.kind in TO_ITSELF:
        return _itself(facts, artefact, recipient)
    if artefact.kind in TO_AUTHORIZED_USERS:
        return _authorized_user(facts, recipient, ALLOWED.on(artefact.kind))
    match recipient.kind:
        case RecipientKind.QE_CONTRACTOR:
            return _contractor(facts, recipient, ALLOWED.on(artefact.kind))
        case RecipientKind.PART2_PROGRAM | RecipientKind.QSO_AGENT:
            return _part2(facts, recipient, ALLOWED.on(artefact.kind))
        case _:
            return ALLOWED.on(artefact.kind).passes(f"{artefact.kind} goes to {recipient.kind}")


def _itself(facts: Facts, artefact: Artefact, recipient: Recipient) -> Reason:
    allowed = ALLOWED.on(artefact.kind)
    if not recipient.unit_id:
        return allowed.fails("it is not known which provider or supplier receives it")
    if artefact.identified is None or recipient.unit_id not in artefact.identified:
        return allowed.fails("it is not about the provider or supplier that would receive it")
    if artefact.kind is ArtefactKind.PROVIDER_DATA_EXTRACT and not is_verified(facts, recipient.unit_id):
        return allowed.fails("nobody was verified to ask for this provider or supplier (qe request verify)")
    return allowed.passes("it is about the provider or supplier that receives it")


def is_verified(facts: Facts, unit_id: str) -> bool:
    """Whether a person was verified to ask on behalf of the unit (401.717(c): appropriate privacy protections)."""
    return bool(facts.of("requester_verified", unit_id=unit_id))


def authorized_user(facts: Facts, party_id: str) -> LedgerEvent | None:
    """The third party as it stands on record, or None when it is not there or was revoked since."""
    recorded, revoked = facts.of("user_authorised", party_id=party_id), facts.of("user_revoked", party_id=party_id)
    if not party_id or not recorded or (revoked and revoked[-1].seq > recorded[-1].seq):
        return None
    return recorded[-1]


def _authorized_user(facts: Facts, recipient: Recipient, allowed: Paragraph) -> Reason:
    user = authorized_user(facts, recipient.party_id)
    if user is None:
        return allowed.fails("the recipient is not on record as an authorized user (qe record user_authorised)")
    if user.text("kind") != recipient.kind:
        return allowed.fails(f"the recipient is on record as {user.text('kind')}, not as {recipient.kind}")
    if recipient.kind in SCOPES:
        return _association(user, recipient.kind, allowed)
    if recipient.kind is RecipientKind.STATE_ENTITY and not user.flag("executive"):
        return allowed.fails("a state entity stands within the executive branch (401.703(p)): not on record")
    return allowed.passes(f"the recipient is on record as {recipient.kind}")


def _association(user: LedgerEvent, kind: RecipientKind, allowed: Paragraph) -> Reason:
    lacking = [
        said
        for said, holds in (
            ("nonprofit", user.flag("nonprofit")),
            ("a majority of members of its kind", user.flag("majority")),
            (f"representation at the level {' or '.join(SCOPES[kind])}", user.text("scope") in SCOPES[kind]),
        )
        if not holds
    ]
    if lacking:
        return allowed.fails(f"of a {kind} it is not on record: {', '.join(lacking)} (401.703(m) to (o))")
    return allowed.passes(f"the recipient is on record as {kind}, nonprofit, of such members")


def _contractor(facts: Facts, recipient: Recipient, allowed: Paragraph) -> Reason:
    ended = {event.text("dua_no") for event in facts.of("dua_ended")}
    own = [
        event
        for event in facts.of("dua_signed")
        if event.text("party").casefold() == recipient.party_id.casefold() and event.text("dua_no") not in ended
    ]
    if not own or facts.on > max(event.day("expires_on") for event in own):
        return allowed.fails("the contractor has no data use agreement with CMS of its own (401.709(b), 401.713(a))")
    return allowed.passes("the contractor has its own data use agreement with CMS")


def _part2(facts: Facts, recipient: Recipient, allowed: Paragraph) -> Reason:
    for event in facts.of("part2_qsoa"):
        who = [event.text("program")] if recipient.kind is RecipientKind.PART2_PROGRAM else event.texts("agents")
        has_promises = event.flag("bound_by_part2") and event.flag("resists_in_court")
        last_day = event.day("expires_on") if event.text("expires_on") else facts.on
        in_force = event.day("signed_on") <= facts.on <= last_day
        if recipient.party_id in who and in_force and has_promises:
            return allowed.passes("a qualified service organisation agreement with both promises is on record")
    return allowed.fails("no qualified service organisation agreement with both promises names the recipient (2.11)")
