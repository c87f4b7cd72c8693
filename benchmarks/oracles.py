"""Does every measure say what an independent reading of its method says? Each module on generated persons, row by row.

An oracle under tests/oracles is plain Python, written from the module's method.md without its SQL. It reads the rows of the
claims model and gives, for every event considered, why it is left out, its value, and what else the method states of it.
Every row must agree with the engine's, in both directions. Licensed lists are the invented ones of measures/_stand_ins.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.site import generated, modelled, site_over
from benchmarks.strewn import strewn
from qe import bundled, warehouse
from qe.claims.load import ClaimsModel
from qe.measurement import value_sets
from qe.measurement.compute import MeasureEvents, compute
from qe.measurement.measure import load
from qe.periods import MeasurePeriod, twelve_months_ending
from qe.progress import Progress, Silent
from qe.site import Site
from qe.warehouse import Warehouse
from tests.oracles import (
    ahrq_pqi,
    awv,
    days_covered,
    ed_avoidable,
    generic_dispensing,
    low_value_care,
    mcc_admissions,
    mspb_like,
    readmission,
    screening,
    supd,
    total_cost_index,
)
from tests.oracles.model_rows import Answer, Answers, Lists, Model, read

MEASURES = bundled.folder("measures")
Oracle = Callable[..., Answers]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One module read by its oracle, with the parameters of both where they are not the defaults."""

    module_id: str
    oracle: Oracle
    parameters: Mapping[str, object]

    @property
    def name(self) -> str:
        chosen = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.module_id} ({chosen})" if chosen else self.module_id


def _of(module_id: str, oracle: Oracle, **parameters: object) -> Reading:
    return Reading(module_id=module_id, oracle=oracle, parameters=parameters)


READINGS = (
    _of("ahrq_pqi", ahrq_pqi.answers),
    _of("generic_dispensing", generic_dispensing.answers),
    _of("generic_dispensing", generic_dispensing.answers, equivalents="bounded", products="with_generic"),
    _of("awv", awv.answers),
    _of("supd", supd.answers),
    *(_of(f"pdc_{name}", days_covered.answers) for name in ("statins", "rasa", "diabetes")),
    _of("pdc_statins", days_covered.answers, age_on="last_day", min_period_days=92, ip_snf_adjust="on"),
    _of("ed_avoidable", ed_avoidable.answers),
    _of("mcc_admissions", mcc_admissions.answers),
    _of("mcc_admissions", mcc_admissions.answers, min_age=18, coverage_rule="censor"),
    _of("hf_readmission", readmission.heart_failure),
    _of("hf_readmission", readmission.heart_failure, min_age=18, covid_exclusion="on"),
    _of("mspb_like", mspb_like.answers),
    _of("mspb_like", mspb_like.answers, mspb_version="2013", cap_percentile=90),
    _of("low_value_care", low_value_care.answers),
    _of("bcs", screening.bcs),
    _of("bcs", screening.bcs, months_before=12),
    _of("col", screening.col),
    _of("total_cost_index", total_cost_index.answers),
    _of("total_cost_index", total_cost_index.answers, cap_percentile=90),
    _of("hwr", readmission.hwr),
    _of("hwr", readmission.hwr, min_age=65, cancer_rule="all", covid_exclusion="on"),
)


PLAIN = tuple(reading for reading in READINGS if not reading.parameters)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One reading. disagreements: by what differs (missing, extra, reasons, value, ...), how many rows.

    rows         events that either side considers
    in_numerator events of the denominator with a value above 0
    excluded     events by the rule that leaves them out
    """

    persons: int
    rows: int
    in_denominator: int
    in_numerator: int
    excluded: Mapping[str, int]
    disagreements: Mapping[str, int]
    seconds_of_oracle: float
    seconds_of_engine: float


def compare(reading: Reading, db: Warehouse, model: Model, period: MeasurePeriod) -> Compared:
    """What the engine computes on `db` against what the oracle reads in the same rows."""
    began = time.monotonic()
    expected = reading.oracle(
        model, Lists(MEASURES, reading.module_id), start=period.start, end=period.end, **reading.parameters
    )
    between = time.monotonic()
    module = load(MEASURES / reading.module_id)
    found = compute(
        db, module, period=period, parameters=reading.parameters, attribution=None, lists=value_sets.stand_ins(module)
    )
    ended = time.monotonic()
    faults = differences(expected, found)
    return Compared(
        persons=len({answer.person_id for answer in expected.values()}),
        rows=len(expected),
        in_denominator=sum(not answer.reasons for answer in expected.values()),
        in_numerator=sum(not answer.reasons and bool(answer.value) for answer in expected.values()),
        excluded=dict(sorted(Counter(rule for answer in expected.values() for rule in answer.reasons).items())),
        disagreements=dict(sorted(Counter(what for what, *_ in faults).items())),
        seconds_of_oracle=round(between - began, 1),
        seconds_of_engine=round(ended - between, 1),
    )


def differences(expected: Answers, found: MeasureEvents) -> list[tuple[str, str, str, Any, Any]]:
    """What differs, of which measure and event, and both sides: (what, measure_id, event_id, oracle, engine)."""
    factors: dict[str, set[str]] = {}
    for event_id, factor, value in found.covariates.select("event_id", "factor", "value").iter_rows():
        if value and ":" in factor:
            factors.setdefault(event_id, set()).add(factor)
    faults: list[tuple[str, str, str, Any, Any]] = []
    seen = set()
    for row in found.events.iter_rows(named=True):
        key = row["measure_id"], row["event_id"]
        seen.add(key)
        answer = expected.get(key)
        if answer is None:
            faults.append(("extra", *key, None, row))
            continue
        for what, said, says in _sides(answer, row, factors.get(key[1], set())):
            if said != says:
                faults.append((what, *key, said, says))
    faults += [("missing", *key, answer, None) for key, answer in expected.items() if key not in seen]
    return faults


def _sides(answer: Answer, row: Mapping[str, Any], factors: set[str]) -> list[tuple[str, Any, Any]]:
    sides: list[tuple[str, Any, Any]] = [
        ("person", answer.person_id, row["person_id"]),
        ("reasons", sorted(answer.reasons), sorted(row["exclusion_reasons"])),
        ("in_denominator", not answer.reasons, row["in_denominator"]),
    ]
    sides += [(name, said, row[name]) for name, said in answer.further.items()]
    if not answer.reasons:  # the value of an event that is left out is not stated
        sides.append(("value", answer.value, row["value"]))
    for name in ("exposure", "amount", "cohort"):
        if getattr(answer, name) is not None:
            sides.append((name, getattr(answer, name), row[name]))
    if answer.factors is not None:
        families = {factor.split(":")[0] for factor in factors | set(answer.factors)} & {
            "comorbidity",
            "history",
            "condition",
        }
        own = {factor for factor in factors if factor.split(":")[0] in families}
        sides.append(("factors", sorted(answer.factors), sorted(own)))
    return sides


def over(
    db: Warehouse, period: MeasurePeriod, *, readings: Sequence[Reading] = READINGS, progress: Progress | None = None
) -> dict[str, Compared]:
    """Each of `readings` compared on the claims model in `db`, by its name."""
    bar = progress or Silent()
    model = read(db.connection)
    found = {}
    for reading in readings:
        bar.start(f"comparing {reading.name}")
        found[reading.name] = compare(reading, db, model, period)
        bar.finish()
    return found


@dataclass(frozen=True, kw_only=True)
class Oracles:
    """What was compared: the generated persons as they are, and some of them with rare things strewn over their rows.

    disagreements  names of the readings that differ, with what differs
    """

    persons_planted: int
    persons_strewn: int
    seed: int
    generated: Mapping[str, Compared]
    strewn: Mapping[str, Compared]

    @property
    def disagreements(self) -> tuple[str, ...]:
        return tuple(
            f"{name}, {where}: {dict(one.disagreements)}"
            for where, readings in (("generated", self.generated), ("strewn", self.strewn))
            for name, one in readings.items()
            if one.disagreements
        )


def check(folder: Path, *, persons: int, persons_strewn: int, seed: int, progress: Progress | None = None) -> Oracles:
    """Generate, receive, build, compare every reading. Can be stopped and run again in the same folder."""
    files = generated(folder / f"sample-{persons}-{seed}", persons=persons, seed=seed, progress=progress)
    site = site_over(folder / f"site-{persons}-{seed}", files / "inbox")
    _, model = modelled(site, progress=progress)
    with opened(site, model) as db:
        as_they_are = over(db, period_of(site), progress=progress)
        with changed(db, period_of(site), persons=persons_strewn, seed=seed) as other:
            strewn_over = over(other, period_of(site), progress=progress)
    return Oracles(
        persons_planted=persons,
        persons_strewn=persons_strewn,
        seed=seed,
        generated=as_they_are,
        strewn=strewn_over,
    )


def opened(site: Site, model: ClaimsModel) -> AbstractContextManager[Warehouse]:
    """The claims model, only to read."""
    return warehouse.open_read_only(model.path, site.store_key(), engine=site.engine(), lock=True)


def changed(db: Warehouse, period: MeasurePeriod, *, persons: int, seed: int) -> AbstractContextManager[Warehouse]:
    """Some persons of `db` in memory, with rare things strewn over their rows."""
    return strewn(db, measures=MEASURES, seed=seed, persons=persons, start=period.start, end=period.end)


def period_of(site: Site) -> MeasurePeriod:
    """The 12 months that the site's only reporting period ends."""
    return twelve_months_ending(site.period().end)


def as_result(found: Oracles) -> dict[str, object]:
    return asdict(found)
