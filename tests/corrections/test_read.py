"""The analyst's file: a closed set of kinds, each with its own facts; every fault by line and column, and no cell repeated."""

from datetime import date
from pathlib import Path

import pytest

from qe.corrections.read import read_lines
from qe.corrections.record import Correction, CorrectionKind, CorrectionLine, lines_sha256
from qe.errors import InputError, Refused


def written(folder: Path, text: str) -> Path:
    path = folder / "correction.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_kind_is_read_with_its_own_facts(tmp_path: Path) -> None:
    head = "kind,evidence,measure_id,person_id,event_id,belongs_to,rule_id,claim_ids,detail,value,from_date,to_date\n"
    rows = (
        "not_our_patient,claims,all,17,,,,,,,,\n"
        "wrong_clinician_or_site,roster,hwr,,315,U000009,,,,,,\n"
        "missed_exclusion,claims,hwr,,315,,R9,402; 396;402,,,,\n"
        'provider_details,roster,,,,,,,name,"Elm, Group",2025-01-01,\n'
    )
    found = read_lines(written(tmp_path, head + rows))
    assert found == (
        CorrectionLine(
            line=2, kind=CorrectionKind.NOT_OUR_PATIENT, evidence="claims", measure_id="all", person_id="17"
        ),
        CorrectionLine(
            line=3,
            kind=CorrectionKind.WRONG_CLINICIAN_OR_SITE,
            evidence="roster",
            measure_id="hwr",
            event_id="315",
            belongs_to="U000009",
        ),
        CorrectionLine(
            line=4,
            kind=CorrectionKind.MISSED_EXCLUSION,
            evidence="claims",
            measure_id="hwr",
            event_id="315",
            rule_id="R9",
            claim_ids=("396", "402"),
        ),
        CorrectionLine(
            line=5,
            kind=CorrectionKind.PROVIDER_DETAILS,
            evidence="roster",
            detail="name",
            value="Elm, Group",
            from_date=date(2025, 1, 1),
        ),
    )


def test_all_faults_are_told_by_line_and_column_without_a_cell(tmp_path: Path) -> None:
    head = "kind,evidence,measure_id,person_id,event_id,belongs_to,rule_id,claim_ids,detail,value,from_date,to_date\n"
    rows = (
        "second_opinion,claims,hwr,,secret1,,,,,,,\n"
        "not_our_patient,claims,all,,secret2,,,,,,,\n"
        "not_our_patient,claims,,17,secret3,U000009,,,,,,\n"
        "missed_exclusion,roster,hwr,,secret4,,nine,,,,,\n"
        "provider_details,roster,,,,,,,county_fips,Ohio,2025-13-01,2024-01-01\n"
        "provider_details,roster,,,,,,,member,x,2025-01-01,\n"
    )
    with pytest.raises(InputError) as told:
        read_lines(written(tmp_path, head + rows))
    assert [fault.place for fault in told.value.faults] == [
        "line 2, kind",
        "line 3, measure_id",
        "line 4, belongs_to",
        "line 4, measure_id",
        "line 4, event_id",
        "line 5, evidence",
        "line 5, claim_ids",
        "line 5, rule_id",
        "line 6, value",
        "line 6, from_date",
        "line 7, detail",
    ]
    assert "secret" not in str(told.value)
    assert all(fault.remedy for fault in told.value.faults)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, kind: the column kind is missing"),
        ("kind,evidence,mesure_id\n", 'there is no column "mesure_id"; did you mean "measure_id"?'),
        ("kind,evidence\n\n , \n", "holds no line"),
        ("kind,evidence\nnot_our_patient,claims,x\n", "line 2: the row has more cells than the header"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_as_a_whole(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as told:
        read_lines(written(tmp_path, text))
    assert said in str(told.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "correction.csv"
    path.write_bytes(b"\xff\xfe\x00kind")
    with pytest.raises(InputError, match="cannot be read"):
        read_lines(path)


def test_chart_evidence_is_refused_with_the_sentence_of_the_rule(tmp_path: Path) -> None:
    rows = "kind,evidence,measure_id,event_id\nnot_our_patient,chart,hwr,315\n"
    with pytest.raises(Refused, match="chart evidence never overrides a standard measure's data source") as told:
        read_lines(written(tmp_path, rows))
    assert told.value.exit_code == 3
    assert told.value.reasons[0].citation == "42 CFR 401.715(a)(2), rules.md section 0.4"


def test_the_same_lines_of_the_same_request_are_the_same_record() -> None:
    line = CorrectionLine(
        line=2, kind=CorrectionKind.NOT_OUR_PATIENT, evidence="claims", measure_id="hwr", event_id="1"
    )

    def record(request_id: str) -> Correction:
        return Correction(
            request_id=request_id,
            cycle="2025Q4-1",
            run_id="a" * 16,
            unit_id="U000001",
            asked_sha256=lines_sha256([line]),
            lines=(line,),
        )

    assert record("R1").correction_id == record("R1").correction_id == record("R1").record_sha256[:16]
    assert record("R1").correction_id != record("R2").correction_id
