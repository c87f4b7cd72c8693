"""The same arguments give the same bytes, and a block does not depend on the persons after it."""

import gzip
from pathlib import Path

import pytest

from qe.errors import InputError
from qe.sample.edge_cases import edge_cases
from qe.sample.generate import generate

FIXED = {"hospitals": "12", "groups": "12", "block_persons": "150"}


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_two_runs_are_byte_identical_also_when_compressed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        generate(tmp_path / name, persons=200, seed=3, compress=True)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    generate(tmp_path / "plain", persons=200, seed=3)
    packed = (tmp_path / "one/inbox/medicare/carrier.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "plain/inbox/medicare/carrier.csv").read_bytes()
    assert packed[4:8] == b"\0\0\0\0"  # no time in the gzip header


def test_bytes_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    for processes in (1, 2):
        generate(tmp_path / str(processes), persons=400, seed=5, settings=FIXED, compress=True, processes=processes)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    generate(tmp_path / "plain", persons=400, seed=5, settings=FIXED)
    packed = (tmp_path / "2/inbox/payer_b/medical.txt.gz").read_bytes()  # a gzip member a block
    assert gzip.decompress(packed) == (tmp_path / "plain/inbox/payer_b/medical.txt").read_bytes()


def test_another_seed_gives_other_persons(tmp_path: Path) -> None:
    for seed in (3, 4):
        generate(tmp_path / str(seed), persons=100, seed=seed)
    crosswalks = [(tmp_path / str(seed) / "inbox/medicare/crosswalk.csv").read_text().split("\n") for seed in (3, 4)]
    assert not set(crosswalks[0][1:-1]) & set(crosswalks[1][1:-1])


def test_a_block_does_not_depend_on_the_number_of_persons(tmp_path: Path) -> None:
    for name, persons in (("few", 150), ("more", 300)):
        generate(tmp_path / name, persons=persons, seed=5, settings={**FIXED, "edge_cases": "0"})  # they come last
    for name in ("truth/persons.csv", "truth/stays.csv", "truth/fills.csv", "inbox/medicare/pde.csv",
                 "inbox/medicare/carrier.csv", "inbox/medicare/crosswalk.csv"):  # fmt: skip
        few = (tmp_path / "few" / name).read_bytes()
        assert (tmp_path / "more" / name).read_bytes().startswith(few)


def test_the_edge_cases_stand_after_all_others_and_change_none_of_them(tmp_path: Path) -> None:
    for name, wanted in (("without", "0"), ("with", "1"), ("again", "1")):
        settings = {"hospitals": "12", "groups": "12", "edge_cases": wanted}
        generate(tmp_path / name, persons=150, seed=5, settings=settings)
    without, together = contents(tmp_path / "without"), contents(tmp_path / "with")
    assert together == contents(tmp_path / "again")
    for name, rows in without.items():
        if name.endswith(".csv") or name.startswith("inbox/payer"):
            assert together[name].startswith(rows[: rows.rindex(b"\nTR|") + 1 if b"\nTR|" in rows else None]), name
    persons = together["truth/persons.csv"].count(b"\n") - 1
    assert persons == 150 + len(edge_cases()) == 230


def test_in_years_of_another_length_nothing_is_expected_that_counts_their_days(tmp_path: Path) -> None:
    generate(tmp_path, persons=30, seed=5, years=(2022, 2023))
    rows = [line.split(",") for line in (tmp_path / "truth/edge_cases.csv").read_text().split("\n")[1:-1]]
    assert {row[3] for row in rows} & {"pdc", "pdc_last"} == set()
    assert len({row[0] for row in rows}) > 60


def test_too_few_hospitals_for_the_edge_cases_leave_them_out(tmp_path: Path) -> None:
    generate(tmp_path, persons=30, seed=5, settings={"hospitals": "2", "edge_cases": "1"})
    assert (tmp_path / "truth/persons.csv").read_text().count("\n") == 31
    assert (tmp_path / "truth/edge_cases.csv").read_text().count("\n") == 1


def test_claim_numbers_are_unique_over_blocks_and_files(tmp_path: Path) -> None:
    generate(tmp_path, persons=300, seed=5, settings={**FIXED, "dirt.malformed_rows": "0"})
    seen: set[str] = set()
    for name in ("inpatient", "outpatient", "snf", "carrier", "dme"):
        lines = (tmp_path / f"inbox/medicare/{name}.csv").read_text(encoding="utf-8-sig").split("\n")
        at = lines[0].split("|").index("CLM_ID")
        person = lines[0].split("|").index("BENE_ID")
        claims = {tuple(line.split("|")[place] for place in (at, person)) for line in lines[1:-1]}
        assert len({claim for claim, _ in claims}) == len(claims)  # one person a claim
        assert not seen & {claim for claim, _ in claims}
        seen |= {claim for claim, _ in claims}


def test_without_noise_nothing_is_dirty_but_the_persons_names(tmp_path: Path) -> None:
    generate(tmp_path, persons=300, seed=5, settings={"noise": "0", "edge_cases": "0"})  # whose flaws are told
    kinds = {line.split(",")[0] for line in (tmp_path / "truth/dirt.csv").read_text().split("\n")[1:-1]}
    assert kinds <= {"identity", "twin", "namesake", "two_bene_ids", "cost_avoided", "capitated", "reversed_fill"}


def test_a_third_submitter_takes_medicaid(tmp_path: Path) -> None:
    generate(tmp_path, persons=200, seed=5, payers=3)
    products = {}
    for payer in ("payer_a", "payer_b", "payer_m"):
        lines = (tmp_path / f"inbox/{payer}/eligibility.txt").read_text().split("\n")
        products[payer] = {line.split("|")[3] for line in lines[2:-2]}
    assert products == {"payer_a": {"PR", "SP"}, "payer_b": {"HM", "HN"}, "payer_m": {"MC"}}


def test_other_years_move_every_date(tmp_path: Path) -> None:
    generate(tmp_path, persons=60, seed=5, years=(2021, 2022))
    assert (tmp_path / "inbox/medicare/mbsf_abcd_2023.csv").exists()
    header, *rows = (tmp_path / "inbox/medicare/pde.csv").read_text().split("\n")[:-1]
    at = header.split("|").index("SRVC_DT")
    assert {row.split("|")[at][-4:] for row in rows} <= {"2021", "2022", "2023"}


def test_all_wrong_arguments_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "kept.txt").write_text("mine")
    with pytest.raises(InputError) as caught:
        generate(tmp_path, persons=0, seed=-1, years=(2025, 2024), payers=5, settings={"hospitals": "1", "groups": "3"})
    words = ("persons", "seed", "years", "payers", "inbox", "hospitals", "groups")
    assert all(word in caught.value.message for word in words)
    assert (tmp_path / "inbox" / "kept.txt").read_text() == "mine"


@pytest.mark.parametrize("persons", [1, 2, 30])
def test_very_few_persons_still_give_files(tmp_path: Path, persons: int) -> None:
    summary = generate(tmp_path, persons=persons, seed=1, settings={"hospitals": "2"})
    assert all(path.stat().st_size for path in summary.files)
    assert (tmp_path / "truth/persons.csv").read_text().count("\n") == persons + 1


def test_unknown_settings_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        generate(tmp_path, persons=10, seed=1, settings={"hopsitals": "4", "visits.nothing": "1"})
    assert "hopsitals" in caught.value.message
    assert "visits.nothing" in caught.value.message
    with pytest.raises(InputError, match=r"switches\.noise"):
        generate(tmp_path, persons=10, seed=1, settings={"noise": "much"})
    assert not (tmp_path / "inbox").exists()
