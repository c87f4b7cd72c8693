"""The built model as a whole: content-addressed, free of native ids, fit for measures, the same in any row order."""

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qe.claims import load
from qe.claims.examination import counts_path
from qe.claims.model import FOLDER
from qe.claims.quality import assess, require_none_stops
from qe.errors import Findings, InputError, QeError
from qe.site import QualityTable

DAY = date(2025, 3, 5)


def carrier(claim: str, person: str = "BENE-1", **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": person,
        "native_claim_id": claim,
        "claim_type": "professional",
        "from_date": DAY,
        "thru_date": DAY,
        "payment_denial_code": "1",
        "line_number": 1,
        "hcpcs": "99213",
        "rendering_npi": "9999900002",
        "rendering_tin": "001234567",
        "line_processing_code": "A",
        "line_paid_amount": Decimal(80),
        "line_allowed_amount": Decimal(100),
        "claim_paid_amount": Decimal(80),
        "diagnoses": [
            {"sequence": 1, "kind": "principal", "code": "I10", "icd_version": 10, "present_on_admission": None}
        ],
        **changes,
    }


def beneficiary(person: str) -> dict[str, Any]:
    nothing = [None] * 12
    return {
        "native_person_id": person,
        "reference_year": 2025,
        "birth_date": date(1950, 3, 1),
        "sex": "2",
        "buy_in": ["3"] * 12,
        "hmo": ["0"] * 12,
        "part_c_contract": nothing,
        "part_d_contract": nothing,
        "dual_status": nothing,
    }


def content(yard: Any) -> dict[str, str]:
    """A hash of each table's rows, in an order of their own, but for the places of rows in their files."""
    with yard.opened() as db:
        tables = db.query("select table_name from information_schema.tables where table_type = 'BASE TABLE' order by 1")
        return {
            table: hashlib.sha256(
                repr(
                    db.query(f"select columns(name -> name <> 'row_number') from {table} order by all").rows()
                ).encode()
            ).hexdigest()
            for table in tables["table_name"]
        }


def lines(yard: Any) -> dict[str, int]:
    """claim_id -> the line that it stands in."""
    return dict(yard.rows("select claim_id, row_number from claim_row"))


def test_the_same_files_are_built_once_and_a_new_file_builds_anew(yard: Any) -> None:
    yard.put("medicare", "professional", [carrier("CLAIM-1")])
    first = yard.build()
    made = first.path.stat().st_mtime_ns
    again = yard.build()
    assert (again.path, again.path.stat().st_mtime_ns) == (first.path, made)
    assert again.counts == first.counts
    assert first.path.name == f"{first.key_digest[:16]}.duckdb"
    assert first.data_through == DAY
    yard.put("medicare", "professional", [carrier("CLAIM-2")])
    second = yard.build()
    assert second.path != first.path
    assert second.source_claims.rows() == [("medicare", "professional", 2, Decimal("160.00"))]


def test_the_model_holds_no_native_id_and_no_name(yard: Any) -> None:
    yard.put("medicare", "professional", [carrier("CLAIM-1")])
    person = {"native_person_id": "BENE-1", "last_name": "Okafor", "first_name": "Ada", "mbi": "1AA0AA0AA01"}
    yard.put("medicare", "crosswalk", [person])
    with yard.opened() as db:
        tables = db.query("select table_name from information_schema.tables order by 1")["table_name"]
        everything = " ".join(repr(db.query(f'select * from "{table}"').rows()) for table in tables)
    assert "U00000" in everything  # the search would find what is there
    assert [word for word in ("CLAIM-1", "BENE-1", "Okafor", "Ada", "1AA0AA0AA01") if word in everything] == []


def test_row_order_and_threads_change_nothing(yard: Any, tmp_path: Path) -> None:
    claims = [carrier(f"C{number}", f"B{number % 7}", line_paid_amount=Decimal(number)) for number in range(60)]
    people = [beneficiary(f"B{number}") for number in range(7)]
    yard.put("medicare", "professional", claims)
    yard.put("medicare", "beneficiary", people)
    straight, places = content(yard), lines(yard)
    settings = yard.site.settings
    other_root = tmp_path / "other"
    other = type(yard)(
        site=type(yard.site)(
            root=other_root,
            settings=settings.model_copy(update={"site": settings.site.model_copy(update={"threads": 2})}),
        ),
        store_key=yard.store_key,
        vault_key=yard.vault_key,
        staged=[],
        connection=yard.connection,
    )
    other.put("medicare", "professional", claims[::-1])
    other.put("medicare", "beneficiary", people[3:] + people[:3])
    assert content(other) == straight
    assert lines(other) == {claim: 2 + 61 - line for claim, line in places.items()}  # lines 2 to 61, from behind
    assert len(places) == 60


def test_a_sound_model_is_fit_and_warns_of_what_is_missing(yard: Any) -> None:
    yard.put("medicare", "professional", [carrier("1"), carrier("2", claim_paid_amount=Decimal(79))])
    yard.put("medicare", "beneficiary", [beneficiary("BENE-1")])
    with yard.examined() as db:
        warnings = require_none_stops(assess(db, {}))
    # one of two claims' header differs from its line: 0.5 above 0.02
    assert [(fault.place, fault.count) for fault in warnings] == [("header_against_line", 1)]
    assert "0.5 (1 in all), above 0.02" in warnings[0].message


def test_the_checks_of_a_model_are_counted_once_in_a_file_beside_it_and_again_where_it_is_gone(yard: Any) -> None:
    yard.put("medicare", "professional", [carrier("1"), carrier("2", claim_paid_amount=Decimal(79))])
    yard.put("medicare", "beneficiary", [beneficiary("BENE-1")])
    model = yard.build()
    assert not counts_path(model).exists()
    found, written = [], []
    for _ in range(3):
        with yard.examined() as db:
            found.append(db.query("from quality_count order by all").rows())
        written.append(counts_path(model).stat().st_mtime_ns)
        if len(found) == 2:
            counts_path(model).unlink()
    assert found[0] and found == [found[0]] * 3
    assert written[0] == written[1] < written[2]  # read, then counted again


def test_claims_of_persons_whom_no_file_knows_stop_the_run_unless_the_site_allows_it(yard: Any) -> None:
    yard.put("medicare", "professional", [carrier("1"), carrier("2", "BENE-2")])
    yard.put("medicare", "beneficiary", [beneficiary("BENE-1")])
    with yard.examined() as db:
        with pytest.raises(Findings, match=r"whom no eligibility or beneficiary file knows: 0\.5") as raised:
            require_none_stops(assess(db, {}))
        assert [fault.count for fault in raised.value.faults] == [1]
        allowed = {"unknown_person": QualityTable(threshold=0.6), "unknown_birth_date": QualityTable(threshold=0.6)}
        assert require_none_stops(assess(db, allowed)) == ()
        with pytest.raises(InputError, match="no_such_check"):
            require_none_stops(assess(db, {"no_such_check": QualityTable()}))


def test_rows_that_vanish_while_loading_stop_the_run(yard: Any) -> None:
    one = yard.put("medicare", "professional", [carrier("1")])
    yard.put("medicare", "beneficiary", [beneficiary("BENE-1")])
    yard.staged[0] = replace(one, rows_accepted=2)
    with yard.examined() as db, pytest.raises(Findings, match="not all accounted for"):
        require_none_stops(assess(db, {}))


def test_a_failure_of_the_database_is_told_without_its_values(yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise duckdb.ConversionException("could not convert string 'SECRET-NAME'")

    monkeypatch.setattr(load, "derive_events", broken)
    yard.put("medicare", "professional", [carrier("1")])
    with pytest.raises(QeError) as raised:
        yard.build()
    assert raised.value.message == "the claims model could not be built (ConversionException)"
    assert not list((yard.site.store / "model").glob("*"))


def test_no_two_sql_files_of_the_claims_package_are_alike() -> None:
    texts: dict[str, list[str]] = {}
    for path in sorted(FOLDER.rglob("*.sql")):
        texts.setdefault(path.read_text(encoding="utf-8"), []).append(path.relative_to(FOLDER).as_posix())
    assert [paths for paths in texts.values() if len(paths) > 1] == []
