"""A small cycle of reports: 12 groups, 4 hospitals, 3 measures, one of everything a page must survive."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from qe.disclosure.results import Category, ConfidentialResult, MeasureResult, PayerScope, PublicRelease, PublicResult
from qe.periods import ReportingPeriod
from qe.providers import ProviderOrSupplier
from qe.reports.facts import MeasureFacts, ReportFacts, ReviewDates, SourceFacts

SENT = date(2026, 4, 1)
DATES = ReviewDates(
    sent_on=SENT,
    last_request_day=SENT + timedelta(days=60),
    public_from=SENT + timedelta(days=61),
    deadline="11:59 pm Central",
)
LONG_NAME = "Northfield & Prairie Lakes Integrated Family Medicine Assoc."  # 60 characters
MEASURES = Path(__file__).parents[2] / "measures"


def measure(measure_id: str, name: str, **changes: object) -> MeasureFacts:
    method = MEASURES / measure_id / "method.md"
    facts = MeasureFacts(
        measure_id=measure_id,
        module=measure_id,
        version="1.0.0",
        name=name,
        category="Outcomes",
        why_it_matters="An unplanned return to hospital soon after discharge is hard on people and often avoidable.",
        direction="lower",
        kind="proportion",
        unit="stay",
        standing="alternative",
        deviations=("population", "risk_model", "unverified:R4", "unverified:R7"),
        steward="The qualified entity (definition shipped with qe), after the published description of the Pharmacy Quality"
        " Alliance measure used in Medicare Part D Star Ratings",
        specification="https://qualitynet.cms.gov",
        classes=("quality", "effectiveness"),
        attribution="index_facility, retrospective",
        attribution_method="index_facility",
        risk_adjustment="logistic: age|spline, sex, payer_line, comorbidity, diagnosis_group, cohort",
        interval="exact Poisson",
        minimum_denominator=25,
        method=method.read_text(encoding="utf-8"),
        approved_on=date(2026, 1, 15),
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


HWR = measure("hwr", "Unplanned readmission within 30 days")
PDC = measure(
    "pdc_statins",
    "Statins taken on at least 80% of days",
    category="Medicines",
    direction="higher",
    unit="person",
    standing="standard",
    deviations=(),
    why_it_matters="Statins lower the risk of heart attack and stroke only while they are taken.",
    attribution="mssp_step, retrospective",
    attribution_method="mssp_step",
    risk_adjustment="A process measure: what is asked is the same for everybody.",
    interval="Wilson",
    minimum_denominator=30,
)
COST = measure(
    "total_cost_index",
    "Total cost of care index",
    category="Resource use",
    kind="amount_ratio",
    unit="person",
    why_it_matters="What all care of a person costs, whoever gave it, beside what it costs for persons alike.",
    attribution="mssp_step, retrospective",
    attribution_method="mssp_step",
    risk_adjustment="poisson: age|spline, sex, payer_line, comorbidity",
    interval="delta method on the log",
    minimum_denominator=1200,
)


def row(
    facts: MeasureFacts,
    scope: PayerScope = "all",
    *,
    level: str = "group",
    denominator: int = 212,
    numerator: str = "120",
    expected: float | None = None,
    category: Category = "no_different",
    **changes: object,
) -> MeasureResult:
    share = float(numerator) / denominator if denominator else None
    ratio = float(numerator) / expected if expected else None
    middle = ratio if ratio is not None else share
    peers = (0.91, 1.0, 1.09) if expected else (0.589, 0.632, 0.695)
    known = MeasureResult(
        measure_id=facts.measure_id,
        measure_version="1.0.0",
        kind=facts.standing,
        deviations=facts.deviations,
        level=level,  # type: ignore[arg-type]
        peer_group="all groups" if level == "group" else "all hospitals",
        payer_scope=scope,
        period_start=date(2025, 1, 1),
        period_end=date(2025, 12, 31),
        denominator=Decimal(denominator),
        excluded=31,
        numerator=Decimal(numerator),
        observed=share,
        expected=expected,
        ratio=ratio,
        adjusted=None if ratio is None else ratio * 0.15,
        ci_low=None if middle is None else middle * 0.9,
        ci_high=None if middle is None else middle * 1.1,
        reliability=0.64 if facts is HWR else 0.81,
        peer_p25=peers[0],
        peer_median=peers[1],
        peer_p75=peers[2],
        achievable_benchmark=None if expected else 0.768,
        percentile=37.0,
        category=category,
        fdr_significant=category in ("better", "worse"),
        publishable=category != "too_few",
        not_publishable_reason=None,
        engine="indirect",
        converged=True,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def too_few(facts: MeasureFacts, scope: PayerScope = "all", *, level: str = "group", cases: int = 7) -> MeasureResult:
    """A result below its measure's minimum, in an area without peers."""
    return row(
        facts, scope, level=level, denominator=cases, numerator="0", category="too_few", ci_low=None, ci_high=None,
        reliability=None, peer_p25=None, peer_median=None, peer_p75=None, achievable_benchmark=None, percentile=None,
        fdr_significant=None, publishable=False, not_publishable_reason="below the minimum denominator", peer_group="",
    )  # fmt: skip


def a_group(number: int, name: str) -> ProviderOrSupplier:
    return ProviderOrSupplier(
        unit_id=f"U{number:06d}",
        level="group",
        id_type="TIN",
        identifier=f"98765{number:04d}",
        name=name,
        role="supplier",
        area="19153",
    )


def group_result(number: int) -> ConfidentialResult:
    name = LONG_NAME if number == 1 else f"Example Group {number}"
    verdicts: tuple[Category, ...] = ("worse", "no_different", "better")
    verdict = verdicts[number % 3]
    cost = f"{812_000 + number * 41_237}.25"
    pdc = 110 + number * 4
    if number == 2:
        results = tuple(too_few(facts, scope) for facts in (PDC, COST) for scope in ("all", "medicare", "other"))
        return ConfidentialResult(
            provider=a_group(number, name),
            results=results,
            attributed_persons={"all": 0, "medicare": 0, "other": 0},
            attribution_steps=(),
            exclusions=(),
        )
    results = (
        row(PDC, numerator=str(pdc), category=verdict),
        row(PDC, "medicare", denominator=140, numerator="81", category=verdict),
        row(PDC, "other", denominator=72, numerator=str(pdc - 81), category=verdict),
        row(COST, denominator=1184, numerator=cost, expected=900_000.0, category=verdict),
        row(COST, "medicare", denominator=612, numerator="512000.50", expected=480_000.0),
        row(COST, "other", denominator=572, numerator="300000.75", expected=420_000.0, hidden="small_cell"),
    )
    return ConfidentialResult(
        provider=a_group(number, name),
        results=results,
        attributed_persons={"all": 1184, "medicare": 612, "other": 572},
        attribution_steps=(("pdc_statins", "1", 180), ("pdc_statins", "2", 32)),
        exclusions=(("pdc_statins", "R4", 17), ("pdc_statins", "R5", 14)),
        components=(
            ("total_cost_index", "inpatient", 212.4, 180.9),
            ("total_cost_index", "outpatient", 150.2, 171.5),
            ("total_cost_index", "professional", 188.0, 187.1),
            ("total_cost_index", "post_acute", 40.0, 61.3),
            ("total_cost_index", "pharmacy", 95.5, 90.2),
        ),
    )


def hospital_result(number: int) -> ConfidentialResult:
    provider = ProviderOrSupplier(
        unit_id=f"U{number + 100:06d}",
        level="facility",
        id_type="CCN",
        identifier=f"16{number:04d}",
        name=f"Example Hospital {number}",
        role="provider",
        area="19153",
    )
    stays = 3 if number == 4 else 90 + number
    results = (
        (too_few(HWR, level="facility", cases=stays),)
        if number == 4
        else tuple(
            row(
                HWR,
                scope,
                level="facility",
                denominator=stays,
                numerator="17",
                expected=13.2 + number,
                category="worse",
            )
            for scope in ("all", "medicare")
        )
    )
    return ConfidentialResult(
        provider=provider,
        results=results,
        attributed_persons={"all": stays, "medicare": stays, "other": 0},
        attribution_steps=(("hwr", "1", stays),),
        exclusions=(("hwr", "R6", 4), ("hwr", "R11", 9)),
    )


@pytest.fixture(scope="session")
def facts() -> ReportFacts:
    return ReportFacts(
        organisation="Prairie Health Data Collaborative",
        contact="review@prairie-health.example",
        rehearsal=True,
        areas=("Iowa",),
        period=ReportingPeriod(label="2025Q4", start=date(2025, 10, 1), end=date(2025, 12, 31), run_out_days=90),
        cycle="2025Q4-1",
        run_id="7f3a91c2d4e5f607",
        software_version="0.1.0",
        data_through=date(2026, 3, 31),
        measures=(HWR, PDC, COST),
        sources=(
            SourceFacts(
                source_id="medicare",
                payer_type="medicare",
                files=9,
                rows_read=88_201,
                rows_quarantined=14,
                claims=41_022,
            ),
        ),
        inputs_sha256={"inpatient.csv": "cd" * 32},
        linkage=(("persons", 3997), ("linked by name_dob_sex", 22), ("left to review", 2)),
        settings=(
            ("attribution.tie", "latest_service"),
            ("linkage.passes", "mbi, name_dob_sex"),
            ("peers.min_peers", "10"),
            ("scoring.confidence", "0.95"),
        ),
        model=(
            ("hwr", "", "intercept", -1.92, 0.11),
            ("hwr", "", "age'1", -0.5507, 3.02),
            ("hwr", "", "comorbidity:HF", 0.6471, 0.342),
            ("hwr", "", "cohort:pooled", 0.0208, 0.36),
            ("hwr", "", "c_statistic", 0.6712, None),
            ("hwr", "", "events", 10440.0, None),
            ("hwr", "", "converged", 1.0, None),
            ("hwr", "", "left out, reference level: cohort:medicine", 0.0, None),
            ("hwr", "", "calibration O/E before scaling, medicare_advantage, age 85-119", 0.8375, None),
            ("total_cost_index", "full_history", "payer_line:pooled", -0.48, 0.6),
            ("total_cost_index", "", "calibration O/E before scaling, medicaid", 1.0, None),
        ),
    )


@pytest.fixture(scope="session")
def dates() -> ReviewDates:
    return DATES


@pytest.fixture(scope="session")
def previews() -> list[ConfidentialResult]:
    """12 groups, of which U000001 has a name of 60 characters and U000002 nobody attributed; 4 hospitals."""
    return [*(group_result(number) for number in range(1, 13)), *(hospital_result(number) for number in range(1, 5))]


def public_row(preview: ConfidentialResult, one: MeasureResult, names: dict[str, str]) -> PublicResult:
    unit = preview.provider
    shown = one.category != "too_few" and unit.unit_id != "U000003"
    note = None if shown else ("too_few" if one.category == "too_few" else "small_cell")
    expected = None if one.expected is None else one.expected / float(one.denominator or 1)
    return PublicResult(
        measure_id=one.measure_id,
        measure_name=names[one.measure_id],
        level=one.level,
        public_id=unit.public_id,
        provider_name=unit.name,
        peer_group=one.peer_group,
        area=unit.area or "",
        period_start=one.period_start,
        period_end=one.period_end,
        denominator=one.denominator if shown else None,
        rate=one.observed if shown else None,
        ci_low=one.ci_low if shown else None,
        ci_high=one.ci_high if shown else None,
        expected=expected if shown else None,
        ratio=one.ratio if shown else None,
        benchmark=one.achievable_benchmark,
        category=one.category if note != "small_cell" else None,
        note_code=note,
    )


@pytest.fixture(scope="session")
def public(previews: list[ConfidentialResult], facts: ReportFacts) -> PublicRelease:
    """All rows of all payers; U000002 has too few cases, U000003 is hidden for a small cell."""
    names = {one.measure_id: one.name for one in facts.measures}
    rows = [
        public_row(preview, one, names) for preview in previews for one in preview.results if one.payer_scope == "all"
    ]
    rows.sort(key=lambda one: (one.measure_id, one.public_id))
    return PublicRelease(results=tuple(rows), findings=(), cells_checked=len(rows), cells_hidden=5)
