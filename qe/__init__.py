"""qe: the whole job of a Medicare qualified entity (42 CFR Part 401 Subpart G)."""

import importlib as _importlib
import os as _os
from typing import Any

# One BLAS thread, set before numpy is first imported: two threads on two busy cores cost 4 to 20 times more,
# and sums must not depend on how many cores are free.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    _os.environ.setdefault(_name, "1")

__version__ = "0.1.0"
__all__ = ["__version__", "open_site"]


def __getattr__(name: str) -> Any:
    """Resolve `qe.open_site` on first use: a leaf module's import stays cheap, and this file depends on no other."""
    if name == "open_site":
        return _importlib.import_module("qe.workspace").open_site
    raise AttributeError(f"module 'qe' has no attribute {name!r}")
