"""The payers' files in APCD-CDL: eligibility by month, medical and pharmacy claims with their versions."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import polars as pl

from qe.sample.adjudicate import ADJUSTED, DENIED, REPLACED, REVERSED_AND_REPLACED, Bills
from qe.sample.claims import DIAGNOSES, INPATIENT, OUTPATIENT, SNF_STAY, Table, keep_claims, take
from qe.sample.codes import Ints, codes
from qe.sample.delimited import Column, Joined, dates, joined, money, numbers, picked
from qe.sample.deliveries import NEXT_VERSION, Delivered, comes_again_on, delivery_of
from qe.sample.diagnosis_pairs import diagnosis_pairs
from qe.sample.fills import PACKAGES, Fills, covered_fills
from qe.sample.identity import Identity
from qe.sample.people import (
    ADVANTAGE_B,
    COMMERCIAL_A,
    COMMERCIAL_B,
    MEDICAID,
    MEDICARE,
    MEDIGAP_A,
    Persons,
)
from qe.sample.providers import CAH, FQHC, SWING_BED
from qe.sample.rif import REVENUE, TWO_DIGITS, Block

PRODUCTS = {COMMERCIAL_A: "PR", MEDIGAP_A: "SP", COMMERCIAL_B: "HM", ADVANTAGE_B: "HN", MEDICAID: "MC"}
_PRODUCT_OF = tuple(PRODUCTS.get(payer, "") for payer in range(8))
_PRESENT = tuple("|".join(["Y"] * count + [""] * (DIAGNOSES - count)) for count in range(DIAGNOSES + 1))
REASON_DENIED = ("45", "97", "18", "50")  # claim adjustment reason codes of denials


@dataclass(frozen=True, kw_only=True)
class Submitter:
    """One submitter and its habits.

    payers            whose members stand in its files (people.py)
    implied_decimals  amounts in cents without a point
    dotted            diagnoses with a point
    strips_zeros      ZIP codes without their leading zeros
    """

    letter: str
    code: str
    payor: str
    name: str
    payers: tuple[int, ...]
    implied_decimals: bool
    dotted: bool
    strips_zeros: bool

    def amount(self, cents: Ints) -> pl.Series:
        return pl.Series(cents) if self.implied_decimals else money(cents)

    def zips(self, zips: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(text.lstrip("0") for text in zips) if self.strips_zeros else zips

    def head(self, kind: str, first_month: str, last_month: str) -> str:
        return f"HD|{self.code}|{self.payor}|{self.name}|{kind}|{first_month}|{last_month}|T|sample"

    def trailer(self, kind: str, made_on: str, rows: int) -> str:
        return f"TR|{self.code}|{self.payor}|{self.name}|{kind}|{made_on}||{rows}"


def submitters(payers: int) -> tuple[Submitter, ...]:
    """Two submitters, or three where Medicaid submits its own files."""
    at_b = (ADVANTAGE_B, COMMERCIAL_B) if payers == 3 else (ADVANTAGE_B, COMMERCIAL_B, MEDICAID)
    found = [
        Submitter(letter="a", code="SUBA", payor="PAYA", name="Plan A", payers=(COMMERCIAL_A, MEDIGAP_A),
                  implied_decimals=False, dotted=False, strips_zeros=True),
        Submitter(letter="b", code="SUBB", payor="PAYB", name="Plan B", payers=at_b,
                  implied_decimals=True, dotted=True, strips_zeros=False),
    ]  # fmt: skip
    if payers == 3:
        found.append(
            Submitter(letter="m", code="SUBM", payor="PAYM", name="Medicaid", payers=(MEDICAID,),
                      implied_decimals=False, dotted=False, strips_zeros=False)
        )  # fmt: skip
    return tuple(found)


def _members(block: Block, submitter: Submitter) -> tuple[Identity, list[str]]:
    identities = block.identities
    if submitter.letter == "a":
        return identities.at_a, identities.member_a
    return identities.at_b, identities.member_b


def _columns(file: str, values: dict[int, Column]) -> dict[str, Column]:
    """Element numbers to column names."""
    return {f"CDL{file}{number:03d}": column for number, column in values.items()}


def _person_elements(submitter: Submitter, block: Block, who: Ints, file: str) -> dict[int, Column]:
    """Relationship, sex, birth date, names and ZIP as claims repeat them: elements 17 to 22; the member's number twice."""
    identity, member = _members(block, submitter)
    person = joined(
        {
            f"CDL{file}018": picked(("M", "F"), identity.sex - 1),
            f"CDL{file}019": dates(identity.birth, "cdl"),
            f"CDL{file}020": pl.Series(identity.last),
            f"CDL{file}021": pl.Series(identity.first),
            f"CDL{file}022": picked(submitter.zips(block.providers.zips), identity.zip),
        }
    )
    number = 161 if file == "MC" else 68
    twice = joined({f"CDL{file}{place:03d}": pl.Series(member) for place in (number, number + 1)})
    return {
        17: "18",
        18: replace(person, texts=person.texts.gather(pl.Series(who))),
        number: replace(twice, texts=twice.texts.gather(pl.Series(who))),
    }


def write_eligibility(block: Block, submitter: Submitter, delivered: Delivered) -> None:
    """One row a member, month and product; a delivery holds the months it is about."""
    persons, calendar = block.persons, block.calendar
    identity, member = _members(block, submitter)
    person = joined(
        {
            "CDLME018": picked(("M", "F"), identity.sex - 1),
            "CDLME019": dates(identity.birth, "cdl"),
            "CDLME020": pl.Series(identity.last),
            "CDLME021": pl.Series(identity.first),
            "CDLME022": pl.Series(identity.middle),
        }
    )
    twice = joined({"CDLME061": pl.Series(member), "CDLME062": pl.Series(member)})
    contract = pl.Series([f"K{number[1:]}" for number in member])
    mbi = pl.Series(identity.mbi)
    for months, is_primary in ((persons.primary, "1"), (persons.secondary, "2")):
        inside = np.isin(months, submitter.payers)
        who, month = np.nonzero(inside)
        payer = months[who, month]
        starts = calendar.month_starts
        first = np.argmax(inside, axis=1)[who]
        months_of = starts[month].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        places = pl.Series(who)
        drugs = np.where(payer == MEDIGAP_A, 1, 0)
        columns = _columns(
            "ME",
            {
                1: submitter.code,
                2: submitter.payor,
                4: picked(_PRODUCT_OF, payer),
                5: pl.Series(1970 + months_of // 12),
                6: picked(tuple(f"{number:02d}" for number in range(1, 13)), months_of % 12),
                11: contract.gather(places),
                15: "01",
                17: "18",
                18: replace(person, texts=person.texts.gather(places)),
                25: "XX",
                26: picked(submitter.zips(block.providers.zips), identity.zip[who]),
                27: picked(block.providers.zip_county, identity.zip[who]),
                36: "1",
                37: picked(("1", "2"), drugs),
                38: "2",
                39: "1",
                40: is_primary,
                47: pl.Series(block.providers.c_npi[persons.clinician[who]]),
                50: dates(starts[first], "cdl"),
                61: replace(twice, texts=twice.texts.gather(places)),
                75: mbi.gather(places),
                899: "ME",
            },
        )
        at = np.searchsorted(np.array([one.months[1] for one in delivered.deliveries]), month)
        delivered.write(columns, len(who), at=at, claim=None, paid=0 * who, holds_claims=False)


def claim_numbers(block: Block, submitter: Submitter, kind: int, number: Ints) -> pl.Series:
    """Control numbers: submitter, kind of claim, block and a mixed number."""
    mixed = (number * 15_485_863 + 7) % 10**8
    value = kind * 10**12 + block.index * 10**8 + mixed
    return pl.Series(value).cast(pl.String).str.pad_start(13, "0").str.replace("^", submitter.letter.upper())


def _versions(claims: Table) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    """Rows of each claim's history: claim, step, version, sign and share of the amounts in percent, line type, number suffix.

    Reversed and replaced: with one control number (0 paid, 1 reversed, 2 paid anew) or with a number for each of the
    three, the later two naming the first. Replaced: version 1 over version 0. Adjusted: the same claim comes again, every
    other one as version 1. Line types: 0 O, 1 V, 2 R.
    """
    history, odd = claims["history"], claims["number"] % 2 == 1
    count = np.select([history == REVERSED_AND_REPLACED, np.isin(history, (REPLACED, ADJUSTED))], [3, 2], 1)
    row = np.repeat(np.arange(len(history)), count)
    step = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    three, two = history[row] == REVERSED_AND_REPLACED, history[row] == REPLACED
    own_number = three & odd[row]
    again = history[row] == ADJUSTED
    version = np.where(own_number, np.minimum(step, 1), np.where(again & ~odd[row], 0, step))
    percent = np.select(
        [three & (step == 0), three & (step == 1), two & (step == 0), again & (step == 0)], [120, -120, 90, 110], 100
    )
    line_type = np.select([three & (step == 1), (three | two | (again & odd[row])) & (step > 0)], [1, 2], 0)
    suffix = np.where(own_number, step, 0)
    return row, step, version, percent, line_type, suffix


def write_medical(
    block: Block, submitter: Submitter, kind: str, bills: Bills, delivered: Delivered
) -> tuple[Ints, pl.Series]:
    """Medical claims of one submitter; `kind` professional or institutional. Gives claim places and control numbers."""
    wanted = np.isin(bills.claims["payer"], submitter.payers)
    claims, lines = keep_claims(bills.claims, bills.lines, wanted)
    history_row, step, version, percent, line_type, suffix = _versions(claims)
    paid_day = claims["paid_day"][history_row] + NEXT_VERSION * version
    again = (claims["history"][history_row] == ADJUSTED) & (step > 0)
    second = comes_again_on(delivered.deliveries, claims["paid_day"], claims["number"])[history_row]
    paid_day = np.where(again, second, paid_day)
    # expand: for each version of a claim, its lines
    order = np.argsort(lines["claim"], kind="stable")
    lines = take(lines, order)
    first = np.searchsorted(lines["claim"], np.arange(len(claims["number"])))
    count = np.bincount(lines["claim"], minlength=len(claims["number"]))
    repeat = count[history_row]
    of_version = np.repeat(np.arange(len(history_row)), repeat)
    within = np.arange(len(of_version)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    row = history_row[of_version]
    line = first[row] + within
    version, percent = version[of_version], percent[of_version]
    line_type, suffix, paid_day = line_type[of_version], suffix[of_version], paid_day[of_version]
    own = take(lines, line)
    is_professional = kind == "professional"
    identity_of = 1 if is_professional else 2
    control = claim_numbers(block, submitter, identity_of, claims["number"])
    text = control.gather(pl.Series(row))
    suffixes = picked(("", "R", "N"), suffix)
    crossed = np.where((suffix > 0) | (line_type == 1), row, -1)
    denied_claim = claims["outcome"][row] == DENIED
    status = np.where(claims["secondary"][row] == 1, np.where(claims["number"][row] % 3 == 0, 3, 1), 0)
    status = np.where(denied_claim, 2, status)
    status = np.where(line_type == 1, 4, status)
    denied = denied_claim | (own["denied"] == 1)
    arrangement = np.where(claims["capitated"][row] == 1, 0, 1)
    who = claims["person"][row]
    paid = own["paid"] * percent // 100

    def amount(name: str) -> pl.Series:
        return submitter.amount(own[name] * percent // 100)

    elements: dict[int, Column] = {
        1: submitter.code,
        2: submitter.payor,
        4: picked(_PRODUCT_OF, claims["payer"][row]),
        5: text + suffixes,
        6: pl.Series(within + 1),
        7: pl.Series(version),
        8: picked(control, crossed),
        24: dates(paid_day, "cdl"),
        36: "0",
        88: picked(codes().hcpcs, own["service"]),
        119: dates(own["day"], "cdl"),
        121: pl.Series(own["units"]),
        123: amount("charge"),
        125: submitter.amount(paid),
        126: amount("copay"),
        127: amount("coinsurance"),
        128: amount("deductible"),
        129: amount("other_paid"),
        130: amount("other_paid"),
        131: amount("allowed"),
        132: picked(("01", "02"), arrangement),
        157: picked(("1", "2", "4", "20", "22"), status),
        158: picked(("1", "2"), np.where(denied, 0, 1)),
        159: picked(REASON_DENIED, np.where(denied, (claims["number"][row] + within) % len(REASON_DENIED), -1)),
        160: picked(("O", "V", "R"), line_type),
        899: "MC",
        **_person_elements(submitter, block, who, "MC"),
        **_diagnosis_elements(submitter, block, claims, row, kind),
        **(_professional_elements(block, claims, own, row) if is_professional
           else _institutional_elements(block, claims, own, row)),
    }  # fmt: skip
    delivered.write(
        _columns("MC", elements),
        len(row),
        at=delivery_of(delivered.deliveries, paid_day),
        claim=claims["number"][row] * 3 + suffix,
        paid=paid,
    )
    return np.flatnonzero(wanted), control


@cache
def _dotted(pool: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code[:3] + "." + code[3:] if len(code) > 3 else code for code in pool)


def _diagnosis_elements(submitter: Submitter, block: Block, claims: Table, row: Ints, kind: str) -> dict[int, Column]:
    pool = _dotted(codes().diagnoses) if submitter.dotted else codes().diagnoses
    matrix = claims["diagnoses"]
    pairs = diagnosis_pairs(pool, matrix[row], names=[_elements(37 + place, 2) for place in range(0, DIAGNOSES, 2)])
    found: dict[int, Column] = {int(name[-3:]): column for name, column in pairs.items()}
    if kind == "institutional":
        is_stay = (claims["type"] == INPATIENT) & (block.providers.f_type[claims["facility"]] != CAH)
        is_stay &= claims["no_poa"] == 0
        admitting = np.where(np.isin(claims["type"], (INPATIENT, SNF_STAY))[row], matrix[row, 0], -1)
        found[34] = picked(pool, admitting)
        present = np.where(is_stay, (matrix >= 0).sum(axis=1), 0)
        found[62] = Joined(columns=_elements(62, DIAGNOSES), texts=picked(_PRESENT, present[row]))
    return found


def _elements(first: int, count: int) -> tuple[str, ...]:
    """Names of `count` neighbouring elements of a medical claim."""
    return tuple(f"CDLMC{number:03d}" for number in range(first, first + count))


def _professional_elements(block: Block, claims: Table, own: Table, row: Ints) -> dict[int, Column]:
    providers = block.providers
    clinician, group = claims["clinician"][row], claims["group"][row]
    referring = claims["referring"][row]
    return {
        33: picked(TWO_DIGITS, claims["place"][row]),
        89: picked(("26",), np.where(own["marker"] == 26, 0, -1)),
        120: dates(own["day"] + own["units"] - 1, "cdl"),
        135: pl.Series(providers.c_npi[clinician]),
        136: "1",
        142: picked(codes().taxonomies, providers.c_specialty[clinician]),
        146: pl.Series(providers.g_npi[group]),
        148: pl.Series(providers.g_npi[group]),
        150: picked(providers.g_tin, group),
        152: numbers(np.where(referring >= 0, providers.c_npi[referring], -1)),
        156: "1",
    }


def _institutional_elements(block: Block, claims: Table, own: Table, row: Ints) -> dict[int, Column]:
    providers = block.providers
    facility, kind = claims["facility"], claims["type"]
    base = np.select([kind == INPATIENT, kind == SNF_STAY, providers.f_type[facility] == FQHC], [0, 1, 2], 3)
    base = np.where((kind != INPATIENT) & (kind != SNF_STAY) & (kind != OUTPATIENT), 4, base)
    base = np.where(providers.f_type[facility] == SWING_BED, 5, base)
    bill = np.array([11, 21, 77, 13, 81, 18])[base] * 10 + claims["frequency"]
    origin = np.where(claims["no_origin"] == 1, -1, claims["origin"])
    second = (claims["number"] % 3 == 0) & (providers.f_parent[facility] < 0)
    npi = np.where(second, providers.f_second_npi[facility], providers.f_npi[facility])
    in_bed = np.isin(kind, (INPATIENT, SNF_STAY))
    procedure = claims["procedures"][row]
    return {
        25: dates(np.where(in_bed, claims["admit"], -1)[row], "cdl"),
        27: numbers(np.where(in_bed, claims["urgency"], -1)[row]),
        28: numbers(np.where(in_bed, origin, -1)[row]),
        29: dates(np.where(in_bed, claims["discharge"], -1)[row], "cdl"),
        31: picked(TWO_DIGITS, claims["status"][row]),
        32: pl.Series(bill[row]),
        87: picked(REVENUE, own["revenue"]),
        93: picked(codes().procedures, procedure),
        119: dates(claims["start"][row], "cdl"),
        120: dates(claims["thru"][row], "cdl"),
        135: pl.Series(npi[row]),
        136: "2",
        148: pl.Series(npi[row]),
        150: picked(providers.f_tin, facility[row]),
        154: pl.Series(providers.c_npi[providers.f_attending[facility]][row]),
        156: "2",
    }


def _fill_rows(persons: Persons, fills: Fills, payer: Ints, submitter: Submitter) -> Ints:
    return np.flatnonzero(np.isin(payer, submitter.payers) & (payer != MEDIGAP_A) & (payer != MEDICARE))


def write_pharmacy(
    block: Block, submitter: Submitter, fills: Fills, ndcs: list[str], delivered: Delivered
) -> tuple[Table, pl.Series]:
    """Pharmacy claims; a reversed fill has a second, voided version. Gives what they cover and control numbers."""
    persons, providers, prices = block.persons, block.providers, block.parameters.prices
    payer = persons.primary[fills.person, block.calendar.month_of(fills.day)]
    chosen = _fill_rows(persons, fills, payer, submitter)
    control = claim_numbers(block, submitter, 3, chosen)
    back = fills.returned[chosen] == 1
    row = np.repeat(np.arange(len(chosen)), np.where(back, 2, 1))
    is_void = np.zeros(len(row), dtype=np.bool_)
    is_void[1:] = row[1:] == row[:-1]
    place = chosen[row]
    who = fills.person[place]
    factor = np.where(np.isin(payer[place], (COMMERCIAL_A, COMMERCIAL_B)), 1.15, 1.0)
    sign = np.where(is_void, -1, 1)
    allowed = np.round(fills.cents[place] * factor).astype(np.int64)
    copay = np.minimum(np.where(payer[place] == MEDICAID, 0, round(prices.commercial_copay * 40)), allowed)
    paid = (allowed - copay) * sign
    paid_day = fills.day[place] + 10 + 5 * is_void
    units = np.maximum(np.round(codes().drug_daily_units[fills.drug[place]] * fills.supply[place] * 100), 1)
    elements: dict[int, Column] = {
        1: submitter.code,
        2: submitter.payor,
        4: picked(_PRODUCT_OF, payer[place]),
        5: control.gather(pl.Series(row)),
        6: "1",
        7: pl.Series(is_void.astype(np.int64)),
        23: dates(fills.day[place], "cdl"),
        24: dates(paid_day, "cdl"),
        25: picked(ndcs, fills.drug[place] * PACKAGES + fills.package[place]),
        26: picked(TWO_DIGITS, np.minimum(fills.number[place], 99)),
        27: picked(("1", "2"), np.where(np.array(codes().drug_brand)[fills.drug[place]] == "G", 0, 1)),
        28: "0",
        29: "1",
        32: money(units.astype(np.int64)),
        33: pl.Series(fills.supply[place]),
        36: submitter.amount(allowed * 2 * sign),
        37: submitter.amount(paid),
        38: submitter.amount(allowed * sign),
        43: submitter.amount(copay * sign),
        44: submitter.amount(0 * copay),
        45: submitter.amount(0 * copay),
        51: pl.Series(providers.c_npi[persons.clinician[who]]),
        57: pl.Series(providers.pharmacies[persons.zip[who] % len(providers.pharmacies)]),
        65: picked(("1", "3"), is_void.astype(np.int64)),
        66: picked(("O", "V"), is_void.astype(np.int64)),
        899: "PC",
        **_person_elements(submitter, block, who, "PC"),
    }
    delivered.write(
        _columns("PC", elements), len(row), at=delivery_of(delivered.deliveries, paid_day), claim=place, paid=paid
    )
    first = ~is_void
    return covered_fills(fills, chosen, payer=payer[chosen], allowed=allowed[first], paid=paid[first]), control
