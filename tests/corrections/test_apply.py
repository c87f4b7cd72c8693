"""What a correction does to a module's events, and what is said of each line: worked on five stays of two hospitals."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from qe import bundled
from qe.corrections.apply import (
    ALREADY_SO,
    APPLIED,
    NO_CLAIMS,
    NO_EVENT,
    NO_RULE,
    OTHER_DAYS,
    corrected,
    corrected_units,
    exclusion_rules,
    outcomes,
    together,
)
from qe.corrections.record import Correction, CorrectionKind, CorrectionLine
from qe.measurement.compute import Coverage, MeasureEvents
from qe.measurement.measure import load
from qe.measurement.tables import empty_model, insert_rows
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

LISTS = pl.List(pl.String)
STAYS = ("S1", "S2", "S3", "S4", "S5")  # of persons P1, P1, P2, P3, P4; S5 is left out by R6 already


@pytest.fixture
def db() -> Iterator[Warehouse]:
    """Claims: S4 is final; S4-1 was superseded; OLD ended before the look-back; OTHER is another person's."""
    with empty_model() as model:
        rows = [
            ("S4", "P3", date(2025, 5, 1), date(2025, 5, 9), None),
            ("S4-1", "P3", date(2025, 5, 1), date(2025, 5, 9), "S4"),
            ("OLD", "P3", date(2020, 1, 1), date(2020, 1, 2), None),
            ("OTHER", "P4", date(2025, 5, 1), date(2025, 5, 9), None),
        ]
        names = ("claim_id", "person_id", "from_date", "thru_date", "superseded_by")
        insert_rows(model, "claim", [dict(zip(names, row, strict=True)) for row in rows])
        insert_rows(model, "pharmacy_fill", [{"fill_id": "S4", "person_id": "P3", "fill_date": date(2025, 6, 1)}])
        yield model


def found() -> MeasureEvents:
    """Five stays: the first four in the denominator, S1 to S3 at H1, S4 and S5 at H2."""
    module = load(bundled.folder("measures") / "hwr")
    events = pl.DataFrame(
        {
            "measure_id": ["hwr"] * 5,
            "event_id": list(STAYS),
            "person_id": ["P1", "P1", "P2", "P3", "P4"],
            "in_denominator": [True] * 4 + [False],
            "exclusion_reasons": pl.Series([[], [], [], [], ["R6"]], dtype=LISTS),
            "in_numerator": [True, False, True, True, False],
            "value": pl.Series([1, 0, 1, 1, 0], dtype=pl.Decimal(18, 6)),
            "rule_ids": pl.Series([["R1"]] * 4 + [["R1", "R6"]], dtype=LISTS),
            "driving_claim_ids": pl.Series([[stay] for stay in STAYS], dtype=LISTS),
        }
    )
    attributed = pl.DataFrame(
        {
            "measure_id": ["hwr"] * 5,
            "event_id": list(STAYS),
            "level": ["facility"] * 5,
            "provider_id": ["H1", "H1", "H1", "H2", "H2"],
        }
    )
    return MeasureEvents(
        module=module,
        period=MeasurePeriod(start=date(2025, 1, 1), end=date(2025, 12, 31)),
        parameters={},
        attribution_method=None,
        deviations=(),
        kind="alternative",
        coverage=Coverage(first_month=None, last_day=None, has_look_back=True, has_run_out=True),
        warnings=(),
        events=events,
        attribution=pl.DataFrame(),
        attributed=attributed,
        covariates=pl.DataFrame(),
        waterfall=pl.DataFrame(),
    )


def correction(unit_id: str, **facts: object) -> Correction:
    """One line about hwr."""
    given = {"kind": CorrectionKind.NOT_OUR_PATIENT, "evidence": "claims", "measure_id": "hwr"} | facts
    line = CorrectionLine(line=2, **given)  # type: ignore[arg-type]
    return Correction(
        request_id="R", cycle="2025Q4-1", run_id="a", unit_id=unit_id, asked_sha256="0" * 64, lines=(line,)
    )


def missed(rule_id: str = "R9", claims: tuple[str, ...] = ("S4",), event_id: str = "S4") -> Correction:
    kind = CorrectionKind.MISSED_EXCLUSION
    return correction("H2", kind=kind, event_id=event_id, rule_id=rule_id, claim_ids=claims)


def said(db: Warehouse, one: Correction) -> list[str]:
    return corrected(db, found(), [one]).decided["outcome"].to_list()


def test_a_person_that_is_not_the_hospitals_takes_all_stays_along_and_no_other_hospitals(db: Warehouse) -> None:
    done = corrected(db, found(), [correction("H1", person_id="P1")])
    assert done.events.attributed.select("event_id", "provider_id").rows() == [("S3", "H1"), ("S4", "H2"), ("S5", "H2")]
    assert done.events.events.equals(found().events), "the stays stay, as nobody's"
    assert done.decided.select("event_id", "outcome").rows() == [("S1", APPLIED), ("S2", APPLIED)]
    assert outcomes(done.decided) == {(correction("H1", person_id="P1").correction_id, 2): {APPLIED: 2}}


def test_a_stay_of_the_other_site_becomes_that_sites(db: Warehouse) -> None:
    kind = CorrectionKind.WRONG_CLINICIAN_OR_SITE
    done = corrected(db, found(), [correction("H1", kind=kind, event_id="S2", belongs_to="H2")])
    assert done.events.attributed.filter(pl.col("provider_id") == "H2")["event_id"].to_list() == ["S2", "S4", "S5"]


def test_a_missed_exclusion_leaves_the_stay_out_by_its_rule_and_its_claims(db: Warehouse) -> None:
    done = corrected(db, found(), [missed(claims=("S4", "fill:S4"))])
    row = done.events.events.filter(pl.col("event_id") == "S4").row(0, named=True)
    assert (row["in_denominator"], row["in_numerator"], row["exclusion_reasons"]) == (False, False, ["R9"])
    assert (row["rule_ids"], row["driving_claim_ids"]) == (["R1", "R9"], ["S4"])
    assert done.events.waterfall.select("step", "events").rows() == [
        ("eligible", 5), ("R6", 1), ("R9", 1), ("denominator", 3), ("numerator", 2),
    ]  # fmt: skip
    assert done.events.attributed.equals(found().attributed)


def test_a_second_reason_stands_in_the_order_of_rules(db: Warehouse) -> None:
    other = missed(rule_id="R5", claims=("OTHER",), event_id="S5")
    row = corrected(db, found(), [other]).events.events.filter(pl.col("event_id") == "S5").row(0, named=True)
    assert row["exclusion_reasons"] == ["R5", "R6"]


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (correction("H1", event_id="S9"), NO_EVENT),
        (correction("H2", event_id="S1"), ALREADY_SO),
        (missed(event_id="S9"), NO_EVENT),
        (missed(rule_id="R6", event_id="S5", claims=("OTHER",)), ALREADY_SO),
        (missed(rule_id="R1"), NO_RULE),
        (missed(claims=("S4", "S4-1")), NO_CLAIMS),
        (missed(claims=("OLD",)), NO_CLAIMS),
        (missed(claims=("OTHER",)), NO_CLAIMS),
        (missed(claims=("fill:S9",)), NO_CLAIMS),
        (correction("H1", event_id="S1", from_date=date(2026, 1, 1), to_date=date(2026, 12, 31)), OTHER_DAYS),
    ],
)
def test_a_line_that_decides_nothing_says_why_and_changes_nothing(db: Warehouse, one: Correction, outcome: str) -> None:
    done = corrected(db, found(), [one])
    assert done.decided["outcome"].to_list() == [outcome]
    assert done.events.events.equals(found().events)
    assert done.events.attributed.equals(found().attributed)


def test_a_line_holds_where_its_days_and_the_measures_share_one(db: Warehouse) -> None:
    assert said(db, correction("H1", event_id="S1", from_date=date(2024, 7, 1), to_date=date(2025, 1, 1))) == [APPLIED]
    assert said(db, correction("H1", event_id="S1", from_date=date(2024, 1, 1), to_date=date(2024, 12, 31))) == [
        OTHER_DAYS
    ]


def test_lines_of_other_measures_and_about_units_are_none_of_its_matter(db: Warehouse) -> None:
    other = correction("H1", event_id="S1", measure_id="pdc_statins")
    details = correction("H1", kind=CorrectionKind.PROVIDER_DETAILS, detail="name", value="New")
    done = corrected(db, found(), [other, details])
    assert done.decided.is_empty()
    assert done.events.waterfall.equals(found().waterfall)


def test_exclusion_rules_are_those_by_which_the_measure_leaves_out() -> None:
    rules = exclusion_rules(load(bundled.folder("measures") / "hwr"))
    assert {"R5", "R9", "R17"} <= rules
    assert "R1" not in rules


def test_a_quotient_and_its_terms_leave_out_the_same() -> None:
    module = load(bundled.folder("measures") / "total_cost_index")
    whole = ["price_index", "resource_use_index", "total_cost_index"]
    assert [together(module, measure_id) for measure_id in whole] == [whole] * 3
    assert together(load(bundled.folder("measures") / "hwr"), "hwr") == ["hwr"]


def test_a_fact_of_the_roster_holds_on_its_days_and_for_its_unit() -> None:
    units = pl.DataFrame({"unit_id": ["H1", "H2"], "name": ["One", "Two"], "county_fips": ["39001", "39001"]})
    kind = CorrectionKind.PROVIDER_DETAILS
    days = {"from_date": date(2025, 1, 1), "to_date": date(2025, 12, 31)}
    moved = correction("H2", kind=kind, measure_id="", detail="county_fips", value="39049", **days)
    assert corrected_units(units, [moved], on=date(2025, 12, 31))["county_fips"].to_list() == ["39001", "39049"]
    assert corrected_units(units, [moved], on=date(2026, 1, 1)).equals(units)
    later = replace(moved.lines[0], value="39061")
    both = [moved, replace(moved, lines=(later,))]
    assert corrected_units(units, both, on=date(2025, 6, 1))["county_fips"].to_list() == ["39001", "39061"]


def test_the_value_of_an_event_is_left_as_it_was(db: Warehouse) -> None:
    values = corrected(db, found(), [missed()]).events.events.sort("event_id")["value"].to_list()
    assert values == [Decimal(1), Decimal(0), Decimal(1), Decimal(1), Decimal(0)]
