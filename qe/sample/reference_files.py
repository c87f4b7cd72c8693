"""Roster, contacts and drug map: what a qualified entity keeps beside the claims."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from qe.sample.calendar import Calendar
from qe.sample.codes import codes
from qe.sample.delimited import DelimitedFile
from qe.sample.deliveries import Delivery
from qe.sample.fills import ndc_numbers
from qe.sample.parameters import Parameters
from qe.sample.providers import FACILITY_TYPES, FQHC, Providers

ROSTER = (
    "npi", "ccn", "tin", "group_tin", "name", "specialty", "facility_type", "role", "zip5", "county_fips",
    "from_date", "to_date",
)  # fmt: skip
CONTACTS = ("id_type", "identifier", "channel", "address", "age_recipient", "zone", "from_date", "to_date")
DRUGS = ("ndc", "ingredients", "brand_generic", "effective_from", "effective_to")
ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]], *, compress: bool) -> DelimitedFile:
    file = DelimitedFile(path, header, separator=",", compress=compress)
    columns = {name: pl.Series([row[place] for row in rows], dtype=pl.String) for place, name in enumerate(header)}
    file.write(columns, len(rows))
    file.close()
    return file


def deliveries_with_news(
    deliveries: Sequence[Delivery], providers: Providers, calendar: Calendar
) -> Sequence[Delivery]:
    """The deliveries that bring a roster: the first, and the one after the clinicians' change of group."""
    change = date(calendar.last, 7, 1)
    after = [one for one in deliveries[1:] if one.delivered_on >= change > deliveries[0].delivered_on]
    return [deliveries[0], *after[:1]] if (providers.c_new_group >= 0).any() else deliveries[:1]


def write_roster(
    path: Path, providers: Providers, calendar: Calendar, *, known_on: date, compress: bool
) -> DelimitedFile:
    """Facilities by CCN and each NPI, groups by TIN, clinicians by NPI and each TIN they bill under, with dates.

    known_on  a change of group that is still to come stands in no roster
    """
    rows: list[tuple[str, ...]] = []
    zips, counties = providers.zips, providers.zip_county
    for place, ccn in enumerate(providers.f_ccn):
        kind = int(providers.f_type[place])
        role = "supplier" if kind == FQHC else "provider"
        at = int(providers.f_zip[place])
        npis = [int(providers.f_npi[place])]
        if providers.f_parent[place] < 0:
            npis.append(int(providers.f_second_npi[place]))
        for npi in npis:
            rows.append((str(npi), ccn, providers.f_tin[place], "", providers.f_name[place], "", FACILITY_TYPES[kind],
                         role, zips[at], counties[at], "", ""))  # fmt: skip
    for place, tin in enumerate(providers.g_tin):
        at = int(providers.g_zip[place])
        rows.append((str(providers.g_npi[place]), "", tin, "", providers.g_name[place], "", "", "supplier",
                     zips[at], counties[at], "", ""))  # fmt: skip
    change = np.datetime64(f"{calendar.last:04d}-07-01", "D")
    for place, npi in enumerate(providers.c_npi.tolist()):
        group, new = int(providers.c_group[place]), int(providers.c_new_group[place])
        new = new if change <= np.datetime64(known_on, "D") else -1
        second = int(providers.c_second_group[place])
        spells = [(group, "", str(change - 1) if new >= 0 else "")]
        if new >= 0:
            spells.append((new, str(change), ""))
        if second >= 0:
            spells.append((second, "", ""))
        specialty = codes().specialties[int(providers.c_specialty[place])]
        for of_group, begins, ends in spells:
            at = int(providers.g_zip[of_group])
            rows.append((str(npi), "", "", providers.g_tin[of_group], f"Clinician {providers.c_name[place]}", specialty,
                         "", "supplier", zips[at], counties[at], begins, ends))  # fmt: skip
    return _write(path, ROSTER, rows, compress=compress)


def write_contacts(path: Path, providers: Providers, *, compress: bool) -> DelimitedFile:
    """How each hospital and group is reached; the last two groups have no usable channel."""
    rows: list[tuple[str, ...]] = []
    names = [("CCN", ccn) for ccn in providers.f_ccn[: providers.hospitals]] + [("TIN", tin) for tin in providers.g_tin]
    for place, (id_type, identifier) in enumerate(names):
        zone = ZONES[place % len(ZONES)]
        if place >= len(names) - 2:
            rows.append((id_type, identifier, "mail", "", "", zone, "", ""))
            continue
        channel = ("mail", "courier", "mail")[place % 3]
        rows.append((id_type, identifier, channel, f"{100 + place} Sample Street; Sampletown XX 00{110 + place % 36:03d}",
                     "", zone, "", ""))  # fmt: skip
    return _write(path, CONTACTS, rows, compress=compress)


def write_drugs(path: Path, p: Parameters, *, compress: bool) -> DelimitedFile:
    """Ingredients by NDC; the few NDCs of the unmapped fills stand in no row."""
    tables = codes()
    ndcs, mapped = ndc_numbers(unmapped=p.fills.unmapped)
    width = len(ndcs) // len(tables.drug_ingredients)
    rows: list[tuple[str, ...]] = [
        (ndc, tables.drug_ingredients[place // width], tables.drug_brand[place // width], "2000-01-01", "")
        for place, (ndc, known) in enumerate(zip(ndcs, mapped, strict=True))
        if known
    ]
    return _write(path, DRUGS, rows, compress=compress)
