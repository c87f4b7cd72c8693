"""How long the models of providers take and how much memory, at sizes of a state's cases, with statsmodels' own GLM beside them.

Each fit runs in a process of its own, on one BLAS thread, so that its peak of memory is its own. The cases come as a site's do: in
no order of their providers, providers' sizes lognormal, factors mostly conditions of 0 or 1 with a case mix for each provider. They
are drawn block by block into the arrays that are fitted, so that drawing them does not set the peak.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from qe.statistics import fixed_effects, mixed_linear, mixed_logit

Floats = NDArray[np.float64]

ROWS_AT_ONCE: Final = 50_000
SIGMA: Final = 0.3  # standard deviation of the providers' log odds
ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
METHODS: Final = ("mixed_logit", "statsmodels_glm", "fixed_effects", "mixed_linear")


@dataclass(frozen=True, kw_only=True)
class Size:
    rows: int
    factors: int
    providers: int


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a fit of mixed_logit may take; gib of the whole process, libraries and cases included."""

    size: Size
    seconds: float
    gib: float


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """Cases as fitted, and the parameters they were drawn with (coefficients: constant first)."""

    y: Floats
    x: Floats
    provider: NDArray[np.str_]
    coefficients: Floats

    @property
    def mib(self) -> int:
        return (self.y.nbytes + self.x.nbytes + self.provider.nbytes) // 2**20


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One fit. seconds: the fit alone, its libraries loaded before.

    cpu_seconds  of the process for the fit: about what it takes where nothing else runs
    cases_mib     of the arrays given
    before_mib   peak of the process when the fit began: libraries and cases
    peak_mib     peak of the process at its end
    furthest     largest distance of a coefficient from the one the cases were drawn with
    """

    method: str
    rows: int
    factors: int
    providers: int
    seconds: float
    cpu_seconds: float
    cases_mib: int
    before_mib: int
    peak_mib: int
    converged: bool
    furthest: float


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The fastest and the largest of several runs of one method at one size."""

    method: str
    size: Size
    best_seconds: float
    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    cases_mib: int
    before_mib: int
    peak_mib: int
    converged: bool
    furthest: float


def simulated(size: Size, *, seed: int) -> Simulated:
    """Outcomes of a logistic model with a normal effect a provider; the first factor continuous, the others 0 or 1."""
    r = np.random.Generator(np.random.PCG64(seed))
    weight = r.lognormal(0.0, 1.0, size.providers)
    until = np.cumsum(weight / weight.sum())
    usual = r.beta(1.2, 10.0, size.factors - 1)
    shift = r.normal(0.0, 0.3, size.providers)
    coefficients = np.concatenate([[-2.0, 0.25], r.normal(0.15, 0.2, size.factors - 1)])
    effects = SIGMA * r.normal(size=size.providers)
    names = np.array([f"P{number:05d}" for number in range(size.providers)])
    y, x, provider = np.empty(size.rows), np.empty((size.rows, size.factors)), np.empty(size.rows, dtype=names.dtype)
    for start in range(0, size.rows, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, size.rows))
        number = rows.stop - rows.start
        place = np.minimum(np.searchsorted(until, r.random(number)), size.providers - 1)
        x[rows, 0] = np.clip(r.normal(size=number), -3.0, 3.0)
        odds = np.log(usual / (1.0 - usual)) + shift[place][:, None]
        x[rows, 1:] = r.random(odds.shape) < expit(odds)
        chance = expit(coefficients[0] + x[rows] @ coefficients[1:] + effects[place])
        y[rows] = r.random(number) < chance
        provider[rows] = names[place]
    return Simulated(y=y, x=x, provider=provider, coefficients=coefficients)


def _mixed_logit(cases: Simulated) -> tuple[Floats, bool]:
    found = mixed_logit.fit(cases.y, cases.x, cases.provider)
    return found.coefficients[1:], found.converged


def _fixed_effects(cases: Simulated) -> tuple[Floats, bool]:
    found = fixed_effects.fit(cases.y, cases.x, cases.provider)
    return found.coefficients, found.converged


def _mixed_linear(cases: Simulated) -> tuple[Floats, bool]:
    """Costs in the place of outcomes: linear in the same factors, with an error of 1."""
    cost = cases.x @ cases.coefficients[1:] + np.random.Generator(np.random.PCG64(1)).normal(size=len(cases.y))
    found = mixed_linear.fit(cost, cases.x, cases.provider)
    return found.coefficients[1:], found.converged


def _statsmodels_glm(cases: Simulated) -> tuple[Floats, bool]:
    """statsmodels' generalized linear model of the same cases, without providers, as its users call it."""
    import statsmodels.api as sm

    found = sm.GLM(cases.y, sm.add_constant(cases.x), family=sm.families.Binomial()).fit()
    return np.asarray(found.params)[1:], bool(found.converged)


FITS: Final[Mapping[str, Callable[[Simulated], tuple[Floats, bool]]]] = {
    "mixed_logit": _mixed_logit,
    "fixed_effects": _fixed_effects,
    "mixed_linear": _mixed_linear,
    "statsmodels_glm": _statsmodels_glm,
}


def peak_mib() -> int:
    """Of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def timed(method: str, size: Size, *, seed: int) -> Timed:
    """In this process: a small fit loads the libraries, then the fit of `size` is timed."""
    FITS[method](simulated(Size(rows=2_000, factors=2, providers=20), seed=seed))
    cases = simulated(size, seed=seed)
    before, begin, used = peak_mib(), time.monotonic(), time.process_time()
    coefficients, converged = FITS[method](cases)
    seconds, cpu_seconds = time.monotonic() - begin, time.process_time() - used
    return Timed(
        method=method,
        **asdict(size),
        seconds=round(seconds, 2),
        cpu_seconds=round(cpu_seconds, 2),
        cases_mib=cases.mib,
        before_mib=before,
        peak_mib=peak_mib(),
        converged=converged,
        furthest=round(float(np.max(np.abs(coefficients - cases.coefficients[1:]))), 4),
    )


def speed(method: str, size: Size, *, seed: int, runs: int) -> Speed:
    """Each run in a fresh process on one BLAS thread."""
    command = [sys.executable, "-m", "benchmarks.statistics", method, json.dumps(asdict(size)), str(seed)]
    alone = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
    done = [subprocess.run(command, capture_output=True, text=True, check=True, env=alone) for _ in range(runs)]
    found = [Timed(**json.loads(one.stdout)) for one in done]
    return Speed(
        method=method,
        size=size,
        best_seconds=min(one.seconds for one in found),
        seconds=tuple(one.seconds for one in found),
        cpu_seconds=tuple(one.cpu_seconds for one in found),
        cases_mib=found[0].cases_mib,
        before_mib=max(one.before_mib for one in found),
        peak_mib=max(one.peak_mib for one in found),
        converged=all(one.converged for one in found),
        furthest=max(one.furthest for one in found),
    )


def check(*, limits: tuple[Limit, ...], beside: Size, seed: int, runs: int) -> tuple[list[Speed], list[str]]:
    """mixed_logit and statsmodels' GLM at each limit's size, the others at `beside`; and which limits do not hold."""
    found, failed = [], []
    for limit in limits:
        own = speed("mixed_logit", limit.size, seed=seed, runs=runs)
        found += [own, speed("statsmodels_glm", limit.size, seed=seed, runs=1)]
        failed += shortfalls(own, limit)
    found += [speed(method, beside, seed=seed, runs=1) for method in ("fixed_effects", "mixed_linear")]
    return found, failed


def shortfalls(found: Speed, limit: Limit) -> list[str]:
    """What of the limit does not hold."""
    at = f"{limit.size.rows:,} rows"
    said = []
    if found.best_seconds > limit.seconds:
        said.append(f"{at}: {found.best_seconds} s, more than {limit.seconds}")
    if found.peak_mib > limit.gib * 1024:
        said.append(f"{at}: {found.peak_mib:,} MiB, more than {limit.gib} GiB")
    if not found.converged:
        said.append(f"{at}: not converged")
    return said


if __name__ == "__main__":
    print(json.dumps(asdict(timed(sys.argv[1], Size(**json.loads(sys.argv[2])), seed=int(sys.argv[3])))))
