"""mspb_like against sums in plain Python, on random stays and claims; the claims behind an episode; who is credited with it."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from qe.measurement import attribute
from qe.measurement.behind import claims_behind
from qe.measurement.compute import MeasureEvents
from qe.measurement.measure import Module
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

START, END = date(2024, 1, 1), date(2024, 12, 31)
PERIOD = MeasurePeriod(start=START, end=END)
KINDS = ("inpatient", "outpatient", "professional", "post_acute", "other")
KIND_OF = {
    "outpatient": "outpatient", "professional": "professional", "snf": "post_acute", "hha": "post_acute",
    "dme": "other", "hospice": "other",
}  # fmt: skip
Rows = dict[str, list[dict[str, Any]]]


def invent(seed: int, persons: int) -> Rows:
    """Persons of 73 in Medicare throughout, with one to four stays at two hospitals and up to 25 other claims."""
    chance = random.Random(seed)
    rows: Rows = {"person": [], "member_month": [], "claim": [], "claim_diagnosis": [], "claim_line": []}
    rows["provider_identifier"] = [
        {"unit_id": unit, "id_type": "CCN", "identifier": ccn, "facility_type": "short_term"}
        for unit, ccn in (("U1", "330001"), ("U2", "330002"))
    ]
    months = [date(2023 + index // 12, index % 12 + 1, 1) for index in range(27)]
    for number in range(persons):
        person = f"P{number:03}"
        rows["person"].append({"person_id": person, "birth_date": date(1950, 6, 15), "sex": 1})
        covered = {"payer_type": "medicare", "part_a": True, "part_b": True, "medical": True, "managed_care": False}
        rows["member_month"] += [{"person_id": person, "month": month, "payer_id": "M", **covered} for month in months]
        day = date(2023, 12, 1) + timedelta(days=chance.randrange(200))
        for stay in range(chance.randrange(1, 5)):
            last = day + timedelta(days=chance.randrange(6))
            rows["claim"].append(
                _claim(f"{person}S{stay}", person, "inpatient", day, last, chance, unit=f"U{chance.randrange(1, 3)}")
            )
            day = last + timedelta(days=chance.choice([3, 12, 29, 30, 31, 32, 70]))
        for other in range(chance.randrange(26)):
            begun = date(2023, 12, 1) + timedelta(days=chance.randrange(430))
            rows["claim"].append(
                _claim(f"{person}C{other}", person, chance.choice(list(KIND_OF)), begun, begun, chance)
            )
    return rows


def _claim(
    claim_id: str, person: str, kind: str, first: date, last: date, chance: random.Random, unit: str | None = None
) -> dict[str, Any]:
    cents = chance.choice([0, 0, 12345, 500001]) if unit is None else chance.choice([0, 700000, 812345, 2500000])
    stay = {"admit_date": first, "discharge_date": last, "bill_type": "111", "frequency_code": "1", "drg": "193"}
    return {
        "claim_id": claim_id, "person_id": person, "claim_type": kind, "from_date": first, "thru_date": last,
        "payer_id": "M", "payer_type": "medicare", "paid_status": chance.choice(["paid"] * 9 + ["denied"]),
        "allowed_amount": Decimal(cents) / 100, "facility_id": unit, **(stay if unit else {}),
    }  # fmt: skip


def work_out(rows: Rows, *, version: str) -> dict[str, tuple[Decimal, tuple[Decimal, ...], list[str]]]:
    """By episode that counts: its uncut cost, by kind of care, and its claims; from the text of the rules."""
    standing = [claim for claim in rows["claim"] if claim["paid_status"] == "paid"]
    stays = sorted(
        (claim for claim in standing if claim["claim_type"] == "inpatient"),
        key=lambda claim: (claim["admit_date"], claim["discharge_date"], claim["claim_id"]),
    )
    answer: dict[str, tuple[Decimal, tuple[Decimal, ...], list[str]]] = {}
    open_until: dict[str, date] = {}
    for stay in stays:
        is_transfer = any(
            other["person_id"] == stay["person_id"]
            and other["facility_id"] != stay["facility_id"]
            and (
                0 <= (other["admit_date"] - stay["discharge_date"]).days <= 1
                or 0 <= (stay["admit_date"] - other["discharge_date"]).days <= 1
            )
            for other in stays
        )
        if not START <= stay["discharge_date"] <= END or is_transfer or stay["allowed_amount"] <= 0:
            continue
        if version == "2013" and stay["admit_date"] <= open_until.get(stay["person_id"], date.min):
            continue
        open_until[stay["person_id"]] = stay["discharge_date"] + timedelta(days=30)
        window = (stay["admit_date"] - timedelta(days=3), stay["discharge_date"] + timedelta(days=30))
        mine = [
            claim
            for claim in standing
            if claim["person_id"] == stay["person_id"] and window[0] <= claim["from_date"] <= window[1]
        ]
        kinds = [KIND_OF.get(claim["claim_type"], "inpatient") for claim in mine]
        by_kind = tuple(
            sum(
                (claim["allowed_amount"] for claim, kind in zip(mine, kinds, strict=True) if kind == wanted), Decimal(0)
            )
            for wanted in KINDS
        )
        answer[stay["claim_id"]] = (sum(by_kind, Decimal(0)), by_kind, sorted(claim["claim_id"] for claim in mine))
    return answer


def test_every_episode_costs_what_a_plain_sum_over_its_window_says(run_module: Callable[..., MeasureEvents]) -> None:
    rows = invent(20240301, persons=200)
    for version in ("2022", "2013"):
        expected = work_out(rows, version=version)
        found = run_module("mspb_like", rows, start=START, end=END, mspb_version=version).events
        inside = found.filter("in_denominator")
        assert set(inside["event_id"]) == set(expected)
        ordered = sorted((cost, event) for event, (cost, _, _) in expected.items())
        place = -(-len(ordered) * 99 // 100)
        cap = ordered[place - 1][0]
        for row in inside.iter_rows(named=True):
            cost, by_kind, claims = expected[row["event_id"]]
            assert (row["amount"], row["value"]) == (cost, min(cost, cap))
            assert tuple(row[f"{kind}_amount"] for kind in KINDS) == by_kind
            assert sorted(row["driving_claim_ids"]) == claims
        assert inside.filter("is_capped").height == sum(cost > cap for cost, _ in ordered) > 0
    assert found.filter(pl.col("exclusion_reasons").list.contains("R7")).height > 20


def test_the_claims_behind_an_episode_add_up_to_it(
    model_of: Callable[..., Warehouse], modules: Callable[[str], Module]
) -> None:
    rows = invent(7, persons=60)
    expected = work_out(rows, version="2022")
    ids = sorted(expected)
    events = pl.DataFrame({"event_id": ids, "person_id": ids, "driving_claim_ids": [[]] * len(ids)})
    found = claims_behind(
        model_of(rows),
        modules("mspb_like"),
        events.cast({"driving_claim_ids": pl.List(pl.String)}),
        period=PERIOD,
        parameters={},
        lists=None,
    )
    for event, (_, by_kind, claims) in expected.items():
        mine = found.filter(pl.col("event_id") == event)
        assert sorted(mine["claim_id"]) == claims
        assert tuple(mine.filter(pl.col("part") == kind)["amount"].sum() for kind in KINDS) == by_kind


def test_another_order_of_the_rows_and_two_threads_change_nothing(run_module: Callable[..., MeasureEvents]) -> None:
    rows = invent(6, persons=80)
    one = run_module("mspb_like", rows, start=START, end=END)
    other = run_module("mspb_like", rows, start=START, end=END, threads=2, shuffle=4)
    assert one.events.equals(other.events) and one.covariates.equals(other.covariates)


def lines_in_hospital(*charges: tuple[str | None, str | None, str]) -> list[dict[str, Any]]:
    """Lines at place of service 21 on 2 March: clinician, group, dollars."""
    return [
        {
            "claim_id": f"A{number}", "line_number": 1, "from_date": date(2024, 3, 2), "hcpcs": "X0001",
            "place_of_service": "21", "rendering_npi": clinician, "rendering_tin": group,
            "allowed_amount": Decimal(dollars), "line_status": "paid",
        }
        for number, (clinician, group, dollars) in enumerate(charges)
    ]  # fmt: skip


def credited(db: Warehouse, module: Module, rows: Rows, lines: list[dict[str, Any]]) -> pl.DataFrame:
    db.execute(
        "create or replace temp table population as select stay_id as event_id, person_id, facility_id from stay"
    )
    return attribute.attribute(db, module, "episode", period=PERIOD)


def episode_of(
    model_of: Callable[..., Warehouse], module: Module, *charges: tuple[str | None, str | None, str]
) -> pl.DataFrame:
    """Who is credited with a stay at U1 from 1 to 5 March in which these lines were billed."""
    stay = _claim("S1", "P1", "inpatient", date(2024, 3, 1), date(2024, 3, 5), random.Random(1), unit="U1")
    lines = lines_in_hospital(*charges)
    claims = [
        {
            "claim_id": line["claim_id"], "person_id": "P1", "claim_type": "professional", "payer_id": "M",
            "payer_type": "medicare", "paid_status": "paid", "from_date": line["from_date"], "thru_date": line["from_date"],
        }
        for line in lines
    ]  # fmt: skip
    rows = {"person": [{"person_id": "P1"}], "claim": [stay | {"paid_status": "paid"}, *claims], "claim_line": lines}
    return credited(model_of(rows), module, rows, lines)


def test_groups_with_thirty_percent_of_the_charges_share_an_episode_and_weights_add_up_to_one(
    model_of: Callable[..., Warehouse], modules: Callable[[str], Module]
) -> None:
    found = episode_of(
        model_of,
        modules("mspb_like"),
        ("N1", "T1", "300.00"),
        ("N2", "T1", "300.00"),
        ("N3", "T2", "300.00"),
        ("N4", None, "100.00"),
    )
    shares = {
        (row["level"], row["unit_id"]): (row["step"], row["share"], row["weight"], row["rank"], row["tie_break"])
        for row in found.iter_rows(named=True)
    }
    two_thirds, third = Decimal("0.666667"), Decimal("0.333333")
    assert shares == {
        ("facility", "U1"): (1, 1, 1, 1, None),
        ("group", "T1"): (2, Decimal("0.6"), two_thirds, 1, None),
        ("group", "T2"): (2, Decimal("0.3"), third, 2, None),
        ("clinician", "N1"): (2, Decimal("0.3"), Decimal("0.333334"), 1, "unit_id"),
        ("clinician", "N2"): (2, Decimal("0.3"), third, 2, "unit_id"),
        ("clinician", "N3"): (2, Decimal("0.3"), third, 3, None),
    }
    assert dict(found.group_by("level").agg(pl.col("weight").sum()).iter_rows()) == {
        "facility": 1,
        "group": 1,
        "clinician": 1,
    }


def test_nobody_but_the_hospital_is_credited_where_no_group_reaches_thirty_percent(
    model_of: Callable[..., Warehouse], modules: Callable[[str], Module]
) -> None:
    charges = [(f"N{number}", f"T{number}", "29.00") for number in range(4)]
    assert episode_of(model_of, modules("mspb_like"), *charges)["level"].to_list() == ["facility"]
