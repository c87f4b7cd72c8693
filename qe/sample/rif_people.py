"""Medicare's files of persons: MBSF_ABCD by year in the official dialect, and the crosswalk with names and MBI."""

import numpy as np
import polars as pl

from qe.sample.calendar import NEVER
from qe.sample.codes import Ints
from qe.sample.delimited import Column, DelimitedFile, dates, picked, picked_row
from qe.sample.people import ADVANTAGE_B, ADVANTAGE_ELSEWHERE, MEDICARE
from qe.sample.providers import STATE
from qe.sample.rif import Block, bene_id_at

MEDICARE_PAYERS = (MEDICARE, ADVANTAGE_B, ADVANTAGE_ELSEWHERE)
CROSSWALK = (
    "BENE_ID", "BENE_MBI_ID", "BENE_LAST_NAME", "BENE_1ST_NAME", "BENE_MIDL_NAME", "BENE_BRTH_DT", "BENE_DEATH_DT",
    "BENE_SEX_CD", "BENE_RACE_CD", "BENE_ZIP_CD", "BENE_SK", "BENE_XREF_SK", "BENE_XREF_EFCTV_SK",
)  # fmt: skip


def write_beneficiaries(block: Block, year: int, file: DelimitedFile, version: int) -> None:
    """MBSF_ABCD of one year: everybody with Medicare in it; months that are not yet over stay blank.

    version  position of Medicare's delivery that holds it
    """
    persons, providers, calendar = block.persons, block.providers, block.calendar
    first_month = 12 * (year - calendar.first)
    months = range(first_month, min(first_month + 12, calendar.months))
    enrolled = (persons.part_a | persons.part_b)[:, list(months)]
    who = np.flatnonzero(enrolled.any(axis=1))
    days = np.full(len(who), calendar.month_starts[first_month])
    died = persons.death[who]
    in_year = died < calendar.month_starts[min(first_month + 12, calendar.months)]
    managed = np.isin(persons.primary, (ADVANTAGE_B, ADVANTAGE_ELSEWHERE))
    medicare = persons.part_a | persons.part_b
    buy_in = np.select([persons.part_a & persons.part_b, persons.part_a, persons.part_b], [3, 1, 2], 0)
    buy_in = np.where(persons.dual[:, None] & (buy_in == 3), 4, buy_in)
    age = (calendar.month_starts[first_month] + 365 - persons.birth[who]) // 365.25
    columns: dict[str, Column] = {
        "BENE_ID": bene_id_at(block, who, days, version),
        "STATE_CODE": STATE,
        "COUNTY_CD": picked(tuple(county[2:] for county in providers.zip_county), persons.zip[who]),
        "ZIP_CD": picked(providers.zips, persons.zip[who]),
        "BENE_BIRTH_DT": dates(persons.birth[who], "rif"),
        "SEX_IDENT_CD": pl.Series(persons.sex[who]),
        "BENE_RACE_CD": pl.Series(persons.race[who]),
        "ENTLMT_RSN_ORIG": picked(("0", "1", "3"), np.where(persons.esrd, 2, persons.disabled.astype(np.int64))[who]),
        "ENTLMT_RSN_CURR": picked(("0", "1", "3"), np.where(persons.esrd, 2, persons.disabled.astype(np.int64))[who]),
        "ESRD_IND": picked(("0", "Y"), persons.esrd[who].astype(np.int64)),
        "BENE_DEATH_DT": dates(np.where(in_year, died, NEVER), "rif"),
        "VALID_DEATH_DT_SW": picked(("V",), np.where(in_year, 0, -1)),
        "BENE_ENROLLMT_REF_YR": str(year),
        "BENE_HI_CVRAGE_TOT_MONS": pl.Series(persons.part_a[who][:, list(months)].sum(axis=1)),
        "BENE_SMI_CVRAGE_TOT_MONS": pl.Series(persons.part_b[who][:, list(months)].sum(axis=1)),
        "BENE_HMO_CVRAGE_TOT_MONS": pl.Series(managed[who][:, list(months)].sum(axis=1)),
        "DUAL_ELGBL_MONS": pl.Series((enrolled & persons.dual[:, None])[who].sum(axis=1)),
        "ENRL_SRC": "CME",
        "SAMPLE_GROUP": "99",
        "AGE_AT_END_REF_YR": pl.Series(age.astype(np.int64)),
    }
    disabled_status = np.select([persons.disabled & persons.esrd, persons.disabled, persons.esrd], [3, 2, 1], 0)
    inside = medicare[who][:, list(months)]
    in_plan = managed[who][:, list(months)]
    in_b = persons.primary[who][:, list(months)] == ADVANTAGE_B
    in_drug_plan = inside & persons.part_d[who][:, None] & ~in_plan
    counties = (*providers.zip_county, "")
    spellings: dict[str, tuple[tuple[str, ...], Ints]] = {
        "STATE_CNTY_FIPS_CD": (counties, np.where(inside, persons.zip[who][:, None], len(counties) - 1)),
        "MDCR_STATUS_CODE": (("10", "11", "20", "21", "00"), np.where(inside, disabled_status[who][:, None], 4)),
        "MDCR_ENTLMT_BUYIN_IND": (("0", "1", "2", "3", "C"), buy_in[who][:, list(months)]),
        "HMO_IND": (("0", "C", "4"), np.where(in_plan, 1, np.where(who % 50 == 7, 2, 0)[:, None])),
        "PTC_CNTRCT_ID": (
            ("0", "N", "H9998", "H9999"),
            np.where(inside, np.where(in_plan, np.where(in_b, 2, 3), 1), 0),
        ),
        "PTD_CNTRCT_ID": (
            ("0", "N", "S9999", "H9999"),
            np.where(inside, np.where(in_drug_plan, 2, np.where(in_plan, 3, 1)), 0),
        ),
        "DUAL_STUS_CD": (("00", "NA", "02"), np.where(inside, np.where(persons.dual[who][:, None], 2, 1), 0)),
    }
    for name, (pool, places) in spellings.items():
        names = [f"{name}_{number + 1:02d}" for number in range(len(months))]
        columns[names[0]] = picked_row(pool, places, names)
    file.write(columns, len(who))
    file.count(claims=len(who), paid_cents=0)


def write_crosswalk(block: Block, file: DelimitedFile, version: int, last_month: int) -> None:
    """BENE_ID to MBI and name: a row a BENE_ID; a person with two has two rows that share the surviving surrogate key.

    version     position of Medicare's delivery, whose own ids it holds
    last_month  whoever had Medicare up to this month is known
    """
    persons, identities, providers = block.persons, block.identities, block.providers
    known = np.isin(persons.primary, MEDICARE_PAYERS) | (persons.secondary == MEDICARE)
    known_by_then = known[:, : last_month + 1].any(axis=1)
    first = np.flatnonzero(identities.ever_medicare & known_by_then)
    second = np.flatnonzero(identities.has_two & known_by_then)
    who = np.concatenate([first, second])
    is_second = np.arange(len(who)) >= len(first)
    order = np.lexsort((is_second, who))
    who, is_second = who[order], is_second[order]
    true = identities.true
    key = (persons.first + who + 1) * 20 + is_second
    surviving = (persons.first + who + 1) * 20 + np.isin(who, second)
    places = pl.Series(who)
    alive = persons.death[who] > block.calendar.end
    columns: dict[str, Column] = {
        "BENE_ID": identities.all_bene_ids.gather(pl.Series(who + len(persons) * (is_second + 2 * version))),
        "BENE_MBI_ID": pl.Series(true.mbi).gather(places),
        "BENE_LAST_NAME": pl.Series(true.last).gather(places),
        "BENE_1ST_NAME": pl.Series(true.first).gather(places),
        "BENE_MIDL_NAME": pl.Series(true.middle).gather(places),
        "BENE_BRTH_DT": dates(true.birth[who], "rif"),
        "BENE_DEATH_DT": dates(np.where(alive, NEVER, persons.death[who]), "rif"),
        "BENE_SEX_CD": pl.Series(true.sex[who]),
        "BENE_RACE_CD": pl.Series(persons.race[who]),
        "BENE_ZIP_CD": picked(providers.zips, true.zip[who]),
        "BENE_SK": pl.Series(-key),
        "BENE_XREF_SK": pl.Series(-surviving),
        "BENE_XREF_EFCTV_SK": pl.Series(-surviving),
    }
    file.write(columns, len(who))
    file.count(claims=len(who), paid_cents=0)
