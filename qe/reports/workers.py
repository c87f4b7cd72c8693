"""A pool of processes that render pages: forked from a server that has loaded the page modules, and nothing of the command.

Imports neither polars nor duckdb: a forked worker with polars hangs.
"""

import gc
import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.pool import Pool
from typing import Any, Final

PRELOADED: Final = ["weasyprint", "pikepdf", "qe.reports.views", "qe.reports.letters"]


@contextmanager
def workers(processes: int) -> Iterator[Pool]:
    """A pool whose workers need the page modules only. Ctrl-C is left to this process, which ends them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with _without_main_module(), context.Pool(processes, initializer=_prepare_worker) as pool:
        yield pool


def warm_up() -> None:
    """Start the server that workers are forked from, so that it loads its modules while other stages run."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    with _without_main_module():
        forkserver.ensure_running()


def _prepare_worker() -> None:
    """Leave Ctrl-C to the parent; look for unreachable objects rarely, as a page makes hundreds of thousands that stay."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Workers would import the starting command again, with all it loads: seconds each, for nothing they use."""
    main: Any = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__spec__", "__file__") if hasattr(main, name)}
    main.__spec__ = None
    if "__file__" in hidden:
        del main.__file__
    try:
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)
