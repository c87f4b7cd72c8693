"""Benchmarks and ranks among peers."""

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray


def achievable(events: ArrayLike, n: ArrayLike, *, share: float = 0.10, higher_is_better: bool = True) -> float:
    """The achievable benchmark of care: the pooled rate of the best providers who together hold `share` of all cases.

    Providers are ranked by the adjusted performance fraction (x + 1)/(n + 2), so that few cases do not lead. For unadjusted
    proportions only. NaN without cases.

    Source: Weissman et al. (1999), J Eval Clin Pract 5:269; Kiefe et al. (1998), Int J Qual Health Care 10:443.
    """
    x, size = np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if size.sum() <= 0:
        return float("nan")
    good = x if higher_is_better else size - x
    order = np.lexsort((size, -(good + 1) / (size + 2)))
    enough = int(np.searchsorted(np.cumsum(size[order]), share * size.sum() - 1e-9)) + 1
    best = order[:enough]
    return float(x[best].sum() / size[best].sum())


def percentiles(figures: ArrayLike, *, higher_is_better: bool) -> NDArray[np.float64]:
    """Mid-rank percentile of each figure among all, turned so that 100 is best: (below + ties/2) / n * 100."""
    values = np.asarray(figures, dtype=np.float64)
    turned = values if higher_is_better else -values
    return np.asarray(
        (scipy.stats.rankdata(turned, method="average") - 0.5) / max(len(values), 1) * 100, dtype=np.float64
    )


def quartiles(figures: ArrayLike) -> tuple[float, float, float]:
    """25th, 50th and 75th percentile of the figures (Hyndman and Fan's type 7)."""
    low, middle, high = np.quantile(np.asarray(figures, dtype=np.float64), [0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)
