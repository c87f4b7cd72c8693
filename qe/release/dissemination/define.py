"""`qe data define | determine`, and the approval: stage de-identified bytes, record what they are, determine and approve those.

Data about a recipient's own patients are made on the day they go, so that nothing of them is staged, determined or approved before.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from qe.errors import Fault, Findings, InputError, Refused
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts
from qe.release.analyses.definition import User, user_of
from qe.release.approval import Checked, approve_bytes
from qe.release.artefact import RecipientKind
from qe.release.cycles import require_no_cycle
from qe.release.dissemination.content import cells_in, make_data, safe_harbor_faults
from qe.release.dissemination.definition import KINDS, AskedData, DataDefinition, DataKind, definition_of
from qe.release.dissemination.staging import StagedData, is_staged, read_staged, write_staged
from qe.release.gate import TABLE
from qe.release.handover import evidence_sha256
from qe.release.lineage import lineage_of, run_of
from qe.release.releases import When, require_run_unchanged
from qe.release.rules.participation import require_may_work
from qe.release.rules.recipients import ALLOWED
from qe.runs import run_of as run_folder
from qe.site import Site

Method = Literal["safe_harbor", "expert"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DefinedData:
    """What a definition gave. staged: of patients' data as they would be today; is_new: it was not defined so before."""

    staged: StagedData
    is_new: bool


def define(
    site: Site, ledger: Ledger, facts: Facts, asked: AskedData, *, when: When, actor: str, dry_run: bool
) -> DefinedData:
    """Make the data, stage them where they are de-identified, and record the definition. The same one is recorded once.

    Findings: values that break the safe harbour; nothing is staged then.
    """
    user = user_of(facts, asked.party_id)
    require_definable(facts, asked, user)
    if known := _known(site, facts, asked):
        return DefinedData(staged=known, is_new=False)
    staged = _made(site, facts, asked, user, on=when.on)
    payload, before = _payload(asked, staged), facts.of("npa_defined", analysis_id=asked.data_id)
    is_new = not before or dict(before[-1].payload) != payload
    if not dry_run:
        if asked.kind == "data_deid":
            write_staged(site, staged)
        if is_new:
            key = f"npa_defined:{asked.data_id}:{staged.sha256}:{len(before)}"
            event = NewEvent(kind="npa_defined", effective_on=when.on, payload=payload, key=key)
            ledger.append([event], at=when.at, actor=actor, expected_head=facts.head)
    return DefinedData(staged=staged, is_new=is_new)


def require_definable(facts: Facts, asked: AskedData, user: User) -> None:
    """Refuse what can never be released: to another kind of recipient, or after the release; an id or span that cannot be."""
    require_may_work(facts)
    require_no_cycle(asked.data_id)
    _require_recipient(asked.kind, user)
    if asked.end < asked.start:
        raise InputError("the last day lies before the first", remedy="Correct --start and --end.")
    defined = facts.of("npa_defined", analysis_id=asked.data_id)
    if defined and defined[-1].text("kind") not in KINDS:
        raise InputError("this id is that of a non-public analysis", remedy="Give the data an id of their own.")
    if defined:
        definition_of(facts, asked.data_id).require_open()


def _require_recipient(kind: DataKind, user: User) -> None:
    """Four kinds of recipient; of patients' data a provider or supplier of our data (401.718(a), (b)(2))."""
    allowed = sorted(recipient for artefact, recipient in TABLE if artefact is KINDS[kind])
    if user.kind not in allowed:
        refusal = ALLOWED.on(KINDS[kind]).fails(f"{_words(user.kind)} may not have such data: {_listed(allowed)} may")
        raise Refused(
            refusal.fact,
            reasons=(refusal,),
            remedy="De-identified data may go to four kinds of user, a non-public analysis to all nine: qe npa.",
        )
    if kind == "data_patient_identifiable" and not user.unit_id:
        refusal = ALLOWED.on(KINDS[kind]).fails("it is not on record which unit of our data the recipient is")
        raise Refused(
            refusal.fact,
            reasons=(refusal,),
            remedy="Record the user with its unit: qe record user_authorised ... unit_id=U000012.",
        )


def _words(kind: RecipientKind) -> str:
    return kind.replace("_", " ")


def _listed(kinds: list[RecipientKind]) -> str:
    return ", ".join(_words(kind) for kind in kinds)


def _known(site: Site, facts: Facts, asked: AskedData) -> StagedData | None:
    """The staged bytes of the same definition, so that its codes, and what was determined of them, stand; None without any."""
    if asked.kind != "data_deid" or not facts.of("npa_defined", analysis_id=asked.data_id):
        return None
    definition = definition_of(facts, asked.data_id)
    if definition.asked() != asked or not is_staged(site, asked.data_id):
        return None
    staged = read_staged(site, asked.data_id)
    return staged if staged.sha256 == definition.artefact_sha256 else None


def _made(site: Site, facts: Facts, asked: AskedData, user: User, *, on: date) -> StagedData:
    lineage = lineage_of(run_of(facts, asked.run_id))
    run = run_folder(site, asked.run_id)
    require_run_unchanged(run, lineage)
    staged = make_data(site, run, asked, user, on=on)
    if asked.kind == "data_deid":
        require_safe_harbor(staged)
    return staged


def require_safe_harbor(staged: StagedData) -> None:
    """Findings that name every column with values that may not leave; no value is repeated."""
    found = safe_harbor_faults(staged)
    if found:
        raise Findings.of(
            [
                Fault(
                    code="safe-harbor",
                    message=f"{one.table}.{one.column}: {one.said} in {one.count:,} rows (45 CFR 164.514(b)(2))",
                    place=f"{one.table}.{one.column}",
                    count=one.count,
                    remedy="Leave the column out (--without), or correct the source; nothing was staged.",
                )
                for one in found
            ]
        )


def _payload(asked: AskedData, staged: StagedData) -> dict[str, PayloadValue]:
    """Of patients' data no bytes are recorded: they are made on the day they go."""
    bytes_staged = {"artefact_sha256": staged.sha256} if asked.kind == "data_deid" else {}
    return {
        "analysis_id": asked.data_id,
        "kind": asked.kind,
        "run_id": asked.run_id,
        "party_id": asked.party_id,
        "topic": asked.topic,
        "purpose": asked.purpose,
        "measures": [],
        "areas": [],
        "period_start": asked.start.isoformat(),
        "period_end": asked.end.isoformat(),
        "fee_dollars": asked.fee_dollars,
        "columns": sorted(asked.columns),
        "sources": sorted(asked.sources),
        **bytes_staged,
    }


def staged_of(site: Site, definition: DataDefinition) -> StagedData:
    """The staged bytes of de-identified data, or of data that were recorded as disclosed. InputError when others are staged."""
    if definition.kind == "data_patient_identifiable" and definition.disclosed is None:
        raise InputError(
            "data about the recipient's own patients are made on the day they go: nothing is staged, determined or approved",
            remedy="Release them: qe data release.",
        )
    recorded = definition.disclosed.text("artefact_sha256") if definition.disclosed else definition.artefact_sha256
    staged = read_staged(site, definition.data_id)
    if staged.sha256 != recorded:
        raise InputError(
            f"what is staged for {definition.data_id} is not what was recorded",
            remedy="Restore store/staged from the backup."
            if definition.disclosed
            else "Define it again: qe data define.",
        )
    return staged


def determine(
    site: Site,
    ledger: Ledger,
    facts: Facts,
    *,
    data_id: str,
    method: Method,
    valid_until: date,
    no_actual_knowledge: bool,
    evidence: Path,
    when: When,
    actor: str,
    dry_run: bool,
) -> NewEvent:
    """Record that exactly the staged bytes are de-identified, by an expert or by the safe harbour (45 CFR 164.514(b)).

    evidence  the expert's signed determination, or the attestation; its hash alone is kept
    """
    definition = definition_of(facts, data_id)
    definition.require_open()
    staged = staged_of(site, definition)
    if valid_until < when.on:
        raise InputError("the determination would have ended already", remedy="Give --valid-until a day from today on.")
    if method == "safe_harbor":
        require_safe_harbor(staged)
    if method == "safe_harbor" and not no_actual_knowledge:
        raise InputError(
            "the safe harbour needs somebody who attests that nobody knows of a person that could be identified",
            remedy="--no-actual-knowledge (45 CFR 164.514(b)(2)(ii)), or have an expert determine it: --method expert.",
        )
    attested = {"no_actual_knowledge": True} if method == "safe_harbor" else {}
    event = NewEvent(
        kind="deid_recorded",
        effective_on=when.on,
        payload={
            "artefact_sha256": staged.sha256,
            "method": method,
            "determined_on": when.on.isoformat(),
            "valid_until": valid_until.isoformat(),
            **attested,
        },
        evidence_sha256=evidence_sha256(evidence),
    )
    if not dry_run:
        ledger.append([event], at=when.at, actor=actor, expected_head=facts.head)
    return event


def approve(
    site: Site, ledger: Ledger, facts: Facts, *, data_id: str, when: When, actor: str, dry_run: bool
) -> tuple[StagedData, tuple[LedgerEvent, ...]]:
    """Bind `actor` to exactly the staged bytes, after every value was checked against its column once more.

    Refused when the check has findings and, outside a rehearsal, when the actor made the run or defined the data.
    """
    definition = definition_of(facts, data_id)
    definition.require_open()
    staged = staged_of(site, definition)
    makers = (
        *facts.of("run_completed", run_id=definition.run_id),
        *facts.of("npa_defined", analysis_id=data_id),
    )
    findings = sum(one.count for one in safe_harbor_faults(staged))
    checked = Checked(
        release_id=data_id,
        sha256=staged.sha256,
        cells_checked=cells_in(staged),
        cells_hidden=0,
        findings=findings,
        said=f"{findings} values of the staged files do not fit their columns",
        paragraph="45 CFR 164.514(b)(2)",
        remedy="Define the data again: qe data define.",
    )
    recorded = approve_bytes(
        site,
        ledger,
        facts,
        checked,
        makers=frozenset(event.actor for event in makers),
        made="data",
        when=when,
        actor=actor,
        dry_run=dry_run,
    )
    return staged, recorded
