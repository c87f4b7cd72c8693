"""From the events behind a figure down to the lines of received files that say them. Surrogate ids only: no name is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from qe.claims.provenance import Provenance, provenance
from qe.errors import InputError
from qe.measurement.measure import Module
from qe.measurement.run_claims import claims_behind_run, opened_model
from qe.runs import Run
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class Page:
    """The part of a long list that is shown: `limit` rows (None: all) after the first `skip`."""

    skip: int = 0
    limit: int | None = None

    def of(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.slice(self.skip, self.limit)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trail:
    """The claims behind some events, and where they come from.

    claims     event_id, kind (claim, fill), claim_id, use (counted, decisive), amount, part: those of the page
    claims_of  how many there are in all
    amount     what all of them, shown or not, add to the events' amounts; None where the measure adds up no dollars
    records    the claims of the page, each with its earlier versions and other payers' copies (`Provenance.claims`)
    lines      kind, claim_id, source_id, file (below its source's path), fate, lines: where each record stands
    """

    claims: pl.DataFrame
    claims_of: int
    amount: Decimal | None
    records: pl.DataFrame
    lines: pl.DataFrame


def follow(
    site: Site, run: Run, module: Module, events: pl.DataFrame, *, claim_id: str | None = None, page: Page | None = None
) -> Trail:
    """The claims and fills behind `events` (detail rows of one module of `run`), down to the lines of received files.

    claim_id  only this claim or fill
    Raises InputError when the run's claims model is gone, the measure's folder has changed since, or the claim stands
    behind none of the events.
    """
    with opened_model(site, run) as db:
        found = claims_behind_run(db, site, run, module, events)
        if claim_id is not None:
            found = found.filter(pl.col("claim_id") == claim_id)
            if found.is_empty():
                raise InputError(
                    f"no claim with this id stands behind these events of {module.id}",
                    remedy="The same command with --claims in place of --claim lists those that do.",
                )
        shown = (page or Page()).of(found)
        origin = provenance(db, shown)
    counted = found["amount"].drop_nulls()
    return Trail(
        claims=shown,
        claims_of=found.height,
        amount=Decimal(counted.sum()) if len(counted) else None,
        records=_in_order(origin.claims, shown),
        lines=_with_files(origin, run.manifest()),
    )


def _in_order(records: pl.DataFrame, claims: pl.DataFrame) -> pl.DataFrame:
    """The records in the order of the claims that they stand beside."""
    place = claims.select("kind", asked_id="claim_id").unique(maintain_order=True).with_row_index("place")
    return (
        records.join(place, on=["kind", "asked_id"], maintain_order="left")
        .sort("place", maintain_order=True)
        .drop("place")
    )


def _with_files(origin: Provenance, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """The lines with the file they stand in, as the run's manifest names it."""
    files = pl.DataFrame(
        [(one["source_id"], one["sha256"][:16], one["file"]) for one in manifest["inputs"]],
        schema={"source_id": pl.String, "delivery_id": pl.String, "file": pl.String},
        orient="row",
    )
    named = origin.lines.join(files, on=["source_id", "delivery_id"], how="left", maintain_order="left")
    return named.select("kind", "claim_id", "source_id", "file", "fate", "lines")
