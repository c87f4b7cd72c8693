"""The address book of providers and suppliers: its own encrypted file under the vault key, never joined to results."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

import polars as pl

from qe import store, warehouse
from qe.errors import Fault, InputError
from qe.release.packages import is_age_recipient
from qe.release.review import UNKNOWN_ZONE
from qe.site import Site

Channel = Literal["portal", "age", "mail", "courier"]

CHANNELS: Final[tuple[Channel, ...]] = ("age", "portal", "courier", "mail")  # in the order in which they are preferred
NO_CONTACT: Final = "no usable contact"
NO_KEY: Final = "its age recipient is not a public key"
COLUMNS: Final = {
    "unit_id": pl.String,
    "channel": pl.String,
    "address": pl.String,
    "age_recipient": pl.String,
    "zone": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
}


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One way to reach a unit on a day. zone: its time zone, None when not told."""

    unit_id: str
    channel: Channel
    address: str | None
    age_recipient: str | None
    zone: str | None

    @property
    def lacking(self) -> str | None:
        """What is missing for this channel to be used, or None."""
        if self.channel != "age":
            return None if self.address else "no address"
        if not self.age_recipient:
            return "no age recipient"
        return None if is_age_recipient(self.age_recipient) else NO_KEY

    @property
    def sealed_for(self) -> str | None:
        """The key that a package is sealed for, or None where it goes printed."""
        return self.age_recipient if self.channel == "age" else None


@dataclass(frozen=True)
class Contacts:
    """All contacts in force on one day, by unit. zone_if_unknown: of a unit that tells none (setting review.request_zone)."""

    by_unit: Mapping[str, tuple[Contact, ...]]
    zone_if_unknown: str = UNKNOWN_ZONE

    def of(self, unit_id: str) -> tuple[Contact, ...]:
        return self.by_unit.get(unit_id, ())

    def zone(self, unit_id: str) -> str:
        """The unit's time zone, or the one that stands in for it."""
        return next((contact.zone for contact in self.of(unit_id) if contact.zone), self.zone_if_unknown)

    def usable(self, unit_id: str, channel: Channel | None) -> Contact | None:
        """The unit's usable contact on `channel`, or on the channel preferred among its own."""
        found = [one for one in self.of(unit_id) if one.lacking is None and channel in (None, one.channel)]
        return min(found, key=lambda one: CHANNELS.index(one.channel), default=None)

    def why_unreachable(self, unit_id: str, channel: Channel | None) -> str:
        """What is lacking where no contact of the unit (on `channel`) is usable."""
        lacking = [one.lacking for one in self.of(unit_id) if channel in (None, one.channel)]
        if NO_KEY in lacking:
            return NO_KEY
        return f"{NO_CONTACT} for {channel}" if channel else NO_CONTACT


def write_contacts(*, path: Path, key: store.Key, engine: store.Engine, contacts: pl.DataFrame) -> None:
    """Replace the address book. `contacts`: one row per unit, channel and span, columns unit_id, channel, address,
    age_recipient, zone, valid_from, valid_to (null: without an end)."""
    rows = contacts.select([pl.col(name).cast(kind) for name, kind in COLUMNS.items()])
    unknown = rows.filter(~pl.col("channel").is_in(CHANNELS)).height
    if unknown:
        raise InputError.of(
            [
                Fault(
                    code="bad-channel",
                    message=f"contacts: the channel is unknown in {unknown} of {rows.height} rows",
                    place="channel",
                    count=unknown,
                    remedy=f"Channels are {', '.join(CHANNELS)}; e-mail is none of them (42 CFR 401.713(a)).",
                )
            ]
        )
    with warehouse.build(path, key, engine=engine) as db:
        db.execute(
            "create table contact (unit_id varchar, channel varchar, address varchar, age_recipient varchar, "
            "zone varchar, valid_from date, valid_to date)"
        )
        db.insert("contact", rows.sort(list(COLUMNS), nulls_last=True))


def contacts_of(site: Site, *, key: store.Key, on: date) -> Contacts:
    """The site's address book as it stands on the day `on`."""
    return read_contacts(
        path=site.store / "contacts.duckdb",
        key=key,
        engine=site.engine(),
        on=on,
        zone_if_unknown=site.settings.review.request_zone,
    )


def read_contacts(
    *, path: Path, key: store.Key, engine: store.Engine, on: date, zone_if_unknown: str = UNKNOWN_ZONE
) -> Contacts:
    """The contacts in force on the day `on`; none when there is no address book."""
    if not path.exists():
        return Contacts({}, zone_if_unknown)
    with warehouse.open_read_only(path, key, engine=engine, lock=False) as db:
        rows = db.query(
            "select unit_id, channel, address, age_recipient, zone from contact "
            "where coalesce(valid_from, $day) <= $day and coalesce(valid_to, $day) >= $day "
            "order by unit_id, channel, address, age_recipient, zone",
            day=on,
        )
    by_unit: dict[str, list[Contact]] = {}
    for row in rows.iter_rows(named=True):
        by_unit.setdefault(row["unit_id"], []).append(Contact(**row))
    return Contacts({unit_id: tuple(found) for unit_id, found in by_unit.items()}, zone_if_unknown)
