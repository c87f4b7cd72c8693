"""Reference prices as a site supplies them: what is read, and every fault with file, row and remedy."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from qe.errors import InputError
from qe.statistics.standard_price import reference

HEAD = "setting,code,modifier,eff_from,eff_to,price,source,version\n"
GOOD = "professional_office,G0438,,2026-01-01,2026-12-31,170.25,CMS PFS,2026A\n"


def _file(folder: Path, *rows: str, name: str = "fees.csv", head: str = HEAD) -> Path:
    path = folder / name
    path.write_text(head + "".join(rows), encoding="utf-8")
    return path


def test_prices_are_decimals_with_their_days_source_and_version(tmp_path: Path):
    (row,) = reference.load([_file(tmp_path, GOOD)]).iter_rows(named=True)
    assert row == {
        "setting": "professional_office",
        "code": "G0438",
        "modifier": "",
        "eff_from": date(2026, 1, 1),
        "eff_to": date(2026, 12, 31),
        "price": Decimal("170.2500"),
        "source": "CMS PFS",
        "version": "2026A",
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GOOD.replace("professional_office", "surgery"), "setting is not a known one"),
        (GOOD.replace("G0438", ""), "code is blank or not capitals and figures"),
        (GOOD.replace("G0438,", "G0438,1"), "modifier is not two characters"),
        (GOOD.replace("2026-01-01", "1/1/2026"), "eff_from is not a date"),
        (GOOD.replace("2026-12-31", "2026-13-31"), "eff_to is not a date"),
        (GOOD.replace("2026-12-31", "2025-12-31"), "eff_to lies before eff_from"),
        (GOOD.replace("170.25", "-170.25"), "price is not dollars, 0 or more, with at most 4 decimals"),
        (GOOD.replace("170.25", ""), "price is not dollars, 0 or more, with at most 4 decimals"),
        (GOOD.replace("CMS PFS", " "), "source is missing"),
        (GOOD.replace("2026A", ""), "version is missing"),
    ],
)
def test_a_fault_is_told_with_file_row_and_remedy(tmp_path: Path, row: str, said: str):
    with pytest.raises(InputError) as refused:
        reference.load([_file(tmp_path, GOOD.replace("G0438", "G0439"), row)])
    (fault,) = refused.value.faults
    assert fault.message == f"fees.csv: {said} in 1 of 2 rows (first: rows 3)"
    assert (fault.file, fault.place) == ("fees.csv", "rows 3")
    assert fault.remedy.endswith(".")


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path):
    wrong = _file(tmp_path, "G0438,170.25\n", head="code,price\n", name="short.csv")
    with pytest.raises(InputError) as refused:
        reference.load(
            [wrong, _file(tmp_path, GOOD.replace("2026A", "").replace("CMS PFS", "")), tmp_path / "none.csv"]
        )
    assert [fault.message for fault in refused.value.faults] == [
        "short.csv: its header is not setting,code,modifier,eff_from,eff_to,price,source,version",
        "fees.csv: source is missing in 1 of 1 rows (first: rows 2)",
        "fees.csv: version is missing in 1 of 1 rows (first: rows 2)",
        "none.csv: cannot be read as CSV",
    ]


def test_two_prices_of_one_service_on_one_day_are_told_across_files_and_behind_a_short_span(tmp_path: Path):
    spans = [
        GOOD.replace("2026-12-31", ""),
        GOOD.replace("2026-01-01", "2026-02-01").replace("2026-12-31", "2026-02-28"),
    ]
    later = _file(tmp_path, GOOD.replace("2026-01-01", "2026-06-01"), name="later.csv")
    with pytest.raises(InputError) as refused:
        reference.load([_file(tmp_path, *spans), later])
    assert [(fault.file, fault.place) for fault in refused.value.faults] == [
        ("fees.csv", "rows 3"),
        ("later.csv", "rows 2"),
    ]


def test_spans_that_meet_without_a_common_day_and_other_modifiers_do_not_overlap(tmp_path: Path):
    next_year = GOOD.replace("2026-01-01", "2027-01-01").replace("2026-12-31", "")
    assert reference.load([_file(tmp_path, GOOD, next_year, GOOD.replace("G0438,", "G0438,26"))]).height == 3


def test_without_files_there_are_no_prices():
    assert reference.load([]).is_empty()
