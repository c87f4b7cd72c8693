"""`qe release go`: publish exactly the staged bytes, or refuse with all reasons."""

import os
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from qe import store
from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import state_as_of
from qe.release.appeals import AppealsTable
from qe.release.artefact import PUBLIC, Decision, Permit
from qe.release.held_back import public_releases
from qe.release.lineage import lineage_of, run_of
from qe.release.releases import (
    When,
    decide_release,
    next_release_id,
    sent_or_all,
    shown_results,
    staged_folder,
    unfinished_release,
)
from qe.release.send import run_for_cycle
from qe.release.sends import reviews
from qe.release.staged import StagedRelease, is_staged, read_staged
from qe.site import Site


def decide_go(site: Site, ledger: Ledger, *, cycle: str, when: When) -> tuple[StagedRelease | None, Decision]:
    """The gate's answer on publishing what is staged for the cycle, now; with nothing staged it refuses."""
    facts = state_as_of(ledger, when.on)
    release_id = unfinished_release(site, facts, cycle) or next_release_id(facts, cycle)
    run = run_for_cycle(site, ledger, facts, cycle)
    staged = None
    if is_staged(staged_folder(site), release_id):
        staged = read_staged(staged_folder(site), release_id, key=site.store_key(), engine=site.engine())
    shown = shown_results(run, facts, cycle)
    decision = decide_release(
        site,
        facts,
        lineage_of(run_of(facts, run.run_id)),
        when=when,
        cycle=cycle,
        release_id=release_id,
        staged=staged,
        units={unit_id: shown[unit_id] for unit_id in sent_or_all(sorted(shown), reviews(facts, cycle))},
    )
    return staged, decision


def require_allowed(ledger: Ledger, staged: StagedRelease | None, decision: Decision) -> Permit:
    """The permit to publish, or Refused with what to do first."""
    cycle, release_id = decision.artefact.cycle, decision.artefact.release_id
    remedy = f"`qe release plan --cycle {cycle}` names every blocker with its earliest day."
    if any(one.kind == "public_released" and one.text("release_id") == release_id for one in ledger.events()):
        remedy = (
            "Its publication was recorded and stopped, and something has changed since. Nothing of it is public: record that, "
            f"qe release withdraw --cycle {cycle} --why never_public; then plan the next part."
        )
    elif staged is None:
        remedy = f"Nothing is staged for it: qe release plan --cycle {cycle}; then qe release approve."
    return decision.require(f"{release_id} may not become public on {decision.on}", remedy=remedy)


def already_public(site: Site, ledger: Ledger, *, cycle: str, when: When) -> LedgerEvent | None:
    """The cycle's last release that stands, where all that was staged is public and `go` has nothing left to do."""
    facts = state_as_of(ledger, when.on)
    if unfinished_release(site, facts, cycle) or is_staged(staged_folder(site), next_release_id(facts, cycle)):
        return None
    standing = public_releases(facts, cycle)
    return standing[-1] if standing else None


def go(site: Site, ledger: Ledger, *, staged: StagedRelease | None, decision: Decision, when: When, actor: str) -> Path:
    """Publish exactly the staged bytes under public/<release_id>/. Refused with all reasons, and nothing written, else.

    The event comes first, then one rename: a publication that was stopped in between is finished by `go` again.
    """
    permit = require_allowed(ledger, staged, decision)
    assert staged is not None  # the gate refuses while nothing is staged: no check of its bytes is recorded
    target = site.public / staged.release_id
    if target.exists():
        raise InputError(
            f"public/{staged.release_id} is there already, and qe did not put it there",
            remedy="Take it away; then go again.",
        )
    aside = staged_folder(site) / f".{staged.release_id}.building"  # nothing lies under public/ before it is recorded
    permit.redeem(sha256=staged.sha256, recipient=PUBLIC, on=when.on, head=decision.head)
    try:
        write_aside(aside, staged.files)
        ledger.append([_released(staged, on=when.on)], at=when.at, actor=actor, expected_head=decision.head)
        site.public.mkdir(exist_ok=True)
        aside.replace(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    store.sync(site.public)
    return target


def _released(staged: StagedRelease, *, on: date) -> NewEvent:
    table = AppealsTable(posted=frozenset(staged.posting), not_posted=tuple(staged.not_posted))
    return NewEvent(
        kind="public_released",
        effective_on=on,
        payload={
            "release_id": staged.release_id,
            "cycle": staged.cycle,
            "run_id": staged.run_id,
            "bundle_sha256": staged.sha256,
            "units": sorted(staged.units),
            "open_requests": len(staged.posting),
            **table.codes,
            **({"withheld": [f"{unit}:{measure}" for unit, measure in staged.withheld]} if staged.withheld else {}),
        },
        key=f"public_released:{staged.release_id}",
    )


def write_aside(folder: Path, files: Mapping[str, bytes]) -> None:
    """A folder that nobody looks at yet, its files on the disk."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in sorted(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
