"""`qe request release-data`: the Medicare claims, and the names if asked, behind a result under appeal (401.717(c)).

The rows come from the run that was sent; the package is sealed for the provider's own age key and never stands in the clear.
The event comes first, then the package: a release that was stopped in between is finished by the same command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from qe.disclosure.identifiers import identifiers_found
from qe.errors import InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.measurement.catalogue import catalogue, find
from qe.providers import ProviderOrSupplier
from qe.regulation import CITATION
from qe.release import packages
from qe.release.artefact import Artefact, ArtefactKind, Decision, recipient_of
from qe.release.asked_about import measures_shown, run_about
from qe.release.contacts import Contacts
from qe.release.extract.behind_result import BehindResult, MeasureShare, behind_result
from qe.release.extract.files import Package, lay_out, persons_in
from qe.release.lineage import MEDICARE, RunLineage, lineage_of, run_of
from qe.release.outgoing import decide, is_out, outbox_path
from qe.release.printing import print_request_letter
from qe.release.releases import require_run_unchanged
from qe.release.reports_on_disk import measures_of_unit, units_of
from qe.release.requests import DATA_KINDS, Request, request_of
from qe.release.standing import reason
from qe.reports import request_words
from qe.runs import Run
from qe.site import Site

CLAIMS: Final = CITATION["claims_data"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DataRelease:
    """A data release before it is done.

    whole     the package as its recipient opens it: what the permit is bound to; age_recipient: the key it is sealed for
    event     request_fulfilled; None where it stands recorded and only the package is missing
    is_done   it was released before, and nothing is to be done
    """

    request: Request
    facts: Facts
    unit: ProviderOrSupplier
    measures: tuple[str, ...]
    shares: tuple[MeasureShare, ...]
    package: Package
    whole: bytes
    age_recipient: str
    path: Path
    decision: Decision
    event: NewEvent | None
    is_done: bool


def plan_data_release(
    site: Site,
    ledger: Ledger,
    request_id: str,
    *,
    measures: Sequence[str],
    contacts: Contacts,
    on: date,
) -> DataRelease:
    """The rows, the package and what the gate says of it; nothing is written.

    measures  of those under appeal; () all that the request names
    Refused: a request for a correction, a measure that is not under appeal or of which the unit has no result, no age key.
    """
    facts = state_as_of(ledger, on)
    request = request_of(facts, request_id)
    run = run_about(site, ledger, facts, request.cycle)
    lineage = lineage_of(run_of(facts, run.run_id))
    require_run_unchanged(run, lineage)
    asked = _under_appeal(site, facts, request, run, measures)
    age_recipient = _age_recipient(contacts, request.unit_id)
    unit = units_of(run)[request.unit_id]
    done_on = request.fulfilled.effective_on if request.fulfilled else on
    behind = behind_result(
        site,
        run,
        unit_id=request.unit_id,
        measure_ids=_with_terms(site, asked),
        medicare_sources=_medicare_sources(lineage) if request.kind == "beneficiary_names" else None,
    )
    package = _package(site, request, unit, run, behind, asked, written_on=done_on)
    whole = packages.bundle(package.files)
    stem = f"data-{request_id}"
    decision = _decide(site, facts, lineage, request, unit, package, whole, behind)
    new = _fulfilment(request, run, asked, package, whole, behind, decision, on=on)
    is_done = request.fulfilled is not None and is_out(site, stem, on=done_on)
    if request.fulfilled is not None and not is_done:
        _require_same(request, new)
    return DataRelease(
        request=request,
        facts=facts,
        unit=unit,
        measures=asked,
        shares=behind.shares,
        package=package,
        whole=whole,
        age_recipient=age_recipient,
        path=outbox_path(site, "age", stem, on=done_on),
        decision=decision,
        event=None if request.fulfilled else new,
        is_done=is_done,
    )


def _under_appeal(site: Site, facts: Facts, request: Request, run: Run, measures: Sequence[str]) -> tuple[str, ...]:
    """The measures whose claims are released: those of the request, or the ones of them that are named."""
    if request.kind not in DATA_KINDS:
        raise _refused(
            f"request {request.request_id} asks for a correction, not for data", remedy="Answer it: qe request respond."
        )
    asked = tuple(sorted(set(measures) or set(request.measures)))
    if not asked:
        raise InputError(
            f"request {request.request_id} names no measure, so it is not known what is under appeal",
            remedy="Name it: --measure ID.",
        )
    if beyond := sorted(set(asked) - set(request.measures)) if request.measures else []:
        raise _refused(
            f"request {request.request_id} is not about {', '.join(beyond)}",
            remedy="Only what is behind the result under appeal is released; log a request of its own for the other.",
        )
    if without := sorted(set(asked) - _measures_with_claims(site, facts, request, run)):
        raise _refused(
            f"{request.unit_id} was shown no result of {', '.join(without)}",
            remedy="Name a measure of its own report: --measure ID.",
        )
    return asked


def _measures_with_claims(site: Site, facts: Facts, request: Request, run: Run) -> frozenset[str]:
    """Those shown to the unit whose result is its own; a solo clinician is shown the results of its group."""
    shown = measures_shown(site, facts, request.cycle, request.unit_id, run_id=run.run_id)
    return shown & measures_of_unit(run, request.unit_id)


def _refused(said: str, *, remedy: str) -> Refused:
    return Refused(said, reasons=(reason("G16", CLAIMS, "fail", said),), remedy=remedy)


def _age_recipient(contacts: Contacts, unit_id: str) -> str:
    """The key that the unit registered; data leave by no other way."""
    contact = contacts.usable(unit_id, "age")
    if contact is None or contact.age_recipient is None:
        said = f"{unit_id} has no age key of its own on record, and claims leave sealed for it alone"
        raise Refused(
            said,
            reasons=(reason("G22", "42 CFR 401.713(a)", "fail", said),),
            remedy='Ask it for its public key (age-keygen), add it to the contacts file (channel "age"), and run `qe run`.',
        )
    return contact.age_recipient


def _with_terms(site: Site, asked: Sequence[str]) -> tuple[str, ...]:
    """The measures, and of a quotient the two measures that it is made of: they are behind it."""
    modules = catalogue(site.measure_folders)
    found: list[str] = []
    for measure_id in asked:
        one = next(one for one in find(modules, measure_id).facts.measures if one.id == measure_id)
        found += [measure_id, *(one.quotient or ())]
    return tuple(dict.fromkeys(found))


def _medicare_sources(lineage: RunLineage) -> frozenset[str]:
    return frozenset(source.source_id for source in lineage.sources if source.payer_type == MEDICARE)


def _package(
    site: Site,
    request: Request,
    unit: ProviderOrSupplier,
    run: Run,
    behind: BehindResult,
    asked: Sequence[str],
    *,
    written_on: date,
) -> Package:
    acknowledged = () if request.acknowledged is None else (("Acknowledged", request.acknowledged.effective_on),)
    letter = print_request_letter(
        site,
        "data_release",
        request,
        unit=unit,
        written_on=written_on,
        dates=(*acknowledged, ("Released", written_on)),
        rows=tuple((f"Events behind {one.name}", _counted(one)) for one in behind.shares),
        paragraphs=request_words.data_release(
            other_payers=sum(one.other_payers for one in behind.shares),
            partly=sum(one.partly for one in behind.shares),
            without_names="beneficiaries" not in behind.tables,
        ),
    )
    about = {
        "request_id": request.request_id,
        "cycle": request.cycle,
        "run_id": run.run_id,
        "unit_id": request.unit_id,
        "measures": list(asked),
        "released_on": written_on.isoformat(),
    }
    return lay_out(behind, letter=letter, about=about)


def _counted(one: MeasureShare) -> str:
    return f"{one.events:,}: {one.enclosed:,} of Medicare, enclosed; {one.other_payers:,} of other payers, not enclosed"


def _decide(
    site: Site,
    facts: Facts,
    lineage: RunLineage,
    request: Request,
    unit: ProviderOrSupplier,
    package: Package,
    whole: bytes,
    behind: BehindResult,
) -> Decision:
    artefact = Artefact(
        kind=ArtefactKind.PROVIDER_DATA_EXTRACT,
        sha256=sha256(whole).hexdigest(),
        operator=site.settings.entity.organisation,
        lineage=lineage,
        cycle=request.cycle,
        analysis_id=request.cycle if request.about == "analysis" else "",
        request_id=request.request_id,
        identified=frozenset({unit.unit_id}),
        persons=persons_in(package.files, lineage=behind.lineage),
        identifiers_found=identifiers_found(package.files),
        channel="age",
    )
    return decide(site, facts, artefact, recipient_of(unit))


def _fulfilment(
    request: Request,
    run: Run,
    asked: Sequence[str],
    package: Package,
    whole: bytes,
    behind: BehindResult,
    decision: Decision,
    *,
    on: date,
) -> NewEvent:
    assert decision.artefact.persons is not None
    named = behind.tables["beneficiaries"]["person_id"].n_unique() if "beneficiaries" in behind.tables else 0
    return NewEvent(
        kind="request_fulfilled",
        effective_on=on,
        payload={
            "request_id": request.request_id,
            "cycle": request.cycle,
            "unit_id": request.unit_id,
            "run_id": run.run_id,
            "measures": list(asked),
            "channel": "age",
            "package_sha256": sha256(whole).hexdigest(),
            "manifest_sha256": package.manifest_sha256,
            "events": package.rows["events"],
            "events_not_enclosed": sum(one.other_payers for one in behind.shares),
            "claims": package.rows["claims"],
            "lines": package.rows["claim_lines"],
            "fills": package.rows["fills"],
            "persons": decision.artefact.persons.identified,
            "named": named,
        },
        key=f"request_fulfilled:{request.request_id}",
    )


def _require_same(request: Request, new: NewEvent) -> None:
    """The package recorded and not written is written as it was recorded, or not at all."""
    assert request.fulfilled is not None
    if request.fulfilled.text("package_sha256") != new.payload["package_sha256"]:
        raise InputError(
            f"the package recorded for {request.request_id} was never written, and its content would be another now",
            remedy="Take its event back (qe record fact_retracted retracts=ID) and release again.",
        )


def release_data(planned: DataRelease, ledger: Ledger, *, at: datetime, actor: str) -> Path | None:
    """Record the release, then write its sealed package; None where both are done. Nothing is written when the gate refuses."""
    if planned.is_done:
        return None
    permit = planned.decision.require(refusal_of(planned))
    permit.redeem(
        sha256=sha256(planned.whole).hexdigest(),
        recipient=recipient_of(planned.unit),
        on=planned.facts.on,
        head=planned.facts.head,
    )
    if planned.event is not None:
        ledger.append([planned.event], at=at, actor=actor, expected_head=planned.facts.head)
    return packages.write_sealed(planned.path, planned.whole, age_recipient=planned.age_recipient)


def refusal_of(planned: DataRelease) -> str:
    return f"no data may be released for request {planned.request.request_id} on {planned.facts.on}"


def counts_of(planned: DataRelease) -> Mapping[str, int]:
    """Rows of each table, and the events that are not enclosed: what `--dry-run` shows before anything is done."""
    return {**planned.package.rows, "events_not_enclosed": sum(one.other_payers for one in planned.shares)}
