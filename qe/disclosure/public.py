"""What the public may see: rounded figures of units with enough cases, small cells hidden, every cell checked again afterwards.

Order of protection (rules.md section 3): a minimum denominator that is wider than the policy; then the whole row of a small cell;
then rows that with others tell the count of a hidden one, as a composite and all its components but one do. A hidden row shows no
denominator either: beside a benchmark that it alone sets, its denominator would tell its count.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Literal

import polars as pl

from qe.disclosure.audit import AuditedRow, audit
from qe.disclosure.notes import NoteCode
from qe.disclosure.results import MODELLED, PublicRelease, PublicResult
from qe.disclosure.rows import key_of
from qe.disclosure.together import hidden_beside, told_together

LEVEL_ORDER: Final = {"facility": 0, "group": 1, "clinician": 2, "area": 3}


@dataclass(frozen=True, kw_only=True)
class PublicMeasure:
    """What suppression needs to know of a measure.

    composite_of  of a composite, the measures that it adds up
    quotient_of  of a quotient of two measures in dollars, the first of them: where that one's row is hidden, so is this
    """

    measure_id: str
    name: str
    kind: Literal["proportion", "rate", "mean", "amount_ratio"]
    composite_of: tuple[str, ...] = ()
    quotient_of: str | None = None

    @property
    def precision(self) -> "PublicPrecision":
        return QUOTIENT if self.quotient_of else PRECISION[self.kind]


@dataclass(frozen=True, kw_only=True)
class PublicPrecision:
    """Decimals of every public figure. CSV, JSON, pages and PDF print the same rounded number."""

    rate: int
    interval: int
    ratio: int = 2
    benchmark: int = 3


PRECISION: Final = {
    "proportion": PublicPrecision(rate=3, interval=3),
    "rate": PublicPrecision(rate=4, interval=4),
    "mean": PublicPrecision(rate=1, interval=1),
    "amount_ratio": PublicPrecision(rate=0, interval=2, benchmark=0),
}
QUOTIENT: Final = PublicPrecision(rate=2, interval=2, benchmark=2)


def for_public(
    results: pl.DataFrame,
    *,
    measures: Sequence[PublicMeasure],
    units: pl.DataFrame,
    min_count: int,
    confidence: float = 0.95,
) -> PublicRelease:
    """The rows of data/results.csv with small cells hidden, and what the interval check still finds in them.

    results  measure_results of the units that may be named; only payer scope "all" is published
    units    unit_id, level, id_type, identifier, name, county_fips; a group is named by its unit id, never by a TIN
    confidence  of the printed intervals, which the check inverts
    """
    known = {measure.measure_id: measure for measure in measures}
    named = {(row["unit_id"], row["level"]): row for row in units.iter_rows(named=True)}
    judged: list[tuple[dict[str, Any], dict[str, Any], PublicMeasure, NoteCode | None]] = []
    whole = list(results.filter(pl.col("payer_scope") == "all").iter_rows(named=True))
    same = {(row["measure_id"], row["provider_id"], row["level"]): row for row in whole}
    for row in whole:
        unit = named.get((row["provider_id"], row["level"]))
        if unit is None or row["measure_id"] not in known:
            continue
        measure = known[row["measure_id"]]
        note = _note(row, measure, min_count)
        if note is None and measure.quotient_of is not None:
            first = same.get((measure.quotient_of, row["provider_id"], row["level"]))
            note = NoteCode.SMALL_CELL if first is None else _note(first, known[measure.quotient_of], min_count)
        judged.append((row, unit, measure, note))
    modelled = frozenset(results.filter(pl.col("engine").is_in(list(MODELLED)))["measure_id"].unique())
    components = {one.measure_id: one.composite_of for one in measures if one.composite_of}
    rows = [_public(*one) for one in judged]
    beside = hidden_beside(list(_audited(rows, known, confidence, modelled)), components, min_count=min_count)
    rows = [
        _public(row, unit, measure, note or (NoteCode.SMALL_CELL if key_of(shown) in beside else None))
        for (row, unit, measure, note), shown in zip(judged, rows, strict=True)
    ]
    rows.sort(key=lambda row: (row.measure_id, LEVEL_ORDER[row.level], row.public_id))
    audited = list(_audited(rows, known, confidence, modelled))
    return PublicRelease(
        results=tuple(rows),
        findings=(*audit(audited, min_count=min_count), *told_together(audited, components, min_count=min_count)),
        cells_checked=len(audited),
        cells_hidden=sum(row.note_code is not None for row in rows),
    )


def _note(row: dict[str, Any], measure: PublicMeasure, min_count: int) -> NoteCode | None:
    """Why this row is hidden, or None."""
    if row["category"] == "too_few":
        return NoteCode.TOO_FEW
    if not row["publishable"]:
        return NoteCode.NOT_PUBLISHABLE
    if measure.kind == "proportion":
        counts = [row["denominator"], row["numerator"], row["denominator"] - row["numerator"]]
        if any(0 < count < min_count for count in counts):
            return NoteCode.SMALL_CELL
    else:
        few_events = measure.kind == "rate" and 0 < row["numerator"] < min_count
        if (
            few_events or row["denominator"] < 12 * min_count
        ):  # fewer member months than min_count persons have in a year
            return NoteCode.SMALL_CELL
    return None


def _public(row: dict[str, Any], unit: dict[str, Any], measure: PublicMeasure, note: NoteCode | None) -> PublicResult:
    precision = measure.precision
    shown = None if note is not None else public_figures(row, measure)
    public_id = unit["unit_id"] if unit["level"] == "group" or unit["id_type"] == "TIN" else unit["identifier"]
    return PublicResult(
        measure_id=measure.measure_id,
        measure_name=measure.name,
        level=row["level"],
        public_id=public_id,
        provider_name=unit["name"] or public_id,
        peer_group=row["peer_group"] or "",
        area=unit["county_fips"] or "",
        period_start=row["period_start"],
        period_end=row["period_end"],
        denominator=shown.denominator if shown else None,
        rate=shown.rate if shown else None,
        ci_low=shown.ci_low if shown else None,
        ci_high=shown.ci_high if shown else None,
        expected=shown.expected if shown else None,
        ratio=shown.ratio if shown else None,
        benchmark=rounded(row["achievable_benchmark"], precision.benchmark),
        category=None if note in (NoteCode.SMALL_CELL, NoteCode.NOT_PUBLISHABLE) else row["category"],
        note_code=None if note is None else str(note),
    )


@dataclass(frozen=True, kw_only=True)
class PublicFigures:
    """A unit's own figures of one measure with the decimals that are published. expected: per case, beside a ratio alone."""

    denominator: Decimal
    rate: float | None
    ci_low: float | None
    ci_high: float | None
    expected: float | None
    ratio: float | None


def public_figures(row: Mapping[str, Any], measure: PublicMeasure) -> PublicFigures:
    """The figures of a row of measure_results as every public page prints them, were they shown."""
    precision, has_ratio = measure.precision, row["ratio"] is not None
    interval = precision.ratio if has_ratio else precision.interval
    expected = row["expected"] / float(row["denominator"]) if has_ratio else None
    return PublicFigures(
        denominator=Decimal(row["denominator"]).quantize(Decimal(1)),
        rate=rounded(row["observed"], precision.rate),
        ci_low=rounded(row["ci_low"], interval),
        ci_high=rounded(row["ci_high"], interval),
        expected=rounded(expected, precision.rate),
        ratio=rounded(row["ratio"], precision.ratio),
    )


def rounded(value: float | None, decimals: int) -> float | None:
    """Half-even at `decimals`, from the shortest text of the float, so that every page prints the same digits."""
    if value is None:
        return None
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN))


def _audited(
    rows: Sequence[PublicResult], known: dict[str, PublicMeasure], confidence: float, modelled: frozenset[str]
) -> Iterator[AuditedRow]:
    """modelled: measures whose ratio is predicted over expected."""
    for row in rows:
        precision = known[row.measure_id].precision
        yield AuditedRow(
            result=row,
            is_count=known[row.measure_id].kind == "proportion",
            is_rate=known[row.measure_id].kind == "rate",
            rate_decimals=precision.rate,
            ratio_decimals=precision.ratio,
            interval_decimals=precision.interval if row.ratio is None else precision.ratio,
            confidence=confidence,
            is_modelled=row.measure_id in modelled,
        )
