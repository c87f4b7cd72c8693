"""A file whose trailer does not count its rows, as a source of its own; written only when asked for."""

import gzip
from itertools import islice
from pathlib import Path

from qe.sample.inbox import Inbox

ROWS = 10


def write_wrong_trailer(inbox_folder: Path, inbox: Inbox) -> str:
    """A source of its own, payer_x: the first rows of B's eligibility under a trailer that counts one more. Gives its path."""
    (submitter,) = (one for one in inbox.submitting if one.letter == "b")
    original = inbox.payers["b"]["ME"].last
    with (gzip.open if original.compress else open)(original.path, "rb") as file:
        lines = list(islice(file, 2 + min(ROWS, original.rows)))
    count = len(lines) - 2
    trailer = submitter.trailer("ME", f"{inbox.plan.quarterly[-1].delivered_on:%Y%m%d}", count + 1)
    path = inbox_folder / "payer_x" / "eligibility.txt"
    path.parent.mkdir()
    path.write_bytes(b"".join(lines) + trailer.encode("utf-8") + b"\n")
    return path.relative_to(inbox_folder).as_posix()
