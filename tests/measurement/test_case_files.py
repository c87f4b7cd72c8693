"""cases.toml: closed, spelt out from defaults, templates and shorthands, and able to fail."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from qe import bundled
from qe.errors import MeasureError
from qe.measurement import cases, run_cases
from qe.measurement.cases import CaseModel
from qe.measurement.measure import load

Write = Callable[..., Path]
ALL = """
[period]
start = 2024-01-01
end = 2024-12-31
[defaults.person]
birth_date = 1950-06-15
[defaults.claim]
payer_id = "M"
paid_status = "paid"
[templates.acute]
claim_type = "inpatient"
bill_type = "111"
frequency_code = "1"
facility_id = "U000001"
facility_type = "short_term"
discharge_status = "01"
[[case]]
id = "two"
title = "two stays count"
rules = ["R1", "R2", "R3", "R4"]
why = "C2 is the second"
expect = [
  { person_id = "P1", in_numerator = true, value = 1, driving_claim_ids = ["C1", "C2"], stays = 2, cohort = "" },
]
not_considered = ["P2", "C9"]
totals = [{ measure_id = "second_stay", denominator = 1, numerator = 1, observed = 1.0, excluded = {} }]
[case.given]
person = [{ person_id = "P1" }, { person_id = "P2" }]
member_month = [{ person_id = "P1", months = "2023-12..2024-03", except = ["2024-01"], payer_type = "medicare" }]
[[case.given.claim]]
claim_id = "C1"
like = "acute"
person_id = "P1"
from_date = 2024-03-01
thru_date = 2024-03-05
diagnoses = ["J189", { code = "I10", present_on_admission = "Y" }]
procedures = ["0SR9019"]
lines = [{ revenue_code = "0120" }]
[[case.given.claim]]
claim_id = "C2"
like = "acute"
person_id = "P1"
from_date = 2024-05-01
diagnoses = ["A419"]
payer_id = "X"
"""


@pytest.fixture
def claims() -> Iterator[CaseModel]:
    opened = CaseModel.opened()
    yield opened
    opened.db.connection.close()


def _only_case(folder: Path) -> cases.Case:
    [case] = cases.read(folder / "cases.toml")
    return case


def test_defaults_templates_and_shorthands_are_spelt_out(second_stay: Write) -> None:
    given = _only_case(second_stay(cases=ALL)).given
    first, second = given["claim"]
    assert (first["payer_id"], second["payer_id"], second["bill_type"]) == ("M", "X", "111")
    assert (first["discharge_date"], second["thru_date"], second["admit_date"]) == (
        date(2024, 3, 5),
        date(2024, 5, 1),
        date(2024, 5, 1),
    )
    assert [(row["code"], row["kind"], row["sequence"]) for row in given["claim_diagnosis"]] == [
        ("J189", "principal", 1), ("I10", "other", 2), ("A419", "principal", 1),
    ]  # fmt: skip
    assert given["claim_procedure"][0]["procedure_date"] == date(2024, 3, 1)
    assert (given["claim_line"][0]["line_number"], given["claim_line"][0]["thru_date"]) == (1, date(2024, 3, 5))
    assert [row["month"] for row in given["member_month"]] == [date(2023, 12, 1), date(2024, 2, 1), date(2024, 3, 1)]


def test_a_case_that_holds_has_no_mismatch(second_stay: Write, claims: CaseModel) -> None:
    folder = second_stay(cases=ALL)
    assert run_cases.failures(load(folder), _only_case(folder), claims=claims) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("in_numerator = true", "in_numerator = false", "P1: in_numerator"),
        ("value = 1,", "value = 0.5,", "P1: value"),
        ('["C1", "C2"]', '["C2", "C1"]', "P1: driving_claim_ids"),
        ("stays = 2", "stays = 3", "P1: stays"),
        ("stays = 2", "visits = 3", "P1: column visits"),
        ('cohort = ""', 'cohort = "surgery"', "P1: cohort"),
        ('{ person_id = "P1", in_num', '{ person_id = "P3", in_num', "event P3"),
        ('cohort = ""', "factors = { age = 74 }", "P1: factor age"),
        ('cohort = ""', 'attributed = { facility = "U000009" }', "P1: attributed facility"),
        ('not_considered = ["P2", "C9"]', 'not_considered = ["P1"]', "P1 considered"),
        ("denominator = 1", "denominator = 2", "second_stay denominator"),
        ("excluded = {}", "excluded = { R2 = 1 }", "second_stay excluded"),
        ("observed = 1.0", "observed = 0.9", "second_stay observed"),
    ],
)
def test_whatever_comes_out_otherwise_is_told(
    second_stay: Write, claims: CaseModel, old: str, new: str, what: str
) -> None:
    assert old in ALL
    folder = second_stay(cases=ALL.replace(old, new))
    assert [mismatch.what for mismatch in run_cases.failures(load(folder), _only_case(folder), claims=claims)] == [what]


@pytest.mark.parametrize(
    ("expected", "found", "holds"),
    [
        (Decimal("0.9836"), Decimal("0.983607"), True),  # 360/366 rounded to four decimals
        (Decimal("0.9837"), Decimal("0.983607"), False),
        (1, Decimal("1.000000"), True),
        (1, Decimal("1.400000"), False),  # a whole number is meant exactly
        (Decimal("0.5"), 0.5, True),
        (True, True, True),
        ("", None, True),
    ],
)
def test_a_number_is_compared_after_rounding_to_the_decimals_written(
    expected: object, found: object, holds: bool
) -> None:
    assert (cases._compare("x", expected, found) == []) is holds


def test_the_cases_of_one_file_do_not_see_each_other(second_stay: Write, claims: CaseModel) -> None:
    folder = second_stay(cases=ALL)
    module, case = load(folder), _only_case(folder)
    for _ in range(2):
        assert run_cases.run(module, case, claims=claims).events.height == 1


def test_cases_that_share_a_model_do_not_see_each_other_either(second_stay: Write, claims: CaseModel) -> None:
    one = ALL[ALL.index("[[case]]") :]
    folder = second_stay(cases=ALL + one.replace('id = "two"', 'id = "again"'))
    assert not any(run_cases.failures_of(load(folder), cases.read(folder / "cases.toml"), claims=claims).values())
    assert claims.db.scalar("select count(distinct person_id) from claim") == 2  # both stood in one claims model

    folder = second_stay(cases=ALL + one.replace('id = "two"', 'id = "wrong"').replace("stays = 2", "stays = 3"))
    found = run_cases.failures_of(load(folder), cases.read(folder / "cases.toml"), claims=claims)
    assert {case: [one.sentence() for one in mismatches] for case, mismatches in found.items()} == {
        "two": [],
        "wrong": ["P1: stays: expected 3, found 2"],
    }


def test_a_case_whose_figures_are_of_all_people_stands_alone(second_stay: Write, claims: CaseModel) -> None:
    one = ALL[ALL.index("[[case]]") :].replace('id = "two"', 'id = "apart"\nalone = true')
    folder = second_stay(cases=ALL + one)
    found = run_cases.failures_of(load(folder), cases.read(folder / "cases.toml"), claims=claims)
    assert found == {"two": [], "apart": []}
    assert claims.db.scalar("select count(distinct person_id) from claim") == 1


def test_all_faults_of_a_file_are_told_at_once(second_stay: Write) -> None:
    wrong = ALL.replace('claim_id = "C2"\nlike = "acute"', 'claim_id = "C2"\nlike = "acut"')
    with pytest.raises(MeasureError, match='case two: there is no template "acut"'):
        cases.read(second_stay(cases=wrong) / "cases.toml")
    twice = ALL + ALL[ALL.index("[[case]]") :]
    with pytest.raises(MeasureError, match='the case id "two" is used twice'):
        cases.read(second_stay(cases=twice) / "cases.toml")
    with pytest.raises(MeasureError) as caught:
        cases.read(second_stay(cases=ALL.replace("why =", "wy =")) / "cases.toml")
    assert [fault.message for fault in caught.value.faults] == [
        'measures/second_stay/cases.toml: case two: "why": field required',
        'measures/second_stay/cases.toml: case two: "wy": extra inputs are not permitted',
    ]


def test_an_unknown_table_or_column_of_a_case_is_refused(second_stay: Write, claims: CaseModel) -> None:
    event_table = ALL.replace("person = [", 'stay = [{ stay_id = "S" }]\nperson = [')
    with pytest.raises(MeasureError, match="stay is not a base table"):
        cases.read(second_stay(cases=event_table) / "cases.toml")
    folder = second_stay(cases=ALL.replace('{ person_id = "P2" }', '{ person_id = "P2", birthday = 1950-01-01 }'))
    with pytest.raises(MeasureError, match="case two: person has no column birthday"):
        run_cases.run(load(folder), _only_case(folder), claims=claims)


def test_a_case_that_holds_only_alone_is_told_that_it_may_say_so(claims: CaseModel) -> None:
    folder = bundled.folder("measures") / "total_cost_index"
    by_id = {case.id: case for case in cases.read(folder / "cases.toml")}
    capped = by_id.pop("cap_of_each_payer_line").model_copy(update={"alone": False})
    found = run_cases.failures_of(load(folder), [capped, *by_id.values()], claims=claims)
    told = found.pop(capped.id)
    assert len(told) > 1
    assert "says alone = true" in told[-1].sentence()
    assert not any(found.values())
