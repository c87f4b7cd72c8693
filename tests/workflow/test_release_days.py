"""Day 60 and day 61: a release is refused while anybody may still ask, and then publishes what was approved."""

from typing import Any

import pytest


def test_the_release_is_refused_on_day_60_for_its_day_alone_and_nothing_is_written(ready):
    before, public = ready.done("ledger", "verify").data["events"], ready.files("public")

    refused = ready.go(ready.day(60))

    assert refused.exit_code == 3
    assert set(refused.failing()) == {"G10", "G24"}  # the 60 days, and the day that the providers were told
    for reason in refused.failing().values():
        assert "401.717" in reason["citation"]
        assert reason["earliest"] == "2026-07-01"  # 1 May is day 0, so day 61 is 1 July
    assert ready.files("public") == public == {}
    assert ready.done("ledger", "verify").data["events"] == before


def test_a_plan_on_day_60_names_paragraph_and_earliest_date(ready):
    planned = ready.done("release", "plan", "--cycle", ready.cycle, "--dry-run", on=ready.day(60))
    assert planned.data["allowed"] is False
    assert planned.failing()["G10"]["earliest"] == "2026-07-01"
    assert "401.717" in planned.failing()["G10"]["citation"]
    assert planned.data["public_on"] == "2026-07-01"


def test_on_day_61_exactly_the_approved_bytes_become_public_and_the_ledger_is_whole(ready):
    approved = ready.events("release_approved")[-1]["payload"]

    done = ready.go(ready.day(61))

    assert done.exit_code == 0, done.stdout
    released = ready.events("public_released")
    assert [one["payload"]["bundle_sha256"] for one in released] == [approved["bundle_sha256"]] == [done.data["sha256"]]
    published = ready.files("public")
    assert published == {f"{ready.cycle}/{name}": content for name, content in staged_files(ready).items()}
    assert {f"{ready.cycle}/site/index.html", f"{ready.cycle}/report.pdf", f"{ready.cycle}/data/results.csv"} <= set(
        published
    )
    assert ready.done("ledger", "verify").data["is_whole"] is True


def test_a_release_in_another_name_than_the_approved_one_is_refused(ready):
    with pytest.raises(AssertionError, match="2025Q4-2"):
        ready.done("release", "plan", "--cycle", "2025Q4-2", on=ready.day(61))


def staged_files(quarter: Any) -> Any:
    from qe.release.releases import staged_folder
    from qe.release.staged import read_staged
    from qe.site import open_site

    site = open_site(quarter.root)
    staged = read_staged(staged_folder(site), quarter.cycle, key=site.store_key(), engine=site.engine())
    return staged.files
