"""Expected cost by payer line: worked by hand, and scores on people they were not made for refused."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from qe.errors import InputError
from qe.statistics import payer_stratified
from qe.statistics.payer_stratified import ModelUse

OWN = {"plan groups": ModelUse(payer_types=frozenset({"commercial"}), is_demographic=False)}


def _person(person_id: str, **said: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"person_id": person_id, "payer_type": "medicare", "age": 72, "entitlement_reason": "0"}
    usual |= {"prior_months": 12, "member_months": 12, "allowed_amount": Decimal("12000.00"), "risk": 1.0}
    return usual | {"model": "CMS-HCC V28", "is_reference": True} | said


def _plan(person_id: str, **said: Any) -> dict[str, Any]:
    return _person(person_id, payer_type="commercial", age=40, entitlement_reason=None, model="plan groups") | said


def _found(*people: dict[str, Any]) -> payer_stratified.PayerExpected:
    return payer_stratified.expected_cost(pl.DataFrame(people), models=OWN)


def test_expected_is_the_payers_mean_month_times_normalised_risk_times_months():
    # reference: 12,000 + 6,000 over 12 + 6 months = 1,000 a month; mean risk (0.5 x 12 + 2.0 x 6) / 18 = 1
    found = _found(_person("a", risk=0.5), _person("b", risk=2.0, member_months=6, allowed_amount=Decimal("6000.00")))
    assert found.rows["expected"].to_list() == [1000 * 0.5 * 12, 1000 * 2.0 * 6]
    (stratum,) = found.strata
    assert (stratum.mean_pmpm, stratum.mean_risk, stratum.member_months) == (1000.0, 1.0, 18.0)
    assert stratum.expected == stratum.observed == 18000.0


def test_each_payer_line_is_normalised_by_itself():
    # the plan's risks are on a scale four times as large; its means are 500 a month and risk 4
    plan = _plan("c", risk=4.0, allowed_amount=Decimal("6000.00"))
    found = _found(_person("a"), plan)
    assert found.rows.select("payer_type", "expected").rows() == [("medicare", 12000.0), ("commercial", 6000.0)]


def test_a_person_outside_the_reference_moves_no_mean():
    found = _found(_person("a"), _person("b", risk=3.0, allowed_amount=Decimal("99.00"), is_reference=False))
    assert found.rows["expected"].to_list() == [12000.0, 36000.0]


def test_a_provider_is_the_ratio_of_sums_over_payers_and_of_each_payer():
    people = [_person("a"), _person("b", risk=3.0, allowed_amount=Decimal("12000.00"), is_reference=False), _plan("c")]
    rows = _found(*people).rows
    attributed = pl.DataFrame({"person_id": ["a", "b", "c"], "provider_id": ["p", "p", "p"]})
    found = payer_stratified.by_provider(rows, attributed)
    # O 36,000; E 12,000 + 36,000 + 12,000: not the mean of 24,000 / 48,000 and 12,000 / 12,000
    assert found.rows() == [
        ("p", "all", 3, 36000.0, 60000.0, 0.6),
        ("p", "commercial", 1, 12000.0, 12000.0, 1.0),
        ("p", "medicare", 2, 24000.0, 48000.0, 0.5),
    ]


@pytest.mark.parametrize(
    ("person", "said"),
    [
        (_plan("b", model="CMS-HCC V28"), "CMS-HCC V28, which was not made for their payer"),
        (_person("b", model="plan groups"), "plan groups, which was not made for their payer"),
        (_person("b", age=50), "CMS-HCC V28 under 64 without disability entitlement"),
        (_person("b", prior_months=11), "CMS-HCC V28 with under 12 months of history"),
        (_person("b", model="V29"), "a model that is not declared"),
        (_person("b", risk=None), "a risk, month count or amount that is missing or out of range"),
        (_person("b", member_months=0), "a risk, month count or amount that is missing or out of range"),
    ],
)
def test_a_risk_that_does_not_stand_for_the_person_is_refused_and_counted(person: dict[str, Any], said: str):
    with pytest.raises(InputError, match=f"1 of 2 persons have {said}"):
        _found(_person("a"), person)


def test_a_person_entitled_by_disability_at_50_and_a_new_enrollee_have_their_models():
    young = _person("b", age=50, entitlement_reason="1")
    new = _person("c", prior_months=3, model=payer_stratified.hcc_name("V28", "NE"), risk=0.532)
    found = _found(_person("a"), young, new)
    assert [(stratum.model, stratum.persons) for stratum in found.strata] == [
        ("CMS-HCC V28", 2),
        ("CMS-HCC V28 new enrollee", 1),
    ]


def test_one_model_across_payers_cannot_even_be_declared():
    with pytest.raises(InputError, match="never one model across payers"):
        ModelUse(payer_types=frozenset({"medicare", "commercial"}), is_demographic=False)


def test_a_payer_line_without_reference_population_is_named():
    with pytest.raises(
        InputError, match=r"1 payer lines and models have no reference population .*: plan groups on commercial"
    ):
        _found(_person("a"), _plan("c", is_reference=False))
