"""P-values that were looked at together."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qe.errors import CannotFit

METHODS = {"bh": "fdr_bh", "by": "fdr_by", "holm": "holm"}


def adjust(p: ArrayLike, *, method: str = "bh") -> NDArray[np.float64]:
    """Adjusted p-values: bh (Benjamini and Hochberg 1995), by (Benjamini and Yekutieli 2001) or holm (Holm 1979).

    p  (m,) of all providers that were looked at, 0 to 1: leaving some out makes the rest look rarer than they are
    """
    values = np.asarray(p, dtype=np.float64)
    if method not in METHODS:
        raise CannotFit(f'there is no adjustment "{method}"', remedy=f"Give one of {', '.join(METHODS)}.")
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise CannotFit("p-values are one list of numbers from 0 to 1", remedy="Leave out providers without a test.")
    if values.size == 0:
        return values
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(values, method=METHODS[method])[1], dtype=np.float64)


def largest_significant(p: ArrayLike, *, q: float) -> float:
    """The cut-point of p-values that were looked at together: those up to it are significant at the false discovery rate q.

    q k / m for k of m significant by Benjamini and Hochberg (1995), and q / m, where the first would be, with none.
    """
    values = np.asarray(p, dtype=np.float64)
    if values.size == 0:
        return 0.0
    return q * max(int((adjust(values) <= q).sum()), 1) / values.size
