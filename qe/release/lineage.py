"""What a run was made from: sources with labels, measures at versions and levels. The gate judges this."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from qe.errors import InputError
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent
from qe.ledger.fold import Facts

MEDICARE: Final = "medicare"


@dataclass(frozen=True, kw_only=True, order=True)
class LineageSource:
    """One source of claims data in a run. labels: part2, pswp, cms_5pct."""

    source_id: str
    payer_type: str
    labels: tuple[str, ...] = ()

    def code(self) -> str:
        return "+".join((f"{self.source_id}:{self.payer_type}", *sorted(self.labels)))


@dataclass(frozen=True, kw_only=True, order=True)
class MeasureAtLevel:
    """One measure at the version and level that a run has results for."""

    measure_id: str
    version: str
    level: str

    def code(self) -> str:
        return f"{self.measure_id}@{self.version}@{self.level}"


@dataclass(frozen=True, kw_only=True)
class RunLineage:
    """The facts of one finished run, computed from its folder.

    results_sha256  of results/measure_results.parquet
    alternatives    the measures that ran as alternative ones; None where a run of an older version did not record it
    """

    run_id: str
    period: str
    manifest_sha256: str
    results_sha256: str
    sources: tuple[LineageSource, ...]
    measures: tuple[MeasureAtLevel, ...]
    alternatives: frozenset[MeasureAtLevel] | None

    def is_alternative(self, measure: MeasureAtLevel) -> bool:
        """Whether its results are those of an alternative measure; not known counts as one."""
        return self.alternatives is None or measure in self.alternatives

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(label for source in self.sources for label in source.labels)


def record_run(ledger: Ledger, lineage: RunLineage, *, on: date, at: datetime, actor: str) -> LedgerEvent:
    """Record that the run is complete, on the day `on`. The same run is recorded once.

    Only a rehearsal that goes back to an earlier day records it again, from that day.
    """
    known = [one for one in ledger.events() if one.kind == "run_completed" and one.text("run_id") == lineage.run_id]
    goes_back = bool(known) and on < min(one.effective_on for one in known)
    event = NewEvent(
        kind="run_completed",
        effective_on=on,
        payload={
            "run_id": lineage.run_id,
            "period": lineage.period,
            "manifest_sha256": lineage.manifest_sha256,
            "results_sha256": lineage.results_sha256,
            "sources": sorted({source.code() for source in lineage.sources}),
            "measures": sorted({measure.code() for measure in lineage.measures}),
            **_alternatives(lineage),
        },
        key=f"run_completed:{lineage.run_id}" + (f":{on}" if goes_back else ""),
    )
    return ledger.append([event], at=at, actor=actor)[0]


def _alternatives(lineage: RunLineage) -> dict[str, list[str]]:
    return {} if lineage.alternatives is None else {"alternatives": sorted(one.code() for one in lineage.alternatives)}


def run_of(facts: Facts, run_id: str) -> LedgerEvent:
    """The event of the finished run `run_id`, the one with the earliest day."""
    found = facts.of("run_completed", run_id=run_id)
    if not found:
        raise InputError(
            f"run {run_id} is not recorded as complete on {facts.on}", remedy="Run `qe run`, or act as of a later day."
        )
    return min(found, key=lambda event: (event.effective_on, event.seq))


def lineage_of(event: LedgerEvent) -> RunLineage:
    """The lineage as run_completed holds it."""
    return RunLineage(
        run_id=event.text("run_id"),
        period=event.text("period"),
        manifest_sha256=event.text("manifest_sha256"),
        results_sha256=event.text("results_sha256"),
        sources=tuple(_source_of(code) for code in event.texts("sources")),
        measures=tuple(_measure_of(code) for code in event.texts("measures")),
        alternatives=(
            frozenset(_measure_of(code) for code in event.texts("alternatives"))
            if "alternatives" in event.payload
            else None
        ),
    )


def _source_of(code: str) -> LineageSource:
    head, *labels = code.split("+")
    source_id, _, payer_type = head.partition(":")
    return LineageSource(source_id=source_id, payer_type=payer_type, labels=tuple(labels))


def _measure_of(code: str) -> MeasureAtLevel:
    measure_id, version, level = code.split("@")
    return MeasureAtLevel(measure_id=measure_id, version=version, level=level)


def narrowed(lineage: RunLineage, measures: Sequence[str]) -> RunLineage:
    """The lineage of an analysis: all sources of the run, its own measures."""
    own = tuple(one for one in lineage.measures if one.measure_id in measures)
    return replace(lineage, measures=own)
