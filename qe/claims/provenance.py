"""Where a claim comes from: its versions, the other payer's copy of it, and the lines of received files that say each."""

from dataclasses import dataclass

import polars as pl

from qe.claims.model import FOLDER
from qe.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True, eq=False)
class Provenance:
    """What the claims model knows of some claims and fills.

    claims  kind (claim, fill), asked_id, relation (itself, version, copy, version of copy), claim_id, source_id, payer_id,
            person_id, claim_type, start_date, end_date, paid_date, allowed_amount, paid_amount, paid_status,
            superseded_by, duplicate_of, repriced: one row a claim asked about and claim that stands beside it
    lines   kind, claim_id, source_id, delivery_id (first 16 digits of the file's sha256), fate (kept, superseded,
            older_version, reversal), lines (list of line numbers, the first line of the file is 1, ascending): one row a
            claim, file and fate
    """

    claims: pl.DataFrame
    lines: pl.DataFrame


def provenance(db: Warehouse, asked: pl.DataFrame) -> Provenance:
    """The claims and fills `asked` about (kind, claim_id), in the claims model that is open in `db`."""
    folder = FOLDER / "provenance"
    db.run(folder / "asked.sql")
    db.insert("asked_claim", asked.select("kind", "claim_id").unique())
    db.run(folder / "related.sql")
    try:
        return Provenance(claims=db.frame(folder / "claim.sql"), lines=db.frame(folder / "line.sql"))
    finally:
        db.execute("drop table temp.related_claim")
        db.execute("drop table temp.asked_claim")
