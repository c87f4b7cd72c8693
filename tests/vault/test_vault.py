"""The identifier vault."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from qe import store, vault
from qe.errors import InputError

KEY = store.Key("2" * 64)


def filled(path: Path, engine: store.Engine) -> None:
    connection = store.connect(engine)
    try:
        with vault.attached(connection, path, KEY):
            connection.execute(
                "insert into vault.person_key values ('medicare', 'B1', 1, 'own'), ('payer_a', 'M1', 1, 'mbi')"
            )
            connection.execute(
                "insert into vault.identity (source_id, native_person_id, last_name, first_name, birth_date, mbi) values "
                "('medicare', 'B1', 'Okafor', 'Ada', date '1950-03-01', '1AA0AA0AA01')"
            )
            connection.execute("insert into vault.claim_key values ('medicare', 'inpatient', 'CLAIM-77', 5)")
    finally:
        connection.close()


@pytest.fixture
def engine(tmp_path: Path) -> store.Engine:
    return store.Engine(spill_folder=tmp_path / "spill")


def test_names_and_native_claim_numbers_are_found_by_surrogate_id(tmp_path: Path, engine: store.Engine) -> None:
    path = tmp_path / "store" / "vault.duckdb"
    filled(path, engine)
    people = vault.names(path, KEY, engine=engine, person_ids=["1", "2"])
    assert people.rows() == [("1", "medicare", "Okafor", "Ada", None, date(1950, 3, 1), "1AA0AA0AA01")]
    claims = vault.native_claims(path, KEY, engine=engine, claim_ids=["5", "5-1", "6"])
    assert claims.rows() == [("5", "medicare", "inpatient", "CLAIM-77"), ("5-1", "medicare", "inpatient", "CLAIM-77")]


def test_no_byte_of_the_file_shows_a_name_and_another_key_does_not_open_it(
    tmp_path: Path, engine: store.Engine
) -> None:
    path = tmp_path / "store" / "vault.duckdb"
    filled(path, engine)
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert not [word for word in (b"Okafor", b"1AA0AA0AA01", b"CLAIM-77") if word in content]
    with pytest.raises(InputError, match="does not open"):
        vault.names(path, store.Key("3" * 64), engine=engine, person_ids=["1"])


def test_an_unknown_decision_is_refused(tmp_path: Path, engine: store.Engine) -> None:
    connection = store.connect(engine)
    with (
        vault.attached(connection, tmp_path / "vault.duckdb", KEY),
        pytest.raises(ValueError, match="same or different"),
    ):
        vault.decide(
            connection,
            source_id="a",
            native_person_id="1",
            other_source_id="b",
            other_native_person_id="2",
            decision="perhaps",
            decided_by="analyst",
            decided_at=datetime(2026, 3, 2, tzinfo=UTC),
        )
    connection.close()


def test_a_vault_of_an_earlier_version_gets_the_columns_it_lacks(tmp_path: Path, engine: store.Engine) -> None:
    path = tmp_path / "vault.duckdb"
    connection = store.connect(engine)
    store.attach(connection, path, alias="vault", key=KEY, read_only=False)
    connection.execute(
        "create table vault.link_decision (source_id varchar, native_person_id varchar, other_source_id varchar, "
        "other_native_person_id varchar, decision varchar)"
    )
    connection.execute("insert into vault.link_decision values ('a', '1', 'b', '2', 'same')")
    connection.execute("detach vault")
    with vault.attached(connection, path, KEY):
        before = vault.decisions_digest(connection)
        vault.decide(
            connection,
            source_id="b",
            native_person_id="2",
            other_source_id="a",
            other_native_person_id="1",
            decision="different",
            decided_by="analyst",
            decided_at=datetime(2026, 3, 2, tzinfo=UTC),
        )
        assert vault.decisions_digest(connection) != before
        kept = connection.execute(
            "select decision, decided_by from vault.link_decision order by decision_number"
        ).fetchall()
    connection.close()
    assert kept == [("different", "analyst"), ("same", None)]
