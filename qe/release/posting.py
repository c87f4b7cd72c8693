"""`qe release amend-posting`: the page of open requests beside a public release is put right, and nothing else (401.717(e)).

A request in time that was logged after publication is added; one that was closed since is taken off (rules.md sections 0.5, 1C R7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from qe import runs, store
from qe.disclosure.identifiers import identifiers_found
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.release.appeals import AMENDED, AppealsTable, amendments, owed_beside, told_beside
from qe.release.artefact import PUBLIC, Artefact, ArtefactKind, Decision
from qe.release.held_back import public_releases
from qe.release.outgoing import decide
from qe.release.releases import When
from qe.release.reports_on_disk import units_of
from qe.reports.public_site import POSTING_PAGE
from qe.runs import Run
from qe.site import Site


class PostingBuilder(Protocol):
    """Makes the page of open requests of a release from the frozen run's folder.

    posting     (name, category) of the open requests, as they are posted; not_posted: (reason, open requests not posted for it)
    supersedes  the day of the table that this one takes the place of
    """

    def __call__(
        self,
        *,
        run: Run,
        cycle: str,
        published_on: date,
        posting: Sequence[tuple[str, str]],
        not_posted: Sequence[tuple[str, int]],
        amended_on: date,
        supersedes: date,
    ) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """The page of one release as it is to stand.

    on        the day of its table; supersedes: that of the table before
    event     what is recorded before it is written; None: it is recorded already, and was stopped before the page was written
    decision  the gate's answer on exactly these bytes
    """

    release_id: str
    on: date
    supersedes: date
    table: AppealsTable
    page: bytes
    path: Path
    event: NewEvent | None
    decision: Decision


@dataclass(frozen=True, kw_only=True)
class AmendmentPlan:
    """The pages to write. unchanged: public releases of the cycle whose page is the one that is owed."""

    cycle: str
    amendments: tuple[Amendment, ...]
    unchanged: tuple[str, ...]
    facts: Facts


def plan_amendments(site: Site, ledger: Ledger, *, cycle: str, when: When, build: PostingBuilder) -> AmendmentPlan:
    """Which public releases of the cycle need another page of open requests, with that page and what the gate says of it."""
    facts = state_as_of(ledger, when.on)
    public = public_releases(facts, cycle)
    if not public:
        raise InputError(
            f"no release of cycle {cycle} is public on {when.on}",
            remedy="What is posted with a release is decided when it is planned: qe release plan.",
        )
    found = {release.text("release_id"): _amendment(site, facts, release, when=when, build=build) for release in public}
    return AmendmentPlan(
        cycle=cycle,
        amendments=tuple(one for one in found.values() if one is not None),
        unchanged=tuple(release_id for release_id, one in found.items() if one is None),
        facts=facts,
    )


def stopped_amendments(site: Site, ledger: Ledger, facts: Facts) -> frozenset[str]:
    """The public releases whose last amendment is recorded while another page stands: it was stopped before that was replaced.

    A day before an amendment that is recorded tells nothing: the page that stands is a later one's.
    """
    last = {event.text("release_id"): event for event in ledger.events() if event.kind == AMENDED}
    public = {
        one.text("release_id")
        for cycle in {one.text("cycle") for one in last.values()}
        for one in public_releases(facts, cycle)
    }
    return frozenset(
        release_id
        for release_id, event in last.items()
        if release_id in public
        and event in amendments(facts, release_id)
        and (page := site.public / release_id / POSTING_PAGE).is_file()
        and sha256(page.read_bytes()).hexdigest() != event.text("page_sha256")
    )


def _amendment(
    site: Site, facts: Facts, release: LedgerEvent, *, when: When, build: PostingBuilder
) -> Amendment | None:
    release_id = release.text("release_id")
    path = site.public / release_id / POSTING_PAGE
    if not path.is_file():
        raise InputError(
            f"the page of open requests of {release_id} is not in the public folder",
            remedy="Finish the publication: qe release go. Or restore the folder from its backup.",
        )
    owed, earlier = owed_beside(facts, release), amendments(facts, release_id)
    last = earlier[-1] if earlier else release
    if owed == told_beside(facts, release):
        if not earlier or last.text("page_sha256") == sha256(path.read_bytes()).hexdigest():
            return None
        on, supersedes = last.effective_on, last.day("supersedes")
    else:
        on, supersedes = when.on, last.effective_on
    page = _page(site, release, owed, on=on, supersedes=supersedes, build=build)
    is_recorded = bool(earlier) and last.text("page_sha256") == sha256(page).hexdigest()
    artefact = Artefact(
        kind=ArtefactKind.APPEALS_POSTING,
        sha256=sha256(page).hexdigest(),
        operator=site.settings.entity.organisation,
        cycle=release.text("cycle"),
        release_id=release_id,
        posting=owed.posted,
        identifiers_found=identifiers_found({POSTING_PAGE: page}),
    )
    return Amendment(
        release_id=release_id,
        on=on,
        supersedes=supersedes,
        table=owed,
        page=page,
        path=path,
        event=None if is_recorded else _amended(artefact, owed, last, on=on, supersedes=supersedes),
        decision=decide(site, facts, artefact, PUBLIC, at=when.instant),
    )


def _page(
    site: Site, release: LedgerEvent, table: AppealsTable, *, on: date, supersedes: date, build: PostingBuilder
) -> bytes:
    run = runs.run_of(site, release.text("run_id"))
    named = units_of(run)
    return build(
        run=run,
        cycle=release.text("cycle"),
        published_on=release.effective_on,
        posting=[(named[unit_id].name, category) for unit_id, category in sorted(table.posted) if unit_id in named],
        not_posted=table.not_posted,
        amended_on=on,
        supersedes=supersedes,
    )


def _amended(artefact: Artefact, table: AppealsTable, last: LedgerEvent, *, on: date, supersedes: date) -> NewEvent:
    return NewEvent(
        kind=AMENDED,
        effective_on=on,
        payload={
            "release_id": artefact.release_id,
            "cycle": artefact.cycle,
            "page_sha256": artefact.sha256,
            "supersedes": supersedes.isoformat(),
            **table.codes,
        },
        key=f"{AMENDED}:{artefact.release_id}:{last.event_id}:{artefact.sha256}",
    )


def amend(plan: AmendmentPlan, site: Site, ledger: Ledger, *, when: When, actor: str) -> None:
    """Record the amendments, then put each page in the place of the one before; nothing happens when the gate refuses any.

    An amendment that was stopped in between is finished by the same command.
    """
    permits = [
        one.decision.require(f"the posting of {one.release_id} may not be amended on {when.on}")
        for one in plan.amendments
    ]
    for one, permit in zip(plan.amendments, permits, strict=True):
        permit.redeem(sha256=sha256(one.page).hexdigest(), recipient=PUBLIC, on=when.on, head=plan.facts.head)
    events = [one.event for one in plan.amendments if one.event is not None]
    ledger.append(events, at=when.at, actor=actor, expected_head=plan.facts.head)
    for one in plan.amendments:
        runs.write_aside(one.path, one.page)
        store.sync(one.path.parent)
