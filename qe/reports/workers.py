"""A pool of processes that render pages: forked from a server that has loaded the page modules, and nothing of the command.

Imports neither polars nor duckdb: a forked worker with polars hangs.
"""

import gc
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.pool import Pool
from typing import Final

from qe.processes import without_main_module

PRELOADED: Final = ["qe.reports.preloaded"]


@contextmanager
def workers(processes: int) -> Iterator[Pool]:
    """A pool whose workers need the page modules only. Ctrl-C is left to this process, which ends them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with without_main_module(), context.Pool(processes, initializer=_prepare_worker) as pool:
        yield pool


def warm_up() -> None:
    """Start the server that workers are forked from, so that it loads its modules while other stages run."""
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    with without_main_module():
        forkserver.ensure_running()


def _prepare_worker() -> None:
    """Leave Ctrl-C to the parent; look for unreachable objects rarely, as a page makes hundreds of thousands that stay."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
