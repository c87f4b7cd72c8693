"""The review queue of linkage: pairs of persons that may be one, and what analysts decided on them.

The queue is read and decided in the vault alone; a decision holds from the next run on.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Literal

import polars as pl

from qe import store, vault
from qe.claims.link import FILES
from qe.claims.load import vault_path
from qe.errors import InputError
from qe.site import Site
from qe.warehouse import Warehouse

QUEUE = FILES / "queue"
Decision = Literal["same", "different"]


class ReviewQueue:
    """The queue of one site, with the vault open; nobody else may write to the site meanwhile."""

    def __init__(self, db: Warehouse) -> None:
        self._db = db

    def open_pairs(self) -> pl.DataFrame:
        """Pairs that wait: pair_number, source_id, other_source_id, reason, agrees, differs; in order of their numbers.

        `agrees` and `differs` name the compared facts and hold no values.
        """
        return self._db.frame(QUEUE / "open_pair.sql")

    def identities(self, pair_numbers: Sequence[int]) -> pl.DataFrame:
        """Who the persons of these pairs are: two rows a pair (side 1 and 2), with names, birth dates, ZIPs, MBIs and ids."""
        return self._db.frame(QUEUE / "pair_identity.sql", pair_numbers=list(pair_numbers))

    def decisions(self) -> pl.DataFrame:
        """Every decision on a pair of the queue: pair_number, decision_number, source_id, other_source_id, decision,
        decided_by, decided_at (UTC), is_in_force; the first one first."""
        return self._db.frame(QUEUE / "decided_pair.sql")

    def undecided(self, pair_numbers: Sequence[int], decision: Decision) -> tuple[int, ...]:
        """Those of the pairs on which another decision, or none, is in force. Raises InputError on an unknown number."""
        known = set(self._db.frame(QUEUE / "pair.sql", pair_numbers=list(pair_numbers))["pair_number"].to_list())
        unknown = sorted(set(pair_numbers) - known)
        if unknown:
            raise InputError(
                f"no pair of the review queue has the number {', '.join(map(str, unknown))}",
                remedy="See `qe link review list`.",
            )
        decided = self.decisions().filter(pl.col("is_in_force") & (pl.col("decision") == decision))
        done = set(decided["pair_number"].to_list())
        return tuple(number for number in sorted(set(pair_numbers)) if number not in done)

    def decide(self, pair_numbers: Sequence[int], decision: Decision, *, by: str, at: datetime) -> None:
        """Record the decision on each of these pairs, all or none."""
        pairs = self._db.frame(QUEUE / "pair.sql", pair_numbers=list(pair_numbers))
        with self._db.transaction():
            for pair in pairs.drop("pair_number").iter_rows(named=True):
                vault.decide(self._db.connection, **pair, decision=decision, decided_by=by, decided_at=at)


@contextmanager
def opened(site: Site) -> Iterator[ReviewQueue]:
    """The site's review queue. Raises InputError before the first run."""
    if not vault_path(site).exists():
        raise InputError("no persons have been linked yet", remedy="Run `qe run` first.")
    connection = store.connect(site.engine())
    try:
        with vault.attached(connection, vault_path(site), site.vault_key()):
            yield ReviewQueue(Warehouse(connection))
    finally:
        connection.close()
