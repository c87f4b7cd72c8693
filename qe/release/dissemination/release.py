"""`qe data release`: exactly the approved bytes, or the patients of that very day, go to the authorized user, or nothing does.

Staged, recorded, written, then recorded as whole: a release that was stopped in between is finished by the same command with the
same bytes, and the ledger says so before they are written once more. A package that was whole was the user's to fetch: one that
has gone from the outbox since is not made again. More data need a definition of their own, with codes of their own.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import polars as pl

from qe.errors import Refused
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.release.analyses.definition import User, user_of
from qe.release.analyses.identified import mentioned
from qe.release.analyses.patients import count_patients
from qe.release.artefact import NOBODY, Artefact, Decision, Persons
from qe.release.contacts import Channel, Contact, Contacts
from qe.release.dissemination.content import make_data, persons_in, rows_in, suspects_in
from qe.release.dissemination.define import staged_of
from qe.release.dissemination.definition import KINDS, DataDefinition, definition_of
from qe.release.dissemination.staging import StagedData, write_staged
from qe.release.lineage import MEDICARE, RunLineage, lineage_of, run_of
from qe.release.outgoing import Outgoing, decide, is_out, outbox_path, put_out
from qe.release.packages import is_age_recipient
from qe.release.releases import When, require_run_unchanged
from qe.release.standing import reason
from qe.runs import Run
from qe.runs import run_of as run_folder
from qe.site import Site

CARRIES_DATA: Final[tuple[Channel, ...]] = ("age", "courier", "mail")  # a sealed file, or tracked media with it
PACKAGE: Final = "data_package"


@dataclass(frozen=True, kw_only=True, eq=False)
class DataPlan:
    """What would go today, and the gate's answer. is_done: its package lies in the outbox."""

    site: Site
    facts: Facts
    when: When
    definition: DataDefinition
    user: User
    staged: StagedData
    outgoing: Outgoing
    decision: Decision
    is_done: bool


def plan_data(site: Site, ledger: Ledger, *, data_id: str, contacts: Contacts, when: When) -> DataPlan:
    """The data as they would go today, judged by the gate; nothing is written.

    Refused: a package that was whole is not in the outbox any more.
    """
    facts = state_as_of(ledger, when.on)
    definition = definition_of(facts, data_id)
    is_done = _is_out(site, definition)
    if not is_done:
        _require_never_whole(facts, data_id)
    user = user_of(facts, definition.party_id)
    lineage, run = lineage_of(run_of(facts, definition.run_id)), run_folder(site, definition.run_id)
    require_run_unchanged(run, lineage)
    staged = _staged(site, definition, user, run, when=when)
    contact = contact_for_data(contacts, user)
    times_begun = len(facts.of(PACKAGE, analysis_id=data_id, state="begun_again"))
    outgoing = _outgoing(site, definition, user, staged, run, lineage, contact, times_begun=times_begun, when=when)
    return DataPlan(
        site=site,
        facts=facts,
        when=when,
        definition=definition,
        user=user,
        staged=staged,
        outgoing=outgoing,
        decision=decide(site, facts, outgoing.artefact, outgoing.recipient, at=when.instant),
        is_done=is_done,
    )


def _is_out(site: Site, definition: DataDefinition) -> bool:
    on = definition.disclosed
    return on is not None and is_out(site, package_name(definition.data_id), on=on.effective_on)


def _require_never_whole(facts: Facts, data_id: str) -> None:
    """A second package of bytes that the user may have fetched would be a disclosure that nothing asked for."""
    for whole in facts.of(PACKAGE, analysis_id=data_id, state="whole"):
        said = f"the package of data release {data_id} was whole in the outbox on {whole.effective_on}, and is not there now"
        raise Refused(
            said,
            reasons=(reason("G17", "42 CFR 401.718", "fail", said),),
            remedy="Restore the outbox from its backup, or define another release under an id of its own: qe data define.",
        )


def release(plan: DataPlan, ledger: Ledger, *, actor: str) -> None:
    """Keep the bytes sealed, record the disclosure, write the package, record it as whole; nothing where the gate refuses.

    Stopped after the event, the next call finds the same bytes staged, asks the gate again, records that it begins again, and
    writes them; stopped after the package, it records that this is whole, and writes nothing.
    """
    if not plan.is_done:
        plan.decision.require(plan.outgoing.said)
        if plan.definition.disclosed is None and plan.definition.kind == "data_patient_identifiable":
            write_staged(plan.site, plan.staged)
        put_out(plan.site, ledger, plan.facts, [plan.outgoing], at=plan.when.at, actor=actor, instant=plan.when.instant)
    if not plan.facts.of(PACKAGE, analysis_id=plan.definition.data_id, state="whole"):
        ledger.append(
            [_package(plan.definition, plan.staged, "whole", 1, when=plan.when)], at=plan.when.at, actor=actor
        )


def _staged(site: Site, definition: DataDefinition, user: User, run: Run, *, when: When) -> StagedData:
    if definition.kind == "data_deid" or definition.disclosed is not None:
        return staged_of(site, definition)
    return make_data(site, run, definition.asked(), user, on=when.on)


def contact_for_data(contacts: Contacts, user: User) -> Contact | None:
    """How data reach the user: sealed for a key of its own, sent as a file or carried on tracked media; None without one."""
    found = [
        one
        for name in user.known_as
        for one in contacts.of(name)
        if one.channel in CARRIES_DATA
        and one.lacking is None
        and one.age_recipient
        and is_age_recipient(one.age_recipient)
    ]
    return min(found, key=lambda one: CARRIES_DATA.index(one.channel), default=None)


def _outgoing(
    site: Site,
    definition: DataDefinition,
    user: User,
    staged: StagedData,
    run: Run,
    lineage: RunLineage,
    contact: Contact | None,
    *,
    times_begun: int,
    when: When,
) -> Outgoing:
    artefact = _artefact(site, definition, user, staged, run, lineage, contact, when=when)
    day = when.on if definition.disclosed is None else definition.disclosed.effective_on
    return Outgoing(
        said=f"data release {definition.data_id} may not go to {user.party_id} on {when.on}",
        artefact=artefact,
        recipient=user.recipient,
        files=staged.files,
        contact=contact,
        path=outbox_path(site, contact.channel if contact else "age", package_name(definition.data_id), on=day),
        package_id=definition.data_id,
        intent=_disclosed(definition, staged, artefact, when=when)
        if definition.disclosed is None
        else _package(definition, staged, "begun_again", times_begun + 1, when=when),
        is_data=True,
    )


def _artefact(
    site: Site,
    definition: DataDefinition,
    user: User,
    staged: StagedData,
    run: Run,
    lineage: RunLineage,
    contact: Contact | None,
    *,
    when: When,
) -> Artefact:
    """What the gate judges: sources, labels and persons as the rows themselves have them."""
    is_deidentified = definition.kind == "data_deid"
    units = pl.read_parquet(run.results / "unit.parquet")
    return Artefact(
        kind=KINDS[definition.kind],
        sha256=staged.sha256,
        operator=site.settings.entity.organisation,
        lineage=of_sources(lineage, staged.sources),
        release_id=definition.data_id,
        analysis_id=definition.data_id,
        identified=mentioned(staged.files, units, besides=frozenset({user.unit_id} - {""})),
        persons=NOBODY if is_deidentified else _persons(site, run, staged, user, when=when),
        identifiers_found=suspects_in(staged, is_deidentified=is_deidentified),
        channel=contact.channel if contact else "",
    )


def of_sources(lineage: RunLineage, sources: tuple[str, ...]) -> RunLineage:
    """The lineage of data: the sources whose claims or fills are in it, with their labels, and no measure."""
    own = tuple(one for one in lineage.sources if one.source_id in sources)
    return replace(lineage, sources=own, measures=())


def _persons(site: Site, run: Run, staged: StagedData, user: User, *, when: When) -> Persons:
    """Everybody in the bytes, each looked up again among the patients of the day of the disclosure."""
    return count_patients(site, run, persons=sorted(persons_in(staged)), unit_id=user.unit_id, on=when.on)


def _disclosed(definition: DataDefinition, staged: StagedData, artefact: Artefact, *, when: When) -> NewEvent:
    assert artefact.lineage is not None and artefact.persons is not None
    is_free = {source.payer_type for source in artefact.lineage.sources} == {MEDICARE}
    return NewEvent(
        kind="data_disclosed",
        effective_on=when.on,
        payload={
            "analysis_id": definition.data_id,
            "party_id": definition.party_id,
            "artefact_sha256": staged.sha256,
            "basis": "medicare_free" if is_free else "combined",
            "persons": artefact.persons.identified,
            "rows": sum(rows_in(staged).values()),
        },
        key=f"data_disclosed:{definition.data_id}",
    )


def _package(
    definition: DataDefinition, staged: StagedData, state: Literal["begun_again", "whole"], time: int, *, when: When
) -> NewEvent:
    """time: which one of its state it is."""
    return NewEvent(
        kind=PACKAGE,
        effective_on=when.on,
        payload={"analysis_id": definition.data_id, "artefact_sha256": staged.sha256, "state": state},
        key=f"{PACKAGE}:{definition.data_id}:{state}:{time}",
    )


def package_name(data_id: str) -> str:
    return f"data-{data_id}"
