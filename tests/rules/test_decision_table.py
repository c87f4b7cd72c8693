"""The decision table against the matrix of the rule notes, written out here a second time from the text."""

from pathlib import Path
from typing import Any

import pytest

from qe.release.artefact import ArtefactKind, Recipient, RecipientKind
from qe.release.gate import RULES, TABLE, read_decision_table, rules_as_text

# rules.md section 2 with the corrections of section 0.8: rows are rules, columns artefacts; x = must pass, . = need not.
# G14: an analysis with patients holds no de-identified part (401.716(c) speaks of de-identified analyses).
COLUMNS = ("confidential", "extract", "public", "npa deid", "npa ident", "data deid", "data ident", "to CMS")
MATRIX = """
G1   x x x x x x x .
G2   x x x x x x x .
G3   x . x x x x x .
G4   x x x x x x x .
G5   x . x . . . . .
G6   x . x . . . . .
G7   x x x x x x x .
G8   x . x x x x x .
G9   x x x x x x x x
G10  . x x . . . . .
G11  . . x x x . . .
G12  x . . x x x x .
G13  . x . . x x x .
G14  . . . x . . . .
G16  . x x . x . x .
G17  . . x x . x . .
G18  x . x x x x . x
G19  . . . x x x x .
G20  x x x x x x x x
G21  . . . x x x x .
G22  x x . x x x x x
G23  x x x x . x . x
G24  . . x . . . . .
"""
ARTEFACT = {
    "confidential": ("confidential_report", "provider"),
    "extract": ("provider_data_extract", "provider"),
    "public": ("public_report", "public"),
    "npa deid": ("npa_deid", "employer"),
    "npa ident": ("npa_patient_identifiable", "provider"),
    "data deid": ("data_deid", "medical_society"),
    "data ident": ("data_patient_identifiable", "supplier"),
    "to CMS": ("annual_report", "cms"),
}
CELLS = [
    (rule, column, mark == "x")
    for rule, *marks in (line.split() for line in MATRIX.strip().splitlines())
    for column, mark in zip(COLUMNS, marks, strict=True)
]
ALLOWED = {
    "confidential_report": {"provider", "supplier"},
    "provider_data_extract": {"provider", "supplier"},
    "public_report": {"public"},
    "npa_deid": {
        "provider", "supplier", "medical_society", "hospital_association", "employer", "issuer", "provider_association",
        "state_entity", "federal_agency",
    },
    "npa_patient_identifiable": {"provider", "supplier"},
    "data_deid": {"provider", "supplier", "medical_society", "hospital_association"},
    "data_patient_identifiable": {"provider", "supplier"},
    "annual_report": {"cms"},
    "beneficiary_letter": {"beneficiary"},
    "part2_return": {"part2_program", "qso_agent"},
}  # fmt: skip


def required(artefact: str, recipient: str) -> frozenset[str]:
    return TABLE[ArtefactKind(artefact), RecipientKind(recipient)]


@pytest.mark.parametrize(("rule", "column", "must_pass"), CELLS)
def test_a_cell_of_the_matrix(rule: str, column: str, must_pass: bool) -> None:
    assert (rule in required(*ARTEFACT[column])) == must_pass


@pytest.mark.parametrize("artefact", sorted(ALLOWED))
def test_an_artefact_goes_to_these_recipients_and_to_nobody_else(artefact: str) -> None:
    assert {recipient.value for kind, recipient in TABLE if kind == artefact} == ALLOWED[artefact]


def test_an_issuers_majority_of_lives_matters_for_issuers_only() -> None:
    assert {(str(artefact), str(to)) for (artefact, to), rules in TABLE.items() if "G15" in rules} == {
        ("npa_deid", "issuer")
    }


def test_the_rules_are_g1_to_g24_in_order() -> None:
    assert [rule.rule for rule in RULES] == [f"G{number}" for number in range(1, 25)]


def test_the_reference_lists_every_rule_and_every_row() -> None:
    lines = rules_as_text().splitlines()
    assert "| G2 | not terminated | 42 CFR 401.721(b) |" in lines
    assert "| part2_return | qso_agent | G9 G22 |" in lines
    assert len(lines) == 2 + 24 + 1 + 2 + len(TABLE)


def test_a_recipient_that_no_row_names_gets_nothing(story: Any) -> None:
    decision = story.decide(recipient=Recipient(kind=RecipientKind.EMPLOYER))
    assert (decision.allowed, [one.rule for one in decision.reasons if one.verdict == "fail"]) == (False, ["G9"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("part2_return,qso_agent,G9 G22,42 CFR 2.11", "part2_return,part2_program,G9 G22,again"), "doubled"),
        (("part2_return,qso_agent,G9 G22,42 CFR 2.11", "part2_return,qso_agent,G99,x"), "names no rule"),
        (("agent_share,qe_contractor", "prototype,qe_contractor"), "no row for agent_share"),
        (("prototype,cms", "prototype,newspaper"), "newspaper"),
    ],
)
def test_a_table_with_a_gap_a_double_or_an_unknown_word_stops_at_the_start(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    from qe.release.gate import DECISION_TABLE

    text = DECISION_TABLE.read_text()
    assert change[0] in text
    broken = tmp_path / "table.csv"
    broken.write_text(text.replace(*change))
    with pytest.raises(ValueError, match=said):
        read_decision_table(broken)
