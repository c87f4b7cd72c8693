"""Deliveries: when files came, what they replace, and whose crosswalk holds for them."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qe.errors import Findings, InputError
from qe.sources.delivery import Arrival, DeliveryFolder, Manifest, replacements

CROSSWALK = "BENE_ID|MBI|HICN|LAST_NAME|FIRST_NAME|BIRTH_DATE|SEX|ZIP\n"
DRUG_EVENTS = "PDE_ID|BENE_ID|SRVC_DT|PROD_SRVC_ID|DAYS_SUPLY_NUM\n"


@pytest.fixture
def payer(small_site: Any) -> Path:
    folder: Path = small_site.add_source("payer", kind="apcd-cdl", payer_type="commercial")
    return folder


@pytest.fixture
def medicare(small_site: Any) -> Path:
    folder: Path = small_site.add_source("medicare", kind="ccw-rif")
    return folder


def put(folder: Path, delivery: str, files: dict[str, str], manifest: str | None = None) -> Path:
    """The files of one delivery in its folder."""
    place = folder / delivery
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name).write_text(text)
    if manifest is not None:
        (place / "manifest.toml").write_text(manifest)
    return place


def stating(text: str, first: str, last: str) -> str:
    """The file, with other months in its first record."""
    return text.replace("|MC|202401|202412|", f"|MC|{first}|{last}|")


def refused(small_site: Any) -> Findings:
    with pytest.raises(Findings) as told:
        small_site.receive()
    return told.value


def drug_event(number: str, person: str, day: str) -> str:
    return f"{DRUG_EVENTS}{number}|{person}|{day}|00000000001|30\n"


def test_a_delivery_came_on_the_day_of_its_manifest_else_of_its_folders_name_else_of_its_trailer(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    put(payer, "first", {"z.txt": stating(cdl_medical({}), "202401", "202403")}, "delivered_on = 2024-05-02\n")
    put(payer, "2024-08-01", {"y.txt": stating(cdl_medical({}), "202404", "202406")})
    put(payer, ".", {"x.txt": stating(cdl_medical({}), "202407", "202409")})
    found = {one.file.name: (one.file.delivery, one.file.received_on, one.file.period) for one in small_site.receive()}
    assert found == {
        "x.txt": ("", date(2025, 1, 31), (date(2024, 7, 1), date(2024, 9, 30))),
        "y.txt": ("2024-08-01", date(2024, 8, 1), (date(2024, 4, 1), date(2024, 6, 30))),
        "z.txt": ("first", date(2024, 5, 2), (date(2024, 1, 1), date(2024, 3, 31))),
    }


def test_a_file_about_the_same_days_that_replaces_nothing_stops_the_run(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    put(payer, "2024-08-01", {"a.txt": stating(cdl_medical({}), "202401", "202406")})
    put(payer, "2024-11-01", {"b.txt": stating(cdl_medical({}, {}), "202406", "202409")})
    error = refused(small_site)
    assert [(fault.code, fault.file) for fault in error.faults] == [("sent-again", "b.txt")]
    assert 'replaces = ["a.txt"]' in error.faults[0].remedy


def test_two_files_of_one_delivery_and_files_of_two_senders_are_no_resubmission(
    small_site: Any, payer: Path, cdl_medical: Any
) -> None:
    put(payer, "2024-08-01", {"part1.txt": cdl_medical({}), "part2.txt": cdl_medical({"005": "C2"})})
    put(payer, "2024-11-01", {"other.txt": cdl_medical({}).replace("|P1|Payer|", "|P2|Other|")})
    assert len(small_site.receive()) == 3


@pytest.mark.parametrize("by", ["name", "sha256"])
def test_a_resubmitted_file_replaces_what_its_manifest_names_even_one_that_was_broken(
    small_site: Any, payer: Path, cdl_medical: Any, by: str
) -> None:
    put(payer, "2024-08-01", {"mc.txt": cdl_medical({}, {"006": "2"}, trailer=7)})
    assert [fault.code for fault in refused(small_site).faults] == ["trailer-count"]
    one = payer / "2024-08-01" / "mc.txt"
    named = one.name if by == "name" else hashlib.sha256(one.read_bytes()).hexdigest()
    put(payer, "again", {"mc2.txt": cdl_medical({})}, f'delivered_on = 2024-09-01\nreplaces = ["{named}"]\n')
    found = {one.file.name: (one.status, one.replaced_by, one.rows_accepted) for one in small_site.receive()}
    assert found == {"mc.txt": ("replaced", "again", 2), "mc2.txt": ("reconciled", None, 1)}


@pytest.mark.parametrize(
    ("replaces", "said"),
    [
        ("other.txt", "it replaces a file that this source does not have"),
        ("late.txt", "it replaces a file that did not come before it"),
        ("twice.txt", "what it replaces is the name of 2 earlier files"),
        ("me.txt", "it replaces a file of type cdl_eligibility and brings none"),
    ],
)
def test_a_manifest_that_names_no_such_file_stops_the_run(
    small_site: Any, payer: Path, cdl_medical: Any, replaces: str, said: str
) -> None:
    eligibility = (
        "HD|S|P1|Payer|ME|202401|202403|T|\nCDLME061|CDLME004|CDLME005|CDLME006|CDLME036\n"
        "M1|PR|2024|01|Y\nTR|S|P1|Payer|ME|20240401||1\n"
    )
    first = stating(cdl_medical({}), "202401", "202401")
    put(payer, "2024-02-01", {"twice.txt": first, "me.txt": eligibility})
    put(payer, "2024-03-01", {"twice.txt": stating(cdl_medical({}), "202402", "202402")})
    put(payer, "2024-12-01", {"late.txt": stating(cdl_medical({}), "202411", "202411")})
    put(
        payer,
        "again",
        {"new.txt": stating(cdl_medical({}), "202403", "202403")},
        f'delivered_on = 2024-09-01\nreplaces = ["{replaces}"]\n',
    )
    error = refused(small_site)
    assert [fault.code for fault in error.faults] == ["wrong-replacement"]
    assert error.faults[0].message == f"payer/again/manifest.toml: {said}"


def test_a_manifest_is_closed_and_told_with_its_place(small_site: Any, payer: Path, cdl_medical: Any) -> None:
    put(payer, "q1", {"a.txt": cdl_medical({})}, 'delivered = 2024-01-01\nreplace = ["x"]\n')
    with pytest.raises(InputError) as told:
        small_site.receive()
    assert sorted((fault.code, fault.file) for fault in told.value.faults) == [
        ("missing-key", "inbox/payer/q1/manifest.toml"),
        ("unknown-key", "inbox/payer/q1/manifest.toml"),
        ("unknown-key", "inbox/payer/q1/manifest.toml"),
    ]


def test_files_without_stated_months_are_about_the_days_of_their_manifest(small_site: Any, medicare: Path) -> None:
    about = "start = 2024-01-01\nend = 2024-12-31\n"
    put(medicare, "a", {"a.txt": drug_event("1", "B1", "20240301")}, f"delivered_on = 2025-02-01\n{about}")
    put(medicare, "b", {"b.txt": drug_event("2", "B1", "20240302")}, f"delivered_on = 2025-05-01\n{about}")
    assert [fault.code for fault in refused(small_site).faults] == ["sent-again"]


def test_each_medicare_delivery_is_bound_to_its_own_crosswalk_or_the_one_that_its_manifest_names(
    small_site: Any, medicare: Path
) -> None:
    people = CROSSWALK + "{id}|1EG4TE5MK73||Doe|Jo|19590317|2|01730\n"
    put(medicare, "2024-05-01", {"xw.txt": people.format(id="B1"), "a.txt": drug_event("1", "B1", "20240301")})
    put(medicare, "2024-08-01", {"xw.txt": people.format(id="Q9"), "b.txt": drug_event("2", "Q9", "20240601")})
    late = put(medicare, "2024-09-01", {"c.txt": drug_event("3", "B1", "20240701")})
    error = refused(small_site)
    assert [(fault.code, fault.file) for fault in error.faults] == [("no-crosswalk", "medicare/2024-09-01")]
    (late / "manifest.toml").write_text('delivered_on = 2024-09-01\ncrosswalk = "2024-05-01"\n')
    found = {one.file.path.name: one.file.crosswalk for one in small_site.receive() if one.file.layout == "rif_pde"}
    assert found == {"a.txt": "2024-05-01", "b.txt": "2024-08-01", "c.txt": "2024-05-01"}


def test_two_crosswalks_without_an_order_stop_the_run(small_site: Any, medicare: Path) -> None:
    put(medicare, ".", {"xw.txt": CROSSWALK + "B1|||Doe|Jo|19590317|2|01730\n"})
    put(medicare, "q2", {"xw.txt": CROSSWALK + "Q9|||Doe|Jo|19590317|2|01730\n"}, "delivered_on = 2024-08-01\n")
    put(medicare, "q3", {"xw.txt": CROSSWALK + "R9|||Doe|Jo|19590317|2|01730\n"}, "delivered_on = 2024-08-01\n")
    assert [fault.code for fault in refused(small_site).faults] == ["crosswalks-without-order"]


def test_a_crosswalk_folder_of_the_same_day_takes_no_manifest_of_the_claims_away() -> None:
    """Claims and crosswalk may lie below different paths, each with a folder of that day."""
    claims = DeliveryFolder(
        id="2024-09-01",
        manifest=Manifest.model_validate({"delivered_on": date(2024, 9, 1), "replaces": ["old.csv"]}),
        sha256="1" * 64,
        came_on=date(2024, 9, 1),
    )
    arrivals = [
        Arrival(source_id="medicare", name="old.csv", sha256="a" * 64, folder=DeliveryFolder()),
        Arrival(source_id="medicare", name="new.csv", sha256="b" * 64, folder=claims),
        Arrival(
            source_id="medicare",
            name="crosswalk.csv",
            sha256="c" * 64,
            folder=DeliveryFolder(id="2024-09-01", came_on=date(2024, 9, 1)),
        ),
    ]
    assert replacements(arrivals) == ({("medicare", "a" * 64): "2024-09-01"}, [])
