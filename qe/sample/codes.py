"""The generator's own small code tables (qe/sample/tables/): diagnoses, procedures and groups of public code sets, and services.

A service has its own number where 42 CFR 425.400 prints it or HCPCS Level II holds it. All others are CPT, which others license:
the sample bills an invented code, X and four digits as HCPCS has none, and fees.csv says what it stands for. A service that a
licensed list of a measure holds has a code of that list's stand-in (measures/_stand_ins), so that the measure finds it.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qe.sample.edge_cases import case_diagnoses, case_procedures

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EMERGENCY_VISITS = ("X0541", "X0542", "X0543")  # light, serious, grave
EMERGENCY_TESTS = ("X1408", "X1402", "X1301", "X1303", "X0521", "X1201")  # blood, pictures, heart tracing
TABLES = Path(__file__).parent / "tables"
EXCLUSION_CODES = ("D849", "E840", "D571", "N1370")  # AHRQ exclusion codes of the prevention quality indicators
EXTRA_DIAGNOSES = (
    *EXCLUSION_CODES,
    *("Z0000", "J069", "M545", "R0789", "N390", "S0990XA", "R109", "Z1231", "Z125", "Z1211", "H2511", "M179", "E785"),
    *("N186", "Z992", "Z5111", "K219", "R0600", "S93401A", "Z515", "R55", "R519", "Z136"),
)


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _floats(rows: list[dict[str, str]], column: str) -> Floats:
    return np.array([float(row[column] or 0) for row in rows])


@dataclass(frozen=True, kw_only=True)
class Codes:
    """Code pools and the rows that refer to them by position.

    diagnoses, procedures, drgs, hcpcs   the pools; -1 elsewhere means none
    conditions                           the twelve conditions of sample_data.md section 2, in its order
    stay_*                               one entry a kind of stay; *_choices are padded with -1
    fee, facility_fee                    Medicare amounts in dollars by HCPCS; cents nowhere before pricing
    """

    diagnoses: tuple[str, ...]
    procedures: tuple[str, ...]
    drgs: tuple[str, ...]
    hcpcs: tuple[str, ...]
    revenue: tuple[str, ...]
    fee: Floats
    facility_fee: Floats
    conditions: tuple[str, ...]
    condition_over_65: Floats
    condition_adult: Floats
    condition_admission: Floats
    condition_readmission: Floats
    condition_diagnoses: Ints
    stay_names: tuple[str, ...]
    stay_parts: Mapping[str, Ints]
    stay_weight: Floats
    stay_needs: tuple[tuple[int, ...], ...]
    stay_diagnoses: Ints
    stay_procedures: Ints
    stay_drg: Ints
    stay_drg_weight: Floats
    stay_days: Floats
    stay_surgical: Bools
    stay_fee: Ints
    specialties: tuple[str, ...]
    taxonomies: tuple[str, ...]
    specialty_share: Floats
    specialty_role: tuple[str, ...]
    drug_classes: Mapping[str, Ints]
    drug_ingredients: tuple[str, ...]
    drug_weight: Floats
    drug_brand: tuple[str, ...]
    drug_daily_cost: Floats
    drug_daily_units: Floats

    def diagnosis(self, code: str) -> int:
        return self.diagnoses.index(code)

    def service(self, code: str) -> int:
        return self.hcpcs.index(code)

    def condition(self, name: str) -> int:
        return self.conditions.index(name)

    def stay(self, name: str) -> int:
        return self.stay_names.index(name)


def _padded(choices: list[list[str]], pool: dict[str, int]) -> Ints:
    table = np.full((len(choices), max(1, *(len(codes) for codes in choices))), -1, dtype=np.int64)
    for row, codes in enumerate(choices):
        for column in range(table.shape[1]):
            if codes:
                table[row, column] = pool[codes[column % len(codes)]]
    return table


def _split(rows: list[dict[str, str]], column: str) -> list[list[str]]:
    return [[code for code in row[column].split(";") if code] for row in rows]


def _pool(codes: list[str]) -> dict[str, int]:
    return {code: place for place, code in enumerate(dict.fromkeys(codes))}


@cache
def codes() -> Codes:
    """The tables, read once."""
    conditions, stays, fees = _rows("conditions"), _rows("stay_types"), _rows("fees")
    specialties, drugs = _rows("specialties"), _rows("drugs")
    names = tuple(row["name"] for row in conditions)
    condition_codes, stay_codes = _split(conditions, "diagnoses"), _split(stays, "diagnoses")
    diagnoses = _pool(
        [code for group in (*condition_codes, *stay_codes) for code in group] + [*EXTRA_DIAGNOSES, *case_diagnoses()]
    )
    procedures = _pool([code for group in _split(stays, "procedures") for code in group] + case_procedures())
    drgs = _pool([row["drg"] for row in stays])
    services = {row["code"]: place for place, row in enumerate(fees)}
    parts = sorted({row["part"] for row in stays})
    classes = sorted({row["drug_class"] for row in drugs})
    return Codes(
        diagnoses=tuple(diagnoses),
        procedures=tuple(procedures),
        drgs=tuple(drgs),
        hcpcs=tuple(services),
        revenue=tuple(row["revenue"] for row in fees),
        fee=_floats(fees, "fee"),
        facility_fee=_floats(fees, "facility_fee"),
        conditions=names,
        condition_over_65=_floats(conditions, "over_65"),
        condition_adult=_floats(conditions, "adult"),
        condition_admission=_floats(conditions, "admission"),
        condition_readmission=_floats(conditions, "readmission"),
        condition_diagnoses=_padded(condition_codes, diagnoses),
        stay_names=tuple(row["name"] for row in stays),
        stay_parts={
            part: np.array([place for place, row in enumerate(stays) if row["part"] == part]) for part in parts
        },
        stay_weight=_floats(stays, "weight"),
        stay_needs=tuple(tuple(names.index(need) for need in row["needs"].split("|") if need) for row in stays),
        stay_diagnoses=_padded(stay_codes, diagnoses),
        stay_procedures=_padded(_split(stays, "procedures"), procedures),
        stay_drg=np.array([drgs[row["drg"]] for row in stays]),
        stay_drg_weight=_floats(stays, "drg_weight"),
        stay_days=_floats(stays, "days"),
        stay_surgical=_floats(stays, "surgical") > 0,
        stay_fee=np.array([services.get(row["fee_code"], -1) for row in stays]),
        specialties=tuple(row["specialty"] for row in specialties),
        taxonomies=tuple(row["taxonomy"] for row in specialties),
        specialty_share=_floats(specialties, "share"),
        specialty_role=tuple(row["role"] for row in specialties),
        drug_classes={
            name: np.array([place for place, row in enumerate(drugs) if row["drug_class"] == name]) for name in classes
        },
        drug_ingredients=tuple(row["ingredients"] for row in drugs),
        drug_weight=_floats(drugs, "weight"),
        drug_brand=tuple(row["brand_generic"] for row in drugs),
        drug_daily_cost=_floats(drugs, "daily_cost"),
        drug_daily_units=_floats(drugs, "daily_units"),
    )
