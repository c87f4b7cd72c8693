"""A payer's late file and a second run change nothing of a release whose reports are already under review."""

from pathlib import Path

LATE_LINES = 40


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
    assert disturbed.files("public") == undisturbed.files("public")
    assert len(disturbed.files("public")) > 3
    assert disturbed.events("public_released")[-1]["payload"]["run_id"] == first
    assert disturbed.done("ledger", "verify").data["is_whole"] is True
