"""The distribution of effects against integration by brute force: a grid over sigma, the constant and one provider's effect."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logsumexp

from qe.errors import CannotFit
from qe.statistics import mixed_logit, mixed_poisson

SLOPE = 0.4


def drawn(seed: int, *, providers: int = 10, each: int = 40, sigma: float = 0.4) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    place = np.repeat(np.arange(providers), each)
    x = random.normal(size=len(place))
    effect = random.normal(0.0, sigma, providers)
    y = (random.random(len(place)) < expit(-1.0 + SLOPE * x + effect[place])).astype(float)
    return y, x, place


def by_brute_force(y: np.ndarray, fixed: np.ndarray, place: np.ndarray, *, at: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of provider `at`'s effect and their cumulative probability.

    A flat prior of the constant and of sigma squared; fixed: (n,) what the factors add, taken as known.
    """
    constants, effects = np.linspace(-2.0, 0.0, 41), np.linspace(-2.0, 2.0, 201)
    sigmas = np.linspace(0.02, 2.0, 60)
    names = np.unique(place)
    likelihood = np.empty((len(names), len(constants), len(effects)))
    for row, name in enumerate(names):
        own = place == name
        eta = fixed[own][:, None, None] + constants[:, None] + effects[None, :]
        likelihood[row] = np.where(y[own][:, None, None] == 1, np.log(expit(eta)), np.log(expit(-eta))).sum(axis=0)
    density = np.full(len(effects), -np.inf)
    for sigma in sigmas:
        prior = -0.5 * (effects / sigma) ** 2
        joint = likelihood + prior - logsumexp(prior)
        others = logsumexp(joint, axis=2).sum(axis=0) - logsumexp(joint[at], axis=1)
        density = np.logaddexp(density, np.log(sigma) + logsumexp(joint[at] + others[:, None], axis=0))
    chance = np.exp(density - logsumexp(density))
    return effects, np.cumsum(chance) - 0.5 * chance


@pytest.mark.parametrize(("seed", "sigma"), [(1, 0.4), (3, 0.0)])
def test_quantiles_are_those_of_integration_by_brute_force(seed, sigma):
    y, x, place = drawn(seed, each=160, sigma=sigma)  # large: an effect is nearly normal at one sigma
    model = mixed_logit.fit(y, x[:, None], place)
    for at in (0, 5, 9):
        effects, below = by_brute_force(y, model.coefficients[1] * x, place, at=at)
        for share in (0.025, 0.25, 0.975):
            wanted = np.interp(share, below, effects)
            assert model.posterior.quantile(share)[at] == pytest.approx(wanted, abs=0.03), (at, share, model.sigma)


def test_where_providers_seem_not_to_differ_the_interval_says_what_that_leaves_open():
    y, x, place = drawn(3, sigma=0.0)
    model = mixed_logit.fit(y, x[:, None], place)
    assert model.sigma == 0.0
    np.testing.assert_array_equal(model.interval(confidence=0.95, sigma="known"), np.ones((2, 10)))
    low, high = model.interval(confidence=0.95)
    assert np.all((low < 1) & (high > 1))
    assert np.all(high / low > 1.1)


def test_with_many_providers_sigma_is_known_and_both_intervals_are_one():
    y, x, place = drawn(4, providers=1500, each=40)
    model = mixed_logit.fit(y, x[:, None], place)
    known, integrated = (np.log(model.interval(confidence=0.95, sigma=sigma)) for sigma in ("known", "integrated"))
    np.testing.assert_allclose(integrated[1] - integrated[0], known[1] - known[0], rtol=0.03)


def test_sigmas_are_drawn_by_their_weights():
    y, x, place = drawn(1)
    posterior = mixed_logit.fit(y, x[:, None], place).posterior
    assert posterior.weights.sum() == pytest.approx(1.0)
    assert posterior.weights[[0, -1]].max() < 0.02, "the range holds all that is likely"
    assert posterior.at(0.0)[0] == posterior.sigmas[0]
    assert posterior.at(1.0)[0] == posterior.sigmas[-1]
    shares = (np.arange(4_000) + 0.5) / 4_000
    drawn_sigmas = np.array([posterior.at(share)[0] for share in shares])
    assert drawn_sigmas.mean() == pytest.approx(float(posterior.weights @ posterior.sigmas), rel=1e-3)


def test_counts_are_integrated_at_the_dispersion_that_was_found():
    random = np.random.default_rng(5)
    place = np.repeat(np.arange(30), 20)
    mean = np.exp(0.5 + random.normal(0.0, 0.3, 30)[place])
    y = random.negative_binomial(1.5, 1.5 / (1.5 + mean))
    x = random.normal(size=(600, 1))
    model = mixed_poisson.fit(y, x, place, exposure=np.ones(600), family="negative_binomial")
    low, high = np.log(model.interval(confidence=0.95))
    assert 0.5 < model.dispersion < 4.0
    as_poisson = replace(model, dispersion=1e6)  # which would take the counts to tell far more
    narrower = np.log(as_poisson.interval(confidence=0.95))
    assert np.median((high - low) / (narrower[1] - narrower[0])) > 1.1


def test_of_a_few_providers_nobody_can_say_how_uncertain_sigma_is():
    y, x, place = drawn(6, providers=4)
    with pytest.raises(CannotFit, match="4 providers do not tell"):
        mixed_logit.fit(y, x[:, None], place).interval(confidence=0.95)
