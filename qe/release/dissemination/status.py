"""`qe data status`: where each release of data stands, and what stands against it as far as the ledger shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from qe.errors import Reason
from qe.ledger.fold import Facts
from qe.release.analyses.definition import user_of
from qe.release.artefact import Artefact, Recipient, RecipientKind
from qe.release.dissemination.definition import KINDS, DataDefinition
from qe.release.dissemination.release import of_sources, package_name
from qe.release.lineage import lineage_of, run_of
from qe.release.outgoing import decide, is_out
from qe.release.rules.recipients import authorized_user
from qe.site import Site

State = Literal["defined", "determined", "approved", "released"]

OF_THE_BYTES: Final = frozenset({"G12", "G16", "G22", "G23"})  # what `qe data release --dry-run` alone can answer


@dataclass(frozen=True, kw_only=True)
class DataStatus:
    """One release of data on a day. against: the rules that refuse it today by the ledger alone."""

    data_id: str
    state: State
    kind: str
    party_id: str
    topic: str
    start: date
    end: date
    sources: tuple[str, ...]
    fee_dollars: int
    artefact_sha256: str
    against: tuple[Reason, ...]
    released_on: date | None
    is_in_outbox: bool
    rows: int
    persons: int


def status_of(site: Site, facts: Facts, definition: DataDefinition) -> DataStatus:
    """The release of data on the day of `facts`."""
    disclosed = definition.disclosed
    return DataStatus(
        data_id=definition.data_id,
        state=_state(facts, definition),
        kind=definition.kind,
        party_id=definition.party_id,
        topic=definition.topic,
        start=definition.start,
        end=definition.end,
        sources=definition.sources,
        fee_dollars=definition.fee_dollars,
        artefact_sha256=disclosed.text("artefact_sha256") if disclosed else definition.artefact_sha256,
        against=() if disclosed else tuple(_against(site, facts, definition)),
        released_on=disclosed.effective_on if disclosed else None,
        is_in_outbox=disclosed is not None
        and is_out(site, package_name(definition.data_id), on=disclosed.effective_on),
        rows=disclosed.count("rows") if disclosed else 0,
        persons=disclosed.count("persons") if disclosed else 0,
    )


def _state(facts: Facts, definition: DataDefinition) -> State:
    if definition.disclosed:
        return "released"
    if not definition.artefact_sha256:
        return "defined"
    if facts.of("release_approved", bundle_sha256=definition.artefact_sha256):
        return "approved"
    return "determined" if facts.of("deid_recorded", artefact_sha256=definition.artefact_sha256) else "defined"


def _against(site: Site, facts: Facts, definition: DataDefinition) -> Sequence[Reason]:
    known = authorized_user(facts, definition.party_id)
    recipient = user_of(facts, definition.party_id).recipient if known else Recipient(kind=RecipientKind.OTHER)
    artefact = Artefact(
        kind=KINDS[definition.kind],
        sha256=definition.artefact_sha256,
        operator=site.settings.entity.organisation,
        lineage=of_sources(lineage_of(run_of(facts, definition.run_id)), definition.sources),
        analysis_id=definition.data_id,
    )
    return [one for one in decide(site, facts, artefact, recipient).blockers if one.rule not in OF_THE_BYTES]
