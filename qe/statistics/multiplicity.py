"""P-values that were looked at together."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

METHODS = {"bh": "fdr_bh", "by": "fdr_by", "holm": "holm"}


def adjust(p: ArrayLike, *, method: str = "bh") -> NDArray[np.float64]:
    """Adjusted p-values: bh (Benjamini and Hochberg 1995), by (Benjamini and Yekutieli 2001) or holm (Holm 1979)."""
    values = np.asarray(p, dtype=np.float64)
    if values.size == 0:
        return values
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(values, method=METHODS[method])[1], dtype=np.float64)
