"""A payer's late file: it changes nothing of a release under review, and the quality page compares it with the run before."""

from pathlib import Path

import polars as pl

LATE_LINES = 40
CHECK_FIELDS = frozenset(
    [
        "check_id",
        "type",
        "table",
        "column",
        "source_id",
        "severity",
        "denominator",
        "failing",
        "share",
        "threshold",
        "status",
        "reason",
    ]
)


def deliver_late(site: Path) -> None:
    """A further medical file of payer A: claims under new numbers, with a trailer that counts them."""
    inbox = site / "inbox" / "payer_a"
    head, columns, *lines, trailer = (inbox / "medical.txt").read_text(encoding="latin-1").rstrip("\n").split("\n")
    late = []
    for number, line in enumerate(lines[:LATE_LINES]):
        cells = line.split("|")
        cells[4] = f"A19999{number:08d}"  # the claim's own number
        late.append("|".join(cells))
    end = [*trailer.split("|")[:-1], str(len(late))]
    (inbox / "medical_late.txt").write_text("\n".join([head, columns, *late, "|".join(end)]) + "\n", encoding="latin-1")


def test_a_second_run_on_day_30_changes_no_byte_of_the_release_of_day_61(made, copy_of):
    undisturbed, disturbed = copy_of(made.sent), copy_of(made.sent)
    first = undisturbed.events("run_completed")[-1]["payload"]["run_id"]
    kept = disturbed.files(f"runs/{first}")

    deliver_late(disturbed.root)
    second = disturbed.run(disturbed.day(30))
    assert second.exit_code == 0, second.stdout
    assert second.data["run_id"] != first
    assert second.data["cycle"] == "2025Q4-2"
    assert disturbed.files(f"runs/{first}") == kept
    results = [
        disturbed.files(f"runs/{run_id}/results")["measure_results.parquet"]
        for run_id in (first, second.data["run_id"])
    ]
    assert results[0] != results[1]  # the late claims do count, in the second run

    for quarter in (undisturbed, disturbed):
        quarter.notice_and_approve()
        assert quarter.go(quarter.day(61)).exit_code == 0
    published, as_published = disturbed.files("public"), undisturbed.files("public")
    heads = [files.pop("2025Q4-1/data/ledger_head.json") for files in (published, as_published)]
    assert heads[0] != heads[1]  # each tells the head of its own ledger, in a file of its own (decisions/0012)
    assert published == as_published
    assert len(published) > 3
    assert disturbed.events("public_released")[-1]["payload"]["run_id"] == first
    assert disturbed.done("ledger", "verify").data["is_whole"] is True


def test_a_letter_that_came_back_is_printed_again_from_its_own_run_after_a_late_file(made, copy_of):
    """The remedy of a returned letter must not depend on what has come since: other figures would be shown."""
    quarter, unit, cycle = copy_of(made.sent), "U000003", ("--cycle", "2025Q4-1")
    first = quarter.events("report_sent")[-1]["payload"]["run_id"]
    shown = {one["payload"]["unit_id"]: one["payload"]["result_sha256"] for one in quarter.events("report_sent")}
    quarter.done("review", "bounce", *cycle, "--provider", unit, on=quarter.day(11))
    deliver_late(quarter.root)
    day = quarter.day(14)
    assert quarter.run(day).data["run_id"] != first
    wrong = quarter("run", *cycle, "--reissue", "--send-on", day.isoformat(), on=day)
    assert wrong.exit_code == 2
    unknown = quarter("run", "--cycle", "2025Q3-1", "--send-on", day.isoformat(), on=day)
    assert unknown.exit_code == 3
    again = quarter.done("run", *cycle, "--send-on", day.isoformat(), on=day).data
    assert (again["run_id"], again["cycle"]) == (first, "2025Q4-1")
    quarter.done("review", "send", *cycle, "--provider", unit, on=day)
    event = quarter.events("report_sent")[-1]["payload"]
    assert (event["unit_id"], event["run_id"], event["sent_on"]) == (unit, first, day.isoformat())
    assert event["result_sha256"] == shown[unit]
    assert event["public_from"] == quarter.day(14 + 61).isoformat()


def test_after_a_late_file_the_check_compares_with_the_run_before_it(made, copy_of):
    site = copy_of(made.sent)
    run_id = site.events("run_completed")[-1]["payload"]["run_id"]
    page = site.root / "out" / "quality" / "index.html"
    page.unlink()  # the run has written it

    first = site.done("check", "sources").data["quality"]
    assert first["compared_with"] is None
    assert "This is the first delivery" in page.read_text(encoding="utf-8")
    assert first["counts"]["checks"] >= 500
    assert len({one["type"] for one in first["checks"]}) >= 20
    assert {frozenset(one) for one in first["checks"]} == {CHECK_FIELDS}
    assert all(one["reason"] for one in first["checks"] if one["status"] == "not_applicable")

    # the run has kept the same results, but for those that depend on what came before it
    kept = pl.read_parquet(site.root / "runs" / run_id / "results" / "quality_checks.parquet")
    told = {
        (one["check_id"], one["source_id"], one["failing"], one["denominator"], one["status"])
        for one in first["checks"]
        if one["type"] != "volume_since_last_delivery"
    }
    assert set(kept.select("check_id", "source_id", "failing", "denominator", "status").iter_rows()) == told
    volumes = pl.read_parquet(site.root / "runs" / run_id / "results" / "quality_volumes.parquet")
    assert volumes.height == len(first["volumes"])

    deliver_late(site.root)
    second = site.done("check", "sources").data["quality"]
    assert second["compared_with"] == run_id
    assert second["new_files"] == ["medical_late.txt"]
    compared = [
        one
        for one in second["checks"]
        if one["type"] == "volume_since_last_delivery" and one["status"] != "not_applicable"
    ]
    assert {one["source_id"] for one in compared} == {"medicare", "payer_a", "payer_b"}
    assert f"Compared with run {run_id}" in page.read_text(encoding="utf-8")
