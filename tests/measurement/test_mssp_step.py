"""mssp_step: plurality of primary care charges, in two steps, the group before the clinician (42 CFR 425.400-404)."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from qe.measurement import attribute
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse
from tests.oracles import mssp_step as oracle

YEAR = MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31))
Run = Callable[..., dict[tuple[str, str], tuple[str, int, Decimal, str | None, str | None]]]


@pytest.fixture
def run(model_db: Warehouse, second_stay: Callable[..., Any], put: Callable[..., None]) -> Run:
    """Attribute the persons of `lines` by mssp_step; the answer in the oracle's form."""
    folder = second_stay()
    module = load(folder)

    def attribute_lines(lines: list[Any], period: MeasurePeriod = YEAR) -> dict[Any, Any]:
        model_db.execute("delete from visit")
        model_db.execute("delete from stay")
        put("stay", {"stay_id": "C900", "person_id": "P900", "payer_id": "held", "facility_type": "snf"})
        put("visit", *[_row(line, number) for number, line in enumerate(lines)])
        model_db.execute("create or replace temp table population as select distinct person_id from visit")
        frame = attribute.attribute(model_db, module, "mssp_step", period=period)
        assert frame["weight"].sum() == frame.height  # one winner a person and level
        return {
            (row["person_id"], "clinician" if row["level"] == "clinician" else "billing"): (
                row["unit_id"], row["step"], row["allowed_amount"], row["tie_break"], row["runner_up_id"],
            )
            for row in frame.iter_rows(named=True)
        }  # fmt: skip

    return attribute_lines


def _row(line: Any, number: int) -> dict[str, Any]:
    return {
        "person_id": line.person, "service_date": line.day, "claim_id": line.claim, "line_number": number,
        "hcpcs": line.hcpcs, "place_of_service": line.place, "specialty": line.specialty,
        "clinician_id": line.clinician, "group_id": line.group, "facility_id": line.facility,
        "is_fqhc_rhc": line.is_fqhc, "in_snf_stay": line.in_snf, "allowed_amount": line.allowed,
        "is_capitated": line.is_capitated, "payer_id": "held" if line.snf_held else "not_held",
    }  # fmt: skip


@pytest.fixture
def visit() -> Callable[..., Any]:
    """One office visit at G1 by the family physician N1 on 1 March 2024 for 100 dollars, unless said otherwise."""
    usual = oracle.Line(
        person="P1", day=date(2024, 3, 1), claim="C1", hcpcs="99213", place="11", specialty="08", clinician="N1",
        group="G1", allowed=Decimal("100.00"),
    )  # fmt: skip
    return lambda **other: replace(usual, **other)


def test_one_cent_more_wins_the_group(run: Run, visit: Callable[..., Any]) -> None:
    found = run([visit(), visit(group="G2", clinician="N2", allowed=Decimal("100.01"))])
    assert found["P1", "billing"] == ("G2", 1, Decimal("100.01"), None, "G1")
    assert found["P1", "clinician"] == ("N2", 1, Decimal("100.01"), None, None)


def test_an_equal_amount_goes_to_the_latest_service(run: Run, visit: Callable[..., Any]) -> None:
    found = run([visit(day=date(2024, 5, 1)), visit(group="G2", day=date(2024, 5, 2))])
    assert found["P1", "billing"] == ("G2", 1, Decimal("100.00"), "latest_service", "G1")


def test_then_to_more_days_with_a_service(run: Run, visit: Callable[..., Any]) -> None:
    half = Decimal("50.00")
    found = run([visit(), visit(group="G2", allowed=half), visit(group="G2", allowed=half, day=date(2024, 2, 1))])
    assert found["P1", "billing"] == ("G2", 1, Decimal("100.00"), "visit_days", "G1")


def test_then_to_the_smaller_unit_id(run: Run, visit: Callable[..., Any]) -> None:
    found = run([visit(group="G2"), visit(group="G1")])
    assert found["P1", "billing"] == ("G1", 1, Decimal("100.00"), "unit_id", "G2")


def test_a_nurse_practitioner_alone_does_not_pass_the_gate(run: Run, visit: Callable[..., Any]) -> None:
    assert run([visit(specialty="50")]) == {}


def test_a_nurse_practitioner_wins_step_1_once_a_cardiologist_opened_the_gate(
    run: Run, visit: Callable[..., Any]
) -> None:
    found = run([visit(specialty="50"), visit(group="G2", specialty="06", allowed=Decimal("900.00"))])
    assert found["P1", "billing"] == ("G1", 1, Decimal("100.00"), None, None)


def test_a_person_seen_by_specialists_only_is_decided_in_step_2(run: Run, visit: Callable[..., Any]) -> None:
    assert run([visit(specialty="06")])["P1", "billing"][:2] == ("G1", 2)


def test_a_surgeon_counts_in_no_step(run: Run, visit: Callable[..., Any]) -> None:
    assert run([visit(specialty="02")]) == {}


def test_after_a_change_of_tin_only_the_lines_billed_by_the_winning_group_count_for_its_clinician(
    run: Run, visit: Callable[..., Any]
) -> None:
    found = run(
        [
            visit(group="G1", clinician="N1", day=date(2024, 2, 1), allowed=Decimal("120.00")),
            visit(group="G2", clinician="N1", day=date(2024, 8, 1), allowed=Decimal("90.00")),
            visit(group="G2", clinician="N2", day=date(2024, 9, 1), allowed=Decimal("100.00")),
        ]
    )
    assert found["P1", "billing"] == ("G2", 1, Decimal("190.00"), None, "G1")
    assert found["P1", "clinician"] == ("N2", 1, Decimal("100.00"), None, "N1")  # N1 billed 210 in all, 90 of it for G2


def test_a_nursing_facility_visit_inside_a_snf_stay_does_not_count(run: Run, visit: Callable[..., Any]) -> None:
    assert run([visit(hcpcs="99308", place="32", in_snf=True)]) == {}
    assert run([visit(hcpcs="99308", place="31")]) == {}  # no claim of the payer could show the stay
    assert run([visit(hcpcs="99308", place="31", snf_held=True)])["P1", "billing"][0] == "G1"
    assert run([visit(hcpcs="99308", place="32")])["P1", "billing"][0] == "G1"


def test_a_visit_at_a_health_centre_counts_whatever_its_code_and_specialty(run: Run, visit: Callable[..., Any]) -> None:
    line = visit(hcpcs="T1015", specialty=None, clinician=None, group=None, facility="U9", is_fqhc=True)
    assert run([line]) == {("P1", "billing"): ("U9", 1, Decimal("100.00"), None, None)}


def test_a_prolonged_service_counts_only_beside_its_base_service_on_the_same_claim(
    run: Run, visit: Callable[..., Any]
) -> None:
    assert run([visit(hcpcs="99354")]) == {}
    assert run([visit(), visit(hcpcs="99354")])["P1", "billing"][2] == Decimal("200.00")
    assert run([visit(), visit(hcpcs="99354", claim="C2")])["P1", "billing"][2] == Decimal("100.00")


def test_a_home_visit_counts_only_at_home_and_a_care_plan_not_in_hospital(run: Run, visit: Callable[..., Any]) -> None:
    assert run([visit(hcpcs="99347", place="13")]) == {}
    assert run([visit(hcpcs="99347", place="12")])["P1", "billing"][0] == "G1"
    assert run([visit(hcpcs="99497", place="21")]) == {}
    assert run([visit(hcpcs="99497", place="11")])["P1", "billing"][0] == "G1"


def test_both_ends_of_the_window_count_and_the_days_beyond_do_not(run: Run, visit: Callable[..., Any]) -> None:
    ends = [visit(day=YEAR.start), visit(day=YEAR.end)]
    beyond = [visit(day=YEAR.start - timedelta(days=1)), visit(day=YEAR.end + timedelta(days=1))]
    assert run(ends + beyond)["P1", "billing"][2] == Decimal("200.00")


def test_a_telephone_visit_counts_while_the_window_touches_the_public_health_emergency(
    run: Run, visit: Callable[..., Any]
) -> None:
    in_2022, year_2022 = (
        visit(hcpcs="99441", day=date(2022, 7, 1)),
        MeasurePeriod(start=date(2022, 1, 1), end=date(2022, 12, 31)),
    )
    assert run([in_2022], year_2022)["P1", "billing"][0] == "G1"
    assert run([visit(hcpcs="99441")]) == {}


def test_a_line_that_paid_nothing_counts_for_nobody_unless_it_is_capitated(run: Run, visit: Callable[..., Any]) -> None:
    nothing = Decimal("0.00")
    assert run([visit(allowed=nothing)]) == {}
    assert run([visit(allowed=nothing, is_capitated=True)])["P1", "billing"] == ("G1", 1, nothing, None, None)
    gate = [visit(specialty="50"), visit(specialty="06", allowed=nothing, is_capitated=True)]
    assert run(gate)["P1", "billing"] == ("G1", 1, Decimal("100.00"), None, None)


@pytest.mark.parametrize("seed", range(12))
def test_random_small_data_agree_with_the_plain_python_reading(run: Run, seed: int) -> None:
    lines = _random_lines(random.Random(seed))
    assert run(lines) == oracle.attribute(lines, start=YEAR.start, end=YEAR.end)


def test_an_added_line_for_the_loser_never_moves_a_person_to_a_third_group(run: Run) -> None:
    chance = random.Random(99)
    lines = [line for line in _random_lines(chance) if line.specialty == "08" and line.group]
    before = run(lines)
    runner_up = {person: found[4] for (person, level), found in before.items() if level == "billing" and found[4]}
    added = [replace(line, group=runner_up[line.person]) for line in lines if line.person in runner_up]
    after = run(lines + added)
    for person, loser in runner_up.items():
        assert after[person, "billing"][0] in (before[person, "billing"][0], loser)


def _random_lines(chance: random.Random) -> list[Any]:
    """150 lines of 12 persons, with few amounts and days so that ties happen."""
    return [_random_line(chance, is_fqhc=chance.random() < 0.05) for _ in range(150)]


def _random_line(chance: random.Random, *, is_fqhc: bool) -> Any:
    codes = ["99213", "99204", "99308", "99347", "99497", "G0439", "99354", "G0403", "99441"]
    return oracle.Line(
        person=f"P{chance.randrange(12)}",
        day=date(2023, 12, 20) + timedelta(days=chance.choice([0, 12, 13, 40, 41, 200, 377, 378])),
        claim=f"C{chance.randrange(60)}",
        hcpcs=chance.choice([*codes, "T1015"] if is_fqhc else codes),
        place=chance.choice(["11", "11", "12", "21", "31"]),
        specialty=None if is_fqhc else chance.choice(["08", "08", "11", "50", "97", "06", "39", "02"]),
        clinician=None if is_fqhc or chance.random() < 0.1 else f"N{chance.randrange(5)}",
        group=None if is_fqhc or chance.random() < 0.1 else f"G{chance.randrange(3)}",
        facility="U9" if is_fqhc else None,
        is_fqhc=is_fqhc,
        in_snf=chance.random() < 0.2,
        snf_held=chance.random() < 0.5,
        is_capitated=chance.random() < 0.2,
        allowed=Decimal(chance.choice(["50.00", "100.00", "100.01", "0.00"])),
    )


def test_the_share_is_of_all_charges_of_the_deciding_step_and_inside_the_group_for_the_clinician(
    model_db: Warehouse, second_stay: Callable[..., Any], put: Callable[..., None], visit: Callable[..., Any]
) -> None:
    lines = [
        visit(),
        visit(clinician="N2", allowed=Decimal("50.00")),
        visit(group="G2", allowed=Decimal("75.00")),
        visit(group="G3", specialty="06", allowed=Decimal("999.00")),  # a specialist's charges are of step 2
    ]
    put("visit", *[_row(line, number) for number, line in enumerate(lines)])
    model_db.execute("create or replace temp table population as select distinct person_id from visit")
    frame = attribute.attribute(model_db, load(second_stay()), "mssp_step", period=YEAR)
    assert frame.select("level", "unit_id", "share", "rank", "visits", "last_service_date").rows() == [
        ("clinician", "N1", Decimal("0.666667"), 1, 1, date(2024, 3, 1)),  # 100 of 150 at G1
        ("group", "G1", Decimal("0.666667"), 1, 1, date(2024, 3, 1)),  # 150 of 225
    ]


def test_a_prospective_measure_looks_at_the_twelve_months_before_its_period(second_stay: Callable[..., Any]) -> None:
    toml = (second_stay() / "measure.toml").read_text().replace('"retrospective"', '"prospective"')
    before = attribute.window(load(second_stay(measure=toml)), YEAR)
    assert (before.start, before.end) == (date(2023, 1, 1), date(2023, 12, 31))


def test_the_list_holds_only_codes_that_the_regulation_prints() -> None:
    codes = pl.read_csv(attribute.FOLDER / "primary_care_code.csv", infer_schema=False)
    assert codes.filter(~pl.col("source").str.starts_with("42 CFR 425.400(c)")).is_empty()
    assert codes.filter(pl.col("code_low") > pl.col("code_high")).is_empty()
