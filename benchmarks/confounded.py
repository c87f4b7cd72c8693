"""Where worse hospitals have the heavier cases (`confounding=.5`): are effects found again, plain and with correlated effects?

On the true stays of samples of several seeds, as one seed's hospitals are too few to tell, and of many small hospitals: a large
one's effect rests on its own stays whatever the model (12 hospitals of 500 stays: nothing to gain, and the mean of a case mix costs
a little). The correlated model has one factor, the case mix by slopes within hospitals (fixed effects), and its mean by hospital:
80 hospitals carry no mean of each of 14 factors.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.stats import spearmanr

from benchmarks import sample_stays
from benchmarks.planted import Planted
from benchmarks.statistics_coverage import Drawn
from qe.progress import Progress, Silent
from qe.sample.generate import generate
from qe.statistics import fixed_effects, mixed_logit
from qe.statistics.mixed_model import MixedModel

CONFOUNDING: Final = "0.5"
MANY: Final = 100  # hospitals; the generator's own number is DEFAULT
DEFAULT: Final = 12


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """Of one seed, or the mean over several. rank: correlation with the planted effects; error: root mean square, log odds."""

    seeds: int
    hospitals: float
    plain_rank: float
    correlated_rank: float
    plain_error: float
    correlated_error: float


def check(
    folder: Path, *, seeds: Sequence[int], persons: int, hospitals: int = MANY, progress: Progress | None = None
) -> Recovery:
    """Each seed's figures are kept in the folder."""
    bar = progress or Silent()
    bar.start(f"confounded samples of {hospitals} hospitals", len(seeds))
    found = []
    for seed in seeds:
        kept = folder / f"confounded-{persons}-{hospitals}-{seed}.json"
        if not kept.exists():
            one = of_sample(folder / f"{kept.stem}.files", persons=persons, hospitals=hospitals, seed=seed)
            aside = kept.with_suffix(".part")
            aside.write_text(json.dumps(asdict(one)), encoding="utf-8")
            aside.replace(kept)
        found.append(Recovery(**json.loads(kept.read_text(encoding="utf-8"))))
        bar.advance()
    bar.finish()
    means = {
        name: round(float(np.mean([getattr(one, name) for one in found])), 4)
        for name in ("hospitals", "plain_rank", "correlated_rank", "plain_error", "correlated_error")
    }
    return Recovery(seeds=len(found), **means)


def of_sample(folder: Path, *, persons: int, hospitals: int, seed: int) -> Recovery:
    """One sample, whose files are removed."""
    shutil.rmtree(folder, ignore_errors=True)
    settings = {"confounding": CONFOUNDING, "hospitals": str(hospitals)}
    generate(folder, persons=persons, seed=seed, settings=settings, processes=1)
    planted = Planted(folder / "truth")
    drawn, true = sample_stays.readmissions(planted, frailty=False), sample_stays.effects(planted, "readmission")
    shutil.rmtree(folder)
    return recovered(drawn, np.array([true[provider] for provider in drawn.providers]))


def recovered(drawn: Drawn, true: np.ndarray) -> Recovery:
    """true: (J,) log odds, following drawn.providers."""
    plain = mixed_logit.fit(drawn.y, drawn.x, drawn.provider)
    slopes = fixed_effects.fit(drawn.y, drawn.x, drawn.provider, reference="balanced").coefficients
    correlated = mixed_logit.fit(drawn.y, (drawn.x @ slopes)[:, None], drawn.provider, correlated=True)
    return Recovery(
        seeds=1,
        hospitals=len(true),
        plain_rank=_rank(plain, true),
        correlated_rank=_rank(correlated, true),
        plain_error=_error(plain, true),
        correlated_error=_error(correlated, true),
    )


def _intercepts(model: MixedModel) -> np.ndarray:
    return np.asarray(model.between + model.effects)


def _rank(model: MixedModel, true: np.ndarray) -> float:
    """0 where the model finds no difference."""
    own = _intercepts(model)
    return float(spearmanr(own, true).statistic) if np.ptp(own) > 0 else 0.0


def _error(model: MixedModel, true: np.ndarray) -> float:
    """About the mean over cases, which the constant takes."""
    own = _intercepts(model)
    gap = (own - np.average(own, weights=model.cases)) - (true - np.average(true, weights=model.cases))
    return float(np.sqrt(np.mean(gap**2)))


def shortfalls(found: Recovery) -> list[str]:
    if found.correlated_rank > found.plain_rank and found.correlated_error < found.plain_error:
        return []
    return ["confounded: the correlated effects are found again no better than the plain ones"]
