"""`qe npa send`: who opted in, or asks, gets its own part of the analysis: measures, methods, its results, nobody else named."""

from dataclasses import dataclass
from datetime import date

from qe.disclosure.identifiers import identifiers_found
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.release.analyses.answers import days_of_review, subject_of
from qe.release.analyses.matter import Matter, letter
from qe.release.analyses.sends import AnalysisSend, send_of
from qe.release.artefact import Artefact, ArtefactKind, Decision, recipient_of
from qe.release.contacts import Contact
from qe.release.outgoing import Outgoing, address_page, decide, digest_of, is_out, outbox_path
from qe.release.rules.naming import notice_of, opt_in_of
from qe.reports.analysis import own_file
from qe.runs import sha256_of


@dataclass(frozen=True, kw_only=True)
class ExtractPlan:
    """Who gets its own part. not_sendable: unit id and why; while it is unsent the analysis of who opted in is not released."""

    matter: Matter
    going: tuple[Outgoing, ...]
    already_sent: tuple[str, ...]
    not_sendable: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]


def plan_extracts(matter: Matter, *, asking: frozenset[str] = frozenset()) -> ExtractPlan:
    """An extract for everybody who opted in, and for those `asking`, who has none yet or whose last one came back."""
    matter.analysis.require_open()
    for unit_id in asking:
        matter.analysis.require_named(unit_id)
    opted_in = {one for one in matter.analysis.units if opt_in_of(matter.facts, matter.analysis.analysis_id, one)}
    going: list[Outgoing] = []
    sent: list[str] = []
    unreachable: list[tuple[str, str]] = []
    for unit_id in sorted(opted_in | asking):
        known = send_of(matter.facts, matter.analysis.analysis_id, unit_id, "extract")
        contact = matter.contact_of(unit_id)
        if known.state in ("sent", "confirmed") and _shows_what_would_go(matter, unit_id, known):
            sent.append(unit_id)
            if known.state == "confirmed" or contact is None or _is_out(matter, unit_id, known):
                continue
        if contact is None:
            unreachable.append((unit_id, matter.contacts.why_unreachable(unit_id, None)))
        else:
            going.append(_extract(matter, unit_id, contact, known))
    return ExtractPlan(
        matter=matter,
        going=tuple(going),
        already_sent=tuple(sent),
        not_sendable=tuple(unreachable),
        decisions=tuple(
            decide(matter.site, matter.facts, one.artefact, one.recipient, at=matter.when.instant) for one in going
        ),
    )


def _shows_what_would_go(matter: Matter, unit_id: str, known: AnalysisSend) -> bool:
    return known.sent is not None and known.sent.text("result_sha256") == result_sha256(matter, unit_id)


def result_sha256(matter: Matter, unit_id: str) -> str:
    return sha256_of([dict(row) for row in matter.staged.own.get(unit_id, ())])


def _stem(matter: Matter, unit_id: str) -> str:
    return f"npa-extract-{matter.analysis.analysis_id}-{unit_id}"


def _put_out_on(matter: Matter, unit_id: str, known: AnalysisSend) -> date:
    """Today, or the day of a send that was stopped before its package was written."""
    return known.sent.effective_on if known.sent and _is_unwritten(matter, unit_id, known) else matter.when.on


def _is_out(matter: Matter, unit_id: str, known: AnalysisSend) -> bool:
    return is_out(matter.site, _stem(matter, unit_id), on=_put_out_on(matter, unit_id, known))


def _is_unwritten(matter: Matter, unit_id: str, known: AnalysisSend) -> bool:
    """Whether this very extract is recorded and not handed over yet: it is put out as it was recorded."""
    return known.state == "sent" and _shows_what_would_go(matter, unit_id, known)


def _extract(matter: Matter, unit_id: str, contact: Contact, known: AnalysisSend) -> Outgoing:
    unit, analysis_id = matter.named[unit_id], matter.analysis.analysis_id
    rows, letter_id = matter.staged.own[unit_id], f"{analysis_id}-{unit_id}"
    content = {
        **_cover(matter, unit_id, known),
        "results.csv": own_file([dict(row) for row in rows]),
        "methods.md": matter.staged.methods.encode("utf-8"),
    }
    files = {**address_page(matter.site, unit.name, contact), **content}
    digest = digest_of(files)
    intent = NewEvent(
        kind="npa_extract_sent",
        effective_on=matter.when.on,
        payload={
            "analysis_id": analysis_id,
            "unit_id": unit_id,
            "channel": contact.channel,
            "extract_sha256": digest,
            "result_sha256": result_sha256(matter, unit_id),
        },
        key=f"npa_extract_sent:{letter_id}:{known.number + 1}",
    )
    return Outgoing(
        said=f"no extract of analysis {analysis_id} may be sent on {matter.when.on}",
        artefact=Artefact(
            kind=ArtefactKind.NPA_EXTRACT,
            sha256=digest,
            operator=matter.site.settings.entity.organisation,
            lineage=matter.lineage,
            analysis_id=analysis_id,
            units={unit_id: digest},
            identified=matter.identified_in(content, unit_id),
            identifiers_found=identifiers_found(files),
            channel=contact.channel,
        ),
        recipient=recipient_of(unit),
        files=files,
        contact=contact,
        path=outbox_path(matter.site, contact.channel, _stem(matter, unit_id), on=_put_out_on(matter, unit_id, known)),
        package_id=letter_id,
        intent=None if _is_unwritten(matter, unit_id, known) else intent,
    )


def _cover(matter: Matter, unit_id: str, known: AnalysisSend) -> dict[str, bytes]:
    """The cover letter, of the day on which the extract is put out."""
    analysis = matter.analysis
    noticed = notice_of(
        matter.facts,
        subject_of(matter.facts, analysis, matter.lineage),
        matter.user.recipient,
        unit_id,
        day_count=matter.site.settings.review.day_count,
    )
    opted_in_on = noticed.opted_in_on if noticed else None
    return letter(
        matter,
        "npa_extract",
        "letter",
        recipient=matter.named[unit_id].name,
        letter_id=f"{analysis.analysis_id}-{unit_id}",
        written_on=_put_out_on(matter, unit_id, known),
        release_on=(noticed.period.release_on if noticed else None) or matter.when.on,
        opted_in_on=opted_in_on,
        review_days=days_of_review(noticed, opted_in_on) if noticed and opted_in_on else None,
        is_through_practice=not {"named", "few", "text"} & set(matter.staged.identified[unit_id]),
    )


def send_extracts(plan: ExtractPlan, ledger: Ledger, *, actor: str) -> None:
    """Record the intents, write the packages; nothing is written when the gate refuses any."""
    matter = plan.matter
    matter.put_out(ledger, plan.going, actor=actor)
