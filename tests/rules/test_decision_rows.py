"""The gate against a decision table written from the text of the rule by someone who had not seen it: every row agrees."""

import csv
from datetime import date
from pathlib import Path

import pytest

from qe.release.artefact import ArtefactKind, RecipientKind
from qe.release.gate import RULES, TABLE
from tests.rules.scene import BASELINE, Scene, told_facts, words

FILE = Path(__file__).with_name("decision_rows") / "rows.csv"
with FILE.open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))


def scene(row: dict[str, str]) -> Scene:
    return Scene(
        artefact=ArtefactKind(row["artefact"]),
        recipient=RecipientKind(row["recipient"]),
        on=date.fromisoformat(row["on"]),
        changed=words(row["facts"]),
    )


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['row']}-{row['artefact']}-{row['recipient']}" for row in ROWS])
def test_a_row_of_the_table(row: dict[str, str]) -> None:
    decision = scene(row).decide()
    failing = {one.rule: one for one in decision.reasons if one.verdict == "fail"}
    said = "\n".join(one.sentence() for one in failing.values())
    assert list(failing) == row["rules"].split(), f"{row['why']}\n{said}"
    assert decision.allowed == (row["expected"] == "allow")
    if row["earliest"]:
        assert [one.earliest for one in failing.values()] == [row["earliest"]]
    if failing:
        section = row["citation"].split("(")[0].strip()
        first = next(iter(failing.values()))
        assert section in first.citation, f"row {row['row']}: {row['citation']} is not in {first.citation}"


def test_the_table_has_at_least_400_rows_numbered_once_and_every_pair_that_may_be_allowed() -> None:
    assert len(ROWS) >= 400
    assert len({row["row"] for row in ROWS}) == len(ROWS)
    allowed = {(row["artefact"], row["recipient"]) for row in ROWS if row["expected"] == "allow"}
    assert allowed == {(str(artefact), str(recipient)) for artefact, recipient in TABLE}


def test_every_rule_fails_in_a_row_and_does_not_in_another_that_asks_it() -> None:
    failing = {rule for row in ROWS for rule in row["rules"].split()}
    passing = {
        rule
        for row in ROWS
        for rule in TABLE.get((ArtefactKind(row["artefact"]), RecipientKind(row["recipient"])), frozenset())
        if rule not in row["rules"].split()
    }
    assert failing == passing == {rule.rule for rule in RULES}


def test_the_vocabulary_tells_every_fact_that_a_scene_knows() -> None:
    assert told_facts() == BASELINE.keys()
