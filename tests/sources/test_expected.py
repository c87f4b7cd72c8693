"""Late is not less: which files are expected, late or missing, and on which day."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.periods import ReportingPeriod, quarter
from qe.site import SourceTable
from qe.sources.expected import expected_files, missing_faults
from qe.sources.manifest import SourceFile, StagedFile

Q4 = quarter("2025Q4", end=date(2025, 12, 31), run_out_days=90)  # due on 31 March 2026
SENT = date(2026, 2, 1)


def source(**changes: Any) -> SourceTable:
    settings = {
        "kind": "apcd-cdl",
        "path": "x",
        "payer_id": "a",
        "payer_type": "commercial",
        "start": date(2025, 1, 1),
        "end": date(2026, 12, 31),
        "grace_days": 30,
        **changes,
    }
    return SourceTable.model_validate(settings)


def staged(name: str, layout: str, reaches: date | None, **changes: Any) -> StagedFile:
    file = SourceFile(
        source_id="payer",
        path=Path(name),
        layout=layout,
        staged_as=layout,
        sha256=name.ljust(64, "0"),
        size=1,
        payer_id="a",
        payer_type="commercial",
        received_on=SENT,
        **{key: value for key, value in changes.items() if key in ("period", "delivery")},
    )
    return StagedFile(
        file=file,
        database=Path("x"),
        vault_database=None,
        in_vault=False,
        rows_read=1,
        rows_accepted=1,
        rows_quarantined=0,
        expected_rows=None,
        claims=1,
        paid_amount=Decimal(1),
        status="reconciled",
        replaced_by=changes.get("replaced_by"),
        has_period=True,
        reaches=reaches,
    )


def states(*files: StagedFile, on: date, of: SourceTable | None = None, periods: tuple[ReportingPeriod, ...] = (Q4,)):
    found = expected_files(files, sources={"payer": of or source()}, periods=periods, on=on)
    return {(one.layout, one.period): one.state for one in found}


@pytest.mark.parametrize(
    ("on", "state"),
    [
        (date(2026, 3, 31), "expected"),  # the last day of the run-out: 31 December + 90
        (date(2026, 4, 1), "late"),
        (date(2026, 4, 30), "late"),  # 31 March + 30: the last day of grace
        (date(2026, 5, 1), "missing"),
    ],
)
def test_a_file_is_late_from_the_end_of_the_run_out_until_its_grace_date(on: date, state: str) -> None:
    assert states(staged("q3", "cdl_medical", date(2025, 9, 30)), on=on) == {("cdl_medical", "2025Q4"): state}


def test_a_late_file_is_no_fault_and_its_sentence_compares_no_volume() -> None:
    (one,) = expected_files(
        [staged("q3", "cdl_medical", date(2025, 9, 30))], sources={"payer": source()}, periods=[Q4], on=date(2026, 4, 1)
    )
    assert one.sentence == "payer: cdl_medical for 2025Q4 is late: it was due on 2026-03-31 and has until 2026-04-30"
    assert missing_faults([one]) == []


def test_a_missing_file_is_a_fault() -> None:
    found = expected_files(
        [staged("q3", "cdl_medical", date(2025, 9, 30))], sources={"payer": source()}, periods=[Q4], on=date(2026, 5, 1)
    )
    assert [(fault.code, fault.file, fault.place) for fault in missing_faults(found)] == [
        ("missing-file", "payer", "cdl_medical")
    ]


def test_an_ended_source_owes_nothing_and_one_that_began_later_does_not_either() -> None:
    file = staged("q3", "cdl_medical", date(2025, 9, 30))
    assert states(file, on=date(2027, 1, 1), of=source(end=date(2025, 9, 30))) == {}
    assert states(file, on=date(2027, 1, 1), of=source(start=date(2026, 1, 1))) == {}


def test_a_file_reaches_as_far_as_it_says_else_as_far_as_anything_of_its_delivery() -> None:
    stated = staged("pc", "cdl_pharmacy", date(2025, 12, 31), period=(date(2025, 7, 1), date(2025, 9, 30)))
    small = staged("hospice", "rif_hospice", date(2025, 11, 2))
    whole = staged("carrier", "rif_carrier", date(2025, 12, 30))
    earlier = staged("dme", "rif_dme", date(2025, 9, 29), delivery="q3")
    assert states(stated, small, whole, earlier, on=date(2026, 4, 1)) == {
        ("cdl_pharmacy", "2025Q4"): "late",  # its own word: September
        ("rif_carrier", "2025Q4"): "here",
        ("rif_dme", "2025Q4"): "late",
        ("rif_hospice", "2025Q4"): "here",
    }


def test_a_replaced_file_reaches_nothing() -> None:
    old = staged("old", "cdl_medical", date(2025, 12, 31), replaced_by="again", delivery="a")
    new = staged("new", "cdl_medical", date(2025, 9, 30), delivery="again")
    assert states(old, new, on=date(2026, 4, 1)) == {("cdl_medical", "2025Q4"): "late"}


def test_received_files_say_how_far_they_reach_inside_the_sources_period(small_site: Any, cdl_medical: Any) -> None:
    folder = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")
    (folder / "mc.txt").write_text(
        cdl_medical({"119": "20251130"}, {"119": "20250601", "006": "2"}, {"119": "20260115", "006": "3"})
    )
    (one,) = small_site.receive()
    assert (one.has_period, one.reaches) == (
        True,
        date(2025, 11, 30),
    )  # the row of 2026 lies outside the source's period
