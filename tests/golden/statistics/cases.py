"""Made-up cases of providers for the hierarchical models: what the R script fits and what the tests fit are the same numbers.

The generator is what is kept, not the rows: `SHA256` notices when numpy draws otherwise than when the golden values were made.
Write the rows for R:  python -m tests.golden.statistics.cases FOLDER
"""

import csv
import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
HERE: Final = Path(__file__).parent
CONFOUNDED_COEFFICIENTS: Final = (0.4, 0.3)
THETA: Final = 2.0  # of the negative binomial counts: variance = mean + mean^2 / theta


@dataclass(frozen=True, kw_only=True)
class GoldenCases:
    """y (n,), x (n, p) without a constant, provider (n,) labels, exposure (n,) of counts (1 where the outcome is 0 or 1)."""

    y: Floats
    x: Floats
    provider: NDArray[np.str_]
    exposure: Floats

    def sha256(self) -> str:
        """Of the bytes of all columns, little-endian doubles and UTF-8 labels."""
        seen = hashlib.sha256()
        for column in (self.y, self.x, self.exposure):
            seen.update(np.ascontiguousarray(column, dtype="<f8").tobytes())
        seen.update("\n".join(self.provider.tolist()).encode())
        return seen.hexdigest()


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def providers_of(r: np.random.Generator, *, cases: int, providers: int) -> NDArray[np.int64]:
    """Whose case each is: one case each at least, the others by lognormal sizes."""
    size = r.lognormal(0.0, 1.0, providers)
    others = r.choice(providers, cases - providers, p=size / size.sum())
    return r.permutation(np.concatenate([np.arange(providers), others])).astype(np.int64)


def factors_of(r: np.random.Generator, place: NDArray[np.int64], *, factors: int) -> Floats:
    """The first continuous (4 decimals, so that text holds it), the others 0 or 1 with a case mix of the provider's own."""
    x = np.empty((len(place), factors))
    x[:, 0] = np.clip(r.normal(0.0, 1.0, len(place)), -3.0, 3.0).round(4)
    prevalence = r.beta(1.2, 10.0, factors).clip(0.02, 0.9)
    shift = r.normal(0.0, 0.3, place.max() + 1)
    for column in range(1, factors):
        odds = np.log(prevalence[column] / (1 - prevalence[column]))
        x[:, column] = r.random(len(place)) < expit(odds + shift[place])
    return x


def labels(place: NDArray[np.int64]) -> NDArray[np.str_]:
    return np.array([f"P{number:04d}" for number in place + 1])


def events(*, seed: int, cases: int, factors: int, providers: int, sigma: float, constant: float) -> GoldenCases:
    """Outcomes of 0 and 1 by a logistic model with a normal intercept of each provider."""
    r = generator(seed)
    place = providers_of(r, cases=cases, providers=providers)
    x = factors_of(r, place, factors=factors)
    coefficients = np.concatenate([[0.25], r.normal(0.15, 0.2, factors - 1)])
    effects = r.normal(0.0, 1.0, providers) * sigma
    happened = r.random(cases) < expit(constant + x @ coefficients + effects[place])
    return GoldenCases(y=happened.astype(np.float64), x=x, provider=labels(place), exposure=np.ones(cases))


def confounded(*, seed: int) -> GoldenCases:
    """6,000 cases of 100 providers: those with the heavier case mix in the first factor are worse by 0.8 times it as well."""
    r = generator(seed)
    place = providers_of(r, cases=6_000, providers=100)
    shift = r.normal(0.0, 0.7, 100)
    x = np.column_stack([(shift[place] + r.normal(0.0, 0.7, len(place))).round(4), r.random(len(place)) < 0.3])
    log_odds = -1.5 + x @ CONFOUNDED_COEFFICIENTS + (0.8 * shift + r.normal(0.0, 0.3, 100))[place]
    happened = r.random(len(place)) < expit(log_odds)
    return GoldenCases(y=happened.astype(np.float64), x=x, provider=labels(place), exposure=np.ones(len(place)))


def counts(*, seed: int, theta: float | None) -> GoldenCases:
    """Counts over an exposure of 0.1 to 3, log-linear with a normal intercept of each provider; gamma-mixed given theta."""
    r = generator(seed)
    place = providers_of(r, cases=5_000, providers=120)
    x = factors_of(r, place, factors=4)
    exposure = r.uniform(0.1, 3.0, len(place)).round(3)
    coefficients = np.concatenate([[0.2], r.normal(0.15, 0.2, 3)])
    effects = r.normal(0.0, 0.35, 120)
    mean = exposure * np.exp(-0.3 + x @ coefficients + effects[place])
    if theta is not None:
        mean = mean * r.gamma(theta, 1 / theta, len(place))
    return GoldenCases(y=r.poisson(mean).astype(np.float64), x=x, provider=labels(place), exposure=exposure)


def costs(*, seed: int, between: float) -> GoldenCases:
    """Amounts of about 100 that differ between providers by `between` (standard deviation) and within them by 4."""
    r = generator(seed)
    place = providers_of(r, cases=4_000, providers=150)
    x = factors_of(r, place, factors=5)
    effects = r.normal(0.0, 1.0, 150) * between
    y = 100.0 + x @ np.array([2.0, 1.5, -0.7, 0.4, 3.0]) + effects[place] + r.normal(0.0, 4.0, len(place))
    return GoldenCases(y=y.round(4), x=x, provider=labels(place), exposure=np.ones(len(place)))


def cbpp() -> GoldenCases:
    """Contagious bovine pleuropneumonia in 15 herds over 4 periods: each animal a case, the periods 2 to 4 factors of 0 or 1.

    Source: Lesnoff et al. (2004), Veterinary Research 35:299; cbpp.csv holds the 56 rows of `cbpp` in R's lme4.
    """
    y: list[float] = []
    periods: list[int] = []
    herds: list[str] = []
    with (HERE / "cbpp.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            size, incidence = int(row["size"]), int(row["incidence"])
            y += [1.0] * incidence + [0.0] * (size - incidence)
            periods += [int(row["period"])] * size
            herds += [f"H{int(row['herd']):02d}"] * size
    x = np.column_stack([np.array(periods) == period for period in (2, 3, 4)]).astype(np.float64)
    return GoldenCases(y=np.array(y), x=x, provider=np.array(herds), exposure=np.ones(len(y)))


MAKE: Final[dict[str, Callable[[], GoldenCases]]] = {
    "cbpp": cbpp,
    "large": lambda: events(seed=501, cases=50_000, factors=20, providers=500, sigma=0.3, constant=-1.7),
    "rare": lambda: events(seed=502, cases=20_000, factors=6, providers=150, sigma=0.5, constant=-4.6),
    "tiny": lambda: events(seed=503, cases=3_000, factors=5, providers=200, sigma=0.4, constant=-1.2),
    "null": lambda: events(seed=507, cases=6_000, factors=3, providers=100, sigma=0.0, constant=-1.5),
    "confounded": lambda: confounded(seed=511),
    "poisson": lambda: counts(seed=505, theta=None),
    "negative_binomial": lambda: counts(seed=506, theta=THETA),
    "linear": lambda: costs(seed=521, between=1.2),
    "linear_null": lambda: costs(seed=522, between=0.0),
}

SHA256: Final[dict[str, str]] = {
    "cbpp": "b6a490aeb307b82e8a98eb804ee8ee03be069dc01d193dd71b8b4a810527683d",
    "large": "267356f8645d0f711e02999152d601bc59fb1c7a17dd9dd50bf11c23c0eba5c6",
    "rare": "a76f7ff17f81ec6ab6c96a93ecb94e0664e90f942447ebc48c35643f27b14712",
    "tiny": "20d9df8d0de7c29923b1e6029c62a6376de6bf35707bc57b6f5f7d013595c315",
    "null": "75c00156e82973827d3e2764029a391ed8d53efeb12560bd53904aba00dadc41",
    "confounded": "cf8f41dcef2df9ec781b6f8815dd32715083a3f5969a68d06d135342df7e3550",
    "poisson": "5fbf7143a57e04267b812b6a0a4a3fba1d3434a731f9fb6b01839c8b15460566",
    "negative_binomial": "2e313f05e7b7218839f0be0f15f8b00f4ad38ff12e75959baff3b34d0b380c24",
    "linear": "ba51812dfa3af002530878a6cc10d787ef6fd88abc647c458a68450049d3d886",
    "linear_null": "b823e62aad8c7fdc323ff61c8169fdd64432e078cd46671826000b130408d619",
}


def with_provider_means(cases: GoldenCases) -> GoldenCases:
    """The factors, and behind them the mean of each over the provider's cases."""
    names, place, size = np.unique(cases.provider, return_inverse=True, return_counts=True)
    means = np.column_stack([np.bincount(place, weights=column, minlength=len(names)) / size for column in cases.x.T])
    return GoldenCases(
        y=cases.y, x=np.hstack([cases.x, means[place]]), provider=cases.provider, exposure=cases.exposure
    )


def write(folder: Path) -> None:
    """One CSV a case for R: provider, y, exposure, x1, x2, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in MAKE.items():
        cases = make()
        with (folder / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["provider", "y", "exposure", *(f"x{1 + column}" for column in range(cases.x.shape[1]))])
            for label, y, exposure, x in zip(
                cases.provider.tolist(), cases.y.tolist(), cases.exposure.tolist(), cases.x.tolist(), strict=True
            ):
                rows.writerow([label, f"{y:.10g}", f"{exposure:.10g}", *(f"{value:.10g}" for value in x)])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
