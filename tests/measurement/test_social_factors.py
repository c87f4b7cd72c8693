"""No social factor in a model of outcomes."""

import pytest

from qe.measurement import catalogue
from qe.measurement.measure import Module
from qe.measurement.social_factors import social_factors


@pytest.mark.parametrize("module", catalogue.catalogue(), ids=lambda module: module.folder.name)
def test_no_shipped_measure_adjusts_for_a_social_factor(module: Module):
    assert social_factors(module.scoring.covariates, module.facts.measure_type) == ()


def test_dual_status_is_refused_in_a_model_of_outcomes_and_allowed_in_one_of_cost():
    named = ["age|spline", "sex", "payer_line", "dual_status", "area_deprivation_index", "race:asian", "cc"]
    assert social_factors(named, "outcome") == ("dual_status", "area_deprivation_index", "race:asian")
    assert social_factors(named, "cost or resource use") == ("area_deprivation_index", "race:asian")


def test_a_measure_without_a_type_is_held_to_the_rule_of_outcomes():
    assert social_factors(["dual_status"], None) == ("dual_status",)


def test_the_payer_line_and_a_condition_are_no_social_factors():
    assert social_factors(["payer_line", "payer_line:medicaid", "comorbidity:DEMENTIA", "residual"], "outcome") == ()
