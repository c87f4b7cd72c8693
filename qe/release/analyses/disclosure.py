"""`qe npa release`: exactly the approved bytes go to the authorized user, or nothing does, with all reasons.

The event comes first, then the package, then the final notices to those named: a release that was stopped in between is
finished by the next, which asks the gate again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qe.disclosure.identifiers import identifiers_found
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import state_as_of
from qe.release.analyses.answers import still_to_waive
from qe.release.analyses.definition import KINDS
from qe.release.analyses.extracts import result_sha256
from qe.release.analyses.matter import Matter, letter, open_requests_of, requests_of
from qe.release.analyses.patients import count_patients
from qe.release.analyses.staging import COVER
from qe.release.artefact import NOBODY, Artefact, ArtefactKind, Decision, Persons, recipient_of
from qe.release.contacts import Contact
from qe.release.outgoing import Outgoing, address_page, decide, digest_of, is_out, outbox_path
from qe.release.rules.naming import Alternative


@dataclass(frozen=True, kw_only=True)
class ReleasePlan:
    """What would go, and the gate's answer. is_done: all of it went before."""

    matter: Matter
    outgoing: Outgoing
    decision: Decision
    is_done: bool


@dataclass(frozen=True, kw_only=True)
class Finals:
    """The final notices. not_sendable: those named whom no letter reaches, and why."""

    going: tuple[Outgoing, ...]
    not_sendable: tuple[tuple[str, str], ...]


def plan_release(matter: Matter) -> ReleasePlan:
    """The analysis as it would go today, judged by the gate."""
    outgoing = _analysis(matter)
    return ReleasePlan(
        matter=matter,
        outgoing=outgoing,
        decision=decide(matter.site, matter.facts, outgoing.artefact, outgoing.recipient, at=matter.when.instant),
        is_done=_is_out(matter, outgoing) and not plan_finals(matter).going,
    )


def release(plan: ReleasePlan, ledger: Ledger, *, actor: str) -> Finals:
    """Hand the analysis over, then tell those named. Refused with all reasons, and nothing written, where a rule fails."""
    matter = plan.matter
    if not _is_out(matter, plan.outgoing):
        matter.put_out(ledger, [plan.outgoing], actor=actor)
    return _tell_named(matter, ledger, actor=actor)


def _tell_named(matter: Matter, ledger: Ledger, *, actor: str) -> Finals:
    """The final notices, by the facts after the disclosure."""
    after = matter.as_of(state_as_of(ledger, matter.when.on))
    finals = plan_finals(after)
    after.put_out(ledger, finals.going, actor=actor)
    return finals


def _is_out(matter: Matter, outgoing: Outgoing) -> bool:
    """Whether the analysis was recorded as disclosed and its package written, or told of to those named."""
    if matter.analysis.disclosed is None:
        return False
    told = matter.facts.of("npa_final_notice_sent", analysis_id=matter.analysis.analysis_id)
    return bool(told) or is_out(matter.site, _stem(matter), on=matter.analysis.disclosed.effective_on)


def _analysis(matter: Matter) -> Outgoing:
    analysis, staged, user = matter.analysis, matter.staged, matter.user
    posting = frozenset((one.text("unit_id"), one.text("category")) for one in open_requests_of(matter.facts, analysis))
    day = matter.when.on if analysis.disclosed is None else analysis.disclosed.effective_on
    contact = matter.contact_of_user()
    sheet = address_page(matter.site, user.name, contact) if contact else {}
    files = {**sheet, **staged.files, **_cover(matter, posting, day=day)}
    persons = _persons(matter)
    artefact = Artefact(
        kind=KINDS[analysis.kind],
        sha256=staged.sha256,
        operator=matter.site.settings.entity.organisation,
        lineage=matter.lineage,
        release_id=analysis.analysis_id,
        units={unit_id: result_sha256(matter, unit_id) for unit_id in staged.identified},
        posting=posting,
        analysis_id=analysis.analysis_id,
        identified=frozenset(staged.identified) | {unit_id for unit_id, _ in posting},
        areas=frozenset(staged.areas),
        covers=(staged.period_start, staged.period_end),
        persons=persons,
        identifiers_found=identifiers_found(files),
        channel=contact.channel if contact else "",
    )
    return Outgoing(
        said=f"analysis {analysis.analysis_id} may not go to {user.party_id} on {matter.when.on}",
        artefact=artefact,
        recipient=user.recipient,
        files=files,
        contact=contact,
        path=_path(matter, contact, _stem(matter), day),
        package_id=analysis.analysis_id,
        intent=_disclosed(matter, artefact, persons) if analysis.disclosed is None else None,
        digest=staged.digest_with,
    )


def _persons(matter: Matter) -> Persons:
    """Row by row, on the day of the disclosure; an analysis without rows about persons identifies nobody."""
    if matter.analysis.kind == "npa_deid":
        return NOBODY
    return count_patients(
        matter.site,
        matter.run,
        persons=matter.staged.persons,
        unit_id=matter.user.unit_id,
        on=matter.when.on,
    )


def _cover(matter: Matter, posting: frozenset[tuple[str, str]], *, day: date) -> dict[str, bytes]:
    """The letter to the user: what is enclosed, and the open requests of those named (401.717(e))."""
    return letter(
        matter,
        "npa_cover",
        COVER,
        recipient=matter.user.name,
        letter_id=matter.analysis.analysis_id,
        written_on=day,
        release_on=day,
        appealing=tuple((matter.named[unit_id].name, category) for unit_id, category in sorted(posting)),
    )


def _stem(matter: Matter) -> str:
    return f"npa-{matter.analysis.analysis_id}"


def _path(matter: Matter, contact: Contact | None, stem: str, on: date) -> Path:
    """Where it would lie; nothing is written without a contact."""
    return outbox_path(matter.site, contact.channel if contact else "mail", stem, on=on)


def _disclosed(matter: Matter, artefact: Artefact, persons: Persons) -> NewEvent:
    return NewEvent(
        kind="npa_disclosed",
        effective_on=matter.when.on,
        payload={
            "analysis_id": matter.analysis.analysis_id,
            "party_id": matter.user.party_id,
            "artefact_sha256": matter.staged.sha256,
            "units": sorted(artefact.identified or ()),
            "alternative": alternative(matter, artefact),
            "persons": persons.identified,
            "unresolved": len(open_requests_of(matter.facts, matter.analysis)),
        },
        key=f"npa_disclosed:{matter.analysis.analysis_id}",
    )


def alternative(matter: Matter, artefact: Artefact) -> Alternative:
    """Which alternative of 401.716(b)(4) an allowed release rests on, in the order in which the gate asks."""
    if not artefact.identified:
        return "nobody_named"
    if artefact.identified <= {matter.user.unit_id}:
        return "recipient_alone"
    return "notice" if still_to_waive(matter.facts, artefact, matter.user.recipient) else "waiver"


def plan_finals(matter: Matter) -> Finals:
    """A letter to everybody named but the recipient: released on which day to whom, and the status of its requests."""
    disclosed = matter.analysis.disclosed
    if disclosed is None:
        return Finals(going=(), not_sendable=())
    told = _final_notices(matter)
    going: list[Outgoing] = []
    unreachable: list[tuple[str, str]] = []
    for unit_id in sorted(set(disclosed.texts("units") if disclosed.payload["units"] else ()) - {matter.user.unit_id}):
        contact = matter.contact_of(unit_id)
        known = told.get(unit_id)
        if contact is None:
            unreachable.append((unit_id, matter.contacts.why_unreachable(unit_id, None)))
        elif known is None:
            going.append(_final(matter, unit_id, contact, disclosed, known=None))
        elif not is_out(matter.site, _final_stem(matter, unit_id), on=known.effective_on):
            going += _unwritten(_final(matter, unit_id, contact, disclosed, known=known), known)
    return Finals(going=tuple(going), not_sendable=tuple(unreachable))


def _unwritten(final: Outgoing, known: LedgerEvent) -> list[Outgoing]:
    """The letter that is recorded and not in the outbox, while it still says what was recorded."""
    return [final] if final.artefact.sha256 == known.text("letter_sha256") else []


def _final_notices(matter: Matter) -> Mapping[str, LedgerEvent]:
    told = matter.facts.of("npa_final_notice_sent", analysis_id=matter.analysis.analysis_id)
    return {event.text("unit_id"): event for event in told}


def _final_stem(matter: Matter, unit_id: str) -> str:
    return f"npa-final-{matter.analysis.analysis_id}-{unit_id}"


def _final(
    matter: Matter, unit_id: str, contact: Contact, disclosed: LedgerEvent, *, known: LedgerEvent | None
) -> Outgoing:
    analysis_id = matter.analysis.analysis_id
    requests = requests_of(matter.facts, analysis_id, unit_id)
    written_on = known.effective_on if known else matter.when.on
    printed = letter(
        matter,
        "npa_final",
        "notice",
        recipient=matter.named[unit_id].name,
        letter_id=f"{analysis_id}-{unit_id}",
        written_on=written_on,
        release_on=disclosed.effective_on,
        requests=requests,
    )
    files = {**address_page(matter.site, matter.named[unit_id].name, contact), **printed}
    digest = digest_of(files)
    intent = NewEvent(
        kind="npa_final_notice_sent",
        effective_on=matter.when.on,
        payload={
            "analysis_id": analysis_id,
            "unit_id": unit_id,
            "party_id": matter.user.party_id,
            "disclosed_on": disclosed.effective_on.isoformat(),
            "open_requests": sum(one.outcome is None for one in requests),
            "channel": contact.channel,
            "letter_sha256": digest,
        },
        key=f"npa_final_notice_sent:{analysis_id}:{unit_id}",
    )
    return Outgoing(
        said=f"no final notice of analysis {analysis_id} may be sent on {matter.when.on}",
        artefact=Artefact(
            kind=ArtefactKind.NPA_NOTICE,
            sha256=digest,
            operator=matter.site.settings.entity.organisation,
            lineage=matter.lineage,
            analysis_id=analysis_id,
            identified=matter.identified_in(printed, unit_id),
            identifiers_found=identifiers_found(files),
            channel=contact.channel,
        ),
        recipient=recipient_of(matter.named[unit_id]),
        files=files,
        contact=contact,
        path=_path(matter, contact, _final_stem(matter, unit_id), written_on),
        package_id=f"{analysis_id}-{unit_id}",
        intent=None if known else intent,
    )
