"""The whole story of two quarters under review at once, told and run: docs/two-quarters.md is what this test says."""

import csv
import io
import shutil
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyrage
import pytest

from qe.site import open_site
from qe.upkeep import new_site, rehearsal
from qe.workspace import Workspace
from tests.workflow.conftest import Made, Quarter
from tests.workflow.narration import Narration
from tests.workflow.test_later_files import deliver_late

PAGE = Path(__file__).parents[2] / "docs" / "two-quarters.md"
FIRST, AGAIN, SECOND = "2025Q4-1", "2025Q4-2", "2026Q1-1"
LAKE, HILL, TOWN = "U000001", "U000002", "U000003"  # hospitals of the sample
ELM, OAK = "U000046", "U000047"  # its groups with an address; U000048 and U000049 have none
SETTINGS = '[periods."2026Q1"]\nend = 2026-03-31\nrun_out_days = 0\nmeasures = ["pdc_statins"]\n\n[sources.medicare]'
HEAD = "kind,evidence,measure_id,person_id,event_id,belongs_to,rule_id,claim_ids,detail,value,from_date,to_date"
NAME = "Hill Critical Access Hospital"
TERMS = "no_marketing;no_harm;no_fraud;employer_use;no_redisclosure;no_linking;notify;cooperate;binds_contractors"


def day(month: int, number: int) -> date:
    return date(2026, month, number)


@pytest.fixture
def story(made: Made, tmp_path: Path) -> Narration:
    """A new site over the sample's files, with a second quarter in its settings and nothing run yet."""
    root, papers = tmp_path / "site", tmp_path / "papers"
    papers.mkdir()
    inbox = tmp_path / "inbox"
    shutil.copytree(made.inbox, inbox)
    site = new_site.create(root, sample=True, configuration=tmp_path / "keys", inbox=inbox).site
    settings = (root / "qe.toml").read_text(encoding="utf-8").replace("\nthreads = 2\n", "\nthreads = 1\n")
    (root / "qe.toml").write_text(settings.replace("[sources.medicare]", SETTINGS, 1), encoding="utf-8")
    rehearsal.record_facts(open_site(root), actor="analyst", at=datetime.now(UTC))
    assert site.root == root
    return Narration(quarter=Quarter(root=root), folder=papers)


def test_two_quarters_under_review_at_once(story: Narration) -> None:
    story.lines += ["# Two quarters under review at once", ""]
    story.tell("""
        Everything that goes otherwise than planned, on the sample data of 700 invented persons,
        four hospitals and four groups. Each command below was run as it stands here by the test
        that wrote this page (tests/workflow/test_two_quarters.py), and each number in it was
        counted there. It is a rehearsal: `--as-of` moves the day.
    """)
    sent_and_handed_over(story)
    a_letter_comes_back(story)
    person = an_upheld_correction_reaches_another(story)
    kept = later_data(story)
    the_second_quarter_keeps_the_correction(story, person)
    an_analysis_is_noticed(story)
    the_first_part_is_published(story)
    a_letter_is_logged_late_and_the_release_withdrawn(story)
    the_rest_is_published(story)
    the_analysis_goes_to_its_user(story)
    story.chapter("What is left")
    first = story.quarter.events("run_completed")[0]["payload"]["run_id"]
    now = story.quarter.files(f"runs/{first}")
    assert {name: now[name] for name in kept} == kept
    verified = story.do("ledger", "verify", on=None)
    assert verified.data["is_whole"] is True
    story.tell("""
        Each of these acts, and who did it on which evidence, stands in the ledger, proved from its
        first event to its last.
    """)
    story.require_page(PAGE)


def sent_and_handed_over(story: Narration) -> None:
    story.chapter("Day 0: the first quarter goes out")
    reach_the_user(story)
    ran = story.do("run", "--period", "2025Q4", "--send-on", "2026-05-01", on=day(4, 15), said="8 confidential reports")
    assert ran.data["cycle"] == FIRST
    sent = story.do(
        "review", "send", "--cycle", FIRST, on=day(5, 1), said="6 packages; U000048 and U000049 have no usable contact"
    )
    assert len(sent.data["sent"]) == 6
    assert [one["unit_id"] for one in sent.data["not_sendable"]] == ["U000048", "U000049"]
    confirm(story, FIRST, [one["unit_id"] for one in sent.data["sent"]], on=day(5, 1))
    story.tell("""
        Two groups cannot be reached: they are listed, and their rows leave the release unless they
        are. For the six others the 60 days begin with the confirmed hand-over: the last day to ask
        is 30 June, the first public day 1 July.
    """)
    status = story.quarter.done("review", "status", "--cycle", FIRST, on=day(5, 1)).data["units"]
    assert {(one["last_request_day"], one["public_from"]) for one in status} == {("2026-06-30", "2026-07-01")}


def confirm(story: Narration, cycle: str, units: Iterable[str], *, on: date) -> None:
    receipt = Path(story.paper("receipt.pdf"))
    rows = "\n".join(["unit_id,on,evidence", *(f"{unit},{on},{receipt.name}" for unit in units)])
    story.do("review", "confirm", "--cycle", cycle, "--batch", story.paper("handed-over.csv", rows), on=on)


def a_letter_comes_back(story: Narration) -> None:
    story.chapter("Day 11: a letter comes back")
    story.do("review", "bounce", "--cycle", FIRST, "--provider", TOWN, "--why", "returned", on=day(5, 12))
    again = story.do(
        "run", "--cycle", FIRST, "--send-on", "2026-05-15", on=day(5, 13), said="its own run, printed with new dates"
    )
    assert again.data["run_id"] == story.quarter.events("run_completed")[0]["payload"]["run_id"]
    sent = story.do("review", "send", "--cycle", FIRST, "--provider", TOWN, on=day(5, 15))
    assert [one["unit_id"] for one in sent.data["sent"]] == [TOWN]
    confirm(story, FIRST, [TOWN], on=day(5, 15))
    story.tell(f"""
        The send to {TOWN} is void from the day this is recorded. Its report is printed again for 15
        May, from the same run: its own 60 days end on 14 July, and nobody else's move.
    """)
    (town,) = [one for one in status_of(story, FIRST, day(5, 15)) if one["unit_id"] == TOWN]
    assert (town["last_request_day"], town["public_from"]) == ("2026-07-14", "2026-07-15")
    assert len(story.quarter.events("run_completed")) == 1


def status_of(story: Narration, cycle: str, on: date) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = story.quarter.done("review", "status", "--cycle", cycle, on=on).data["units"]
    return found


def an_upheld_correction_reaches_another(story: Narration) -> str:
    """The id of the person who is another group's."""
    story.chapter("Days 19 to 21: a request is upheld, and the fault reaches another group")
    asked = story.do(
        "request", "add", "--cycle", FIRST, "--provider", OAK, "--kind", "correction", "--category",
        "wrong_clinician_or_site", "--measure", "pdc_statins", "--reason", "another_clinician", "--received-on",
        "2026-05-20", "--channel", "mail", "--evidence", story.paper("letter.pdf"), on=day(5, 20),
    )  # fmt: skip
    request_id = asked.data["request_id"]
    story.do("request", "acknowledge", request_id, on=day(5, 20))
    roster_says_a_clinician_moved(story)
    person = a_person_without_refills(story)
    correction = story.paper(
        "correction.csv", f"{HEAD}\nwrong_clinician_or_site,roster,pdc_statins,,{person},{ELM},,,,,,\n"
    )
    decided = ("--correction", correction)
    why = "This person is seen by a clinician of another group."
    story.do("request", "respond", request_id, "--answer", "upheld", "--why", why, *decided, on=day(5, 22))
    resolved = story.do("request", "resolve", request_id, "--outcome", "upheld", *decided, on=day(5, 22))
    assert [one["unit_id"] for one in resolved.data["reached"]] == [ELM]
    cases = {one["what"]: (one["before"], one["after"]) for one in resolved.data["printed"]}["All payers: cases"]
    assert int(cases[0]) - int(cases[1]) == 1
    sent = story.do("review", "send", "--cycle", FIRST, "--provider", OAK, on=day(5, 22), said="its corrected page")
    assert len(sent.data["sent"]) == 1
    confirm(story, FIRST, [OAK], on=day(5, 22))
    story.tell(f"""
        {OAK} was credited with a person of {ELM}. Its cases go from {cases[0]} to {cases[1]},
        worked out by the frozen reference of the run that was sent; its new page prints the dates
        of the first, for a correction of its own starts no new 60 days.
    """)
    issued_again(story)
    return str(person)


def a_person_without_refills(story: Narration) -> str:
    rows = Workspace(open_site(story.quarter.root)).detail("pdc_statins", period="2025Q4")
    mine = rows.filter((pl.col("provider_id") == OAK) & pl.col("in_denominator") & ~pl.col("in_numerator"))
    return str(mine.sort("event_id")["event_id"][0])


def roster_says_a_clinician_moved(story: Narration) -> None:
    """Day 20: one clinician of OAK's works for ELM from that day on."""
    inbox = story.quarter.root / "inbox" / "roster"
    kept, moved = "", ""
    for line in (inbox / "roster.csv").read_text(encoding="utf-8").splitlines():
        if line.startswith("9999900092,"):
            cells = line.split(",")
            kept += ",".join([*cells[:-1], "2026-05-20"]) + "\n"
            moved = ",".join([*cells[:3], "005000000", *cells[4:-2], "2026-05-21", ""])
            kept += moved + "\n"
        else:
            kept += line + "\n"
    assert moved
    deliver(inbox / "2026-05", "roster_may.csv", kept, delivered_on=day(5, 21), replaces="roster.csv")
    story.tell(f"""
        On day 20 a new roster arrives: a clinician of {OAK} works for {ELM} from 21 May on. What
        was sent stands, and no clock starts again: visits are credited to the group of their own
        day.
    """)


def deliver(folder: Path, name: str, content: str, *, delivered_on: date, replaces: str) -> None:
    folder.mkdir()
    (folder / name).write_text(content, encoding="latin-1")
    manifest = f'delivered_on = {delivered_on}\nreplaces = ["{replaces}"]\n'
    (folder / "manifest.toml").write_text(manifest, encoding="utf-8")


def issued_again(story: Narration) -> None:
    story.do(
        "run", "--period", "2025Q4", "--reissue", "--send-on", "2026-05-22", on=day(5, 22),
        said="a run that applies the correction",
    )  # fmt: skip
    why = ("--why", "correction_reaches_others")
    again = story.do("review", "reissue", "--cycle", FIRST, *why, on=day(5, 22), said=f"to {ELM} alone").data
    assert (again["new_cycle"], again["units"]) == (AGAIN, [ELM])
    refused = story.quarter("review", "send", "--cycle", FIRST, "--provider", ELM, on=day(5, 22))
    assert refused.exit_code == 2
    sent = story.do("review", "send", "--cycle", AGAIN, on=day(5, 22)).data["sent"]
    assert [one["unit_id"] for one in sent] == [ELM]
    confirm(story, AGAIN, [ELM], on=day(5, 22))
    story.tell(f"""
        The fault reaches {ELM}, whose printed figures it moves, and nobody else: it gets a new
        report with 60 days of its own, to 21 July. In {FIRST} nothing of it is sent or published
        any more; everybody else's dates stay.
    """)
    (elm,) = status_of(story, AGAIN, day(5, 22))
    assert (elm["last_request_day"], elm["public_from"]) == ("2026-07-21", "2026-07-22")


def later_data(story: Narration) -> dict[str, bytes]:
    """The first run's own files as they were before anything came later."""
    story.chapter("Days 24 to 40: a late file, a file sent again, and the second quarter")
    quarter = story.quarter
    first = quarter.events("run_completed")[0]["payload"]["run_id"]
    kept = quarter.files(f"runs/{first}")
    deliver_late(quarter.root)
    lines = (quarter.root / "inbox" / "payer_a" / "pharmacy.txt").read_text(encoding="latin-1").splitlines()
    *body, trailer = lines
    fewer = [
        *body[:-3],
        "|".join([*trailer.split("|")[:-1], str(len(body) - 3 - 2)]),
    ]  # two lines stand before the rows
    deliver(
        quarter.root / "inbox" / "payer_a" / "again", "pharmacy_again.txt", "\n".join(fewer) + "\n",
        delivered_on=day(5, 28), replaces="pharmacy.txt",
    )  # fmt: skip
    ran = story.do("run", "--period", "2026Q1", "--send-on", "2026-06-10", on=day(6, 5)).data
    assert ran["cycle"] == SECOND
    sent = story.do("review", "send", "--cycle", SECOND, on=day(6, 10)).data["sent"]
    confirm(story, SECOND, [one["unit_id"] for one in sent], on=day(6, 10))
    assert quarter.files(f"runs/{first}") == kept
    story.tell(f"""
        Payer A's late medical claims come on 25 May; on 28 May it sends its pharmacy file again,
        three fills fewer. The run of the second quarter counts both. The run that was sent as
        {FIRST} is not touched, byte for byte: both quarters are under review at once, each frozen
        to its own run.
    """)
    return kept


def the_second_quarter_keeps_the_correction(story: Narration, person: str) -> None:
    detail = Workspace(open_site(story.quarter.root)).detail("pdc_statins", period="2026Q1")
    groups = detail.filter((pl.col("event_id") == person) & (pl.col("level") == "group"))["provider_id"].to_list()
    assert groups == [ELM]
    (manifest,) = [
        one["payload"] for one in story.quarter.events("run_completed") if one["payload"]["period"] == "2026Q1"
    ]
    applied = story.quarter.done("explain", "pdc_statins", OAK, "--period", "2026Q1").data["corrections"]
    assert {one["outcome"] for one in applied} == {"applied"}
    assert manifest["run_id"]
    story.tell(f"""
        The second quarter keeps the correction without anybody's doing: the person stands with
        {ELM} there, too.
    """)


def reach_the_user(story: Narration) -> None:
    """The contacts file names the age key of the employer who will get an analysis."""
    contacts = story.quarter.root / "inbox" / "contacts" / "contacts.csv"
    row = f"PARTY,acme,age,,{story.user.to_public()},America/New_York,,"
    contacts.write_text(f"{contacts.read_text(encoding='utf-8').rstrip()}\n{row}\n", encoding="utf-8")


def an_analysis_is_noticed(story: Narration) -> None:
    story.chapter("1 June: three hospitals are told of an analysis, and one opts in on day 20")
    quarter, on = story.quarter, day(6, 1)
    for source_id in ("medicare", "payer_a", "payer_b"):
        quarter.done(
            "record", "source_registered", f"source_id={source_id}", "rights=measures;public;analyses",
            "expires_on=2027-12-31", "--effective-on", "2026-01-01", on=on,
        )  # fmt: skip
    story.do(
        "record",
        "user_authorised",
        "party_id=acme",
        "kind=employer",
        "name=Acme Works",
        "--effective-on",
        "2026-05-01",
        on=on,
    )
    story.do(
        "agreement", "add", "acme-1", "--kind", "analyses", "--party", "acme", "--terms", TERMS, "--signed-on",
        "2026-05-02", "--expires-on", "2027-05-01", "--evidence", story.paper("agreement.pdf"), on=on,
    )  # fmt: skip
    defined = story.do(
        "npa", "define", "hospitals-1", "--party", "acme", "--measures", "hwr", "--units", ",".join([LAKE, HILL, TOWN]),
        "--period", "2025Q4", "--topic", "Readmissions", "--purpose", "health_insurance", "--fee", "900",
        "--release-on", "2026-08-10", on=on, said="it identifies these three hospitals",
    ).data  # fmt: skip
    assert [one["unit_id"] for one in defined["identified"]] == [LAKE, HILL, TOWN]
    quarter.done(
        "record", "deid_recorded", f"artefact_sha256={defined['sha256']}", "method=safe_harbor",
        "determined_on=2026-06-01", "valid_until=2027-05-31", "no_actual_knowledge=true", "--effective-on", "2026-06-01",
        "--evidence", story.paper("determination.pdf"), on=on,
    )  # fmt: skip
    quarter.done("npa", "release", "hospitals-1", "--approve", "--actor", "officer", on=on)
    told = story.do("npa", "notify", "hospitals-1", "--release-on", "2026-08-10", on=on)
    assert told.data["sent"] == [LAKE, HILL, TOWN]
    rows = "\n".join(["unit_id,on,evidence", *(f"{unit},{on},receipt.pdf" for unit in (LAKE, HILL, TOWN))])
    story.do("npa", "notify", "hospitals-1", "--confirm", "--batch", story.paper("handed-over.csv", rows), on=on)
    opted = story.do(
        "npa", "opt-in", "hospitals-1", "--provider", HILL, "--on", "2026-06-21", "--evidence",
        story.paper("opt-in.pdf"), on=day(6, 21),
    ).data  # fmt: skip
    assert (opted["day"], opted["review_days"]) == (20, 50)  # to 10 August
    held = story.quarter("npa", "release", "hospitals-1", "--dry-run", on=day(6, 22)).failing()["G12"]
    assert held["earliest"] is None, "while its own extract is unsent no day can be named"
    story.tell(
        """
        That the sources may be used so, that the files are de-identified, and an officer's approval of exactly these files are on
        record, too.
        """
    )
    sent = story.do("npa", "send", "hospitals-1", on=day(6, 22), said="the opting hospital's own extract")
    assert sent.data["sent"] == [HILL]
    story.do(
        "npa", "send", "hospitals-1", "--confirm", "--provider", HILL, "--on", "2026-06-22", "--evidence",
        story.paper("receipt.pdf"), on=day(6, 22),
    )  # fmt: skip
    told_day = story.quarter("npa", "release", "hospitals-1", "--dry-run", on=day(6, 23)).failing()["G12"]
    assert told_day["earliest"] == "2026-08-10"
    story.tell(f"""
        The 65 days of the notice begin on 1 June; {HILL} opts in on day 20 and has the 50 days that
        are left to the release. While its own extract was unsent the gate named no day at all; now
        it is 10 August, the day that all three were told.
    """)


def the_first_part_is_published(story: Narration) -> None:
    story.chapter("Days 56 to 63: a part of the first quarter is published")
    noticed = story.do(
        "review", "notice", "--cycle", FIRST, on=day(6, 26), said="the date, and the status of requests"
    ).data
    assert {one["unit_id"] for one in noticed["noticed"]} == {LAKE, HILL, TOWN, "U000004", OAK}
    story.do(
        "release", "go", "--cycle", FIRST, on=day(6, 30), refused=["G10", "G24"], said="refused on day 60: exit code 3"
    )
    planned = story.do("release", "plan", "--cycle", FIRST, on=day(7, 1)).data
    assert planned["units"] == [LAKE, HILL, "U000004", OAK]
    waiting = {one["unit_id"]: (one["why"], one["earliest"]) for one in planned["waiting"]}
    assert waiting == {
        ELM: (f"issued again in {AGAIN}", None),
        TOWN: ("its 60 days are not over", "2026-07-15"),
        "U000048": ("not sent its report", None),
        "U000049": ("not sent its report", None),
    }
    publish(story, FIRST, on=day(7, 1))
    told = story.do("review", "notice", "--cycle", FIRST, on=day(7, 3), said="where the results stand").data["noticed"]
    assert {(one["unit_id"], one["kind"]) for one in told} == {
        (unit, "published_notice") for unit in (LAKE, HILL, "U000004", OAK)
    }
    story.tell(f"""
        Four are published on day 61, among them {OAK} with its corrected figures. {TOWN} waits for
        its own day, {ELM} for its new cycle, the two that could not be reached are left out; none
        of that holds up the others.
    """)


def publish(story: Narration, cycle: str, *, on: date) -> None:
    """The second person approves exactly the staged bytes, and they become public."""
    story.do("release", "approve", "--cycle", cycle, "--actor", "officer", on=on)
    story.do("release", "go", "--cycle", cycle, on=on)


def published(story: Narration, release_id: str) -> set[str]:
    text = story.quarter.files("public")[f"{release_id}/data/results.csv"].decode("utf-8")
    return {row["provider_name"] for row in csv.DictReader(io.StringIO(text)) if row["level"] != "area"}


def a_letter_is_logged_late_and_the_release_withdrawn(story: Narration) -> None:
    story.chapter("Days 66 to 68: a letter in the post room, and the release is taken down")
    asked = story.do(
        "request", "add", "--cycle", FIRST, "--provider", HILL, "--kind", "correction", "--category",
        "provider_details", "--reason", "name_is_wrong", "--received-on", "2026-06-29", "--channel", "mail", "--evidence",
        story.paper("letter-of-29-june.pdf"), on=day(7, 6), said="received on day 59, logged on day 66: it is in time",
    ).data  # fmt: skip
    assert (asked["late"], asked["amend_posting"]) == (False, True)
    before = story.quarter.files("public")
    amended = story.do(
        "release", "amend-posting", "--cycle", FIRST, on=day(7, 6), said="its name and category are posted"
    )
    assert [(one["release_id"], one["posted"]) for one in amended.data["amended"]] == [
        (FIRST, [f"{HILL}:provider_details"])
    ]
    after = story.quarter.files("public")
    assert [name for name in before if before[name] != after[name]] == [f"{FIRST}/site/open-requests.html"]
    assert after.keys() == before.keys()
    correction = story.paper("name.csv", f"{HEAD}\nprovider_details,roster,,,,,,,name,{NAME},2025-01-01,\n")
    decided = ("--correction", correction)
    request_id = asked["request_id"]
    story.do("request", "acknowledge", request_id, on=day(7, 6))
    story.do(
        "request",
        "respond",
        request_id,
        "--answer",
        "upheld",
        "--why",
        "The name was misprinted.",
        *decided,
        on=day(7, 8),
    )
    story.do("request", "resolve", request_id, "--outcome", "upheld", *decided, on=day(7, 8))
    (taken,) = story.do(
        "release", "withdraw", "--cycle", FIRST, "--why", "request_upheld", "--request", request_id, on=day(7, 8)
    ).data["withdrawn"]
    assert (taken["units"], taken["others"]) == ([HILL], [LAKE, "U000004", OAK])
    note = story.quarter.files("public")
    assert [*note] == [f"{FIRST}/WITHDRAWN.txt"]
    story.do("review", "send", "--cycle", FIRST, "--provider", HILL, on=day(7, 8), said="its corrected page")
    confirm(story, FIRST, [HILL], on=day(7, 8))
    story.tell(f"""
        {HILL} wrote that its name is wrong. A letter counts from its receipt, so it was in time,
        although it was found a week later: the page of open requests is amended alone. The hospital
        is right: the release is withdrawn at once, and a public note stands in its place. Its own
        results come back corrected alone; those of the three others may return at once.
    """)


def the_rest_is_published(story: Narration) -> None:
    story.chapter("Days 75 to 101: everything else, each on its own day")
    told = story.do("review", "notice", "--cycle", FIRST, on=day(7, 9)).data["noticed"]
    assert [one["unit_id"] for one in told] == [HILL], "it has asked since it was told the status of its requests"
    planned = story.do("release", "plan", "--cycle", FIRST, on=day(7, 15)).data
    assert (planned["release_id"], planned["units"]) == (f"{FIRST}-2", [LAKE, HILL, TOWN, "U000004", OAK])
    publish(story, FIRST, on=day(7, 15))
    assert NAME in published(story, f"{FIRST}-2")
    story.tell(f"""
        The second part brings the four back, {HILL} under its right name, and {TOWN}, whose own 60
        days are over since the day before.
    """)
    for cycle, noticed_on, on in ((AGAIN, day(7, 16), day(7, 22)), (SECOND, day(8, 3), day(8, 10))):
        story.do("review", "notice", "--cycle", cycle, on=noticed_on)
        story.do("release", "plan", "--cycle", cycle, on=on)
        publish(story, cycle, on=on)
    released = {
        one["payload"]["release_id"]: one["payload"]["units"] for one in story.quarter.events("public_released")
    }
    assert released[AGAIN] == [ELM]
    assert list(released) == [FIRST, f"{FIRST}-2", AGAIN, SECOND]
    story.tell(f"""
        {ELM} follows on 22 July, day 61 of its own report, and the second quarter on 10 August, day
        61 of its own.
    """)


def the_analysis_goes_to_its_user(story: Narration) -> None:
    story.chapter("10 August: the analysis goes to the employer")
    story.do("npa", "release", "hospitals-1", on=day(8, 10))
    (package,) = story.quarter.root.glob("out/outbox/2026-08-10/age/npa-hospitals-1.age")
    with zipfile.ZipFile(io.BytesIO(pyrage.decrypt(package.read_bytes(), [story.user]))) as archive:
        assert "letter.pdf" in archive.namelist()
    assert story.quarter.done("npa", "release", "hospitals-1", on=day(8, 10)).data["was_released"]
    story.tell("""
        All three were told 65 days before, and the one that opted in was sent its own extract in
        time.
    """)
