"""`qe npa define` and the approval: stage the bytes of an analysis, record what it is, bind a second person to those bytes."""

from dataclasses import dataclass

from qe.errors import InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts
from qe.regulation import CITATION
from qe.release.analyses.definition import KINDS, Analysis, Asked, User, analysis_of
from qe.release.analyses.staging import StagedAnalysis, read_staged, write_staged
from qe.release.approval import Checked, approve_bytes
from qe.release.cycles import require_no_cycle
from qe.release.releases import When
from qe.release.standing import reason
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class Defined:
    """What a definition gave. is_new: it was not defined so before."""

    staged: StagedAnalysis
    is_new: bool


def require_definable(facts: Facts, asked: Asked, user: User) -> None:
    """Refuse what can never be released: persons for somebody who is no provider or supplier; a change after the release."""
    require_no_cycle(asked.analysis_id)
    if asked.kind == "npa_patient_identifiable" and not user.unit_id:
        said = "an analysis that identifies persons goes to a provider or supplier of our data alone"
        raise Refused(
            f"{said} (42 CFR 401.716(b)(2))",
            reasons=(reason("G9", "42 CFR 401.716(b)(2)", "fail", said),),
            remedy="Record the user with its unit: qe record user_authorised ... unit_id=U000012.",
        )
    if asked.release_on < facts.on:
        raise InputError("the release date lies in the past", remedy="Give --release-on a day from today on.")
    if defined := facts.of("npa_defined", analysis_id=asked.analysis_id):
        if defined[-1].text("kind") not in KINDS:
            raise InputError("this id is that of a data release", remedy="Give the analysis an id of its own.")
        analysis_of(facts, asked.analysis_id).require_open()


def define(
    site: Site,
    ledger: Ledger,
    facts: Facts,
    *,
    asked: Asked,
    staged: StagedAnalysis,
    when: When,
    actor: str,
    dry_run: bool,
) -> Defined:
    """Stage the bytes, then record what they are. The same definition is recorded once."""
    payload, known = _payload(asked, staged), facts.of("npa_defined", analysis_id=asked.analysis_id)
    is_known = bool(known) and dict(known[-1].payload) == payload
    key = f"npa_defined:{asked.analysis_id}:{staged.sha256}:{len(known)}"
    event = NewEvent(kind="npa_defined", effective_on=when.on, payload=payload, key=key)
    if not dry_run:
        write_staged(site, staged)
        if not is_known:
            ledger.append([event], at=when.at, actor=actor, expected_head=facts.head)
    return Defined(staged=staged, is_new=not is_known)


def _payload(asked: Asked, staged: StagedAnalysis) -> dict[str, PayloadValue]:
    return {
        "analysis_id": asked.analysis_id,
        "kind": asked.kind,
        "run_id": asked.run_id,
        "party_id": asked.party_id,
        "topic": asked.topic,
        "purpose": asked.purpose,
        "measures": sorted(set(asked.measures)),
        "areas": sorted(set(staged.areas)),
        "period_start": staged.period_start.isoformat(),
        "period_end": staged.period_end.isoformat(),
        "fee_dollars": asked.fee_dollars,
        "levels": sorted(set(asked.levels)),
        "units": sorted(staged.identified),
        "release_on": asked.release_on.isoformat(),
        "artefact_sha256": staged.sha256,
    }


def approve(
    site: Site, ledger: Ledger, facts: Facts, *, analysis_id: str, when: When, actor: str, dry_run: bool
) -> tuple[StagedAnalysis, tuple[LedgerEvent, ...]]:
    """Bind `actor` to exactly the staged bytes: the result of their cell check, then the approval.

    Refused when the check found cells and, outside a rehearsal, when the actor made the run or defined the analysis.
    """
    analysis = analysis_of(facts, analysis_id)
    analysis.require_open()
    staged = staged_of(site, analysis)
    makers = frozenset(
        event.actor
        for event in (
            *facts.of("run_completed", run_id=staged.run_id),
            *facts.of("npa_defined", analysis_id=analysis_id),
        )
    )
    checked = Checked(
        release_id=analysis_id,
        sha256=staged.sha256,
        cells_checked=staged.cells_checked,
        cells_hidden=staged.cells_hidden,
        findings=staged.findings,
        said=f"{staged.findings} cells of the staged files could be narrowed down to 1 to 10 persons",
        paragraph=CITATION["cell_size"],
        remedy="Leave the measure out, or define the analysis by wider areas.",
    )
    recorded = approve_bytes(
        site, ledger, facts, checked, makers=makers, made="analysis", when=when, actor=actor, dry_run=dry_run
    )
    return staged, recorded


def staged_of(site: Site, analysis: Analysis) -> StagedAnalysis:
    """The staged bytes of a defined analysis. InputError when others are staged than were recorded."""
    staged = read_staged(site, analysis.analysis_id, kind=analysis.kind)
    if staged.sha256 != analysis.artefact_sha256:
        raise InputError(
            f"what is staged for {analysis.analysis_id} is not what was recorded",
            remedy="Define it again: qe npa define.",
        )
    return staged
