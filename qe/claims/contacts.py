"""Received contacts, resolved to the units of the claims model or kept for authorized users. They never join a result."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from qe import store
from qe.claims.model import FOLDER
from qe.providers import party_key
from qe.sources.manifest import StagedFile
from qe.warehouse import Warehouse

PARTY: Final = "PARTY"
READ = """
select id_type, case when id_type = 'PARTY' then party_id else identifier end as identifier, channel, address,
    age_recipient, zone, from_date as valid_from, to_date as valid_to
from staged_row
"""


def contacts_of_units(
    db: Warehouse, staged: Sequence[StagedFile], *, vault_key: store.Key, engine: store.Engine
) -> pl.DataFrame:
    """One row a contact of a unit: unit_id, channel, address, age_recipient, zone, valid_from, valid_to; sorted.

    A contact is found by any identifier of its unit: a hospital's CCN or one of its NPIs, a group's TIN. A TIN that a
    group bills under is the group's, not the hospital's beside it: neither gets the other's reports. A contact of id_type
    PARTY is that of an authorized user (401.703(j)) with this party id, whether it is a unit or not.
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
    contacts = pl.concat([empty, *received], how="vertical_relaxed")
    parties = (
        contacts.filter(pl.col("id_type") == PARTY)
        .select("id_type", "identifier")
        .unique()
        .with_columns(unit_id=pl.col("identifier").map_elements(party_key, return_dtype=pl.String))
    )
    known = pl.concat(
        [identifiers.select("unit_id", "id_type", "identifier"), parties.select("unit_id", "id_type", "identifier")]
    )
    return (
        contacts.join(known, on=["id_type", "identifier"], how="inner")
        .select("unit_id", "channel", "address", "age_recipient", "zone", "valid_from", "valid_to")
        .unique()
        .sort(pl.all())
    )


def _rows(one: StagedFile, vault_key: store.Key, engine: store.Engine) -> pl.DataFrame:
    with store.open_encrypted(one.database, vault_key, engine=engine, read_only=True) as connection:
        return Warehouse(connection).query(READ)
