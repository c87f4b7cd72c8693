"""CMS's synthetic RIF of twenty beneficiaries, from its files to the claims model: known claims and payments."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.claims.load import build_model
from qe.progress import Silent
from qe.site import Site
from qe.sources.receive import receive

pytestmark = pytest.mark.needs_reference

RIF = Path(__file__).parents[2].parent / "shared" / "reference" / "medicare_rif_synthea_20bene"


@pytest.fixture
def real(yard: Any) -> Any:
    """All claim files, the crosswalk and the beneficiary files of two years."""
    if not RIF.is_dir():
        pytest.skip("the reference files beside the project are not there: nothing real was read")
    folder = yard.site.root / "inbox" / "medicare"
    folder.mkdir(parents=True)
    for file in sorted(RIF.glob("*.csv")):
        if not file.name.startswith("beneficiary_20") or file.name in ("beneficiary_2018.csv", "beneficiary_2019.csv"):
            shutil.copy(file, folder)
    source = yard.site.settings.sources["medicare"].model_copy(
        update={"path": "inbox/medicare", "start": date(1990, 1, 1), "end": date(2021, 12, 31)}
    )
    yard.site = Site(
        root=yard.site.root, settings=yard.site.settings.model_copy(update={"sources": {"medicare": source}})
    )
    yard.staged = receive(yard.site, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())
    return yard


def test_the_reference_rif_gives_its_known_claims_payments_and_managed_care_months(real: Any) -> None:
    model = build_model(real.site, real.staged, store_key=real.store_key, vault_key=real.vault_key, progress=Silent())
    found = {row["claim_type"]: (row["claims"], row["paid_amount"]) for row in model.source_claims.to_dicts()}
    fills = found.pop("pharmacy")
    assert fills[0] == 984
    assert found == {
        "inpatient": (41, Decimal("202896.75")),
        "outpatient": (1110, Decimal("1603706.33")),
        "snf": (6, Decimal("279304.64")),
        "hha": (10, Decimal("5783.91")),
        "hospice": (9, Decimal("127355.75")),
        "professional": (179, Decimal("261647.95")),
        "dme": (4, Decimal("138.50")),
    }
    with real.opened() as db:
        allowed = dict(db.query("select claim_type, sum(allowed_amount) from claim group by claim_type").iter_rows())
        managed = db.query(
            "select year(month), count(distinct person_id) from person_month where managed_care group by 1 order by 1"
        ).rows()
        acute = db.scalar("select count(*) from transfer_chain")
    assert allowed["inpatient"] == Decimal("217774.51")
    assert allowed["snf"] == Decimal("483000.55")
    # persons with a PTC_CNTRCT_*_ID in the files of 2018 and 2019 (HMO_*_IND is empty in all)
    assert managed == [(2018, 12), (2019, 11)]
    assert acute == 41
