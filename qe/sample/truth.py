"""What was planted (truth/): never read by a run, only by the checks of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from qe.sample.adjudicate import (
    ADJUSTED,
    COST_AVOIDED,
    DENIED,
    EXHAUSTED,
    INFORMATION_ONLY,
    REPLACED,
    REVERSED_AND_REPLACED,
    Bills,
)
from qe.sample.calendar import NEVER, Calendar
from qe.sample.claims import Table
from qe.sample.codes import Ints, codes
from qe.sample.delimited import Column, DelimitedFile, dates, picked
from qe.sample.deliveries import Schedule
from qe.sample.edge_cases import COUNTS_DAYS, WRITTEN_FOR, EdgeCase
from qe.sample.fills import PACKAGES, Fills
from qe.sample.inbox import FileShape, Opener
from qe.sample.late_charges import LATE
from qe.sample.people import SEGMENTS
from qe.sample.providers import Providers
from qe.sample.rif import Block
from qe.sample.service_truth import COLUMNS, ServiceTruth
from qe.sample.stays import WHY, Stays

FILES = {
    "persons": (
        "person", "bene_id", "second_bene_id", "mbi", "member_a", "member_b", "segment", "birth_date", "death_date",
        "sex", "zip5", "frailty", "conditions", "esrd", "hospital_ccn", "group_tin", "clinician_npi", "care", "tie",
    ),
    "coverage": (
        "person", "from_month", "to_month", "primary", "secondary", "part_a", "part_b", "part_d"),
    "stays": (
        "stay", "person", "why", "kind", "is_planned", "is_acs", "is_elective", "hospital_ccn", "admit_date",
        "discharge_date", "status", "diagnosis", "procedure", "drg", "price", "transfer_from", "readmission_of",
        "readmission_probability", "payer",
    ),
    "fills": ("person", "fill_date", "ndc", "ingredients", "days_supply", "number", "is_reversed", "is_statin"),
    "attribution": ("person", "from_month", "to_month", "group_tin", "clinician_npi"),
    "duplicates": ("person", "medicare_claim", "payer", "payer_claim", "first_payer"),
    "information_only": ("person", "medicare_claim", "payer", "payer_claim"),
    "dirt": ("kind", "source", "record", "detail"),
}  # fmt: skip
EDGE_CASES = {"edge_cases": ("case", "of", "person", "check", "expected")}
SEVERAL_DELIVERIES = {"bene_ids": ("person", "delivery", "bene_id", "second_bene_id")}
_CARE = ("usual", "no_visit", "specialists_only", "fqhc_only")


class Truth:
    """The open files of truth/, or one block's parts of them."""

    def __init__(
        self,
        calendar: Calendar,
        plan: Schedule,
        opened: Opener,
        *,
        has_services: bool = False,
        has_edge_cases: bool = False,
    ) -> None:
        self.calendar, self.plan = calendar, plan
        wanted = FILES | ({} if plan.is_single else SEVERAL_DELIVERIES)
        wanted |= {"services": COLUMNS} if has_services else {}
        wanted |= EDGE_CASES if has_edge_cases else {}
        self.files = {
            name: opened(FileShape(path=f"truth/{name}.csv", header=header, separator=","))
            for name, header in wanted.items()
        }
        self.services = ServiceTruth(self.files.get("services"))
        starts = calendar.month_starts.astype("datetime64[D]")
        self.months = tuple(str(start)[:7] for start in starts[:-1])

    def close(self) -> None:
        for file in self.files.values():
            file.close()

    def _write(self, name: str, columns: Mapping[str, Column], count: int) -> None:
        self.files[name].write(columns, count)

    def dirt(
        self, kind: str, source: str, records: Sequence[str] | pl.Series, detail: str | Sequence[str] = ""
    ) -> None:
        """One row a dirty record."""
        series = records if isinstance(records, pl.Series) else pl.Series(list(records), dtype=pl.String)
        extra: Column = detail if isinstance(detail, str) else pl.Series(list(detail), dtype=pl.String)
        self._write("dirt", {"kind": kind, "source": source, "record": series, "detail": extra}, len(series))

    def persons(self, block: Block) -> None:
        persons, identities, providers = block.persons, block.identities, block.providers
        count = len(persons)
        names = np.array(codes().conditions)
        conditions = [";".join(names[row]) for row in persons.conditions]
        everyone = np.arange(count)
        columns: dict[str, Column] = {
            "person": pl.Series(persons.first + everyone),
            "bene_id": _where(identities.ever_medicare.tolist(), identities.bene_id),
            "second_bene_id": pl.Series(identities.second_bene_id),
            "mbi": pl.Series(identities.true.mbi),
            "member_a": _where(identities.ever_a.tolist(), identities.member_a),
            "member_b": _where(identities.ever_b.tolist(), identities.member_b),
            "segment": picked(SEGMENTS, persons.segment),
            "birth_date": dates(persons.birth, "iso"),
            "death_date": dates(np.where(persons.death > self.calendar.end, NEVER, persons.death), "iso"),
            "sex": pl.Series(persons.sex),
            "zip5": picked(providers.zips, persons.zip),
            "frailty": pl.Series([f"{value:.6f}" for value in persons.frailty.tolist()]),
            "conditions": pl.Series(conditions, dtype=pl.String),
            "esrd": pl.Series(persons.esrd.astype(np.int64)),
            "hospital_ccn": picked(providers.f_ccn, persons.hospital),
            "group_tin": picked(providers.g_tin, persons.group),
            "clinician_npi": pl.Series(providers.c_npi[persons.clinician]),
            "care": picked(_CARE, persons.care),
            "tie": picked(("", "exact", "one_cent"), persons.tie),
        }
        self._write("persons", columns, count)
        self._coverage(block)
        moved = np.flatnonzero(persons.new_group != persons.group)
        who = np.concatenate([everyone, moved])
        later = np.arange(len(who)) >= count
        last = self.calendar.july_month - 1
        until = np.where(np.isin(who, moved) & ~later, last, len(self.months) - 1)
        columns = {
            "person": pl.Series(persons.first + who),
            "from_month": picked(self.months, np.where(later, last + 1, 0)),
            "to_month": picked(self.months, until),
            "group_tin": picked(providers.g_tin, np.where(later, persons.new_group[who], persons.group[who])),
            "clinician_npi": pl.Series(
                providers.c_npi[np.where(later, persons.new_clinician[who], persons.clinician[who])]
            ),
        }
        self._write("attribution", columns, len(who))
        self._identity_dirt(block)
        if not self.plan.is_single:
            self._bene_ids(block)

    def _bene_ids(self, block: Block) -> None:
        """The ids of each person in each of Medicare's deliveries."""
        who = np.flatnonzero(block.identities.ever_medicare)
        persons, ids = len(block.persons), block.identities.all_bene_ids
        for version, delivery in enumerate(self.plan.yearly):
            columns: dict[str, Column] = {
                "person": pl.Series(block.persons.first + who),
                "delivery": delivery.folder,
                "bene_id": ids.gather(pl.Series(who + persons * 2 * version)),
                "second_bene_id": ids.gather(pl.Series(who + persons * (2 * version + 1))),
            }
            self._write("bene_ids", columns, len(who))

    def _coverage(self, block: Block) -> None:
        """Spells of equal coverage; months without any are left out."""
        persons = block.persons
        state = persons.primary * 100 + persons.secondary * 10 + persons.part_a * 2 + persons.part_b
        begins = np.ones_like(state, dtype=np.bool_)
        begins[:, 1:] = state[:, 1:] != state[:, :-1]
        ends = np.ones_like(begins)
        ends[:, :-1] = begins[:, 1:]
        who, month = np.nonzero(begins)
        until = np.nonzero(ends)[1]
        primary = persons.primary[who, month]
        inside = primary > 0
        who, month, until, primary = who[inside], month[inside], until[inside], primary[inside]
        secondary = persons.secondary[who, month]
        columns: dict[str, Column] = {
            "person": pl.Series(persons.first + who),
            "from_month": picked(self.months, month),
            "to_month": picked(self.months, until),
            "primary": picked(SEGMENTS, primary),
            "secondary": picked(SEGMENTS, secondary),
            "part_a": pl.Series(persons.part_a[who, month].astype(np.int64)),
            "part_b": pl.Series(persons.part_b[who, month].astype(np.int64)),
            "part_d": pl.Series((persons.part_d[who] & (primary == 1)).astype(np.int64)),
        }
        self._write("coverage", columns, len(who))

    def _identity_dirt(self, block: Block) -> None:
        persons, identities = block.persons, block.identities
        numbers = [str(persons.first + person) for person, _, _ in identities.faults]
        for payer in ("a", "b"):
            chosen = [place for place, fault in enumerate(identities.faults) if fault[1] == payer]
            self.dirt(
                "identity",
                f"payer_{payer}",
                [numbers[place] for place in chosen],
                [identities.faults[place][2] for place in chosen],
            )
        for value, kind in ((1, "twin"), (2, "namesake")):
            self.dirt(kind, "people", [str(persons.first + person) for person in np.flatnonzero(persons.like == value)])
        two = [str(persons.first + place) for place, text in enumerate(identities.second_bene_id) if text]
        self.dirt("two_bene_ids", "medicare", two)

    def edge_cases(self, block: Block, cases: Sequence[EdgeCase], billers: Mapping[str, str]) -> None:
        """What must be found of each case: a row a check, several values joined by semicolons, billers by identifier.

        In years that are not as long as those the cases are written for, values that count a year's days are left out.
        """
        as_written = self.calendar.first % 4 == WRITTEN_FOR % 4
        rows = [
            (case.name, case.of, str(block.persons.first + place), check, expected)
            for place, case in enumerate(cases)
            for check, value in case.expect.items()
            if as_written or check not in COUNTS_DAYS
            for expected in (
                ";".join(billers.get(str(one), str(one)) for one in (value if isinstance(value, tuple) else (value,))),
            )
        ]
        names = EDGE_CASES["edge_cases"]
        columns = {name: pl.Series([row[place] for row in rows]) for place, name in enumerate(names)}
        self._write("edge_cases", columns, len(rows))

    def stays(self, block: Block, stays: Stays, price: Ints) -> None:
        persons, providers, tables = block.persons, block.providers, codes()
        base = block.index * 10_000_000
        payer = persons.primary[stays.person, self.calendar.month_of(stays.admit)]
        columns: dict[str, Column] = {
            "stay": pl.Series(base + stays.number),
            "person": pl.Series(persons.first + stays.person),
            "why": picked(WHY, stays.why),
            "kind": picked(tables.stay_names, stays.kind),
            "is_planned": pl.Series(((stays.why == 2) | stays.is_elective).astype(np.int64)),
            "is_acs": pl.Series(stays.is_acs.astype(np.int64)),
            "is_elective": pl.Series(stays.is_elective.astype(np.int64)),
            "hospital_ccn": picked(providers.f_ccn, stays.hospital),
            "admit_date": dates(stays.admit, "iso"),
            "discharge_date": dates(stays.discharge, "iso"),
            "status": pl.Series(stays.status),
            "diagnosis": picked(tables.diagnoses, stays.diagnosis),
            "procedure": picked(tables.procedures, stays.procedure),
            "drg": picked(tables.drgs, tables.stay_drg[stays.kind]),
            "price": pl.Series(price / 100),
            "transfer_from": _references(base, stays.earlier_stay),
            "readmission_of": _references(base, stays.readmission_of),
            "readmission_probability": pl.Series(
                ["" if value != value else f"{value:.6f}" for value in stays.probability.tolist()]
            ),
            "payer": picked(SEGMENTS, payer),
        }
        self._write("stays", columns, len(stays))

    def fills(self, block: Block, fills: Fills, ndcs: list[str]) -> None:
        tables = codes()
        columns: dict[str, Column] = {
            "person": pl.Series(block.persons.first + fills.person),
            "fill_date": dates(fills.day, "iso"),
            "ndc": picked(ndcs, fills.drug * PACKAGES + fills.package),
            "ingredients": picked(tables.drug_ingredients, fills.drug),
            "days_supply": pl.Series(fills.supply),
            "number": pl.Series(fills.number),
            "is_reversed": pl.Series(fills.returned),
            "is_statin": pl.Series(np.isin(fills.drug, tables.drug_classes["statin"]).astype(np.int64)),
        }
        self._write("fills", columns, len(fills))

    def fills_of(self, block: Block, source: str, covered: Table, numbers: pl.Series) -> None:
        """The fills in one source's files, with their written numbers."""
        self.dirt("reversed_fill", source, numbers.gather(pl.Series(np.flatnonzero(covered["returned"] == 1))))
        self.services.fills(block, source, covered, numbers)

    def claims(self, source: str, bills: Bills, places: Ints, records: pl.Series) -> None:
        """Dirt of the claims at `places` of `bills`, whose written numbers are `records`."""
        claims = bills.claims
        kinds: list[tuple[str, np.ndarray]] = [
            ("reversed_and_replaced", claims["history"] == REVERSED_AND_REPLACED),
            ("replaced", claims["history"] == REPLACED),
            ("adjusted_later", claims["history"] == ADJUSTED),
            ("denied_claim", claims["outcome"] == DENIED),
            ("cost_avoided", claims["outcome"] == COST_AVOIDED),
            ("benefits_exhausted", claims["outcome"] == EXHAUSTED),
            ("information_only", claims["outcome"] == INFORMATION_ONLY),
            ("capitated", claims["capitated"] == 1),
        ]
        if "stay" in claims:
            at_hospital = claims["type"] == 0
            kinds.append(("late_charge", claims["frequency"] == LATE))
            kinds.append(("missing_present_on_admission", at_hospital & (claims["no_poa"] == 1)))
            if source != "medicare":
                kinds.append(("missing_point_of_origin", at_hospital & (claims["no_origin"] == 1)))
        is_medicare = source == "medicare"
        for kind, flagged in kinds:
            if is_medicare and kind in ("reversed_and_replaced", "replaced", "capitated"):
                continue
            chosen = np.flatnonzero(flagged[places])
            self.dirt(kind, source, records.gather(pl.Series(chosen)).cast(pl.String))
        of_claim = np.full(len(claims["number"]), -1)
        of_claim[places] = np.arange(len(places))
        lines = np.flatnonzero((bills.lines["denied"] == 1) & (of_claim[bills.lines["claim"]] >= 0))
        row = of_claim[bills.lines["claim"][lines]]
        claim = bills.lines["claim"]
        order = np.argsort(claim, kind="stable")
        number = np.empty(len(claim), dtype=np.int64)
        number[order] = np.arange(len(claim)) - np.searchsorted(claim[order], claim[order]) + 1
        lines_of = [str(value) for value in number[lines].tolist()]
        self.dirt("denied_line", source, records.gather(pl.Series(row)).cast(pl.String), lines_of)

    def duplicates(
        self, block: Block, medicare: Bills, medicare_ids: Ints, payer: Bills, places: Ints, controls: pl.Series
    ) -> None:
        """Claims that Medicare and payer A both hold of one service."""
        numbers = payer.claims["number"][places]
        second_there = payer.claims["secondary"][places] == 1
        by_number = np.full(int(max(numbers.max(initial=-1), medicare.claims["number"].max(initial=-1))) + 1, -1)
        by_number[medicare.claims["number"]] = np.arange(len(medicare_ids))
        matching = by_number[numbers]
        second_here = np.where(matching >= 0, medicare.claims["secondary"][np.maximum(matching, 0)], 0) == 1
        chosen = np.flatnonzero((matching >= 0) & (second_there | second_here))
        columns: dict[str, Column] = {
            "person": pl.Series(block.persons.first + payer.claims["person"][places][chosen]),
            "medicare_claim": pl.Series(medicare_ids[matching[chosen]]),
            "payer": "a",
            "payer_claim": controls.gather(pl.Series(chosen)),
            "first_payer": picked(("a", "medicare"), second_there[chosen].astype(np.int64)),
        }
        self._write("duplicates", columns, len(chosen))

    def information_only(
        self, block: Block, submitter: str, medicare: Bills, medicare_ids: Ints, payer: Bills, controls: pl.Series
    ) -> None:
        """Stays that Medicare's file shows for information and the plan submits itself."""
        shown = np.flatnonzero(medicare.claims["outcome"] == INFORMATION_ONLY)
        _, here, there = np.intersect1d(
            medicare.claims["number"][shown], payer.claims["number"], assume_unique=True, return_indices=True
        )
        columns: dict[str, Column] = {
            "person": pl.Series(block.persons.first + payer.claims["person"][there]),
            "medicare_claim": pl.Series(medicare_ids[shown[here]]),
            "payer": submitter,
            "payer_claim": controls.gather(pl.Series(there)),
        }
        self._write("information_only", columns, len(here))


def _where(flags: list[bool], texts: list[str]) -> pl.Series:
    return pl.Series([text if flag else "" for flag, text in zip(flags, texts, strict=True)], dtype=pl.String)


def _references(base: int, numbers: Ints) -> pl.Series:
    return pl.Series(["" if number < 0 else str(base + number) for number in numbers.tolist()], dtype=pl.String)


def write_provider_effects(path: Path, providers: Providers) -> None:
    """Planted effects (already scaled) and case mix, one row an identifier and parameter."""
    rows: list[tuple[str, str, str, str, str]] = []

    def add(level: str, id_type: str, ids: Sequence[str], parameter: str, values: np.ndarray) -> None:
        rows.extend(
            (level, id_type, identifier, parameter, f"{value:.9f}")
            for identifier, value in zip(ids, values.tolist(), strict=True)
        )

    hospitals = providers.f_ccn[: providers.hospitals]
    add("facility", "CCN", hospitals, "readmission", providers.hospital_readmission)
    add("facility", "CCN", hospitals, "severity", providers.hospital_severity)
    add("facility", "CCN", hospitals, "elective_share", providers.hospital_elective)
    price = providers.system_price[providers.f_system[: providers.hospitals]]
    add("facility", "CCN", hospitals, "system_price", price)
    add("group", "TIN", providers.g_tin, "admissions", providers.group_admissions)
    add("group", "TIN", providers.g_tin, "adherence", providers.group_adherence)
    add("group", "TIN", providers.g_tin, "volume", providers.group_volume)
    add("group", "TIN", providers.g_tin, "system_price", providers.system_price[providers.g_system])
    header = ("level", "id_type", "id", "parameter", "value")
    file = DelimitedFile(path, header, separator=",")
    file.write({name: pl.Series([row[place] for row in rows]) for place, name in enumerate(header)}, len(rows))
    file.close()
