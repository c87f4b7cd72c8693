"""qe: the whole job of a Medicare qualified entity (42 CFR Part 401 Subpart G)."""

import os as _os
from typing import TYPE_CHECKING, Any

# One BLAS thread, set before numpy is first imported: two threads on two busy cores cost 4 to 20 times more,
# and sums must not depend on how many cores are free.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    _os.environ.setdefault(_name, "1")

__version__ = "0.1.0"
__all__ = ["__version__", "open_site"]

if TYPE_CHECKING:
    from qe.workspace import open_site


def __getattr__(name: str) -> Any:
    """Resolve `qe.open_site` on first use, so that importing a leaf module stays cheap."""
    if name == "open_site":
        from qe.workspace import open_site

        return open_site
    raise AttributeError(f"module 'qe' has no attribute {name!r}")
