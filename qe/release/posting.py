"""`qe release amend-posting`: the open requests beside published results are posted as they stand (42 CFR 401.717(e)).

A letter received in time and logged after publication, a request that was withdrawn or answered since: the page of open requests
alone is put in place of the one before. The results, and what report.pdf printed at release, keep their bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final, Protocol

from qe.disclosure.identifiers import identifiers_found
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.release.artefact import NOBODY, PUBLIC, Artefact, ArtefactKind, Decision
from qe.release.lineage import lineage_of, run_of
from qe.release.outgoing import decide
from qe.release.releases import When, standing_releases
from qe.release.reports_on_disk import units_of
from qe.release.sends import infeasible_postings, open_requests, posted_among, to_be_posted
from qe.reports import wording
from qe.runs import Run, file_sha256, write_aside
from qe.runs import run_of as run_folder
from qe.site import Site

PAGE: Final = "site/open-requests.html"
AMENDED: Final = "posting_amended"


class PostingBuilder(Protocol):
    """Makes the page of open requests of a release from its run's folder alone. posting: (name, category), as worded_posting."""

    def __call__(
        self, *, run: Run, cycle: str, published_on: date, amended_on: date, posting: Sequence[tuple[str, str]]
    ) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """The new page of one release. event: None where it is recorded, and only the page was not put in place."""

    release_id: str
    posted: int
    page: bytes
    decision: Decision
    event: NewEvent | None


@dataclass(frozen=True, kw_only=True)
class AmendmentPlan:
    """The pages to be put in place. up_to_date: releases whose page shows what is open."""

    amendments: tuple[Amendment, ...]
    up_to_date: tuple[str, ...]
    facts: Facts


def worded_posting(facts: Facts, run: Run, cycle: str) -> list[tuple[str, str]]:
    """Name of the provider or supplier and category of each open request; without the name, and why, where it cannot be posted."""
    named, infeasible = units_of(run), infeasible_postings(facts)
    names = [(named[unit_id].name, category) for unit_id, category in to_be_posted(facts, cycle) if unit_id in named]
    withheld = [
        (wording.posting_withheld(infeasible[event.text("request_id")]), event.text("category"))
        for event in open_requests(facts, cycle)
        if event.text("request_id") in infeasible
    ]
    return [*sorted(names), *sorted(withheld)]


def postings_due(facts: Facts, cycle: str) -> tuple[LedgerEvent, ...]:
    """The releases of the cycle that stand and whose page of open requests does not show what is open now."""
    due = to_be_posted(facts, cycle)
    return tuple(release for release in _standing(facts, cycle) if _posted(facts, release) != due)


def _standing(facts: Facts, cycle: str) -> tuple[LedgerEvent, ...]:
    releases = {event.text("release_id"): event for event in standing_releases(facts, cycle).values()}
    return tuple(releases[release_id] for release_id in sorted(releases))


def _last_told(facts: Facts, release: LedgerEvent) -> LedgerEvent:
    """The event that posted last: the release itself, or an amendment of its page."""
    return [release, *facts.of(AMENDED, release_id=release.text("release_id"))][-1]


def _posted(facts: Facts, release: LedgerEvent) -> frozenset[tuple[str, str]]:
    """What its page shows: what was open when it was published or amended last."""
    return posted_among(facts, release.text("cycle"), before=_last_told(facts, release).seq)


def plan_amendment(site: Site, ledger: Ledger, *, cycle: str, when: When, build: PostingBuilder) -> AmendmentPlan:
    """The page of each standing release of the cycle that shows other requests than are open, or was not put in place."""
    facts = state_as_of(ledger, when.on)
    standing = _standing(facts, cycle)
    if not standing:
        raise InputError(
            f"no release of cycle {cycle} is public on {when.on}, so nothing is posted",
            remedy="Open requests are posted with the results: qe release plan.",
        )
    due = {event.event_id for event in postings_due(facts, cycle)}
    amendments: list[Amendment] = []
    for release in standing:
        told = _last_told(facts, release)
        if release.event_id in due:
            amendments.append(_amendment(site, facts, release, when=when, build=build, recorded=None))
        elif told.kind == AMENDED and not _is_in_place(site, told):
            amendments.append(_amendment(site, facts, release, when=when, build=build, recorded=told))
    ids = {one.release_id for one in amendments}
    return AmendmentPlan(
        amendments=tuple(amendments),
        up_to_date=tuple(one.text("release_id") for one in standing if one.text("release_id") not in ids),
        facts=facts,
    )


def _is_in_place(site: Site, told: LedgerEvent) -> bool:
    page = site.public / told.text("release_id") / PAGE
    return page.is_file() and file_sha256(page) == told.text("page_sha256")


def _amendment(
    site: Site,
    facts: Facts,
    release: LedgerEvent,
    *,
    when: When,
    build: PostingBuilder,
    recorded: LedgerEvent | None,
) -> Amendment:
    """recorded: the amendment that was stopped before its page was in place; it is made again with its own day."""
    release_id, cycle = release.text("release_id"), release.text("cycle")
    run = run_folder(site, release.text("run_id"))
    page = build(
        run=run,
        cycle=cycle,
        published_on=release.effective_on,
        amended_on=recorded.effective_on if recorded else facts.on,
        posting=worded_posting(facts, run, cycle),
    )
    posting = to_be_posted(facts, cycle)
    artefact = Artefact(
        kind=ArtefactKind.APPEALS_POSTING,
        sha256=sha256(page).hexdigest(),
        operator=site.settings.entity.organisation,
        lineage=lineage_of(run_of(facts, run.run_id)),
        cycle=cycle,
        release_id=release_id,
        posting=posting,
        identified=frozenset(unit_id for unit_id, _ in posting),
        persons=NOBODY,  # it holds names of providers and suppliers, and categories
        identifiers_found=identifiers_found({PAGE: page}),
    )
    event = NewEvent(
        kind=AMENDED,
        effective_on=facts.on,
        payload={
            "release_id": release_id,
            "cycle": cycle,
            "page_sha256": artefact.sha256,
            "open_requests": len(posting),
        },
        key=f"{AMENDED}:{release_id}:{_last_told(facts, release).seq}:{artefact.sha256}",
    )
    return Amendment(
        release_id=release_id,
        posted=len(posting),
        page=page,
        decision=decide(site, facts, artefact, PUBLIC, at=when.instant),
        event=None if recorded else event,
    )


def amend(site: Site, ledger: Ledger, plan: AmendmentPlan, *, when: When, actor: str) -> None:
    """Record the amendments, then put each page in place by one rename; nothing happens when the gate refuses any."""
    said = f"the open requests may not be posted on {when.on}"
    permits = [one.decision.require(said) for one in plan.amendments]
    for one, permit in zip(plan.amendments, permits, strict=True):
        permit.redeem(sha256=sha256(one.page).hexdigest(), recipient=PUBLIC, on=when.on, head=plan.facts.head)
    events = [one.event for one in plan.amendments if one.event is not None]
    if events:
        ledger.append(events, at=when.at, actor=actor, expected_head=plan.facts.head)
    for one in plan.amendments:
        write_aside(site.public / one.release_id / PAGE, one.page)
