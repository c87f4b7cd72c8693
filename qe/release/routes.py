"""By which route each measure and level could be published here: as it stands, after CMS's approval, or not at all.

Source: 42 CFR 401.715 and rules.md sections 0.8, 0.9 and 1B. What a run is depends on its data too (its period, what it
covers): the run's own kind decides at the gate (G5); this says beforehand what is known without data.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from qe.ledger.fold import Facts
from qe.measurement import value_sets
from qe.measurement.measure import Module
from qe.regulation import ALTERNATIVE_DECISION_DAYS, CITATION
from qe.release.lineage import MEDICARE, MeasureAtLevel
from qe.release.standing import approval_of

Way = Literal["standard", "approval", "none"]
STANDARD_BASIS: Final = f"{CITATION['standard_measure']}(1)"
CANNOT: Final = "cannot"
SUBMIT_BY: Final = (5, 31)  # 401.715(b)(3): month and day by which a measure is submitted for rulemaking


@dataclass(frozen=True, kw_only=True)
class Here:
    """What decides beside the measure itself. The defaults are those of no site: qe as it ships.

    on           the day asked about
    payer_types  of the site's claims sources, or None
    licensed     the site's folder of licensed lists, or None
    parameters   gives [measures.<module>] of qe.toml
    facts        the site's ledger on that day, or None
    """

    on: date
    payer_types: frozenset[str] | None = None
    licensed: Path | None = None
    parameters: Callable[[str], Mapping[str, Any]] = lambda _: {}
    facts: Facts | None = None
    rehearsal: bool = False


@dataclass(frozen=True, kw_only=True)
class Route:
    """How one measure could be published at one level.

    route        standard: as it stands; approval: as an alternative measure that CMS approves; none: not here
    bars         why not, where the route is none
    approved_on  from when the ledger holds the approval that it needs (G5), or None
    earliest     first day of use where it is not approved yet and is submitted today, by process of approval
    """

    measure_id: str
    level: str
    kind: Literal["standard", "alternative"]
    route: Way
    citation: str
    deviations: tuple[str, ...]
    bars: tuple[str, ...]
    approved_by: str | None
    approved_on: date | None
    earliest: Mapping[str, date]

    def in_short(self) -> str:
        """The route in a few words, for a table."""
        if self.route == "none":
            return CANNOT
        if self.approved_on is not None:
            return f"approved ({self.approved_by}) from {self.approved_on}"
        return "as a standard measure" if self.route == "standard" else "after approval"

    def sentence(self) -> str:
        """What the few words mean here."""
        if self.route == "none":
            return f"cannot be published here: {'; '.join(self.bars)}"
        if self.approved_on is not None:
            return f"{self.kind} measure, recorded as approved ({self.approved_by}) from {self.approved_on}"
        if self.route == "standard":
            return f"standard measure ({self.citation}), once that is recorded (qe record measure_approved)"
        ways = ", ".join(f"by {way} from {first}" for way, first in self.earliest.items())
        return f"alternative measure, once CMS approves it ({self.citation}): submitted today, {ways}"

    def as_facts(self) -> dict[str, object]:
        """The entry of `qe measures list --json`."""
        return {
            "level": self.level,
            "kind": self.kind,
            "route": self.route,
            "citation": self.citation,
            "deviations": list(self.deviations),
            "bars": list(self.bars),
            "approved_by": self.approved_by,
            "approved_on": self.approved_on,
            "earliest": dict(self.earliest),
            "sentence": self.sentence(),
        }


def routes(modules: Sequence[Module], here: Here) -> list[Route]:
    """One route a published measure and level, in catalogue order."""
    return [
        route
        for module in modules
        for bars, deviations in [(_bars(module, here), _deviations(module, here))]
        for measure in module.facts.measures
        for level in module.facts.attribution.levels
        for route in [_route(module, measure.id, level, here, bars=bars, deviations=deviations)]
    ]


def notes(found: Sequence[Route]) -> list[str]:
    """What the few words of the table mean, each once: measures that cannot be published by name, the others by the words."""
    told: dict[tuple[str, str], list[str]] = {}
    for one in found:
        if one.approved_on is None or one.route == "none":
            told.setdefault((one.in_short(), one.sentence()), []).append(one.measure_id)
    return [
        f"{', '.join(dict.fromkeys(measures)) if words == CANNOT else words}: {sentence}."
        for (words, sentence), measures in told.items()
    ]


def _route(
    module: Module, measure_id: str, level: str, here: Here, *, bars: tuple[str, ...], deviations: tuple[str, ...]
) -> Route:
    kind = module.standing(deviations)
    measure = MeasureAtLevel(measure_id=measure_id, version=module.version, level=level)
    approval = here.facts and approval_of(
        here.facts, measure, alternative=kind == "alternative", rehearsal=here.rehearsal
    )
    if here.facts and not approval and _disapproved(here.facts, measure):
        bars = (*bars, f"CMS stopped the use of version {module.version} at this level")
    way: Way = "none" if bars else "standard" if kind == "standard" else "approval"
    basis = module.facts.standard.basis
    return Route(
        measure_id=measure_id,
        level=level,
        kind=kind,
        route=way,
        citation=f"{STANDARD_BASIS}({basis})" if kind == "standard" else CITATION["alternative_measure"],
        deviations=deviations,
        bars=bars,
        approved_by=approval.text("route") if approval else None,
        approved_on=approval.day("approved_on") if approval else None,
        earliest={} if approval or way != "approval" else _earliest(here.on),
    )


def _disapproved(facts: Facts, measure: MeasureAtLevel) -> bool:
    return bool(
        facts.of("measure_disapproved", measure_id=measure.measure_id, version=measure.version, level=measure.level)
    )


def _deviations(module: Module, here: Here) -> tuple[str, ...]:
    """What is known to make each run alternative: the measure's own, the site's settings and lists, a basis not read again."""
    standard = module.facts.standard
    values = module.with_parameters(dict(here.parameters(module.id)))
    given = set(value_sets.slots(module, licensed=here.licensed).values())
    found = [*module.standing_deviations(), *module.chosen_deviations(values)]
    found += [name for name, giver in (("partial_lists", "nobody"), ("invented_lists", "stand_in")) if giver in given]
    if standard.basis != "none":
        is_read = bool(standard.citations) and all(one.next_check >= here.on for one in standard.citations)
        found += [] if is_read else ["basis_not_checked"]  # rules.md 0.9: overdue evidence is unknown, and fails
    return tuple(dict.fromkeys(found))


def _bars(module: Module, here: Here) -> tuple[str, ...]:
    """Why no result of the module could be published here at all."""
    given = value_sets.slots(module, licensed=here.licensed)
    listed = module.facts.lists | module.facts.maps
    needed = [name for name, giver in given.items() if giver == "nobody" and listed[name].without == "refuse"]
    invented = [name for name, giver in given.items() if giver == "stand_in"]
    bars = []
    if needed:
        owners = ", ".join(dict.fromkeys(listed[name].owner for name in needed))
        bars.append(f"it needs {', '.join(needed)}, licensed by {owners}, and the file is not placed")
    if invented and not here.rehearsal:
        bars.append(f"{', '.join(invented)} hold invented codes")
    if here.payer_types is not None and MEDICARE not in here.payer_types:
        bars.append(f"the site's sources hold no Medicare claims ({CITATION['combined']})")
    if here.payer_types == frozenset({MEDICARE}):
        bars.append(f"no other payer's claims are combined with Medicare's ({CITATION['combined']})")
    return tuple(bars)


def _earliest(on: date) -> dict[str, date]:
    """The first day of use of an alternative measure that is submitted on the day `on`, by process, if nothing is objected.

    Stakeholder consultation: deemed approved after 60 days (401.715(b)(1)(ii)). Rulemaking: submitted by 31 May for the
    next calendar year, and only with the approval itself (401.715(b)(3)).
    """
    in_time = (on.month, on.day) <= SUBMIT_BY
    return {
        "stakeholder consultation": on + timedelta(days=ALTERNATIVE_DECISION_DAYS + 1),
        "rulemaking": date(on.year + (1 if in_time else 2), 1, 1),
    }
