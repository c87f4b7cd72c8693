"""`qe npa notify`: everybody identified in an analysis is told of it at least 65 days before (401.717(f)(1))."""

from dataclasses import dataclass
from datetime import date

from qe.disclosure.identifiers import identifiers_found
from qe.errors import Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.regulation import CITATION
from qe.release.analyses.matter import Matter, letter
from qe.release.analyses.sends import send_of
from qe.release.artefact import Artefact, ArtefactKind, Decision, recipient_of
from qe.release.contacts import Contact
from qe.release.outgoing import Outgoing, address_page, decide, digest_of, is_out, outbox_path
from qe.release.review import NoticePeriod
from qe.release.standing import reason


@dataclass(frozen=True, kw_only=True)
class NoticePlan:
    """Who is told. not_sendable: unit id and why; without its notice the analysis is not released."""

    matter: Matter
    release_on: date
    going: tuple[Outgoing, ...]
    already_told: tuple[str, ...]
    not_sendable: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]


def plan_notices(matter: Matter, *, release_on: date, only: str | None = None) -> NoticePlan:
    """A notice for each identified unit that was not told of this user, these measures and this day. Refused: a day too early."""
    matter.analysis.require_open()
    _require_late_enough(matter, release_on)
    if only is not None:
        matter.analysis.require_named(only)
    units = sorted(matter.analysis.units) if only is None else [only]
    if matter.analysis.units <= {matter.user.unit_id}:
        units = []  # 401.716(b)(4)(i): the recipient alone is named, or nobody
    going: list[Outgoing] = []
    told: list[str] = []
    unreachable: list[tuple[str, str]] = []
    for unit_id in units:
        contact = matter.contact_of(unit_id)
        outgoing = None if contact is None else _notice(matter, unit_id, contact, release_on=release_on)
        if _is_told(matter, unit_id, release_on):
            told.append(unit_id)
            if outgoing is None or _is_written(matter, unit_id):
                continue
        if outgoing is None:
            unreachable.append((unit_id, matter.contacts.why_unreachable(unit_id, None)))
        else:
            going.append(outgoing)
    return NoticePlan(
        matter=matter,
        release_on=release_on,
        going=tuple(going),
        already_told=tuple(told),
        not_sendable=tuple(unreachable),
        decisions=tuple(
            decide(matter.site, matter.facts, one.artefact, one.recipient, at=matter.when.instant) for one in going
        ),
    )


def _require_late_enough(matter: Matter, release_on: date) -> None:
    day_count = matter.site.settings.review.day_count
    earliest = NoticePeriod(notified_on=matter.when.on, day_count=day_count).earliest_release
    if release_on < earliest:
        said = f"a notice of {matter.when.on} allows release from {earliest}, not on {release_on}"
        raise Refused(
            f"{said} (42 CFR 401.717(f)(1))",
            reasons=(reason("G12", CITATION["notice"], "fail", said, earliest=earliest),),
            remedy=f"Give --release-on {earliest} or later; leave some days for the hand-over.",
        )


def _is_told(matter: Matter, unit_id: str, release_on: date) -> bool:
    """Whether a notice of this user, these measures and this day is out and has not come back."""
    known = send_of(matter.facts, matter.analysis.analysis_id, unit_id, "notice")
    if known.sent is None or known.state == "failed":
        return False
    return (
        known.sent.text("party_id") == matter.user.party_id
        and set(matter.analysis.measures) <= set(known.sent.texts("measures"))
        and known.sent.day("release_on") == release_on
    )


def _is_written(matter: Matter, unit_id: str) -> bool:
    """Whether its package is in the outbox, or was handed over from there: else a stopped send left it unwritten."""
    known = send_of(matter.facts, matter.analysis.analysis_id, unit_id, "notice")
    if known.state != "sent" or known.sent is None:
        return True
    return is_out(matter.site, _stem(matter, unit_id), on=known.sent.effective_on)


def _stem(matter: Matter, unit_id: str) -> str:
    return f"npa-notice-{matter.analysis.analysis_id}-{unit_id}"


def _notice(matter: Matter, unit_id: str, contact: Contact, *, release_on: date) -> Outgoing:
    unit, analysis_id = matter.named[unit_id], matter.analysis.analysis_id
    known = send_of(matter.facts, analysis_id, unit_id, "notice")
    letter_id = f"{analysis_id}-{unit_id}"
    is_told = _is_told(matter, unit_id, release_on)
    # a stopped send is finished as it began
    written_on = known.sent.effective_on if is_told and known.sent else matter.when.on
    printed = letter(
        matter,
        "npa_notice",
        "notice",
        recipient=unit.name,
        letter_id=letter_id,
        written_on=written_on,
        release_on=release_on,
    )
    files = {**address_page(matter.site, unit.name, contact), **printed}
    digest = digest_of(files)
    intent = NewEvent(
        kind="npa_notice_sent",
        effective_on=matter.when.on,
        payload={
            "analysis_id": analysis_id,
            "unit_id": unit_id,
            "party_id": matter.user.party_id,
            "measures": sorted(matter.analysis.measures),
            "release_on": release_on.isoformat(),
            "channel": contact.channel,
            "letter_sha256": digest,
            "zone": matter.contacts.zone(unit_id),
        },
        key=f"npa_notice_sent:{letter_id}:{known.number + 1}",
    )
    return Outgoing(
        said=f"no notice of analysis {analysis_id} may be sent on {matter.when.on}",
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
        recipient=recipient_of(unit),
        files=files,
        contact=contact,
        path=outbox_path(matter.site, contact.channel, _stem(matter, unit_id), on=written_on),
        package_id=letter_id,
        intent=None if is_told else intent,
    )


def send_notices(plan: NoticePlan, ledger: Ledger, *, actor: str) -> None:
    """Record the intents, write the packages; nothing is written when the gate refuses any."""
    matter = plan.matter
    matter.put_out(ledger, plan.going, actor=actor)
