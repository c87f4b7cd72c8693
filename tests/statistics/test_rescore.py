"""A correction re-scores one provider by the frozen reference of the sent run, and moves nobody else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache

import numpy as np
import polars as pl
import pytest

from qe.errors import MeasureError
from qe.measurement.compute import MeasureEvents
from qe.periods import MeasurePeriod
from qe.statistics import design
from qe.statistics.reference import from_json, to_json
from qe.statistics.rescore import SentRun, rescore
from qe.statistics.results import RESULT_SCHEMA, round_significant
from qe.statistics.score import Scored, score
from tests.statistics.test_score import Peers, Settings, _found, _members, _shares, _split, _stays, _units
from tests.statistics.test_score_hierarchical import _hospitals


def made(found: MeasureEvents) -> tuple[Scored, SentRun]:
    """Scored, and what a run would keep of it: through JSON and rounded tables."""
    level = found.attributed["level"][0]
    units = _units(level, *sorted(found.attributed["provider_id"].unique()))
    scored = score(found, units=units, peers=Peers(), settings=Settings())
    kept = from_json(to_json(scored.references))
    return scored, SentRun(references=kept, draws=scored.draws, results=round_significant(scored.results), units=units)


def again(found: MeasureEvents, sent: SentRun, provider: str) -> pl.DataFrame:
    return rescore(found, sent, provider)


def require_equal(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.schema == other.schema == RESULT_SCHEMA
    for name, kind in RESULT_SCHEMA.items():
        if kind == pl.Float64:
            np.testing.assert_allclose(
                one[name].to_numpy(), other[name].to_numpy(), rtol=1e-9, err_msg=name
            )  # null: NaN
        else:
            assert one[name].to_list() == other[name].to_list(), name


def _six_shares() -> MeasureEvents:
    shares = _shares("group", U1=(95, 100), U2=(70, 100), U3=(45, 100), U4=(70, 100), U5=(66, 100), few=(5, 9))
    return _found("pdc_statins", "group", shares)


def _alike() -> MeasureEvents:
    """Twelve hospitals with equal counts in fours: figures that tie."""
    found = _hospitals(12)
    same = [float(place % 120 < (20, 30, 40)[place // 120 % 3]) for place in range(found.events.height)]
    return replace(found, events=found.events.with_columns(value=pl.Series(same).cast(pl.Decimal(18, 6))))


CASES: dict[str, Callable[[], MeasureEvents]] = {
    "shares": _six_shares,
    "a logistic model": lambda: _found("hwr", "facility", _stays()),
    "effects of hospitals": lambda: _hospitals(12),
    "too few hospitals for effects": lambda: _hospitals(8),
    "hospitals alike": _alike,
    "costs that are all the same": lambda: _found(
        "total_cost_index",
        "group",
        [(f"U{unit}", "medicare", 6000.0, 12, True) for unit in range(8) for _ in range(120)],
    ),
    "costs, use and price": lambda: _split(_members() + [("few", "commercial", 90_000.0, 12, True)] * 83),
    "a model that cannot be fitted": lambda: _found(
        "hwr", "facility", [("U1", "medicare", 0.0, 1, True)] * 60 + [("U2", "medicare", 0.0, 1, True)] * 60
    ),
}


@cache
def made_of_case(case: str) -> tuple[MeasureEvents, Scored, SentRun]:
    found = CASES[case]()
    return (found, *made(found))


@pytest.mark.parametrize("case", CASES)
def test_a_provider_whose_events_are_the_same_gets_its_results_again(case):
    found, scored, sent = made_of_case(case)
    for provider in sorted(found.attributed["provider_id"].unique()):
        require_equal(again(found, sent, provider), scored.results.filter(pl.col("provider_id") == provider))


@pytest.mark.parametrize("case", ["shares", "a logistic model", "effects of hospitals", "costs, use and price"])
def test_what_others_did_since_then_does_not_matter(case):
    """Every event of others changes: were anything learnt from them again, the provider's own figures would move."""
    found, scored, sent = made_of_case(case)
    provider = sorted(found.attributed["provider_id"].unique())[1]
    own = found.attributed.filter(pl.col("provider_id") == provider)["event_id"].unique().to_list()
    one = pl.lit(Decimal(1), dtype=pl.Decimal(18, 6))
    changed = found.events.with_columns(value=pl.when(pl.col("event_id").is_in(own)).then("value").otherwise(one))
    published = scored.results.filter(pl.col("provider_id") == provider)
    require_equal(again(replace(found, events=changed), sent, provider), published)


def test_a_correction_moves_the_provider_and_by_what_was_frozen():
    """U3 had 45 of 100; 25 of its events were someone else's without the outcome: 45 of 75, .60, Wilson .487 to .703.

    The pooled rate it is held against stays that of the sent run, 346 / 500 = .692: no different, where it was worse. Among
    .95 .70 .60 .70 .66 it is the last of five still: 10; the quartiles of the five are those that were sent.
    """
    found = _six_shares()
    scored, sent = made(found)
    was = scored.results.filter((pl.col("provider_id") == "U3") & (pl.col("payer_scope") == "all")).row(0, named=True)
    assert (was["category"], was["observed"], was["percentile"]) == ("worse", 0.45, 10.0)
    mine = found.attributed.filter(pl.col("provider_id") == "U3").join(found.events, on="event_id")
    gone = mine.filter(pl.col("value") == 0)["event_id"].to_list()[:25]
    corrected = replace(found, attributed=found.attributed.filter(~pl.col("event_id").is_in(gone)))
    row = again(corrected, sent, "U3").filter(pl.col("payer_scope") == "all").row(0, named=True)
    assert (row["denominator"], row["observed"], row["category"], row["percentile"]) == (75, 0.6, "no_different", 10.0)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((0.4869, 0.7033), abs=2e-4)
    shared = ("peer_p25", "peer_median", "peer_p75", "achievable_benchmark", "peer_group")
    assert [row[name] for name in shared] == [was[name] for name in shared]
    assert was["fdr_significant"] and not row["fdr_significant"]


def test_a_hospital_that_loses_readmissions_moves_towards_better_by_the_same_models():
    found, scored, sent = made_of_case("effects of hospitals")
    own = found.attributed.filter(pl.col("provider_id") == "H03")["event_id"].to_list()
    readmitted = found.events.filter(pl.col("event_id").is_in(own) & (pl.col("value") == 1))["event_id"].to_list()
    none = pl.lit(Decimal(0), dtype=pl.Decimal(18, 6))
    events = found.events.with_columns(
        value=pl.when(pl.col("event_id").is_in(readmitted[:10])).then(none).otherwise("value")
    )
    was = scored.results.filter((pl.col("provider_id") == "H03") & (pl.col("payer_scope") == "all")).row(0, named=True)
    row = again(replace(found, events=events), sent, "H03").filter(pl.col("payer_scope") == "all").row(0, named=True)
    assert row["numerator"] == was["numerator"] - 10
    assert row["expected"] == pytest.approx(was["expected"], rel=1e-9), "the average hospital is as it was"
    for name in ("ratio", "ci_low", "ci_high"):
        assert row[name] < was[name]
    others = scored.results.filter(pl.col("provider_id") != "H03")
    require_equal(again(found, sent, "H04"), others.filter(pl.col("provider_id") == "H04"))


def test_a_first_case_in_a_model_of_hospitals_is_no_correction():
    """H00 had only excluded stays: a row, and no part in the models; its exclusions are lifted."""
    found = _hospitals(13)
    own = found.attributed.filter(pl.col("provider_id") == "H00")["event_id"].to_list()
    none = replace(found, events=found.events.with_columns(in_denominator=~pl.col("event_id").is_in(own)))
    _, sent = made(none)
    with pytest.raises(MeasureError, match="the provider had no case in the models of the run that was sent"):
        again(found, sent, "H00")


def test_a_measure_without_cases_is_kept_and_read_back():
    found = _six_shares()
    nobody = replace(found, events=found.events.with_columns(in_denominator=pl.lit(False)))
    scored, sent = made(nobody)
    assert np.isnan(sent.references["pdc_statins"].overall)
    require_equal(again(nobody, sent, "U2"), scored.results.filter(pl.col("provider_id") == "U2"))
    flat = CASES["a model that cannot be fitted"]()
    kept = made(flat)[1].references["hwr"]
    assert from_json(to_json((kept,)))["hwr"] == kept


def test_a_provider_that_has_lost_every_event_has_no_row():
    found = _six_shares()
    _, sent = made(found)
    corrected = replace(found, attributed=found.attributed.filter(pl.col("provider_id") != "U2"))
    assert again(corrected, sent, "U2").is_empty()


def test_a_first_result_and_another_version_are_no_correction():
    found = _six_shares()
    _, sent = made(found)
    with pytest.raises(MeasureError, match="the provider has no result in the run that was sent"):
        again(found, sent, "unknown")
    other_caps = replace(found, learnt={"cost_cap": pl.DataFrame({"cap_cents": [1]})})
    with pytest.raises(MeasureError, match="pdc_statins: the corrected events go by other prices or caps"):
        again(other_caps, sent, "U2")
    same_caps = replace(sent, learnt={"pdc_statins": dict(other_caps.learnt)})
    assert again(other_caps, same_caps, "U2").height == again(found, sent, "U2").height > 0
    other_days = replace(found, period=MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31)))
    with pytest.raises(MeasureError, match="its period_start, period_end differ from those of the run that was sent"):
        again(other_days, sent, "U2")
    other = {name: replace(one, version="0.9.0") for name, one in sent.references.items()}
    with pytest.raises(MeasureError, match=r"corrected by version 1\.0\.0, but sent with 0\.9\.0"):
        again(found, replace(sent, references=other), "U2")


@pytest.mark.parametrize(
    "families",
    [
        ("age|spline", "comorbidity", "payer_line"),
        ("age|bands", "payer_line", "age*payer_line"),
        ("age", "sex", "payer_line", "age*payer_line"),
    ],
)
def test_the_columns_of_a_design_are_made_again_for_some_of_its_events(families):
    ids = [f"E{number:04}" for number in range(900)]
    rows = [(event, "age", float(20 + number % 75)) for number, event in enumerate(ids)]
    lines = ("medicare", "commercial", "medicaid", "rare", "rarer")
    rows += [
        (event, f"payer_line:{lines[number % 3 if number % 30 else 3 + number % 60 // 30]}", 1.0)
        for number, event in enumerate(ids)
    ]
    rows += [(event, "sex", 1.0) for event in ids[::2]]
    rows += [(event, "comorbidity:HF", 1.0) for event in ids[::3]]
    rows += [(event, "comorbidity:rare", 1.0) for event in ids[:20]]
    covariates = pl.DataFrame(rows, schema=["event_id", "factor", "value"], orient="row")
    before = design.build(covariates, ids, families, None)
    some = ids[5::7]
    found = design.again(covariates, some, families, terms=before.terms, pooled=before.pooled)
    assert found.tolist() == before.x[5::7].tolist()
    assert len(before.terms) >= 3
