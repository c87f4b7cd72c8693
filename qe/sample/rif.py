"""Medicare's claim files in the official dialect: header and line in one row; Part D events."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from qe.sample.adjudicate import ADJUSTED, COST_AVOIDED, DENIED, EXHAUSTED, INFORMATION_ONLY, Bills, refused
from qe.sample.calendar import Calendar
from qe.sample.claims import DIAGNOSES, HOSPICE, INPATIENT, OUTPATIENT, SNF_STAY, Table, keep_claims, stack_claims
from qe.sample.codes import Bools, Ints, codes
from qe.sample.delimited import Column, columns_of, dates, money, numbers, picked
from qe.sample.deliveries import Delivered, comes_again_on, delivery_of
from qe.sample.diagnosis_pairs import diagnosis_pairs
from qe.sample.fills import PACKAGES, Fills, covered_fills
from qe.sample.identity import Identities
from qe.sample.parameters import Parameters
from qe.sample.people import MEDICARE, Persons
from qe.sample.providers import CAH, FQHC, STATE, SWING_BED, Providers

COST_AVOIDED_CODES = ("00", "E", "Y", "21")
CLAIM_DENIAL_CODES = ("0", "D", "P")
LINE_DENIAL_CODES = ("C", "D", "N", "M", "O")
AMOUNTS = {"charge", "allowed", "paid", "deductible", "coinsurance", "copay", "other_paid"}
REVENUE = tuple(f"{code:04d}" for code in range(1000))
TWO_DIGITS = tuple(f"{code:02d}" for code in range(100))
FILES = {INPATIENT: "inpatient", SNF_STAY: "snf", OUTPATIENT: "outpatient", HOSPICE: "hospice"}


@dataclass(frozen=True, kw_only=True)
class Block:
    """What the writers need of one block; `index` counts from 1."""

    index: int
    persons: Persons
    identities: Identities
    providers: Providers
    parameters: Parameters
    calendar: Calendar


def bene_id_at(block: Block, who: Ints, days: Ints, version: Ints | int = 0) -> pl.Series:
    """BENE_ID by service date and delivery: the few with two have the second one from the last year on.

    version  position of Medicare's delivery: each one's ids are encrypted anew
    """
    has = block.identities.has_two
    later = has[who] & (days >= block.calendar.measurement_start)
    return block.identities.all_bene_ids.gather(pl.Series(who + len(has) * (later + 2 * version)))


def claim_id(block: Block, kind: int, number: Ints) -> Ints:
    """Fifteen digits; unique over files."""
    return np.asarray((100 + kind) * 10**12 + block.index * 10**8 + (number * 6_700_417 + 11) % 10**8)


def _diagnosis_columns(claims: Table, row: Ints, *, width: int, poa: Bools | None) -> dict[str, Column]:
    tables, matrix = codes(), claims["diagnoses"]
    found: dict[str, Column] = {
        "PRNCPAL_DGNS_CD": picked(tables.diagnoses, matrix[row, 0]),
        "PRNCPAL_DGNS_VRSN_CD": "0",
    }
    if poa is None:
        return found | diagnosis_pairs(tables.diagnoses, matrix[row], names=_pair_names(width), version="0")
    for place in range(min(width, DIAGNOSES)):
        values = matrix[row, place]
        if (values < 0).all():
            continue
        found[f"ICD_DGNS_CD{place + 1}"] = picked(tables.diagnoses, values)
        found[f"ICD_DGNS_VRSN_CD{place + 1}"] = picked(("0",), np.where(values < 0, -1, 0))
        found[f"CLM_POA_IND_SW{place + 1}"] = picked(("Y",), np.where((values >= 0) & poa[row], 0, -1))
    return found


def _pair_names(width: int) -> list[tuple[str, ...]]:
    return [
        tuple(f"ICD_DGNS_{kind}{number}" for number in (place, place + 1) for kind in ("CD", "VRSN_CD"))
        for place in range(1, min(width, DIAGNOSES), 2)
    ]


def _line_numbers(row: Ints) -> Ints:
    return np.arange(len(row)) - np.searchsorted(row, row) + 1


def _with_first_copies(claims: Table, lines: Table, delivered: Delivered) -> tuple[Table, Table, int]:
    """The claims, after them the first copies of those that come again, a tenth dearer; and how many are no copies."""
    again = claims["history"] == ADJUSTED
    originals = len(again)
    if not again.any():
        return claims, lines, originals
    copies, own = keep_claims(claims, lines, again)
    for table in (copies, own):
        for name in AMOUNTS & table.keys():
            table[name] = table[name] * 110 // 100
    second = comes_again_on(delivered.deliveries, claims["paid_day"], claims["number"])
    last = claims | {"paid_day": np.where(again, second, claims["paid_day"])}
    return *stack_claims([(last, lines), (copies, own)]), originals


def write_institutional(block: Block, bills: Bills, files: Mapping[str, Delivered]) -> Ints:
    """Inpatient, outpatient, SNF and hospice claims; gives the written claim id of each claim, -1 for none."""
    written = np.full(len(bills.claims["number"]), -1)
    for kind, name in FILES.items():
        wanted = bills.claims["type"] == kind
        claims, lines = keep_claims(bills.claims, bills.lines, wanted)
        written[wanted] = _write_facility_file(block, claims, lines, kind, files[name])
    return written


def _write_facility_file(block: Block, claims: Table, lines: Table, kind: int, delivered: Delivered) -> Ints:
    providers, tables = block.providers, codes()
    claims, lines, originals = _with_first_copies(claims, lines, delivered)
    order = np.argsort(lines["claim"], kind="stable")
    lines = {name: values[order] for name, values in lines.items()}
    row = lines["claim"]
    at = delivery_of(delivered.deliveries, claims["paid_day"])
    ids = claim_id(block, kind + 1, claims["number"])
    facility = claims["facility"]
    f_type = providers.f_type[facility]
    outcome = claims["outcome"]
    is_refused = refused(Bills(claims=claims, lines=lines))
    reasons = ("", "N", "B", *COST_AVOIDED_CODES)
    reason = np.where(outcome == COST_AVOIDED, 3 + claims["number"] % len(COST_AVOIDED_CODES), 0)
    reason = np.select([is_refused, outcome == EXHAUSTED], [1, 2], reason)
    msp = (claims["secondary"] == 1) & ~is_refused
    poa = (f_type != CAH) & (claims["no_poa"] == 0)
    second_npi = (claims["number"] % 3 == 0) & (providers.f_parent[facility] < 0)
    npi = np.where(second_npi, providers.f_second_npi[facility], providers.f_npi[facility])
    bill = {INPATIENT: ("1", "1"), SNF_STAY: ("2", "1"), HOSPICE: ("8", "1")}.get(kind)
    in_swing_bed = (f_type == SWING_BED)[row].astype(np.int64)
    attending = providers.c_npi[providers.f_attending[facility]]
    charge = np.where(outcome == INFORMATION_ONLY, claims["cents"], claims["charge"])
    columns: dict[str, Column] = {
        "BENE_ID": bene_id_at(block, claims["person"], claims["start"], at).gather(pl.Series(row)),
        "CLM_ID": pl.Series(ids[row]),
        "NCH_NEAR_LINE_REC_IDENT_CD": "W" if kind == OUTPATIENT else "V",
        "NCH_CLM_TYPE_CD": {INPATIENT: "60", SNF_STAY: "20", OUTPATIENT: "40", HOSPICE: "50"}[kind],
        "CLM_FROM_DT": dates(claims["start"][row], "rif"),
        "CLM_THRU_DT": dates(claims["thru"][row], "rif"),
        "NCH_WKLY_PROC_DT": dates(claims["paid_day"][row], "rif"),
        "FI_CLM_PROC_DT": dates(claims["paid_day"][row], "rif"),
        "PRVDR_NUM": picked(providers.f_ccn, facility[row]),
        "CLM_FREQ_CD": numbers(claims["frequency"][row]),
        "CLM_MDCR_NON_PMT_RSN_CD": picked(reasons, reason[row]),
        "CLM_PMT_AMT": money(claims["paid"][row]),
        "NCH_PRMRY_PYR_CLM_PD_AMT": money(claims["other_paid"][row]),
        "NCH_PRMRY_PYR_CD": picked((" ", "A"), msp[row].astype(np.int64)),
        "PRVDR_STATE_CD": STATE,
        "ORG_NPI_NUM": pl.Series(npi[row]),
        "AT_PHYSN_NPI": pl.Series(attending[row]),
        "CLM_MCO_PD_SW": picked(("0", "1"), (outcome == INFORMATION_ONLY)[row].astype(np.int64)),
        "PTNT_DSCHRG_STUS_CD": picked(TWO_DIGITS, claims["status"][row]),
        "CLM_TOT_CHRG_AMT": money(charge[row]),
        "CLM_LINE_NUM": pl.Series(_line_numbers(row)),
        "REV_CNTR": picked(REVENUE, lines["revenue"]),
        "HCPCS_CD": picked(tables.hcpcs, lines["service"]),
        "REV_CNTR_UNIT_CNT": pl.Series(lines["units"]),
        "REV_CNTR_TOT_CHRG_AMT": money(lines["charge"]),
        **_diagnosis_columns(claims, row, width=25, poa=poa if kind == INPATIENT else None),
    }
    if bill is None:
        columns["CLM_FAC_TYPE_CD"] = picked(("1", "7", "8"), np.select([f_type == FQHC, f_type == CAH], [1, 2], 0)[row])
        columns["CLM_SRVC_CLSFCTN_TYPE_CD"] = picked(
            ("3", "7", "5"), np.select([f_type == FQHC, f_type == CAH], [1, 2], 0)[row]
        )
        columns |= {
            "NCH_BENE_PTB_DDCTBL_AMT": money(claims["deductible"][row]),
            "NCH_BENE_PTB_COINSRNC_AMT": money(claims["coinsurance"][row]),
            "CLM_OP_PRVDR_PMT_AMT": money(claims["paid"][row]),
            "REV_CNTR_DT": dates(lines["day"], "rif"),
            "REV_CNTR_PMT_AMT_AMT": money(lines["paid"]),
            "REV_CNTR_COINSRNC_WGE_ADJSTD_C": money(lines["coinsurance"]),
            "REV_CNTR_CASH_DDCTBL_AMT": money(lines["deductible"]),
            "REV_CNTR_NCVRD_CHRG_AMT": money(np.where((lines["denied"] == 1) | is_refused[row], lines["charge"], 0)),
        }
    else:
        columns["CLM_FAC_TYPE_CD"] = picked((bill[0], "1"), in_swing_bed)
        columns["CLM_SRVC_CLSFCTN_TYPE_CD"] = picked((bill[1], "8"), in_swing_bed)
    if kind in (INPATIENT, SNF_STAY):
        columns |= {
            "CLM_ADMSN_DT": dates(claims["admit"][row], "rif"),
            "CLM_IP_ADMSN_TYPE_CD": numbers(claims["urgency"][row]),
            "CLM_SRC_IP_ADMSN_CD": numbers(claims["origin"][row]),
            "NCH_PTNT_STUS_IND_CD": picked(
                ("A", "C", "B"), np.select([claims["status"] == 30, claims["status"] == 20], [1, 2], 0)[row]
            ),
            "NCH_BENE_IP_DDCTBL_AMT": money(claims["deductible"][row]),
            "NCH_BENE_PTA_COINSRNC_LBLTY_AM": money(claims["coinsurance"][row]),
            "NCH_BENE_BLOOD_DDCTBL_LBLTY_AM": "0",
            "CLM_UTLZTN_DAY_CNT": pl.Series(np.where(outcome == EXHAUSTED, 0, claims["covered_days"])[row]),
            "NCH_BENE_DSCHRG_DT": dates(claims["discharge"][row], "rif"),
            "CLM_DRG_CD": picked(tables.drgs, claims["drg"][row]),
            "ADMTG_DGNS_CD": picked(tables.diagnoses, claims["diagnoses"][row, 0]),
            "ADMTG_DGNS_VRSN_CD": "0",
        }
    if kind == INPATIENT:
        has = claims["procedures"][row] >= 0
        columns |= {
            "CLM_PASS_THRU_PER_DIEM_AMT": money(claims["pass_through"][row]),
            "ICD_PRCDR_CD1": picked(tables.procedures, claims["procedures"][row]),
            "ICD_PRCDR_VRSN_CD1": picked(("0",), np.where(has, 0, -1)),
            "PRCDR_DT1": dates(np.where(has, claims["procedure_day"][row], -1), "rif"),
        }
    if kind == HOSPICE:
        del columns["CLM_MCO_PD_SW"]
    if kind == SNF_STAY:
        columns["NCH_CLM_TYPE_CD"] = picked(("20", "30"), in_swing_bed)
        columns["NCH_QLFYD_STAY_THRU_DT"] = dates(claims["admit"][row], "rif")
    is_first = np.append(True, row[1:] != row[:-1])[: len(row)]
    paid = np.where(is_first, claims["paid"][row], 0)
    delivered.write(columns, len(row), at=at[row], claim=claims["number"][row], paid=paid)
    return ids[:originals]


def write_professional(block: Block, bills: Bills, files: Mapping[str, Delivered]) -> Ints:
    """Carrier and DME claims; gives the written claim id of each claim."""
    written = np.full(len(bills.claims["number"]), -1)
    for supplier, name in ((0, "carrier"), (1, "dme")):
        wanted = bills.claims["supplier"] == supplier
        claims, lines = keep_claims(bills.claims, bills.lines, wanted)
        written[wanted] = _write_professional_file(block, claims, lines, files[name], is_dme=supplier == 1)
    return written


def _write_professional_file(block: Block, claims: Table, lines: Table, delivered: Delivered, *, is_dme: bool) -> Ints:
    providers, tables = block.providers, codes()
    claims, lines, originals = _with_first_copies(claims, lines, delivered)
    order = np.argsort(lines["claim"], kind="stable")
    lines = {name: values[order] for name, values in lines.items()}
    row, count = lines["claim"], len(claims["number"])
    at = delivery_of(delivered.deliveries, claims["paid_day"])
    ids = claim_id(block, 8 if is_dme else 7, claims["number"])
    outcome, clinician = claims["outcome"], claims["clinician"]

    def summed(name: str) -> Ints:
        return np.bincount(row, weights=lines[name], minlength=count).astype(np.int64)

    payment = ("1", *CLAIM_DENIAL_CODES, *COST_AVOIDED_CODES)
    code = np.where(outcome == DENIED, 1 + claims["number"] % len(CLAIM_DENIAL_CODES), 0)
    first_avoided = 1 + len(CLAIM_DENIAL_CODES)
    code = np.where(outcome == COST_AVOIDED, first_avoided + claims["number"] % len(COST_AVOIDED_CODES), code)
    line_codes = ("A", "S", *LINE_DENIAL_CODES)
    line_code = np.where(claims["secondary"][row] == 1, 1, 0)
    line_code = np.where(lines["denied"] == 1, 2 + (claims["number"][row] + row) % len(LINE_DENIAL_CODES), line_code)
    line_code = np.where(outcome[row] == DENIED, 2, line_code)
    msp = claims["secondary"] == 1
    specialty = providers.c_specialty[clinician]
    two = (providers.c_second_specialty[clinician] >= 0) & (claims["number"] % 2 == 0)
    specialty = np.where(two, providers.c_second_specialty[clinician], specialty)
    paid = summed("paid")
    columns: dict[str, Column] = {
        "BENE_ID": bene_id_at(block, claims["person"], claims["day"], at).gather(pl.Series(row)),
        "CLM_ID": pl.Series(ids[row]),
        "NCH_NEAR_LINE_REC_IDENT_CD": "M" if is_dme else "O",
        "NCH_CLM_TYPE_CD": "82" if is_dme else "71",
        "CLM_FROM_DT": dates(claims["day"][row], "rif"),
        "CLM_THRU_DT": dates(claims["thru"][row], "rif"),
        "NCH_WKLY_PROC_DT": dates(claims["paid_day"][row], "rif"),
        "CARR_CLM_ENTRY_CD": "1",
        "CLM_DISP_CD": "01",
        "CARR_NUM": "99990",
        "CARR_CLM_PMT_DNL_CD": picked(payment, code[row]),
        "CLM_PMT_AMT": money(paid[row]),
        "CARR_CLM_PRMRY_PYR_PD_AMT": money(summed("other_paid")[row]),
        "RFR_PHYSN_NPI": numbers(np.where(claims["referring"] >= 0, providers.c_npi[claims["referring"]], -1)[row]),
        "CARR_CLM_PRVDR_ASGNMT_IND_SW": "A",
        "NCH_CLM_PRVDR_PMT_AMT": money(paid[row]),
        "NCH_CARR_CLM_SBMTD_CHRG_AMT": money(summed("charge")[row]),
        "NCH_CARR_CLM_ALOWD_AMT": money(summed("allowed")[row]),
        "CARR_CLM_CASH_DDCTBL_APLD_AMT": money(summed("deductible")[row]),
        "LINE_NUM": pl.Series(_line_numbers(row)),
        "TAX_NUM": picked(providers.g_tin, claims["group"][row]),
        "PRVDR_STATE_CD": STATE,
        "PRVDR_SPCLTY": picked(("54",), 0 * row) if is_dme else picked(tables.specialties, specialty[row]),
        "PRTCPTNG_IND_CD": "1",
        "LINE_SRVC_CNT": pl.Series(lines["units"]),
        "LINE_PLACE_OF_SRVC_CD": picked(TWO_DIGITS, claims["place"][row]),
        "LINE_1ST_EXPNS_DT": dates(lines["day"], "rif"),
        "LINE_LAST_EXPNS_DT": dates(np.maximum(lines["day"], lines["day"] + lines["units"] - 1), "rif"),
        "HCPCS_CD": picked(tables.hcpcs, lines["service"]),
        "HCPCS_1ST_MDFR_CD": picked(("26",), np.where(lines["marker"] == 26, 0, -1)),
        "LINE_NCH_PMT_AMT": money(lines["paid"]),
        "LINE_PRVDR_PMT_AMT": money(lines["paid"]),
        "LINE_BENE_PTB_DDCTBL_AMT": money(lines["deductible"]),
        "LINE_BENE_PRMRY_PYR_CD": picked((" ", "A"), msp[row].astype(np.int64)),
        "LINE_BENE_PRMRY_PYR_PD_AMT": money(lines["other_paid"]),
        "LINE_COINSRNC_AMT": money(lines["coinsurance"]),
        "LINE_SBMTD_CHRG_AMT": money(lines["charge"]),
        "LINE_ALOWD_CHRG_AMT": money(lines["allowed"]),
        "LINE_PRCSG_IND_CD": picked(line_codes, line_code),
        "LINE_ICD_DGNS_CD": picked(tables.diagnoses, claims["diagnoses"][row, 0]),
        "LINE_ICD_DGNS_VRSN_CD": "0",
        **_diagnosis_columns(claims, row, width=12, poa=None),
    }
    if is_dme:
        columns["PRVDR_NPI"] = pl.Series(providers.c_npi[clinician][row])
    else:
        columns["PRF_PHYSN_NPI"] = pl.Series(providers.c_npi[clinician][row])
        columns["ORG_NPI_NUM"] = pl.Series(providers.g_npi[claims["group"]][row])
    delivered.write(columns, len(row), at=at[row], claim=claims["number"][row], paid=lines["paid"])
    return ids[:originals]


def write_part_d(block: Block, fills: Fills, ndcs: list[str], delivered: Delivered) -> tuple[Table, Ints]:
    """Part D events of fee-for-service members with Part D; gives what they cover (`covered_fills`) and the PDE ids."""
    persons, providers, calendar = block.persons, block.providers, block.calendar
    month = calendar.month_of(fills.day)
    covered = (persons.primary[fills.person, month] == MEDICARE) & persons.part_d[fills.person]
    chosen = np.flatnonzero(covered)
    ids = claim_id(block, 9, chosen)
    who, total = fills.person[chosen], fills.cents[chosen]
    at = delivery_of(delivered.deliveries, fills.day[chosen] + 14)
    patient = total // 4
    prescriber = providers.c_npi[persons.clinician[who]]
    columns: dict[str, Column] = {
        "BENE_ID": bene_id_at(block, who, fills.day[chosen], at),
        "PDE_ID": pl.Series(ids),
        "SRVC_DT": dates(fills.day[chosen], "rif"),
        "PD_DT": dates(fills.day[chosen] + 14, "rif"),
        "SRVC_PRVDR_ID_QLFYR_CD": "01",
        "SRVC_PRVDR_ID": pl.Series(providers.pharmacies[persons.zip[who] % len(providers.pharmacies)]),
        "PRSCRBR_ID_QLFYR_CD": "01",
        "PRSCRBR_ID": pl.Series(prescriber),
        "RX_SRVC_RFRNC_NUM": pl.Series(chosen + 1),
        "PROD_SRVC_ID": picked(ndcs, fills.drug[chosen] * PACKAGES + fills.package[chosen]),
        "PLAN_CNTRCT_REC_ID": "S9999",
        "PLAN_PBP_REC_NUM": "001",
        "CMPND_CD": "1",
        "DAW_PROD_SLCTN_CD": "0",
        "QTY_DSPNSD_NUM": money(_quantity(fills, chosen)),
        "DAYS_SUPLY_NUM": pl.Series(fills.supply[chosen]),
        "FILL_NUM": pl.Series(np.minimum(fills.number[chosen], 99)),
        "DRUG_CVRG_STUS_CD": "C",
        "ADJSTMT_DLTN_CD": picked(("D",), np.where(fills.returned[chosen] == 1, 0, -1)),
        "PTNT_PAY_AMT": money(patient),
        "OTHR_TROOP_AMT": "0",
        "LICS_AMT": "0",
        "PLRO_AMT": "0",
        "CVRD_D_PLAN_PD_AMT": money(total - patient),
        "NCVRD_PLAN_PD_AMT": "0",
        "TOT_RX_CST_AMT": money(total),
        "BRND_GNRC_CD": picked(codes().drug_brand, fills.drug[chosen]),
        "PHRMCY_SRVC_TYPE_CD": "01",
        "PTNT_RSDNC_CD": "01",
    }
    delivered.write(columns, len(chosen), at=at, claim=None, paid=total)
    return covered_fills(fills, chosen, payer=0 * chosen + MEDICARE, allowed=total, paid=total - patient), ids


def _quantity(fills: Fills, chosen: Ints) -> Ints:
    """Units dispensed, in hundredths."""
    units = codes().drug_daily_units[fills.drug[chosen]] * fills.supply[chosen] * 100
    return np.maximum(np.round(units), 1).astype(np.int64)


HEADERS = {name: columns_of(name) for name in ("inpatient", "outpatient", "snf", "hospice", "carrier", "dme", "pde")}
