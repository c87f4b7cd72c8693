"""The bootstrap against the same draws made the long way: rows of a provider drawn twice stand twice, under two labels."""

import numpy as np
import pytest
from scipy.special import expit

from qe.statistics import bootstrap, mixed_logit, mixed_model

PROVIDERS, CASES = 12, 900


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    place = np.sort(random.integers(PROVIDERS, size=CASES))
    x = np.column_stack([random.normal(size=CASES), random.random(CASES) < 0.3]).astype(float)
    effect = random.normal(0.0, 0.6, PROVIDERS)
    y = (random.random(CASES) < expit(-1.0 + x @ [0.4, 0.5] + effect[place])).astype(float)
    return y, x, np.char.mod("P%02d", place)


def the_long_way(y: np.ndarray, x: np.ndarray, provider: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """(draws, providers) ratios at drawn effects; NaN where a provider was not drawn."""
    names = np.unique(provider)
    found = np.full((draws, len(names)), np.nan)
    for draw in range(draws):
        random = np.random.default_rng([seed, draw])
        times = np.bincount(random.integers(len(names), size=len(names)), minlength=len(names))
        noise = random.standard_normal((1, len(names)))[0]
        rows, labels = [], []
        for name, copies in zip(names, times, strict=True):
            for copy in range(copies):
                own = np.flatnonzero(provider == name)
                rows.append(own)
                labels += [f"{name}-{copy}"] * len(own)
        taken = np.concatenate(rows)
        model = mixed_logit.fit(y[taken], x[taken], np.array(labels))
        for place, name in enumerate(names):
            if times[place]:
                at = model.providers.index(f"{name}-0")
                effect = model.effects[at] + np.sqrt(model.effect_variance[at]) * noise[place]
                linear = model.coefficients[0] + x[provider == name] @ model.coefficients[1:]
                found[draw, place] = expit(linear + effect).sum() / expit(linear).sum()
    return found


def test_counting_a_provider_twice_is_the_same_as_giving_its_cases_twice():
    y, x, provider = drawn(3)
    found = bootstrap.interval([mixed_logit.fit(y, x, provider)], draws=40, seed=8, confidence=0.90, sigma="refitted")
    wanted = the_long_way(y, x, provider, draws=40, seed=8)
    assert found.kept == 0.0
    np.testing.assert_array_equal(found.drawn, np.isfinite(wanted).sum(axis=0))
    enough = found.drawn >= bootstrap.LEAST_DRAWN
    assert enough.sum() >= 10
    low, high = np.nanquantile(wanted[:, enough], [0.05, 0.95], axis=0, method="weibull")
    np.testing.assert_allclose(found.low[enough], low, atol=2e-4)
    np.testing.assert_allclose(found.high[enough], high, atol=2e-4)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    model = mixed_logit.fit(*drawn(4))
    first, again, other = (bootstrap.interval([model], draws=25, seed=seed, confidence=0.95) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.low, again.low)
    assert not np.array_equal(first.drawn, other.drawn)


def test_a_provider_that_was_hardly_drawn_has_no_interval():
    found = bootstrap.interval([mixed_logit.fit(*drawn(5))], draws=bootstrap.LEAST_DRAWN, seed=1, confidence=0.95)
    rare = found.drawn < bootstrap.LEAST_DRAWN
    assert rare.any()
    assert np.isnan(found.low[rare]).all()
    assert np.isnan(found.high[rare]).all()


def test_cohorts_are_combined_by_volume_on_the_log_scale():
    y, x, provider = drawn(6)
    first, second = np.arange(CASES) % 3 == 0, np.arange(CASES) % 3 != 0
    models = [mixed_logit.fit(y[part], x[part], provider[part]) for part in (first, second)]
    found = mixed_model.combined(models)
    at = 4
    few, many = models[0].cases[at], models[1].cases[at]
    logs = (few * np.log(models[0].ratio[at]) + many * np.log(models[1].ratio[at])) / (few + many)
    assert found.ratio[at] == pytest.approx(np.exp(logs), rel=1e-12)
    variance = sum((model.cases[at] / (few + many)) ** 2 * model.log_ratio_variance[at] for model in models)
    assert found.log_ratio_variance[at] == pytest.approx(variance, rel=1e-12)
    both = bootstrap.interval(models, draws=60, seed=2, confidence=0.95)
    held = np.isfinite(both.low)
    assert np.mean((both.low <= found.ratio)[held] & (found.ratio <= both.high)[held]) > 0.9


def test_a_cohort_without_variation_adds_no_variance():
    y, x, provider = drawn(7)
    even = np.tile([0.0, 0.0, 1.0, 0.0], 3 * PROVIDERS)  # each provider 12 cases of which 3 have the outcome
    flat = mixed_logit.fit(even, np.empty((len(even), 0)), np.repeat(np.unique(provider), 12))
    varied = mixed_logit.fit(y, x, provider)
    assert flat.sigma == 0.0
    found = mixed_model.combined([flat, varied])
    share = varied.cases / (varied.cases + 12)
    np.testing.assert_allclose(found.log_ratio_variance, share**2 * varied.log_ratio_variance, rtol=1e-12)


def test_the_analytic_variance_of_a_ratio_is_its_slope_by_the_effect():
    model = mixed_logit.fit(*drawn(9))
    _y, x, provider = drawn(9)
    mine = provider == model.providers[0]
    linear = model.coefficients[0] + x[mine] @ model.coefficients[1:] + model.effects[0]
    chance = expit(linear)
    slope = (chance * (1 - chance)).sum() / chance.sum()
    assert model.log_ratio_variance[0] == pytest.approx(slope**2 * model.effect_variance[0], rel=1e-6)
