"""CMS's synthetic files of twenty beneficiaries, with their crosswalk, run as they are to confidential reports."""

import re
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from qe import warehouse, workflow
from qe.claims.load import build_model
from qe.progress import Silent
from qe.site import Site, open_site
from qe.sources.receive import receive
from qe.upkeep import new_site

pytestmark = pytest.mark.needs_reference

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"
SENT_ON = date(2019, 8, 1)
AT = datetime(2019, 8, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def reference():
    if not REFERENCE.is_dir():
        pytest.skip("the reference files beside the project are not there: nothing real was read")
    return REFERENCE


def site_over_medicare(folder: Path, reference: Path, crosswalk: Path) -> Site:
    """A new site with one source: the Medicare files, and the crosswalk as it is settled for that source."""
    new_site.create(folder, sample=False, configuration=folder.parent / "keys")
    inbox = folder / "inbox" / "medicare"
    (inbox / "crosswalk").mkdir(parents=True)
    for file in (reference / "medicare_rif_synthea_20bene").glob("*.csv"):
        if file.name != "beneficiary_history.csv":
            shutil.copy(file, inbox)
    shutil.copy(crosswalk, inbox / "crosswalk")
    text = (folder / "qe.toml").read_text()
    text = text[: text.index("[sources.roster]")] + text[text.index("[linkage]") :]
    for known, wanted in (
        ('"2025Q4"', '"2018Q4"'),
        ("end = 2025-12-31", "end = 2018-12-31"),
        ("start = 2024-01-01", "start = 2009-01-01"),
        ("end = 2026-03-31", "end = 2022-12-31"),
        ("rehearsal = false", "rehearsal = true\nthreads = 1"),
    ):
        assert known in text
        text = text.replace(known, wanted)
    (folder / "qe.toml").write_text(text)
    return open_site(folder)


@pytest.fixture(scope="module")
def real(tmp_path_factory, reference):
    """The site after its run."""
    crosswalk = reference / "medicare_rif_synthea_20bene" / "beneficiary_history.csv"
    site = site_over_medicare(tmp_path_factory.mktemp("rif") / "site", reference, crosswalk)
    made = workflow.prepare_confidential_reports(
        site,
        site.period(),
        send_on=SENT_ON,
        measures=[],
        on=SENT_ON,
        at=AT,
        actor="analyst",
        progress=Silent(),
        reissue=False,
    )
    return site, made


def test_the_twenty_beneficiaries_run_to_confidential_reports(real):
    site, made = real
    reports = site.runs / made.run_id / "reports" / SENT_ON.isoformat()
    assert made.reports
    assert all((reports / report.pdf).read_bytes().startswith(b"%PDF") for report in made.reports)
    assert made.cycle == "2018Q4-1"


def test_the_run_s_reconciliation_gives_the_known_claims_and_payments(real):
    site, made = real
    frame = pl.read_parquet(site.runs / made.run_id / "results" / "source_reconciliation.parquet")
    claims = {row["file_type"]: (row["claims"], row["paid_amount"]) for row in frame.to_dicts() if row["claims"]}
    assert claims["rif_carrier"] == (179, Decimal("261647.95"))  # headers summed over their lines would be 4,611,087
    assert round(claims["rif_carrier"][1]) == 261_648
    assert claims["rif_outpatient"][0] == 1_110
    assert claims["rif_inpatient"][0] == 41
    assert claims["rif_pde"][0] == 984
    assert round(claims["rif_snf"][1]) == 279_305  # once a claim; summed over rows it would be 63.4 million
    assert (frame["rows_read"] == frame["rows_accepted"] + frame["rows_quarantined"]).all()


def test_managed_care_months_are_found_from_the_part_c_contracts(real):
    site, _ = real
    store_key, vault_key = site.store_key(), site.vault_key()
    staged = receive(site, store_key=store_key, vault_key=vault_key, progress=Silent())
    model = build_model(site, staged, store_key=store_key, vault_key=vault_key, progress=Silent())
    with warehouse.open_read_only(model.path, store_key, engine=site.engine(), lock=True) as db:
        persons = db.scalar(
            "select count(distinct person_id) from person_month where managed_care and year(month) = 2018"
        )
    assert persons == 12


def test_the_crosswalk_of_11001_persons_loads_as_a_crosswalk_of_its_own(tmp_path, reference):
    crosswalk = reference / "medicare_crosswalk_11k" / "benes_crosswalk_11k.csv"
    site = site_over_medicare(tmp_path / "site", reference, crosswalk)
    text = (site.root / "qe.toml").read_text()
    assert re.search(r'^crosswalk = "inbox/medicare/crosswalk"', text, re.MULTILINE)
    for file in (site.root / "inbox" / "medicare").glob("*.csv"):
        if file.name != "inpatient.csv":
            file.unlink()
    staged = receive(site, store_key=site.store_key(), vault_key=site.vault_key(), progress=Silent())
    loaded = next(one for one in staged if one.file.layout == "crosswalk")
    assert (loaded.rows_read, loaded.rows_accepted, loaded.in_vault) == (11_001, 11_001, True)
