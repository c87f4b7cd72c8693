"""Hospitals on a model with effects of providers: cohorts combined, and what stands where the model cannot be fitted."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from qe.measurement.compute import MeasureEvents
from qe.statistics import bootstrap, hierarchical, mixed_logit, mixed_model
from qe.statistics.score import Scored, score
from tests.statistics.test_score import Peers, Settings, _found, _row, _units

COHORTS = ("medicine", "neurology")


def _hospitals(count: int, *, seed: int = 11, cases: int = 120) -> MeasureEvents:
    """Hospital H00, H01, ... with `cases` stays each, every third in neurology; the share of readmissions differs by hospital."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        chance = 1 / (1 + np.exp(1.5 - random.normal(0, 0.5)))
        rows += [
            (f"H{number:02}", "medicare" if stay % 2 else "commercial", float(random.random() < chance), 1, True)
            for stay in range(cases)
        ]
    found = _found("hwr", "facility", rows)
    cohort = [COHORTS[place % 3 == 0] for place in range(len(rows))]
    without = pl.DataFrame(schema={"event_id": pl.String, "factor": pl.String, "value": pl.Float64})
    return replace(found, events=found.events.with_columns(cohort=pl.Series(cohort)), covariates=without)


def _scored(found: MeasureEvents) -> Scored:
    names = sorted(found.attributed["provider_id"].unique())
    return score(found, units=_units("facility", *names), peers=Peers(), settings=Settings())


def test_a_ratio_combines_the_cohorts_predicted_over_expected():
    found = _hospitals(12)
    scored = _scored(found)
    models = []
    for cohort in COHORTS:
        part = found.events.filter(pl.col("cohort") == cohort).join(found.attributed, on="event_id").sort("event_id")
        outcome = part["value"].cast(pl.Float64).to_numpy()
        models.append(mixed_logit.fit(outcome, np.empty((part.height, 0)), part["provider_id"].to_numpy()))
    combined = mixed_model.combined(models)
    row = _row(scored, "H03")
    assert row["engine"] == "mixed_logit"
    assert dict(scored.fitted) == {"hwr": "mixed_logit"}
    assert row["ratio"] == pytest.approx(combined.ratio[3], rel=1e-9)
    assert row["adjusted"] == pytest.approx(combined.standardised_rate[3], rel=1e-9)
    assert row["reliability"] == pytest.approx(combined.reliability[3], rel=1e-9)
    assert row["expected"] == pytest.approx(sum(model.expected[3] for model in models), rel=1e-9)
    drawn = bootstrap.interval(models, draws=Settings().bootstrap_draws, seed=hierarchical.SEED, confidence=0.95)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((drawn.low[3], drawn.high[3]), rel=1e-6)


def test_the_ratio_lies_between_the_average_and_observed_over_expected():
    scored = _scored(_hospitals(12))
    for number in range(12):
        row = _row(scored, f"H{number:02}")
        raw = float(row["numerator"]) / row["expected"]  # type: ignore[arg-type, operator]
        assert min(1.0, raw) - 0.02 <= row["ratio"] <= max(1.0, raw) + 0.02  # type: ignore[operator]


def test_by_payer_the_ratio_stays_observed_over_expected():
    row = _row(_scored(_hospitals(12)), "H05", "medicare")
    assert row["ratio"] == pytest.approx(float(row["numerator"]) / row["expected"], rel=1e-9)  # type: ignore[arg-type, operator]


def test_the_model_table_says_how_much_hospitals_differ_and_how_reliable_their_effects_are():
    terms = _scored(_hospitals(12)).model.filter(pl.col("cohort") == "medicine")["term"].to_list()
    assert {"intercept", "sigma", "providers", "reliability, median", "c_statistic", "converged"} <= set(terms)


def test_with_fewer_than_ten_hospitals_observed_over_expected_stands_and_the_model_table_says_why():
    scored = _scored(_hospitals(9))
    row = _row(scored, "H04")
    assert row["engine"] == "logistic"
    assert row["ratio"] == pytest.approx(float(row["numerator"]) / row["expected"], rel=1e-9)  # type: ignore[arg-type, operator]
    assert dict(scored.fitted) == {"hwr": "logistic"}
    said = [term for term in scored.model["term"] if term.startswith("no effects of providers")]
    assert said == [
        "no effects of providers: 9 providers have cases of medicine, and fewer than 10 do not tell how providers differ"
    ]


def test_hospitals_that_do_not_differ_are_no_different_and_not_significant():
    found = _hospitals(10)
    same = [float(place % 120 < 20) for place in range(found.events.height)]
    alike = replace(found, events=found.events.with_columns(value=pl.Series(same).cast(pl.Decimal(18, 6))))
    scored = _scored(alike)
    assert set(scored.model.filter(pl.col("term") == "sigma")["estimate"]) == {0.0}
    whole = scored.results.filter(pl.col("payer_scope") == "all")
    assert whole["ratio"].to_list() == pytest.approx([1.0] * 10, rel=1e-9)
    assert set(whole["category"]) == {"no_different"}
    assert not whole["fdr_significant"].any()


def test_where_too_few_draws_can_be_fitted_observed_over_expected_stands_too(monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_KEPT", -1.0)  # no draw is good enough
    scored = _scored(_hospitals(12))
    assert _row(scored, "H03")["engine"] == "logistic"
    said = [term for term in scored.model["term"] if term.startswith("no effects of providers")]
    assert said == ["no effects of providers: models of 0% of the cases could not be fitted to drawn providers"]
