"""What a release of data is: asked for by an analyst, and as the ledger holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from qe.disclosure.released_columns import released_columns
from qe.errors import InputError, Refused
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release.artefact import ArtefactKind
from qe.release.lineage import RunLineage
from qe.release.standing import reason

DataKind = Literal["data_deid", "data_patient_identifiable"]

KINDS: Final[Mapping[DataKind, ArtefactKind]] = {
    "data_deid": ArtefactKind.DATA_DEID,
    "data_patient_identifiable": ArtefactKind.DATA_PATIENT_IDENTIFIABLE,
}
ONLY_PERSONS: Final = "person"  # the one table that holds no claims


@dataclass(frozen=True, kw_only=True)
class AskedData:
    """What an analyst asks for.

    columns     of the claims model, like "claim.drg" (`chosen_columns`)
    sources     of claims and fills
    start, end  first and last day on which a claim or fill begins, both inclusive
    """

    data_id: str
    kind: DataKind
    run_id: str
    party_id: str
    topic: str
    purpose: str
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    start: date
    end: date
    fee_dollars: int


@dataclass(frozen=True, kw_only=True)
class DataDefinition:
    """A release of data as it was defined last.

    artefact_sha256  of the staged bytes; "" of patients' data, which are made on the day they go
    disclosed        the data_disclosed of it, or None
    """

    data_id: str
    kind: DataKind
    run_id: str
    party_id: str
    topic: str
    purpose: str
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    start: date
    end: date
    fee_dollars: int
    artefact_sha256: str
    disclosed: LedgerEvent | None

    def require_open(self) -> None:
        """Refused after the disclosure: other bytes under its id would be taken for those that went."""
        if self.disclosed is not None:
            said = f"data release {self.data_id} went to its user on {self.disclosed.effective_on}"
            raise Refused(
                said,
                reasons=(reason("G17", "45 CFR 164.514(c), 42 CFR 401.718", "fail", said),),
                remedy="Define another under an id of its own: it draws codes of its own.",
            )

    def asked(self) -> AskedData:
        """The same as it was asked for: what its content is made from."""
        return AskedData(**{name: getattr(self, name) for name in AskedData.__dataclass_fields__})


def chosen_sources(lineage: RunLineage, sources: Sequence[str]) -> tuple[str, ...]:
    """The sources of the run that were named, sorted; of none, all of them."""
    known = sorted(source.source_id for source in lineage.sources)
    if strange := sorted(set(sources) - set(known)):
        raise InputError(f"{len(strange)} of the sources are none of the run", remedy=f"It has: {', '.join(known)}.")
    return tuple(sorted(set(sources))) or tuple(known)


def definition_of(facts: Facts, data_id: str) -> DataDefinition:
    """The release of data of this id. InputError when there is none on the day of `facts`."""
    defined = facts.of("npa_defined", analysis_id=data_id)
    if not defined or defined[-1].text("kind") not in KINDS:
        raise InputError(
            f"no data release with this id was defined by {facts.on}",
            remedy="Define it: qe data define. Ids: qe data status.",
        )
    return _definition(facts, defined[-1])


def definitions(facts: Facts) -> tuple[DataDefinition, ...]:
    """All of them, each as it was defined last, in order of their ids."""
    newest = {one.text("analysis_id"): one for one in facts.of("npa_defined") if one.text("kind") in KINDS}
    return tuple(_definition(facts, event) for _, event in sorted(newest.items()))


def _definition(facts: Facts, event: LedgerEvent) -> DataDefinition:
    disclosed = facts.of("data_disclosed", analysis_id=event.text("analysis_id"))
    return DataDefinition(
        data_id=event.text("analysis_id"),
        kind="data_deid" if event.text("kind") == "data_deid" else "data_patient_identifiable",
        run_id=event.text("run_id"),
        party_id=event.text("party_id"),
        topic=event.text("topic"),
        purpose=event.text("purpose"),
        columns=event.texts("columns"),
        sources=event.texts("sources"),
        start=event.day("period_start"),
        end=event.day("period_end"),
        fee_dollars=event.count("fee_dollars"),
        artefact_sha256=event.text("artefact_sha256"),
        disclosed=disclosed[-1] if disclosed else None,
    )


def chosen_columns(tables: Sequence[str], *, only: Sequence[str], without: Sequence[str]) -> tuple[str, ...]:
    """The columns of the chosen tables: in a table of which `only` names any these, else all; but those `without`. Sorted.

    only, without  like "claim.drg", by their names in the claims model. InputError for a table or column that may not leave.
    """
    known = {table: [one.column for one in released] for table, released in released_columns().items()}
    if strange := set(tables) - known.keys():
        raise InputError(f"{len(strange)} of the tables may not leave", remedy=f"Those that may: {', '.join(known)}.")
    if not set(tables) - {ONLY_PERSONS}:
        raise InputError("no table of claims or fills is chosen", remedy=f"Name one: --tables {', '.join(known)}.")
    there = {f"{table}.{column}" for table in tables for column in known[table]}
    if strange := {*only, *without} - there:
        raise InputError(
            f"{len(strange)} of the columns are of no chosen table, or may not leave",
            remedy=f"Write them like claim.drg. There are: {', '.join(sorted(there))}.",
        )
    narrowed = {one.partition(".")[0] for one in only}
    return tuple(sorted(one for one in there - set(without) if one in only or one.partition(".")[0] not in narrowed))


def by_table(columns: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Chosen columns by table, in the order in which they are released."""
    chosen = set(columns)
    found = {
        table: tuple(one.column for one in released if f"{table}.{one.column}" in chosen)
        for table, released in released_columns().items()
    }
    return {table: names for table, names in found.items() if names}
