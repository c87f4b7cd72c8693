"""Every figure of a confidential report, followed down to the lines of the received files that say it."""

import json
import shutil
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from qe import store
from qe.claims.load import vault_path
from qe.site import open_site
from qe.workspace import Workspace
from tests.workflow.conftest import Quarter

PARTS = ("inpatient", "outpatient", "professional", "post_acute", "pharmacy", "other")
MEASURES = ("hwr", "pdc_statins", "total_cost_index")


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    """A copy of the quarter's site: explaining writes a log line and nothing else."""
    root = tmp_path_factory.mktemp("explained") / "ready"
    shutil.copytree(made.ready, root)
    return Quarter(root=root)


def results_of(site: Quarter, measure: str) -> list[dict[str, Any]]:
    """The results of a measure over all payers, those with most events first."""
    found = (
        Workspace(open_site(site.root))
        .results()
        .filter((pl.col("measure_id") == measure) & (pl.col("payer_scope") == "all") & (pl.col("denominator") > 0))
    )
    return found.sort("denominator", "provider_id", descending=True).to_dicts()


def decimal(text: str | float | None) -> Decimal:
    return Decimal(str(text or 0))


@pytest.mark.parametrize("measure", MEASURES)
def test_each_result_is_the_sum_of_its_events(site, measure):
    results = results_of(site, measure)
    assert len(results) >= 4
    for result in results[:6]:
        inside = [
            event
            for event in site.done("explain", measure, result["provider_id"]).data["events"]
            if event["in_denominator"]
        ]
        assert sum(decimal(event["value"]) for event in inside) == result["numerator"]
        below = len(inside) if measure != "total_cost_index" else sum(decimal(event["exposure"]) for event in inside)
        assert below == result["denominator"]
        if result["expected"] is not None:
            expected = sum(event["expected"] for event in inside)
            assert expected == pytest.approx(result["expected"], rel=1e-9)
            assert float(result["numerator"]) / expected == pytest.approx(result["ratio"], rel=1e-9)


def test_the_claims_of_a_cost_add_up_to_it_exactly(site):
    for result in results_of(site, "total_cost_index")[:6]:
        told = site.done("explain", "total_cost_index", result["provider_id"], "--claims").data
        added: dict[str, Decimal] = {}
        for claim in told["claims"]:
            added[claim["event_id"]] = added.get(claim["event_id"], Decimal(0)) + decimal(claim["amount"])
        assert told["claims_of"] == len(told["claims"])
        assert decimal(told["claims_amount"]) == sum(added.values())
        for event in told["events"]:
            amount = decimal(event["amount"])
            assert added.get(event["event_id"], Decimal(0)) == amount
            for part in PARTS:
                of_part = [
                    decimal(claim["amount"])
                    for claim in told["claims"]
                    if (claim["event_id"], claim["part"]) == (event["event_id"], part)
                ]
                assert sum(of_part) == decimal(event[f"{part}_amount"])
            if event["in_denominator"] and not event["is_capped"]:
                assert decimal(event["value"]) == max(amount, Decimal(0))
        uncut = [event for event in told["events"] if event["in_denominator"] and not event["is_capped"]]
        cut = [event for event in told["events"] if event["in_denominator"] and event["is_capped"]]
        assert result["numerator"] == sum(added.get(one["event_id"], Decimal(0)) for one in uncut) + sum(
            decimal(one["value"]) for one in cut
        )


def test_every_line_that_is_named_holds_its_claim_in_the_file_as_received(site):
    opened = open_site(site.root)
    with store.open_encrypted(vault_path(opened), opened.vault_key(), engine=opened.engine(), read_only=True) as names:
        numbers = {
            (kind, str(key)): number
            for kind, key, number in names.execute(
                "select 'claim', claim_id, native_claim_id from claim_key "
                "union all select 'fill', fill_id, native_fill_id from fill_key"
            ).fetchall()
        }
    texts, followed = {}, set()
    for measure in MEASURES:
        told = site.done("explain", measure, results_of(site, measure)[0]["provider_id"], "--claims").data
        claims = {(one["kind"], one["claim_id"]) for one in told["claims"]}
        lines: dict[tuple[str, str], list[int]] = {(one["kind"], one["claim_id"]): [] for one in told["records"]}
        assert claims <= lines.keys()
        for one in told["lines"]:
            path = opened.root / opened.settings.sources[one["source_id"]].path / one["file"]
            if path not in texts:
                texts[path] = path.read_bytes().decode("latin-1").split("\n")
            number = numbers[one["kind"], one["claim_id"].partition("-")[0]]
            cells = [part for part in number.split(":") if len(part) > 3]  # of payor, claim and line the claim
            for line in one["lines"]:
                assert any(cell in texts[path][line - 1].split("|") for cell in cells)
            lines[one["kind"], one["claim_id"]] += one["lines"]
            followed.add((one["source_id"], one["kind"]))
        assert [record for record, found in lines.items() if not found] == []
    assert {("medicare", "claim"), ("medicare", "fill"), ("payer_a", "claim"), ("payer_b", "claim")} <= followed


def test_copies_of_another_payer_stand_beside_the_claim_that_counts(site):
    unit = results_of(site, "total_cost_index")[0]["provider_id"]
    records = site.done("explain", "total_cost_index", unit, "--claims").data["records"]
    copies = [one for one in records if one["relation"] == "copy"]
    assert copies
    assert {one["duplicate_of"] == one["asked_id"] for one in copies} == {True}
    counted = {(one["kind"], one["claim_id"]) for one in records if one["relation"] == "itself"}
    assert [one for one in copies if (one["kind"], one["claim_id"]) in counted] == []


def test_a_long_list_is_told_in_parts(site):
    unit = results_of(site, "total_cost_index")[0]["provider_id"]
    whole = site.done("explain", "total_cost_index", unit, "--claims").data
    first = site.done("explain", "total_cost_index", unit, "--claims", "--limit", "3").data
    second = site.done("explain", "total_cost_index", unit, "--claims", "--limit", "3", "--skip", "3").data
    assert first["claims"] + second["claims"] == whole["claims"][:6]
    assert len(first["events"]) == 3
    for part in (first, second):
        assert (part["claims_of"], part["claims_amount"]) == (whole["claims_of"], whole["claims_amount"])
        assert part["events_of"] == len(whole["events"])
    next_events = site.done("explain", "total_cost_index", unit, "--limit", "2", "--skip", "2").data["events"]
    assert next_events == whole["events"][2:4]


def test_one_event_and_one_claim_are_told_by_themselves(site):
    unit = results_of(site, "hwr")[0]["provider_id"]
    event = site.done("explain", "hwr", unit).data["events"][0]
    told = site.done("explain", "hwr", unit, "--event", event["event_id"]).data
    assert [one["event_id"] for one in told["events"]] == [event["event_id"]]
    assert [one["claim_id"] for one in told["claims"]] == event["driving_claim_ids"]
    assert {one["person_id"] for one in told["attribution"]} == {event["person_id"]}
    claim = event["driving_claim_ids"][0]
    alone = site.done("explain", "hwr", unit, "--claim", claim).data
    assert {one["asked_id"] for one in alone["records"]} == {claim}
    assert all(claim in one["driving_claim_ids"] for one in alone["events"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hrw", "U000001"), 'there is no measure "hrw"; did you mean "hwr"?'),
        (("hwr", "UU000001"), 'no unit of the last run has this id; did you mean "U000001"?'),
        (("hwr", None, "--event", "none"), "hwr has no event with this id at this provider"),
        (("hwr", None, "--person", "none"), "hwr has no event of this person at this provider"),
        (("hwr", None, "--claim", "none"), "no claim with this id stands behind these events of hwr"),
    ],
)
def test_what_is_not_there_is_told_in_one_sentence_and_exit_2(site, words, said):
    unit = results_of(site, "hwr")[0]["provider_id"]
    answer = site("explain", *(unit if word is None else word for word in words))
    (fault,) = answer.answer["faults"]
    assert (answer.exit_code, fault["message"]) == (2, said)
    assert fault["remedy"]


def test_figures_of_a_run_without_its_model_or_with_another_measure_are_not_guessed(site, copy_of):
    unit = results_of(site, "total_cost_index")[0]["provider_id"]
    without = copy_of(site.root)
    for path in (without.root / "store" / "model").iterdir():
        path.unlink()
    answer = without("explain", "total_cost_index", unit, "--claims")
    assert answer.exit_code == 2
    assert "claims model" in answer.answer["faults"][0]["message"]
    assert without("explain", "total_cost_index", unit).exit_code == 0  # its events stand in the run itself

    changed = copy_of(site.root)
    manifest = next(changed.root.glob("runs/*/manifest.json"))
    text = manifest.read_text(encoding="utf-8")
    sha256 = next(one["sha256"] for one in json.loads(text)["measures"] if one["module"] == "total_cost_index")
    manifest.write_text(text.replace(sha256, "0" * 64), encoding="utf-8")
    answer = changed("explain", "total_cost_index", unit, "--claims")
    assert answer.exit_code == 2
    assert "has changed since this run" in answer.answer["faults"][0]["message"]
