"""Received contacts, resolved to the units of the claims model. They never join a result."""

from collections.abc import Sequence

import polars as pl

from qe import store
from qe.claims.model import FOLDER
from qe.sources.manifest import StagedFile
from qe.warehouse import Warehouse

READ = """
select id_type, identifier, channel, address, age_recipient, zone, from_date as valid_from, to_date as valid_to
from staged_row
"""


def contacts_of_units(
    db: Warehouse, staged: Sequence[StagedFile], *, vault_key: store.Key, engine: store.Engine
) -> pl.DataFrame:
    """One row a contact of a unit: unit_id, channel, address, age_recipient, zone, valid_from, valid_to; sorted.

    A contact is found by any identifier of its unit: a hospital's CCN or one of its NPIs, a group's TIN. A TIN that a
    group bills under is the group's, not the hospital's beside it: neither gets the other's reports.
    """
    identifiers = db.frame(FOLDER / "units" / "contact_identifier.sql")
    received = [
        _rows(one, vault_key, engine) for one in staged if one.file.staged_as == "contacts" and one.replaced_by is None
    ]
    empty = pl.DataFrame(
        schema={
            **dict.fromkeys(("id_type", "identifier", "channel", "address", "age_recipient", "zone"), pl.String),
            "valid_from": pl.Date,
            "valid_to": pl.Date,
        }
    )
    return (
        pl.concat([empty, *received], how="vertical_relaxed")
        .join(identifiers, on=["id_type", "identifier"], how="inner")
        .select("unit_id", "channel", "address", "age_recipient", "zone", "valid_from", "valid_to")
        .unique()
        .sort(pl.all())
    )


def _rows(one: StagedFile, vault_key: store.Key, engine: store.Engine) -> pl.DataFrame:
    with store.open_encrypted(one.database, vault_key, engine=engine, read_only=True) as connection:
        return Warehouse(connection).query(READ)
