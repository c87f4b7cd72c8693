"""Spans of enrolment become months of cover: no more of them than the source is about."""

from datetime import date
from pathlib import Path
from typing import Any

from qe.claims.load import build_model
from qe.progress import Silent
from qe.site import Site
from qe.sources.receive import receive

HEADER = "person_id,gender,birth_date,enrollment_start_date,enrollment_end_date,payer_type,last_name,first_name"
ROWS = (
    "M1,F,1970-01-01,2025-01-15,9999-12-31,commercial,Aaa,Bbb",
    "M2,M,1971-01-01,2025-02-01,2025-03-31,commercial,Ccc,Ddd",
    "M3,M,1972-01-01,2025-11-01,,commercial,Eee,Fff",
    "M4,F,1973-01-01,2025-01-01,2025-12-31,commercial,Ggg,Hhh",
)


def test_an_end_of_9999_covers_the_months_of_its_source_and_stretches_no_open_span(yard: Any) -> None:
    source = yard.site.settings.sources["payer_a"].model_copy(
        update={"kind": "tuva-input", "path": "inbox/tuva", "start": date(2025, 1, 1), "end": date(2025, 12, 31)}
    )
    settings = yard.site.settings.model_copy(update={"sources": {"payer_a": source}})
    yard.site = Site(root=yard.site.root, settings=settings)
    folder = Path(yard.site.root / "inbox" / "tuva")
    folder.mkdir(parents=True)
    (folder / "eligibility.csv").write_text("\n".join([HEADER, *ROWS]) + "\n")
    yard.staged = receive(yard.site, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())
    build_model(yard.site, yard.staged, store_key=yard.store_key, vault_key=yard.vault_key, progress=Silent())
    persons = {str(person): native for (_, native), person in yard.persons().items()}
    with yard.opened() as db:
        months = db.query(
            "select person_id, min(month) as first, max(month) as last, count(*) as months from member_month group by all"
        ).rows()
    assert sorted((persons[person], *rest) for person, *rest in months) == [
        ("M1", date(2025, 1, 1), date(2025, 12, 1), 12),
        ("M2", date(2025, 2, 1), date(2025, 3, 1), 2),
        ("M3", date(2025, 11, 1), date(2025, 12, 1), 2),
        ("M4", date(2025, 1, 1), date(2025, 12, 1), 12),
    ]
