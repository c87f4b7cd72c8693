"""The address book is encrypted, in force by day, and e-mail is no channel."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from pyrage import x25519

from qe import store
from qe.errors import InputError
from qe.release.contacts import COLUMNS, NO_KEY, read_contacts, write_contacts

KEY = str(x25519.Identity.generate().to_public())
ROWS = [
    # unit, channel, address, age recipient, zone, from, to
    ("U000001", "mail", "1 Elm Street", None, "America/Denver", date(2025, 1, 1), date(2025, 12, 31)),
    ("U000001", "mail", "2 Oak Street", None, "America/Denver", date(2026, 1, 1), None),
    ("U000001", "age", None, KEY, None, None, None),
    ("U000002", "age", None, None, None, None, None),
    ("U000003", "age", None, "age1wrong", None, None, None),
]


@pytest.fixture
def engine(tmp_path: Path) -> store.Engine:
    return store.Engine(spill_folder=tmp_path / "store" / ".spill", threads=1, memory_gib=0.5)


def book(*rows: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame([dict(zip(COLUMNS, row, strict=True)) for row in rows], schema=COLUMNS)


def test_the_contact_in_force_on_the_day_is_found_and_the_file_holds_no_address(
    tmp_path: Path, engine: store.Engine
) -> None:
    path, key = tmp_path / "store" / "contacts.duckdb", store.new_key()
    write_contacts(path=path, key=key, engine=engine, contacts=book(*ROWS))
    assert b"Oak Street" not in path.read_bytes()
    found = read_contacts(path=path, key=key, engine=engine, on=date(2026, 3, 2))
    mail = found.usable("U000001", "mail")
    assert mail is not None and mail.address == "2 Oak Street"
    preferred = found.usable("U000001", None)
    assert preferred is not None and preferred.channel == "age"
    assert found.usable("U000002", None) is None
    assert found.usable("U000003", "age") is None, "a key that seals nothing is no contact"
    told = [found.why_unreachable(unit, "age") for unit in ("U000002", "U000003")]
    assert told == ["no usable contact for age", NO_KEY]
    assert (found.zone("U000001"), found.zone("U000002")) == ("America/Denver", "Pacific/Honolulu")


def test_an_unknown_channel_is_refused_without_naming_a_value(tmp_path: Path, engine: store.Engine) -> None:
    rows = [*ROWS, ("U000003", "e-mail", "a@b.org", None, None, None, None)]
    with pytest.raises(InputError, match="in 1 of 6 rows") as refusal:
        write_contacts(
            path=tmp_path / "store" / "contacts.duckdb", key=store.new_key(), engine=engine, contacts=book(*rows)
        )
    assert "a@b.org" not in str(refusal.value)


def test_without_an_address_book_nobody_can_be_reached(tmp_path: Path, engine: store.Engine) -> None:
    found = read_contacts(path=tmp_path / "none.duckdb", key=store.new_key(), engine=engine, on=date(2026, 3, 2))
    assert (found.usable("U000001", None), found.zone("U000001")) == (None, "Pacific/Honolulu")


def test_the_zone_of_a_unit_that_tells_none_is_the_setting(tmp_path: Path, engine: store.Engine) -> None:
    path, key = tmp_path / "store" / "contacts.duckdb", store.new_key()
    write_contacts(path=path, key=key, engine=engine, contacts=book(*ROWS))
    found = read_contacts(path=path, key=key, engine=engine, on=date(2026, 3, 2), zone_if_unknown="America/Anchorage")
    assert (found.zone("U000001"), found.zone("U000002")) == ("America/Denver", "America/Anchorage")
