"""Scoring from events to results, with the shipped modules and small made-up events."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from qe import bundled
from qe.measurement.compute import Coverage, MeasureEvents
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.statistics.results import MODEL_SCHEMA, RESULT_SCHEMA, round_significant, write_results
from qe.statistics.score import Scored, score

EVENT: dict[str, pl.DataType | type[pl.DataType]] = {
    "measure_id": pl.String,
    "event_id": pl.String,
    "cohort": pl.String,
    "payer_type": pl.String,
    "exposure": pl.Decimal(18, 6),
    "in_denominator": pl.Boolean,
    "value": pl.Decimal(18, 6),
}


@dataclass(frozen=True)
class Peers:
    by: tuple[str, ...] = ()
    min_peers: int = 2


@dataclass(frozen=True)
class Settings:
    fdr_q: float = 0.05
    confidence: float = 0.95
    achievable_share: float = 0.10
    bootstrap_draws: int = 200
    minimum_catchment_share: float = 0.5
    accept_calibration: Mapping[str, str] = field(default_factory=dict)


def _found(module_id: str, level: str, rows: list[tuple[str, str, float, int, bool]]) -> MeasureEvents:
    """rows: provider, payer type, value, exposure, in the denominator."""
    events = pl.DataFrame(
        [
            (module_id, f"E{place:05}", "full", payer, Decimal(exposure), inside, Decimal(str(round(value, 6))))
            for place, (_, payer, value, exposure, inside) in enumerate(rows)
        ],
        schema=EVENT,
        orient="row",
    )
    attributed = pl.DataFrame(
        [(module_id, f"E{place:05}", level, row[0]) for place, row in enumerate(rows)],
        schema=["measure_id", "event_id", "level", "provider_id"],
        orient="row",
    )
    random = np.random.default_rng(5)
    covariates = pl.DataFrame(
        [(f"E{place:05}", "age", float(random.integers(30, 95))) for place in range(len(rows))]
        + [(f"E{place:05}", "comorbidity:HF", 1.0) for place in range(0, len(rows), 3)],
        schema={"event_id": pl.String, "factor": pl.String, "value": pl.Float64},
        orient="row",
    )
    return MeasureEvents(
        module=load(bundled.folder("measures") / module_id),
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
        covariates=covariates,
        waterfall=pl.DataFrame(),
    )


def _units(level: str, *unit_ids: str) -> pl.DataFrame:
    return pl.DataFrame(
        [(unit_id, level, "CCN", unit_id, "name", None, "51001", None) for unit_id in unit_ids],
        schema={
            **dict.fromkeys(
                ("unit_id", "level", "id_type", "identifier", "name", "specialty", "county_fips"), pl.String
            ),
            "catchment_share": pl.Float64,
        },
        orient="row",
    )


def _shares(level: str, **providers: tuple[int, int]) -> list[tuple[str, str, float, int, bool]]:
    return [
        (provider, "medicare", float(place < events), 1, True)
        for provider, (events, n) in providers.items()
        for place in range(n)
    ]


def _pdc(**providers: tuple[int, int]) -> Scored:
    found = _found("pdc_statins", "group", _shares("group", **providers))
    return score(found, units=_units("group", *providers), peers=Peers(), settings=Settings())


def _row(scored: Scored, provider: str, scope: str = "all") -> dict[str, object]:
    return scored.results.row(
        by_predicate=(pl.col("provider_id") == provider) & (pl.col("payer_scope") == scope), named=True
    )


def test_a_share_is_judged_by_wilsons_interval_against_the_pooled_rate_of_its_peers() -> None:
    scored = _pdc(U1=(95, 100), U2=(70, 100), U3=(45, 100), U4=(70, 100), U5=(66, 100), U6=(74, 100))
    # pooled 420/600 = .70; Wilson of 95/100 is .888 to .978, of 45/100 .356 to .548
    assert [_row(scored, unit)["category"] for unit in ("U1", "U2", "U3", "U4")] == [
        "better",
        "no_different",
        "worse",
        "no_different",
    ]
    first = _row(scored, "U1")
    assert (first["percentile"], first["fdr_significant"], first["expected"], first["ratio"]) == (
        (5 + 0.5) / 6 * 100,
        True,
        None,
        None,
    )
    # .45, .66, .70, .70, .74, .95 by type 7: .66 + .25 * .04, .70, .70 + .75 * .04
    np.testing.assert_allclose([first["peer_p25"], first["peer_median"], first["peer_p75"]], [0.67, 0.70, 0.73])  # type: ignore[arg-type]
    assert first["achievable_benchmark"] == 0.95


def test_a_provider_below_the_minimum_is_too_few_and_not_publishable_and_nobodys_peer() -> None:
    scored = _pdc(U1=(20, 29), U2=(70, 100), U3=(45, 100), U4=(70, 100), U5=(60, 100))
    row = _row(scored, "U1")
    assert (row["category"], row["publishable"], row["percentile"]) == ("too_few", False, None)
    assert row["not_publishable_reason"] == "below the minimum of 30"
    assert _row(scored, "U2")["peer_group"] == "all groups in this report (n = 4)"


def test_of_fewer_than_six_peers_no_quartile_or_benchmark_is_shown() -> None:
    row = _row(_pdc(U1=(80, 100), U2=(70, 100), U3=(45, 100), U4=(60, 100), U5=(60, 100)), "U1")
    assert (row["peer_median"], row["achievable_benchmark"]) == (None, None)
    assert row["category"] == "better"  # 315/500 = .63 below Wilson's .711 of 80/100


def test_a_payer_scope_is_judged_by_its_own_interval_and_minimum() -> None:
    rows = _shares("group", U1=(50, 100), U2=(50, 100))
    rows += [("U1", "commercial", float(place < 58), 1, True) for place in range(60)]
    rows += [("U2", "commercial", float(place < 20), 1, True) for place in range(60)]
    rows += [("U3", "commercial", 1.0, 1, True)] * 5 + [("U3", "medicare", 1.0, 1, True)] * 40
    found = _found("pdc_statins", "group", rows)
    scored = score(found, units=_units("group", "U1", "U2", "U3"), peers=Peers(), settings=Settings())
    # other payers: pooled (58 + 20 + 5)/125 = .664
    assert [_row(scored, unit, "other")["category"] for unit in ("U1", "U2", "U3")] == ["better", "worse", "too_few"]
    assert _row(scored, "U1", "medicare")["denominator"] == 100


def test_excluded_events_are_counted_and_weigh_in_nothing_else() -> None:
    rows = _shares("group", U1=(50, 100), U2=(60, 100)) + [("U1", "medicare", 1.0, 1, False)] * 7
    scored = score(
        _found("pdc_statins", "group", rows), units=_units("group", "U1", "U2"), peers=Peers(), settings=Settings()
    )
    row = _row(scored, "U1")
    assert (row["excluded"], row["denominator"], row["numerator"]) == (7, 100, 50)


def _stays() -> list[tuple[str, str, float, int, bool]]:
    random = np.random.default_rng(9)
    risk = {"U1": 0.08, "U2": 0.16, "U3": 0.16, "U4": 0.30}
    return [
        (unit, "medicare" if place % 2 else "commercial", float(random.random() < p), 1, True)
        for unit, p in risk.items()
        for place in range(300)
    ]


def test_readmissions_are_observed_over_expected_with_an_exact_interval_around_one() -> None:
    found = _found("hwr", "facility", _stays())
    scored = score(found, units=_units("facility", "U1", "U2", "U3", "U4"), peers=Peers(), settings=Settings())
    whole = scored.results.filter(pl.col("payer_scope") == "all")
    observed = whole["numerator"].cast(pl.Float64).to_numpy()
    expected = whole["expected"].to_numpy()
    assert expected.sum() == pytest.approx(observed.sum())
    np.testing.assert_allclose(whole["ratio"], observed / expected)
    np.testing.assert_allclose(whole["adjusted"], observed / expected * observed.sum() / 1200)
    np.testing.assert_allclose(whole["ci_low"], stats.chi2.ppf(0.025, 2 * observed) / 2 / expected)
    np.testing.assert_allclose(whole["ci_high"], stats.chi2.ppf(0.975, 2 * observed + 2) / 2 / expected)
    assert whole["category"].to_list()[0] == "better"
    assert whole["category"].to_list()[3] == "worse"
    assert whole["engine"].unique().to_list() == ["logistic"]
    terms = scored.model["term"].to_list()
    assert "c_statistic" in terms
    assert "calibration O/E before scaling, medicare" in terms
    assert not [term for term in terms if ", age " in term], "no payer line and age band has 50 expected events"


def _misfitted() -> MeasureEvents:
    """Age works against the payer: of old Medicare and young commercial stays half are followed by another, of the others few."""
    random = np.random.default_rng(2)
    ages = [30.0 if place % 2 else 80.0 for place in range(4000)]
    payers = ["medicare" if place % 4 < 2 else "commercial" for place in range(4000)]
    risk = [0.5 if (age > 65) == (payer == "medicare") else 0.1 for age, payer in zip(ages, payers, strict=True)]
    rows = [
        (f"U{place % 3}", payer, float(random.random() < p), 1, True)
        for place, (payer, p) in enumerate(zip(payers, risk, strict=True))
    ]
    covariates = pl.DataFrame(
        [(f"E{place:05}", "age", age) for place, age in enumerate(ages)],
        schema={"event_id": pl.String, "factor": pl.String, "value": pl.Float64},
        orient="row",
    )
    return replace(_found("hwr", "facility", rows), covariates=covariates)


def test_a_model_that_does_not_fit_every_payer_and_age_keeps_results_from_publication():
    scored = score(_misfitted(), units=_units("facility", "U0", "U1", "U2"), peers=Peers(), settings=Settings())
    row = _row(scored, "U1")
    assert (row["publishable"], row["converged"]) == (False, True)
    assert str(row["not_publishable_reason"]).startswith("the risk model does not fit every payer and age")
    cell = scored.model.filter(pl.col("term") == "calibration O/E before scaling, medicare, age 75-84")
    assert cell["estimate"].item() == pytest.approx(0.5 / 0.3, abs=0.1)


def test_a_model_that_does_not_fit_is_published_when_the_site_says_why():
    settings = Settings(accept_calibration={"hwr": "old commercial members are few; the next model tells them apart"})
    scored = score(_misfitted(), units=_units("facility", "U0", "U1", "U2"), peers=Peers(), settings=settings)
    assert _row(scored, "U1")["publishable"] is True


def test_a_module_with_hardly_an_outcome_is_scored_at_the_overall_rate_and_not_published() -> None:
    rows = [("U1", "medicare", float(place == 0), 1, True) for place in range(40)]
    found = _found("hwr", "facility", rows)
    constant = found.covariates.with_columns(value=pl.lit(1.0))
    separated = constant.vstack(
        pl.DataFrame({"event_id": ["E00000"], "factor": ["sex"], "value": [2.0]}, schema=constant.schema)
    )
    found = MeasureEvents(**{**vars(found), "covariates": separated})
    row = _row(score(found, units=_units("facility", "U1"), peers=Peers(), settings=Settings()), "U1")
    assert (row["engine"], row["converged"], row["publishable"]) == ("oe", False, False)
    assert row["expected"] == pytest.approx(1.0)


def _members() -> list[tuple[str, str, float, int, bool]]:
    random = np.random.default_rng(4)
    level = {"U1": 300.0, "U2": 400.0, "U3": 560.0}
    return [
        (unit, "medicare" if place % 3 else "commercial", 12 * mean * random.gamma(1.2, 1 / 1.2), 12, True)
        for unit, mean in level.items()
        for place in range(200)
    ]


def test_expected_cost_sums_to_observed_cost_within_each_payer_scope() -> None:
    found = _found("total_cost_index", "group", _members())
    scored = score(found, units=_units("group", "U1", "U2", "U3"), peers=Peers(), settings=Settings())
    for scope in ("all", "medicare", "other"):
        rows = scored.results.filter(pl.col("payer_scope") == scope)
        assert rows["expected"].sum() == pytest.approx(float(rows["numerator"].sum()))
    row = _row(scored, "U1")
    assert (row["denominator"], row["category"], row["engine"]) == (2400, "better", "quasi_poisson")
    assert _row(scored, "U3")["category"] == "worse"


def test_results_do_not_depend_on_the_order_of_rows_and_are_the_same_bytes(tmp_path: Path) -> None:
    found = _found("hwr", "facility", _stays())
    shuffled = MeasureEvents(
        **{
            **vars(found),
            "events": found.events.sample(fraction=1, shuffle=True, seed=1),
            "attributed": found.attributed.sample(fraction=1, shuffle=True, seed=2),
            "covariates": found.covariates.sample(fraction=1, shuffle=True, seed=3),
        }
    )
    written = []
    for place, one in enumerate((found, shuffled)):
        units = _units("facility", "U1", "U2", "U3", "U4")
        scored = score(one, units=units if place else units.reverse(), peers=Peers(), settings=Settings())
        write_results(scored.results, tmp_path / f"{place}.parquet")
        written.append((tmp_path / f"{place}.parquet").read_bytes())
    assert written[0] == written[1]


def test_the_table_has_the_columns_of_the_contract_in_order() -> None:
    scored = _pdc(U1=(50, 100), U2=(60, 100))
    assert scored.results.schema == RESULT_SCHEMA
    assert scored.model.schema == MODEL_SCHEMA
    assert scored.results["payer_scope"].to_list() == ["all", "medicare", "all", "medicare"]


def test_floats_are_kept_to_twelve_significant_digits() -> None:
    frame = round_significant(pl.DataFrame({"x": [1 / 3, 2e10 / 3, None], "n": [1, 2, 3]}))
    assert frame["x"].to_list() == [0.333333333333, 6666666666.67, None]


def test_a_cost_index_of_more_than_a_fifth_repriced_dollars_is_not_published() -> None:
    rows = [
        (unit, "commercial", 4000.0 + 10 * place, 12, True) for unit in ("U1", "U2", "U3", "U4") for place in range(120)
    ]
    found = _found("total_cost_index", "group", rows)
    share = {"U1": 21, "U2": 20, "U3": 0, "U4": 0}  # per cent of each person's dollars
    repriced = [Decimal(share[unit]) for unit, *_ in rows]
    events = found.events.with_columns(
        amount=pl.lit(Decimal(100), dtype=pl.Decimal(14, 2)),
        repriced_amount=pl.Series(repriced, dtype=pl.Decimal(14, 2)),
    )
    units = _units("group", "U1", "U2", "U3", "U4")
    scored = score(replace(found, events=events), units=units, peers=Peers(), settings=Settings())
    assert {unit: _row(scored, unit)["not_publishable_reason"] for unit in ("U1", "U2", "U3")} == {
        "U1": "more than 20% of its dollars are prices put on capitated services",
        "U2": None,
        "U3": None,
    }
    assert _row(scored, "U1")["publishable"] is False


def _split(rows: list[tuple[str, str, float, int, bool]]) -> MeasureEvents:
    """Cost, resource use and price of `_members`: what was used is what was paid at the payer's and the unit's price."""
    price = {"medicare": 0.9, "commercial": 1.6, "U1": 1.0, "U2": 1.1, "U3": 0.8, "few": 1.0}
    used = [(unit, payer, value / (price[payer] * price[unit]), months, True) for unit, payer, value, months, _ in rows]
    of_cost, of_use = _found("total_cost_index", "group", rows), _found("total_cost_index", "group", used)
    events = [
        of_cost.events,
        of_use.events.with_columns(measure_id=pl.lit("resource_use_index")),
        of_cost.events.with_columns(measure_id=pl.lit("price_index"), exposure=of_use.events["value"]),
    ]
    names = ("total_cost_index", "resource_use_index", "price_index")
    attributed = [of_cost.attributed.with_columns(measure_id=pl.lit(name)) for name in names]
    return replace(of_cost, events=pl.concat(events), attributed=pl.concat(attributed))


def test_total_cost_is_resource_use_times_price_for_every_provider_and_payer_scope() -> None:
    """C / E(C) = S / E(S) x (C / S) / (E(C) / E(S)): exact, though both models are fitted and scaled by payer line."""
    scored = score(_split(_members()), units=_units("group", "U1", "U2", "U3"), peers=Peers(), settings=Settings())
    ratios = scored.results.pivot(on="measure_id", index=["provider_id", "payer_scope"], values="ratio")
    assert ratios.height == 9 and ratios.null_count().sum_horizontal().item() == 0
    for _, _, price, use, cost in ratios.select(
        "provider_id", "payer_scope", "price_index", "resource_use_index", "total_cost_index"
    ).iter_rows():
        assert use * price == pytest.approx(cost, rel=1e-12)
    prices = {unit: _of(scored, "price_index", unit) for unit in ("U1", "U2", "U3")}
    # the units' own prices, 1.0 : 1.1 : 0.8, as far as payers' shares of the dollars are those of the people (2 %)
    assert prices["U2"]["ratio"] / prices["U1"]["ratio"] == pytest.approx(1.1, rel=0.02)
    assert prices["U3"]["ratio"] / prices["U1"]["ratio"] == pytest.approx(0.8, rel=0.02)
    assert (prices["U2"]["category"], prices["U3"]["category"]) == ("worse", "better")
    row = prices["U1"]
    assert row["observed"] == pytest.approx(float(row["numerator"]) / float(row["denominator"]))
    assert row["engine"] == "quasi_poisson" and row["publishable"]


def test_a_price_index_is_held_to_the_member_months_of_the_cost_and_expects_nothing_of_one_person() -> None:
    few = [("few", "commercial", 90_000.0, 12, True)] * 83  # 996 member months, though they cost millions
    units = _units("group", "U1", "U2", "U3", "few")
    scored = score(_split(_members() + few), units=units, peers=Peers(), settings=Settings())
    row = _of(scored, "price_index", "few")
    assert (row["category"], row["publishable"]) == ("too_few", False)
    assert row["denominator"] > 1000 and row["not_publishable_reason"] == "below the minimum of 1000"
    assert "price_index" not in scored.expected["measure_id"]
    assert sorted(scored.results["measure_id"].unique()) == ["price_index", "resource_use_index", "total_cost_index"]


def _of(scored: Scored, measure_id: str, provider: str) -> dict[str, Any]:
    return _row(replace(scored, results=scored.results.filter(pl.col("measure_id") == measure_id)), provider)


def test_a_hospital_of_which_the_sources_see_less_than_half_is_not_published() -> None:
    found = _found("hwr", "facility", _stays())
    shares = {"U1": 0.49, "U2": 0.5, "U3": None, "U4": 0.9}
    units = _units("facility", *shares).with_columns(catchment_share=pl.Series(list(shares.values()), dtype=pl.Float64))
    scored = score(found, units=units, peers=Peers(), settings=Settings())
    reasons = {unit: _row(scored, unit)["not_publishable_reason"] for unit in shares}
    assert reasons["U1"] == "our sources see less than 50.0% of its stays"
    assert {unit: reason for unit, reason in reasons.items() if unit != "U1"} == dict.fromkeys(("U2", "U3", "U4"))
    assert _row(scored, "U1")["ratio"] is not None
