"""Linkage, whatever the persons are: the order of files and rows does not matter, and no two persons of a source become one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import combinations
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from qe import vault
from qe.claims.link import link_persons
from qe.claims.model import FOLDER, create_macros
from qe.warehouse import Warehouse

PASSES = (
    "mbi",
    "name_dob_sex_zip",
    "name_dob_sex",
    "dob_sex_similar_name",
    "first_dob_zip_sex",
    "name_dob_zip",
    "name_zip_sex_dob_slip",
)
SOURCES = ("medicare", "payer_a", "payer_b")
Row = dict[str, Any]
Identifier = tuple[str, str]

# so few values that namesakes, twins, shared numbers and near misses are the rule
ROW = st.fixed_dictionaries(
    {
        "source_id": st.sampled_from(SOURCES),
        "native_person_id": st.sampled_from([f"P{number}" for number in range(6)]),
        "mbi": st.sampled_from([None, None, "1S", "2S"]),
        "last_name": st.sampled_from(["Okafor", "Okafer", "Moreau", None]),
        "first_name": st.sampled_from(["Anna", "Hanna", "Ann", "Zoe"]),
        "middle_name": st.sampled_from([None, "J", "Karen"]),
        "birth_date": st.sampled_from([date(1950, 3, 1), date(1950, 1, 3), date(1951, 3, 1), None]),
        "sex": st.sampled_from([1, 2, None]),
        "zip5": st.sampled_from(["02118", "02119", None]),
        "delivery_id": st.sampled_from(["d1", "d2"]),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=14)


@contextmanager
def working_tables(rows: Sequence[Row]) -> Iterator[Warehouse]:
    """What reading the files leaves behind; deliveries d1 and d2 of each source, in that order."""
    connection = duckdb.connect()
    try:
        connection.execute("attach ':memory:' as vault")
        for statement in vault.TABLES:
            connection.execute(statement)
        db = Warehouse(connection)
        create_macros(db)
        for sql_file in sorted((FOLDER / "work").glob("*.sql")):
            db.run(sql_file)
        for number, source_id in enumerate(SOURCES, start=1):
            is_medicare = source_id == "medicare"
            connection.execute("insert into population values ($1, $2, $3)", [source_id, number, is_medicare])
            for order, delivery in enumerate(("d1", "d2"), start=1):
                connection.execute("insert into delivery values ($1, $2, $3)", [delivery, source_id, order])
        for row in rows:
            names, values = ", ".join(row), ", ".join(f"${column}" for column in row)
            connection.execute(f"insert into vault.identity ({names}) values ({values})", row)
            connection.execute("insert into person_seen values ($1, $2)", [row["source_id"], row["native_person_id"]])
        yield db
    finally:
        connection.close()


def keys_of(db: Warehouse) -> dict[Identifier, tuple[int, str]]:
    rows = db.query("select source_id, native_person_id, person_id, link_method from vault.person_key").rows()
    found = {(source, native): (person, method) for source, native, person, method in rows}
    assert len(found) == len(rows)
    return found


def linked(
    rows: Sequence[Row],
) -> tuple[dict[Identifier, tuple[int, str]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Keys, queue and report of one linkage; the queue's second reading by a second run is the same."""
    with working_tables(rows) as db:
        report = link_persons(db, passes=PASSES, to_review=("name_zip_sex_near_dob",)).rows()
        queue = db.query("select * from vault.link_review order by pair_number").rows()
        return keys_of(db), queue, report


@settings(max_examples=12, deadline=None)
@given(rows=ROWS, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Row], shuffle: Any) -> None:
    other = list(rows)
    shuffle.shuffle(other)
    assert linked(rows) == linked(other)


@settings(max_examples=12, deadline=None)
@given(rows=ROWS)
def test_a_person_has_ids_of_one_source_only_where_they_are_one_person_there(rows: list[Row]) -> None:
    """Ids of one source share a person by MBI (Medicare) or by name, birth date, sex and ZIP: never through another source."""
    with working_tables(rows) as db:
        link_persons(db, passes=PASSES, to_review=())
        keys = keys_of(db)
        together = {
            frozenset(pair)
            for pair in combinations(sorted(keys), 2)
            if pair[0][0] == pair[1][0] and keys[pair[0]][0] == keys[pair[1]][0]
        }
        groups = db.query("select source_id, native_person_id, group_id from party").rows()
    by_group: dict[int, set[Identifier]] = {}
    for source, native, group in groups:
        by_group.setdefault(group, set()).add((source, native))
    assert together == {frozenset(pair) for members in by_group.values() for pair in combinations(sorted(members), 2)}


@settings(max_examples=8, deadline=None)
@given(rows=ROWS)
def test_a_second_run_changes_no_id_and_no_queue(rows: list[Row]) -> None:
    with working_tables(rows) as db:
        answers = []
        for _ in range(2):
            db.execute("delete from link")
            db.execute("delete from link_review")
            report = link_persons(db, passes=PASSES, to_review=("name_zip_sex_near_dob",)).rows()
            queue = db.query("select * from vault.link_review order by pair_number").rows()
            answers.append((report, keys_of(db), queue))
    assert answers[0] == answers[1]


@settings(max_examples=8, deadline=None)
@given(rows=ROWS, place=st.integers(min_value=0, max_value=13))
def test_every_pair_of_the_queue_obeys_its_decision(rows: list[Row], place: int) -> None:
    """Accepted: one person. Rejected: never one person."""
    with working_tables(rows) as db:
        link_persons(db, passes=PASSES, to_review=("name_zip_sex_near_dob",))
        queue = db.query(
            "select source_id, native_person_id, other_source_id, other_native_person_id "
            "from vault.link_review order by pair_number"
        ).rows()
        if not queue:
            return
        pair = queue[place % len(queue)]
        for number, decision in enumerate(("same", "different"), start=1):
            db.connection.execute(
                "insert into vault.link_decision values ($1, $2, $3, $4, $5, $6, 'analyst', null)",
                [number, *pair, decision],
            )
            db.execute("delete from link")
            db.execute("delete from link_review")
            link_persons(db, passes=PASSES, to_review=("name_zip_sex_near_dob",))
            keys = keys_of(db)
            assert (keys[pair[:2]][0] == keys[pair[2:]][0]) == (decision == "same")
