"""Papers that come to light after publication: the posting alone is put right, by the commands an analyst types."""

from tests.workflow.conftest import Quarter


def test_the_posting_of_a_published_quarter_follows_its_requests_and_nothing_else_moves(ready):
    ready.go(ready.day(61))
    first, cycle = ready.files("public"), ("--cycle", ready.cycle)
    page = f"{ready.cycle}/site/open-requests.html"
    assert "No request was open at release." in first[page].decode("utf-8")
    assert ready("release", "amend-posting", *cycle, on=ready.day(62)).data["unchanged"] == [ready.cycle]

    paper = ("--provider", "U000046", "--kind", "correction", "--category", "missed_exclusion", "--channel", "mail")
    received = ("--received-on", ready.day(60).isoformat())
    logged = ready.done("request", "add", *cycle, *paper, *received, on=ready.day(70)).data
    assert logged["amend_posting"] is True
    assert amendments_due(ready, 70) == [f"qe release amend-posting --cycle {ready.cycle}"]
    looked = ready.done("release", "amend-posting", *cycle, "--dry-run", on=ready.day(70))
    assert {one["rule"] for one in looked.answer["reasons"] if one["verdict"] == "pass"} == {"G9", "G11", "G23"}
    assert ready.files("public") == first

    amended = ready.done("release", "amend-posting", *cycle, on=ready.day(70)).data["amended"]
    added = ready.files("public")
    assert [name for name in added if added[name] != first.get(name)] == [page]
    assert "<td>missed exclusion</td>" in added[page].decode("utf-8")
    assert "this table takes the place of the one of 1 Jul 2026" in added[page].decode("utf-8")
    assert [one["posted"] for one in amended] == [["U000046:missed_exclusion"]]
    assert amendments_due(ready, 70) == []
    path = ready.root / "public" / page
    path.write_bytes(first[page])  # as if it had been stopped before it replaced the page
    assert amendments_due(ready, 70) == [f"qe release amend-posting --cycle {ready.cycle}"]
    ready.done("release", "amend-posting", *cycle, on=ready.day(70))
    assert (path.read_bytes(), amendments_due(ready, 70)) == (added[page], [])

    ready.done("request", "resolve", logged["request_id"], "--outcome", "withdrawn", on=ready.day(75))
    ready.done("release", "amend-posting", *cycle, on=ready.day(75))
    emptied = ready.files("public")
    assert emptied.keys() == first.keys() and emptied[page] != first[page]
    assert "No such request is open any more." in emptied[page].decode("utf-8")
    assert len(ready.events("posting_amended")) == 2
    assert ready.done("ledger", "verify").data["is_whole"] is True


def amendments_due(quarter: Quarter, day: int) -> list[str]:
    under_way = quarter.done("status", on=quarter.day(day)).data["in_flight"]
    return [one["next_act"] for one in under_way if one["what"].startswith("posting")]
