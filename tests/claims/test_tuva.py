"""Tuva's medical claims: whether amounts are a claim's or a line's is a fact of the layout, never guessed from the amounts."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qe.claims.load import build_model
from qe.progress import Silent
from qe.site import Site
from qe.sources.receive import receive

HEADER = (
    "claim_id,claim_line_number,claim_type,{person},claim_start_date,claim_end_date,paid_amount,allowed_amount,charge_amount,"
    "hcpcs_code,rendering_npi,billing_npi,{facility},bill_type_code,place_of_service_code"
)
ROWS = (  # three visits for which 50 was paid each, one claim of two unequal lines, one carrier claim of two alike lines
    "c1,1,institutional,M1,2025-03-05,2025-03-05,50.00,60.00,90.00,99213,9999900002,9999900010,9999900010,131,",
    "c1,2,institutional,M1,2025-03-05,2025-03-05,50.00,60.00,90.00,99213,9999900002,9999900010,9999900010,131,",
    "c1,3,institutional,M1,2025-03-05,2025-03-05,50.00,60.00,90.00,99213,9999900002,9999900010,9999900010,131,",
    "c2,1,professional,M1,2025-03-06,2025-03-06,20.00,25.00,30.00,99213,9999900002,9999900010,,,11",
    "c2,2,professional,M1,2025-03-06,2025-03-06,20.00,25.00,30.00,99213,9999900002,9999900010,,,11",
)


@pytest.mark.parametrize(
    ("person", "facility", "layout", "institutional"),
    [
        ("patient_id", "facility_npi", "tuva_medical_2023", Decimal("50.00")),
        ("person_id", "facility_id", "tuva_medical", Decimal("150.00")),  # (50 + 50 + 50)
    ],
)
def test_amounts_stand_once_a_claim_or_on_each_line_as_the_layout_says(
    yard: Any, person: str, facility: str, layout: str, institutional: Decimal
) -> None:
    source = yard.site.settings.sources["payer_a"].model_copy(
        update={"kind": "tuva-input", "path": "inbox/tuva", "start": date(2025, 1, 1), "end": date(2025, 12, 31)}
    )
    yard.site = Site(
        root=yard.site.root, settings=yard.site.settings.model_copy(update={"sources": {"payer_a": source}})
    )
    folder = Path(yard.site.root / "inbox" / "tuva")
    folder.mkdir(parents=True)
    header = HEADER.format(person=person, facility=facility)
    (folder / "medical.csv").write_text("\n".join([header, *ROWS]) + "\n")
    yard.staged = receive(yard.site, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())
    (staged,) = yard.staged
    assert (staged.file.layout, staged.claims, staged.paid_amount) == (layout, 2, institutional + Decimal("40.00"))
    model = build_model(yard.site, yard.staged, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())
    assert sorted(model.source_claims["paid_amount"]) == [Decimal("40.00"), institutional]
    with yard.opened() as db:
        assert (
            db.scalar("select sum(allowed_amount) from claim where claim_type = 'outpatient'") == institutional * 6 / 5
        )
