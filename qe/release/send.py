"""`qe review send`: reports of a cycle go to the outbox, each sealed for its recipient or ready to print.

The ledger records the intent (report_sent) first, for all of them at once; then the packages appear. A stopped send is
resumed by sending again: what is recorded is not recorded twice, what is missing in the outbox is written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Final

from qe.corrections.in_force import of_cycle
from qe.disclosure.identifiers import identifiers_found
from qe.errors import InputError, Reason, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.progress import Progress
from qe.providers import ProviderOrSupplier
from qe.regulation import CITATION
from qe.release import packages, reissue
from qe.release.artefact import Artefact, ArtefactKind, Decision, recipient_of
from qe.release.contacts import Channel, Contact, Contacts
from qe.release.cycles import cycle_for_run, frozen_cycles, period_of, sent_before
from qe.release.letters import LetterFacts, LetterWriter
from qe.release.lineage import RunLineage, lineage_of, run_of
from qe.release.outgoing import Outgoing, decide, digest_of, every_letter, is_out, letter_to, outbox_path
from qe.release.reports_on_disk import ReportFile, corrected_report, latest_reports, units_of
from qe.release.sends import UnitReview, reviews
from qe.release.standing import reason
from qe.reports.letters import LetterKind, PrintedLetter
from qe.runs import Run
from qe.runs import run_of as run_folder
from qe.site import Site

COVER: Final = "letter.pdf"
COVER_TEXT: Final = "letter.txt"
FIRST_CAME_BACK: Final = (
    "its first report came back, and its corrected page prints dates that are over: print it with dates of its own "
    "(qe run --send-on DATE --cycle {})"
)
OTHER_CHANNEL: Final = (
    "recorded as put out by {}, never written; its contact is {} now: take that send back first "
    "(qe review bounce --why unreachable)"
)


@dataclass(frozen=True, kw_only=True)
class Package:
    """One report on its way: to whom, how, and where in the outbox.

    has_own_days  its 60 days begin with it; not so of a corrected page after a report that stands
    """

    report: ReportFile
    unit: ProviderOrSupplier
    contact: Contact
    path: Path
    has_own_days: bool


@dataclass(frozen=True, kw_only=True)
class SendPlan:
    """What a send would do. not_sendable: unit id and why; their rows leave the release unless they are reached."""

    site: Site
    cycle: str
    run_id: str
    packages: tuple[Package, ...]
    already_sent: tuple[str, ...]
    not_sendable: tuple[tuple[str, str], ...]
    decisions: tuple[Decision, ...]
    facts: Facts


def run_for_cycle(site: Site, ledger: Ledger, facts: Facts, cycle: str) -> Run:
    """The run whose reports go out in `cycle`: the frozen one, else the last finished run that the cycle fits."""
    events = ledger.events()
    if frozen := frozen_cycles(events).get(cycle):
        return run_folder(site, frozen)
    period = period_of(cycle)
    fitting = [
        event.text("run_id")
        for event in facts.of("run_completed", period=period)
        if cycle_for_run(events, period=period, run_id=event.text("run_id")) == cycle
    ]
    if not fitting:
        raise InputError(f"no finished run belongs to cycle {cycle} on {facts.on}", remedy="Run `qe run` first.")
    return run_folder(site, fitting[-1])


def plan_send(
    site: Site,
    ledger: Ledger,
    *,
    cycle: str,
    contacts: Contacts,
    on: date,
    channel: Channel | None,
    only: str | None = None,
) -> SendPlan:
    """Which reports can go, by which channel, and what the gate says of each. `only`: one unit id."""
    facts = state_as_of(ledger, on)
    run = run_for_cycle(site, ledger, facts, cycle)
    _require_issued(facts, ledger, cycle=cycle)
    reports = [report for report in _reports_to_send(run, facts, cycle) if only in (None, report.unit_id)]
    if not reports:
        raise InputError(
            "the cycle has no report for this unit",
            remedy=f"`qe review status --cycle {cycle}` lists its units; one that is issued again is sent in its new cycle.",
        )
    _require_fitting(reports, cycle=cycle, on=on)
    standing, units = reviews(facts, cycle), units_of(run)
    lineage = lineage_of(run_of(facts, run.run_id))
    going: list[Package] = []
    already: list[str] = []
    unreachable: list[tuple[str, str]] = []
    stopped: list[tuple[str, str]] = []
    for report in reports:
        before = standing.get(report.unit_id)
        if _is_out(before, report):
            already.append(report.unit_id)
        contact = contacts.usable(report.unit_id, channel)
        has_own_days = report.correction_id is None or before is None or before.rests_on is None
        if has_own_days and report.sent_on < on:  # of a report without a correction that is refused above
            unreachable.append((report.unit_id, FIRST_CAME_BACK.format(cycle)))
        elif contact is None:
            unreachable.append((report.unit_id, contacts.why_unreachable(report.unit_id, channel)))
        elif before is not None and before.channel != contact.channel and _is_missing(site, before, report):
            stopped.append((report.unit_id, OTHER_CHANNEL.format(before.channel, contact.channel)))
        else:
            path = outbox_path(site, contact.channel, report.package, on=report.sent_on)
            unit = units[report.unit_id]
            going.append(Package(report=report, unit=unit, contact=contact, path=path, has_own_days=has_own_days))
    done = set(already)
    return SendPlan(
        site=site,
        cycle=cycle,
        run_id=run.run_id,
        packages=tuple(
            one
            for one in going
            if one.report.unit_id not in done or _is_missing(site, standing[one.report.unit_id], one.report)
        ),
        already_sent=tuple(already),
        not_sendable=(*(one for one in unreachable if one[0] not in done), *stopped),
        decisions=tuple(_decide(site, facts, lineage, one, cycle=cycle) for one in going),
        facts=facts,
    )


def _reports_to_send(run: Run, facts: Facts, cycle: str) -> list[ReportFile]:
    """The reports last rendered, of the units that this cycle is for; of one whose correction was upheld the page that shows it."""
    corrected, reports = of_cycle(facts, cycle), latest_reports(run)
    its_own = reissue.of_cycle(facts, cycle, (report.unit_id for report in reports))
    return [
        corrected_report(run, corrected[report.unit_id].text("correction_id"), unit_id=report.unit_id)
        if report.unit_id in corrected
        else report
        for report in reports
        if report.unit_id in its_own
    ]


def _require_issued(facts: Facts, ledger: Ledger, *, cycle: str) -> None:
    """A further cycle of a sent period is a re-issue, which is an act of its own: a second run alone sends nobody anything."""
    before = sent_before(ledger.events(), cycle)
    if before is None or reissue.reissued_in(facts, cycle) is not None:
        return
    said = f"cycle {before} of the same period was sent; another one is sent to those alone whose figures move"
    raise Refused(
        f"{cycle} was not issued by anybody: a second run of a period is not sent to everybody",
        reasons=(reason("G10", "rules.md sections 0.3, 0.4", "fail", said),),
        remedy=f"Issue it again: qe review reissue --cycle {before}.",
    )


def _require_fitting(reports: Sequence[ReportFile], *, cycle: str, on: date) -> None:
    if any(report.report_id != f"{cycle}-{report.unit_id}" for report in reports):
        raise Refused(
            f"the rendered reports are not those of cycle {cycle}",
            reasons=(reason("G10", CITATION["review"], "fail", "the reports print another cycle"),),
            remedy="Render them for this cycle: qe run --send-on DATE.",
        )
    dated = [report.sent_on for report in reports if report.correction_id is None]
    if dated and on > (printed := dated[0]):
        raise Refused(
            f"the reports print the send date {printed}, which is over: they would promise days that are not left",
            reasons=(late_hand_over(printed, on),),
            remedy=f"Print new dates: qe run --send-on {on} (or later); of a cycle handed over in part, with --cycle {cycle}.",
        )


def late_hand_over(printed: date, on: date) -> Reason:
    said = f"the report prints the send date {printed}; sent on {on}, its dates would come too early"
    return reason("G10", CITATION["review"], "fail", said)


def _is_out(unit: UnitReview | None, report: ReportFile) -> bool:
    """Whether this report, or an earlier one that was handed over and not returned, is already on its way."""
    if unit is None or unit.sent is None or unit.state == "failed":
        return False
    if report.correction_id is not None:
        is_this = unit.sent.text("correction_id") == report.correction_id
        is_on_its_way = unit.state == "sent" and unit.sent.text("pdf_sha256") == report.pdf_sha256
        return is_this and (unit.rests_on is not None or is_on_its_way)
    sent = (unit.sent.text("pdf_sha256"), unit.sent.text("methods_sha256") or report.methods_sha256)
    return unit.state == "confirmed" or sent == (report.pdf_sha256, report.methods_sha256)


def _is_missing(site: Site, unit: UnitReview, report: ReportFile) -> bool:
    """Whether a stopped send recorded this report and did not write its package, by whatever channel: it is not handed over yet."""
    return unit.state == "sent" and not is_out(site, report.package, on=report.sent_on)


def _decide(site: Site, facts: Facts, lineage: RunLineage, package: Package, *, cycle: str) -> Decision:
    files = _readable(package.report)
    artefact = Artefact(
        kind=ArtefactKind.CONFIDENTIAL_REPORT,
        sha256=digest_of(files),
        operator=site.settings.entity.organisation,
        lineage=lineage,
        cycle=cycle,
        units={package.report.unit_id: package.report.result_sha256},
        peer_minimum=site.settings.peers.min_peers,
        identified=frozenset({package.report.unit_id}),
        identifiers_found=identifiers_found(files),
        template_sha256=package.report.template_sha256,
        channel=package.contact.channel,
    )
    return decide(site, facts, artefact, recipient_of(package.unit))


def _readable(report: ReportFile) -> Mapping[str, bytes]:
    """What its reader gets to see beside the cover letter, as it was rendered."""
    report.require_unchanged()
    methods, _ = report.enclosure()
    return {
        "report.pdf": report.pdf.read_bytes(),
        "results.csv": report.csv.read_bytes(),
        "methods.pdf": methods.read_bytes(),
    }


def send(
    plan: SendPlan,
    ledger: Ledger,
    *,
    at: datetime,
    on: date,
    actor: str,
    write_letter: LetterWriter,
    progress: Progress,
) -> None:
    """Print the cover letters, record the intents, write the packages; nothing is recorded when the gate refuses any."""
    refusal = f"no report of cycle {plan.cycle} may be sent on {on}"
    permits = {decision.recipient.unit_id: decision.require(refusal) for decision in plan.decisions}
    progress.start("printing cover letters", total=len(plan.packages))
    printed = dict(_letters(plan, write_letter, on=on, progress=progress))
    progress.finish()
    covers = every_letter(partial(_cover_letter, plan, *one, said=refusal) for one in printed.values())
    letters = dict(zip(printed, covers, strict=True))
    for package in plan.packages:
        files, recipient = _readable(package.report), recipient_of(package.unit)
        permits[package.report.unit_id].redeem(
            sha256=digest_of(files), recipient=recipient, on=on, head=plan.facts.head
        )
        letter = letters[package.report.unit_id]
        permit = decide(plan.site, plan.facts, letter.artefact, recipient).require(refusal)
        permit.redeem(sha256=digest_of(letter.files), recipient=recipient, on=on, head=plan.facts.head)
    done = set(plan.already_sent)
    intents = [_intent(plan, package) for package in plan.packages if package.report.unit_id not in done]
    if intents:
        ledger.append(intents, at=at, actor=actor, expected_head=plan.facts.head)
    progress.start("writing packages to the outbox", total=len(plan.packages))
    for package in plan.packages:
        _write_report(package, letters[package.report.unit_id].files)
        progress.advance()
    progress.finish()


def _letters(
    plan: SendPlan, write_letter: LetterWriter, *, on: date, progress: Progress
) -> Iterator[tuple[str, tuple[Package, PrintedLetter]]]:
    """By unit id, its package and the printed cover letter."""
    is_reissue = reissue.reissued_in(plan.facts, plan.cycle) is not None
    first: LetterKind = "reissued_notice" if is_reissue else "release_notice"
    kinds: dict[LetterKind, list[Package]] = {first: [], "corrected_notice": []}
    for package in plan.packages:
        kinds[first if package.has_own_days else "corrected_notice"].append(package)
    for kind, going in kinds.items():
        letters = write_letter(kind, [_cover(package, cycle=plan.cycle, on=on) for package in going])
        for package, letter in zip(going, letters, strict=True):
            yield package.report.unit_id, (package, letter)
            progress.advance()


def _cover_letter(plan: SendPlan, package: Package, letter: PrintedLetter, *, said: str) -> Outgoing:
    return letter_to(
        plan.site,
        plan.facts,
        package.unit,
        package.contact,
        {COVER: letter.pdf, COVER_TEXT: letter.text},
        cycle=plan.cycle,
        run_id=plan.run_id,
        path=package.path,
        said=said,
        intent=None,
    )


def _intent(plan: SendPlan, package: Package) -> NewEvent:
    report = package.report
    _, methods_sha256 = report.enclosure()
    returned = len(plan.facts.of("delivery_failed", cycle=plan.cycle, unit_id=report.unit_id))
    return NewEvent(
        kind="report_sent",
        effective_on=plan.facts.on,
        payload={
            "cycle": plan.cycle,
            "run_id": plan.run_id,
            "unit_id": report.unit_id,
            "level": report.level,
            "report_id": report.report_id,
            "channel": package.contact.channel,
            "pdf_sha256": report.pdf_sha256,
            "csv_sha256": report.csv_sha256,
            "methods_sha256": methods_sha256,
            "result_sha256": report.result_sha256,
            "sent_on": report.sent_on.isoformat(),
            "last_request_day": report.last_request_day.isoformat(),
            "public_from": report.public_from.isoformat(),
            "zone": report.zone,
            "day_count": report.day_count,
            **({} if report.correction_id is None else {"correction_id": report.correction_id}),
        },
        key=f"report_sent:{report.report_id}:{report.pdf_sha256}:{methods_sha256}:{returned}",
    )


def _cover(package: Package, *, cycle: str, on: date) -> LetterFacts:
    report = package.report
    return LetterFacts(
        cycle=cycle,
        unit=package.unit,
        written_on=report.sent_on if package.has_own_days else on,
        sent_on=report.sent_on,
        last_request_day=report.last_request_day,
        public_from=report.public_from,
        public_on=report.public_from,
        zone=report.zone,
        is_corrected=report.correction_id is not None,
        requests=(),
    )


def _write_report(package: Package, letter: Mapping[str, bytes]) -> None:
    """The report, its CSV, the methods and the cover letter: one sealed age package, or files ready to print (mode 0600)."""
    report = package.report
    files = {**letter, **_readable(report)}
    packages.write_package(package.path, files, report_id=report.report_id, age_recipient=package.contact.sealed_for)
