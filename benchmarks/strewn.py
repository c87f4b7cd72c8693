"""A claims model in memory: generated persons with rare things strewn over their rows, so that every rule applies to some.

A sample holds few open stays, hospice months, ICD-9 codes, lost cover or services of licensed lists. Here rows of a built model
are changed at random (a seed decides which), codes are taken from the measures' own lists, and stays are repeated so that they
follow each other closely. Nothing is said of what the answer is then: that is the oracles' and the engine's to find.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from qe.claims.events import derive_events
from qe.claims.model import BASE_TABLES
from qe.measurement import tables
from qe.warehouse import Warehouse

KEYS = {  # of the tables of persons
    "person": ["person_id"],
    "member_month": ["person_id", "month", "payer_id", "product"],
    "claim": ["claim_id"],
    "claim_line": ["claim_id", "line_number"],
    "claim_diagnosis": ["claim_id", "kind", "sequence"],
    "claim_procedure": ["claim_id", "sequence"],
    "pharmacy_fill": ["fill_id"],
}
AGES = (17, 18, 39, 40, 41, 42, 46, 49, 50, 51, 52, 64, 65, 66, 70, 74, 75, 76)
SERVICES = (
    *("screening_visit", "frailty_further", "mammography", "colonoscopy", "ct_colonography", "sigmoidoscopy"),
    *("stool_dna_test", "stool_blood_test", "psa_test", "low_back_imaging", "head_imaging", "carotid_imaging"),
    *("emergency_service", "hospice_service", "palliative_service", "frailty_service", "annual_wellness_visit"),
    *("mammography_public", "colonoscopy_public", "sigmoidoscopy_public", "stool_blood_test_public", "psa_test_public"),
)
BEGINNINGS = (
    "headache_dx",
    "low_back_pain_dx",
    "low_back_red_flag_dx",
    "syncope_dx",
    "syncope_warranted_dx",
    "prostate_dx",
)
DIAGNOSES = (
    *("frailty_dx", "advanced_illness_dx", "palliative_dx", "organ_dx", "myopathy", "cirrhosis", "prediabetes"),
    *("polycystic_ovary", "esrd", "covid", "ccw_condition", "elixhauser", "carotid_symptom_dx", "kidney", "respan"),
    *("immunid", "acslead", "acshy2d", "acsba2d", "headache_warranted_dx", *BEGINNINGS),
)
PRINCIPALS = (
    *("heart_failure_dx", "accopdd", "acdiald", "acdiasd", "acdiaud", "acsastd", "acsbacd", "acshypd", "acsutid"),
    *("mdc14prindx", "mrtchfd", "covid", "planned_acute_dx", "ccs_dx", "ccs_dx_prefix", "acslead"),
)
PROCEDURES = (
    *("acscarp", "acsleap", "dialy2p", "immunip", "heart_replacement_px", "organ_px", "planned_potential_px"),
    *("surgery_gynecology_px", "ccs_px"),
)
INGREDIENTS = ("statin", "dementia_drug", "fertility_drug", "vaccine", "device", "insulin", "diabetes_drug")


@contextmanager
def strewn(db: Warehouse, *, measures: Path, seed: int, persons: int, start: date, end: date) -> Iterator[Warehouse]:
    """A model of the first `persons` persons of `db`, changed by `seed` around the period `start` to `end`."""
    frames = {name: _rows(db, name, persons) for name in BASE_TABLES}
    _Strewing(measures, seed, start, end).over(frames)
    with duckdb.connect(":memory:", config={"threads": "2"}) as connection:
        other = Warehouse(connection)
        tables.create(other)
        for name, frame in frames.items():
            other.insert(name, frame)
        derive_events(other)
        yield other


def _rows(db: Warehouse, table: str, persons: int) -> pl.DataFrame:
    if table not in KEYS:
        return db.query(f"select * from {table}")
    chosen = "select person_id from person order by hash(person_id), person_id limit $persons"
    found = db.query(f"select * from {table} where person_id in ({chosen})", persons=persons)
    return found.sort(KEYS[table], maintain_order=True)


def _as_of_claim(rows: pl.DataFrame, claims: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """The rows with what they repeat of their claim."""
    told = claims.select("claim_id", *columns)
    joined = rows.drop(columns).join(told, on="claim_id", how="left", maintain_order="left")
    return joined.select(rows.columns)


class _Strewing:
    def __init__(self, measures: Path, seed: int, start: date, end: date) -> None:
        self._measures = measures
        self._chance = np.random.default_rng(seed)
        self._start, self._end = start, end

    def over(self, frames: dict[str, pl.DataFrame]) -> None:
        frames["person"] = self._persons(frames["person"])
        frames["member_month"] = self._months(frames["member_month"])
        self._repeat_stays(frames)
        frames["claim"] = self._claims(frames["claim"])
        frames["claim_line"] = self._lines(_as_of_claim(frames["claim_line"], frames["claim"], "claim_type"))
        told = _as_of_claim(frames["claim_diagnosis"], frames["claim"], "claim_type", "from_date")
        frames["claim_diagnosis"] = self._diagnoses(told)
        frames["claim_procedure"] = self._procedures(frames["claim_procedure"])
        frames["pharmacy_fill"] = self._fills(frames["pharmacy_fill"])

    def _codes(self, names: Sequence[str]) -> list[str]:
        """Codes of lists: one list is as likely as another. A beginning stands for itself and for a longer code."""
        found = []
        for name in names:
            path = next(self._measures.glob(f"*/{name}.csv"), None) or next(
                self._measures.glob(f"*/value_sets/{name}.csv")
            )
            listed = [code.split("-")[0] for code in pl.read_csv(path, infer_schema=False)["code"].to_list()]
            picked = [listed[place] for place in self._chance.integers(0, len(listed), 60)]
            found += [code + "9" * (name in BEGINNINGS and place % 2) for place, code in enumerate(picked)]
        return found

    def _hits(self, frame: pl.DataFrame, share: float) -> pl.Series:
        return pl.Series(self._chance.random(frame.height) < share)

    def _picks(self, frame: pl.DataFrame, values: Sequence[object], kind: pl.DataType) -> pl.Series:
        places = self._chance.integers(0, len(values), frame.height)
        return pl.Series([values[place] for place in places], dtype=kind)

    def _put(
        self, frame: pl.DataFrame, column: str, values: Sequence[object], share: float, where: pl.Expr | None = None
    ) -> pl.DataFrame:
        """Some of `values` in `column`, in this share of the rows `where` it may be."""
        kind = frame.schema[column]
        hit = pl.lit(self._hits(frame, share))
        change = hit if where is None else hit & where.fill_null(False)
        picked = pl.lit(self._picks(frame, values, kind))
        return frame.with_columns(pl.when(change).then(picked).otherwise(column).alias(column))

    def _days(self, first: date, last: date) -> list[date]:
        return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]

    def _persons(self, frame: pl.DataFrame) -> pl.DataFrame:
        birthdays = [
            day.replace(year=day.year - age) + timedelta(days=shift)
            for age in AGES
            for day in (self._start, self._end.replace(day=1), self._end)
            for shift in (0, 1)
        ]
        frame = self._put(frame, "birth_date", [*birthdays, date(1956, 2, 29), date(1984, 2, 29)], 0.15)
        frame = self._put(frame, "birth_date", [None], 0.01)
        frame = self._put(frame, "sex", [0, 1, 2], 0.03)
        deaths = [self._start - timedelta(days=1), self._start, self._end, *self._days(self._start, self._end)]
        return self._put(frame, "death_date", deaths, 0.04)

    def _months(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = frame.filter(~self._hits(frame, 0.01))
        is_medicare = pl.col("payer_type") == "medicare"
        frame = self._put(frame, "managed_care", [True], 0.01, is_medicare)
        frame = self._put(frame, "part_a", [False, None], 0.01, is_medicare)
        frame = self._put(frame, "part_b", [False], 0.005, is_medicare)
        for column, share in (("medical", 0.005), ("pharmacy", 0.01)):
            frame = self._put(frame, column, [False], share)
        for column in ("hospice", "esrd"):
            frame = self._put(frame, column, [True], 0.001)
        halfway = pl.col("month") + pl.duration(days=14)
        hit = pl.lit(self._hits(frame, 0.01))
        frame = frame.with_columns(covered_to=pl.when(hit).then(halfway).otherwise("covered_to"))
        second = frame.filter(self._hits(frame, 0.02)).with_columns(
            payer_id=pl.lit("second"),
            payer_type=pl.lit("commercial"),
            is_primary=pl.lit(False),
            managed_care=pl.lit(False),
            part_a=pl.lit(None, dtype=pl.Boolean),
            part_b=pl.lit(None, dtype=pl.Boolean),
            product=pl.lit(None, dtype=pl.String),
        )
        return pl.concat([frame, second.unique(["person_id", "month"], keep="first", maintain_order=True)])

    def _repeat_stays(self, frames: dict[str, pl.DataFrame]) -> None:
        """Some inpatient and nursing bills once more: other hospitals, some days after the first, with its codes."""
        claims = frames["claim"]
        billed = claims.filter(pl.col("claim_type") == "inpatient").select("facility_id", "facility_type")
        hospitals = billed.drop_nulls().unique().sort("facility_id", "facility_type")
        for turn in range(2):
            stays = claims.filter(pl.col("claim_type").is_in(["inpatient", "snf"]), pl.lit(self._hits(claims, 0.6)))
            places = self._chance.integers(0, hospitals.height, stays.height)
            elsewhere = pl.lit(self._hits(stays, 0.6)) & (pl.col("claim_type") == "inpatient")
            gaps = pl.Series(self._chance.choice([0, 1, 2, 5, 9, 10, 11, 29, 30, 31, 32, 90], stays.height))
            lasts = pl.Series(self._chance.choice([0, 1, 4], stays.height))
            begins = pl.coalesce("discharge_date", "thru_date") + pl.duration(days=pl.lit(gaps))
            copies = stays.with_columns(
                pl.when(elsewhere).then(hospitals[column].gather(places)).otherwise(column).alias(column)
                for column in ("facility_id", "facility_type")
            ).with_columns(
                [begins.alias(name) for name in ("from_date", "admit_date")]
                + [(begins + pl.duration(days=pl.lit(lasts))).alias(name) for name in ("thru_date", "discharge_date")]
                + [
                    pl.lit(None, dtype=pl.String).alias("duplicate_of"),
                    (pl.col("claim_id") + f"-{turn}").alias("claim_id"),
                ]
            )
            moved = copies.select(
                pl.col("claim_id").alias("copy"),
                pl.col("from_date").alias("begins"),
                pl.col("claim_id").str.strip_suffix(f"-{turn}"),
            )
            for table in ("claim_line", "claim_diagnosis", "claim_procedure"):
                rows = frames[table]
                dated = [name for name in ("from_date", "thru_date", "procedure_date") if name in rows.columns]
                again = rows.join(moved, on="claim_id").with_columns(
                    pl.col("copy").alias("claim_id"),
                    *(pl.when(pl.col(name).is_not_null()).then("begins").alias(name) for name in dated),
                )
                frames[table] = pl.concat([rows, again.select(rows.columns)])
            claims = pl.concat([claims, copies])
        frames["claim"] = claims

    def _claims(self, frame: pl.DataFrame) -> pl.DataFrame:
        is_stay = pl.col("claim_type") == "inpatient"
        for column, values, share in (
            ("discharge_status", ["01", "02", "07", "20", "30", "62"], 0.15),
            ("point_of_origin", ["1", "4", "5", "6", None], 0.2),
            ("drg", ["999", None], 0.03),
            ("facility_type", ["psychiatric", "rehabilitation", "ltch", "snf", "cah", "cancer_exempt"], 0.1),
            ("frequency_code", ["2", "3", "4"], 0.03),
        ):
            frame = self._put(frame, column, values, share, is_stay)
        frame = self._put(frame, "claim_type", ["hospice", "hha", "dme"], 0.002, ~is_stay)
        frame = self._put(frame, "paid_status", ["denied", "void", "reversed", "zero_paid", "other_payer_paid"], 0.04)
        frame = frame.with_columns(service_occurred=~pl.col("paid_status").is_in(["denied", "void", "reversed"]))
        frame = self._put(frame, "service_occurred", [True], 0.2, pl.col("paid_status") == "denied")
        frame = self._put(frame, "superseded_by", ["another"], 0.01)
        frame = self._put(frame, "mco_paid", [True], 0.005)
        hit = pl.lit(self._hits(frame, 0.005))
        frame = frame.with_columns(
            allowed_amount=pl.when(hit).then(-pl.col("allowed_amount")).otherwise("allowed_amount")
        )
        edges = [self._start - timedelta(days=1), self._start, self._end, self._end + timedelta(days=1)]
        moved = pl.lit(self._hits(frame, 0.01)) & ~pl.col("claim_type").is_in(["inpatient", "snf"])
        to = pl.lit(self._picks(frame, edges, pl.Date()))
        return frame.with_columns(
            pl.when(moved).then(to).otherwise(name).alias(name) for name in ("from_date", "thru_date")
        )

    def _lines(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = self._put(frame, "line_status", ["denied", "void", "reversed", "zero_paid"], 0.02)
        frame = self._put(frame, "hcpcs", [*self._codes(SERVICES), "99213", "99214", "99304", "99350", "99351"], 0.2)
        frame = self._put(frame, "from_date", [None], 0.05)
        frame = self._put(frame, "place_of_service", ["21", "23", "31", "32", "32"], 0.1)
        frame = self._put(frame, "revenue_code", ["0450", "0456", "0459", "0460", "0981"], 0.02)
        return self._put(frame, "allowed_amount", [None], 0.01)

    def _diagnoses(self, frame: pl.DataFrame) -> pl.DataFrame:
        in_hospital = pl.col("claim_type").is_in(["inpatient", "snf"])
        is_principal = in_hospital & (pl.col("kind") == "principal")
        frame = self._put(frame, "code", self._codes(DIAGNOSES), 0.05, ~in_hospital)
        frame = self._put(frame, "code", self._codes(DIAGNOSES), 0.3, in_hospital & (pl.col("kind") == "other"))
        frame = self._put(frame, "code", self._codes(PRINCIPALS), 0.6, is_principal)
        frame = self._put(frame, "code", ["I5023", "I110", "U071", "Z5111", "A4154", "F32A"], 0.2, is_principal)
        frame = self._put(frame, "icd_version", [9], 0.01)
        frame = self._put(frame, "kind", ["external"], 0.01, pl.col("kind") == "other")
        frame = frame.filter(~(pl.lit(self._hits(frame, 0.01)) & is_principal))
        return self._put(frame, "present_on_admission", ["Y", "N", "U", "W", "1"], 0.5, in_hospital)

    def _procedures(self, frame: pl.DataFrame) -> pl.DataFrame:
        frame = self._put(frame, "code", self._codes(PROCEDURES), 0.7)
        frame = self._put(frame, "icd_version", [9], 0.01)
        return self._put(frame, "procedure_date", [None], 0.1)

    def _fills(self, frame: pl.DataFrame) -> pl.DataFrame:
        names = [[code] for code in self._codes(INGREDIENTS)]
        frame = self._put(
            frame, "ingredients", [*names, ["INSULIN GLARGINE"], ["AMLODIPINE", "ATORVASTATIN CALCIUM"], None], 0.1
        )
        frame = self._put(frame, "days_supply", [0, None, -30, 7, 400], 0.03)
        frame = self._put(frame, "ndc", [None, "0" * 11, "9" * 11, "123"], 0.01)
        frame = self._put(frame, "brand_generic", ["B", "G", None], 0.05)
        frame = self._put(frame, "fill_status", ["void", "denied", "reversed", "other_payer_paid"], 0.02)
        frame = self._put(frame, "line_status", ["void", "denied", "paid"], 0.02)
        frame = self._put(frame, "superseded_by", ["another"], 0.01)
        return self._put(frame, "fill_date", [self._start, self._end], 0.01)
