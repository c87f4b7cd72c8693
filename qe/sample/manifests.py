"""What comes with each of several deliveries: its day, its days of payment, and what it replaces; and the truth of it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from qe.sample.calendar import Calendar
from qe.sample.delimited import DelimitedFile
from qe.sample.deliveries import Delivery, Schedule
from qe.sample.inbox import SENT_AGAIN, Inbox

DELIVERIES = ("source", "delivery", "delivered_on", "file", "rows", "replaced_by")


def write_manifests(
    folder: Path, plan: Schedule, inbox: Inbox, *, rosters: Sequence[tuple[Delivery, DelimitedFile]]
) -> None:
    """manifest.toml in each delivery's folder, and truth/deliveries.csv. The files must be closed."""
    root = folder / "inbox"
    replaced_by: dict[Path, str] = {}
    for submitter in inbox.submitting:
        for delivery in plan.quarterly:
            _write(root / f"payer_{submitter.letter}", delivery)
    letter, kind = SENT_AGAIN
    sent = inbox.payers[letter][kind]
    for place, second in sent.again.items():
        first = sent.files[place]
        if plan.again is not None and first.rows and second.rows:
            _write(root / f"payer_{letter}", plan.again, replaces=first.path)
            replaced_by[first.path] = plan.again.folder
    for delivery in plan.yearly:
        _write(root / "medicare", delivery, period=_days(inbox.calendar, delivery))
    older: Path | None = None
    for delivery, file in rosters:
        _write(root / "roster", delivery, replaces=older)
        if older is not None:
            replaced_by[older] = delivery.folder
        older = file.path
    days = {
        one.folder: one.delivered_on.isoformat() for one in (*plan.quarterly, *((plan.again,) if plan.again else ()))
    }
    rows = [
        (path[0], path[1], days[path[1]], "/".join(path), str(file.rows), replaced_by.get(file.path, ""))
        for file in (*inbox.all(), *(roster for _, roster in rosters))
        for path in (file.path.relative_to(root).parts,)
        if file.rows
    ]
    truth = DelimitedFile(folder / "truth" / "deliveries.csv", DELIVERIES, separator=",")
    truth.write({name: pl.Series([row[place] for row in rows]) for place, name in enumerate(DELIVERIES)}, len(rows))
    truth.close()


def _days(calendar: Calendar, delivery: Delivery) -> tuple[str, str]:
    """First and last day of payment, the last one at the end of its month."""
    first, last = delivery.months
    starts = calendar.month_starts
    found = np.array([starts[first], starts[last + 1] - 1]).astype("datetime64[D]")
    return str(found[0]), str(found[1])


def _write(
    source: Path, delivery: Delivery, *, period: tuple[str, str] | None = None, replaces: Path | None = None
) -> None:
    folder = source / delivery.folder
    if not any(folder.iterdir()):
        folder.rmdir()  # so few persons that nothing was paid
        return
    lines = [f"delivered_on = {delivery.delivered_on.isoformat()}"]
    if replaces is not None:
        lines.append(f'replaces = ["{hashlib.sha256(replaces.read_bytes()).hexdigest()}"]')
    if period is not None:
        lines += [f"start = {period[0]}", f"end = {period[1]}"]
    (folder / "manifest.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
