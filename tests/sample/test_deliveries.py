"""Five deliveries: what was paid by quarter, claims that come again, a file sent twice, ids encrypted anew, new rosters."""

import hashlib
import tomllib
from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.errors import InputError
from qe.sample.generate import generate

DAYS = ("2025-04-30", "2025-07-31", "2025-10-31", "2026-01-31", "2026-04-30")  # a month after each quarter
AGAIN = "2025-11-21"  # three weeks after the third
CLAIM_FILES = ("inpatient", "outpatient", "snf", "hospice", "carrier", "dme")


def manifest(folder: Any, delivery: str) -> dict[str, Any]:
    return tomllib.loads((folder.root / "inbox" / delivery / "manifest.toml").read_text(encoding="utf-8"))


def delivered_rows(folder: Any, source: str, name: str, days: tuple[str, ...] = DAYS) -> list[tuple[str, Any]]:
    """(delivery, row) of one kind of file over all deliveries that brought one."""
    found = []
    for day in days:
        if (folder.root / "inbox" / source / day / name).exists():
            found += [(day, row) for row in folder.rows(f"{source}/{day}/{name}")]
    return found


def medicare_claims(folder: Any) -> dict[str, dict[str, list[Any]]]:
    """Claim number -> delivery -> its rows, over all claim files."""
    found: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name in CLAIM_FILES:
        for day, row in delivered_rows(folder, "medicare", f"{name}.csv"):
            found[row["CLM_ID"]][day].append(row)
    return found


def listed(folder: Any, kind: str, source: str) -> set[str]:
    return {row["record"] for row in folder.truth("dirt") if row["kind"] == kind and row["source"] == source}


def test_payers_deliver_by_quarter_and_medicare_by_year(delivered: Any) -> None:
    inbox = delivered.root / "inbox"
    for source, days in (
        ("payer_a", sorted((*DAYS, AGAIN))),
        ("payer_b", list(DAYS)),
        ("medicare", [DAYS[0], DAYS[4]]),
    ):
        assert sorted(path.name for path in (inbox / source).iterdir()) == days
        assert [manifest(delivered, f"{source}/{day}")["delivered_on"].isoformat() for day in days] == days
    years = {day: sorted(path.stem for path in (inbox / "medicare" / day).glob("mbsf*")) for day in (DAYS[0], DAYS[4])}
    assert years == {DAYS[0]: ["mbsf_abcd_2024"], DAYS[4]: ["mbsf_abcd_2025", "mbsf_abcd_2026"]}


def test_a_file_holds_what_was_paid_in_the_months_it_states(delivered: Any) -> None:
    stated = []
    for day in DAYS:
        head = delivered.lines(f"payer_a/{day}/medical.txt")[0].split("|")
        stated.append((head[5], head[6]))
        paid = {row["CDLMC024"][:6] for row in delivered.rows(f"payer_a/{day}/medical.txt")}
        assert all(month >= head[5] for month in paid)
        assert day == DAYS[-1] or all(month <= head[6] for month in paid)
    assert stated == [("202401", "202503"), ("202504", "202506"), ("202507", "202509"), ("202510", "202512"),
                      ("202601", "202603")]  # fmt: skip


def test_a_run_as_of_31_january_sees_incomplete_commercial_claims(delivered: Any) -> None:
    by_january = []
    for day, row in delivered_rows(delivered, "payer_a", "medical.txt"):
        if row["CDLMC119"].startswith("202512") and row["CDLMC007"] == "0":
            by_january.append(day <= "2026-01-31")
    assert len(by_january) > 50
    assert sum(by_january) / len(by_january) < 0.5  # half of the claims are paid after 32 days


def test_the_claims_of_five_deliveries_are_those_of_one(tmp_path: Path) -> None:
    claims: dict[int, Any] = {}
    for count in (1, 5):
        root = tmp_path / str(count)
        settings = {"hospitals": "4", "dirt.malformed_rows": "0"}
        generate(root, persons=300, seed=3, settings=settings, deliveries=count)
        texts: Counter[str] = Counter()
        for path in sorted((root / "inbox" / "payer_b").rglob("medical.txt")):
            texts.update(line for line in path.read_text(encoding="utf-8").split("\n") if line.startswith("SUBB|"))
        claims[count] = (
            texts,
            {row for row in (root / "truth" / "dirt.csv").read_text().split("\n") if row[:8] == "adjusted"},
        )
    (once, none), (five, adjusted) = claims[1], claims[5]
    assert not none and adjusted
    numbers = {row.split(",")[2] for row in adjusted if row.split(",")[1] == "payer_b"}
    for differing in (once - five, five - once):  # every other line as it stands
        assert {line.split("|")[4] for line in differing} == numbers


def test_a_claim_that_comes_again_comes_in_a_later_delivery_with_another_amount(delivered: Any) -> None:
    claims = medicare_claims(delivered)
    twice = {number: by_day for number, by_day in claims.items() if len(by_day) == 2}
    assert set(twice) == listed(delivered, "adjusted_later", "medicare")
    assert len(twice) > 20
    for by_day in twice.values():
        first, last = (by_day[day] for day in sorted(by_day))
        assert len(first) == len(last)
        assert {row["CLM_FROM_DT"] for row in first} == {row["CLM_FROM_DT"] for row in last}
        charge = "CLM_TOT_CHRG_AMT" if "CLM_TOT_CHRG_AMT" in first[0] else "NCH_CARR_CLM_SBMTD_CHRG_AMT"
        dear, final = (Decimal(rows[0][charge]) for rows in (first, last))
        assert abs(dear - final * Decimal("1.1")) <= Decimal("0.01") * len(first)
    for payer in ("payer_a", "payer_b"):
        days: dict[str, set[str]] = defaultdict(set)
        for day, row in delivered_rows(delivered, payer, "medical.txt"):
            days[row["CDLMC005"]].add(day)
        named = listed(delivered, "adjusted_later", payer)
        assert named and all(len(days[number]) == 2 for number in named - missing_first_copies(delivered, payer))


def missing_first_copies(folder: Any, payer: str) -> set[str]:
    """Claims that the first submission of the file that was sent again lacks."""
    if payer != "payer_a":
        return set()
    first, second = ({row["CDLMC005"] for row in folder.rows(f"payer_a/{day}/medical.txt")} for day in (DAYS[2], AGAIN))
    return second - first


def test_one_file_is_sent_again_whole_and_its_manifest_names_the_first(delivered: Any) -> None:
    first = delivered.root / "inbox" / "payer_a" / DAYS[2] / "medical.txt"
    stated = manifest(delivered, f"payer_a/{AGAIN}")
    assert stated["replaces"] == [hashlib.sha256(first.read_bytes()).hexdigest()]
    rows, again = delivered.rows(f"payer_a/{DAYS[2]}/medical.txt"), delivered.rows(f"payer_a/{AGAIN}/medical.txt")
    claims, all_claims = ({row["CDLMC005"] for row in one} for one in (rows, again))
    assert claims < all_claims
    assert 0.02 < 1 - len(claims) / len(all_claims) < 0.09  # one in twenty lacks
    head, head_again = (delivered.lines(f"payer_a/{day}/medical.txt")[0] for day in (DAYS[2], AGAIN))
    assert head == head_again
    replaced = {row["file"]: row["replaced_by"] for row in delivered.truth("deliveries") if row["replaced_by"]}
    assert replaced == {f"payer_a/{DAYS[2]}/medical.txt": AGAIN, f"roster/{DAYS[0]}/roster.csv": DAYS[1]}


def test_medicares_ids_are_encrypted_anew_and_each_delivery_is_bound_to_its_crosswalk(delivered: Any) -> None:
    first, last = (
        {row["BENE_ID"]: row["BENE_MBI_ID"] for row in delivered.rows(f"medicare/{day}/crosswalk.csv")}
        for day in (DAYS[0], DAYS[4])
    )
    assert not first.keys() & last.keys()
    assert set(first.values()) < set(last.values())  # the later one knows those who came since
    for name in (*CLAIM_FILES, "pde"):
        for day, known in ((DAYS[0], first), (DAYS[4], last)):
            rows = delivered_rows(delivered, "medicare", f"{name}.csv", (day,))
            assert {row["BENE_ID"] for _, row in rows} <= known.keys()
    truth = {row["person"]: row["mbi"] for row in delivered.truth("persons")}
    for row in delivered.truth("bene_ids"):
        known = first if row["delivery"] == DAYS[0] else last
        if row["bene_id"] in known:
            assert known[row["bene_id"]] == truth[row["person"]]


def test_a_clinician_who_changes_group_does_so_in_the_roster_after(delivered: Any) -> None:
    groups: dict[str, dict[str, set[tuple[str, str, str]]]] = {}
    for day in DAYS[:2]:
        header, *lines = (line.split(",") for line in delivered.lines(f"roster/{day}/roster.csv"))
        groups[day] = defaultdict(set)
        for line in lines:
            row = dict(zip(header, line, strict=True))
            groups[day][row["npi"]].add((row["group_tin"], row["from_date"], row["to_date"]))
    before, after = groups[DAYS[0]], groups[DAYS[1]]
    assert before.keys() == after.keys()
    changed = [npi for npi in before if before[npi] != after[npi]]
    assert changed
    for npi in changed:
        ((group, *ends),) = before[npi]
        assert ends == ["", ""]
        assert {(tin == group, begins, until) for tin, begins, until in after[npi]} == {
            (True, "", "2025-06-30"), (False, "2025-07-01", "")}  # fmt: skip


PAID_ON = {"NCH_WKLY_PROC_DT": "%d-%b-%Y", "PD_DT": "%d-%b-%Y", "CDLMC024": "%Y%m%d", "CDLPC024": "%Y%m%d"}


def paid_until_when(folder: Any, name: str) -> date:
    """The last day of payment in one file."""
    (column,) = PAID_ON.keys() & set(folder.header(name))
    return max(datetime.strptime(row[column], PAID_ON[column]).date() for row in folder.rows(name))


def test_nothing_is_delivered_before_it_was_paid(delivered: Any, folder: Any) -> None:
    """Up to the end of the quarter before; the last delivery, also where it is the only one, up to the day on which it came."""
    quarter_ends = {DAYS[0]: date(2025, 3, 31), DAYS[1]: date(2025, 6, 30), DAYS[2]: date(2025, 9, 30),
                    DAYS[3]: date(2025, 12, 31), DAYS[4]: date(2026, 4, 30), AGAIN: date(2025, 9, 30)}  # fmt: skip
    files = 0
    for one in (delivered, folder):
        for path in sorted((one.root / "inbox").rglob("*.*")):
            if path.stem in (*CLAIM_FILES, "pde", "medical", "pharmacy"):
                day = path.parent.name if one is delivered else DAYS[4]
                assert paid_until_when(one, path.relative_to(one.root / "inbox").as_posix()) <= quarter_ends[day]
                files += 1
    assert files > 30


def test_what_was_not_paid_when_the_last_delivery_came_is_in_none(folder: Any) -> None:
    """A gamma of shape 4 and mean 35 lies below 59 days with .90, below 29 days with .42: the first and last day of March."""
    came = Counter(row["CDLMC119"][:6] for row in folder.rows("payer_b/medical.txt") if row["CDLMC007"] == "0")
    year = [came[f"2025{month:02d}"] for month in range(1, 13)]
    assert min(year[9:]) > 0.75 * sum(year) / 12  # these had time
    assert 0.42 < came["202603"] / (sum(year) / 12) < 0.90
    stated = {row["claim"].removesuffix("N") for row in folder.truth("services") if row["source"] == "payer_b"}
    assert stated == {
        row["CDLMC005"][:14] for row in folder.rows("payer_b/medical.txt")
    } | {row["CDLPC005"] for row in folder.rows("payer_b/pharmacy.txt")}  # fmt: skip


@pytest.mark.parametrize("count", [2, 9])
def test_other_numbers_of_deliveries_end_with_the_same_one(tmp_path: Path, count: int) -> None:
    generate(tmp_path, persons=120, seed=3, settings={"hospitals": "2"}, deliveries=count)
    days = sorted(path.name for path in (tmp_path / "inbox" / "payer_b").iterdir())
    assert len(days) == count
    assert days[-1] == "2026-04-30"


def test_more_deliveries_than_there_are_quarters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="deliveries must be from 1 to 9"):
        generate(tmp_path, persons=120, seed=3, deliveries=10)
