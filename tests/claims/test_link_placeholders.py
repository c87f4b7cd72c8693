"""Linkage where thousands of rows hold what was typed in because nobody knew the fact."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest

from qe import vault
from qe.claims.link import LinkageReport, link_persons, report_of
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
SOURCES = ("medicare", "payer_a")
PLACEHOLDERS = 20_000  # rows of each source


def facts(last: str, first: str, mbi: str, birth: str) -> str:
    """The SELECT that gives each `number` its facts."""
    return f"select {last} as last_name, {first} as first_name, {mbi} as mbi, {birth} as birth_date"


DAYS = "date '1940-01-01' + cast(number as integer)"
MBI_AND_DATE = facts("'L' || number", "'F' || number", "'1AA0AA0AA00'", "date '1900-01-01'")
NAME = facts("'UNKNOWN'", "'UNKNOWN'", "null", DAYS.replace("number", "number % 9000"))
ALL = facts("'UNKNOWN'", "'UNKNOWN'", "'000000000'", "date '1900-01-01'")
REAL = facts("'R' || number", "'Q' || number", "'MBI' || number", DAYS)


@contextmanager
def linking() -> Iterator[Warehouse]:
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
            connection.execute("insert into population values ($1, $2, $3)", [source_id, number, number == 1])
            connection.execute("insert into delivery values ($1, $1, 1)", [source_id])
        yield db
    finally:
        connection.close()


def say(db: Warehouse, source_id: str, prefix: str, rows: int, stated: str) -> None:
    """`rows` persons of a source; `stated` selects names, MBI and birth date of each `number` from 1 on."""
    db.execute(
        f"insert into vault.identity by name select $source as source_id, $source as delivery_id, '{prefix}' || number as "
        f"native_person_id, 'crosswalk' as origin, 1 + number % 2 as sex, '02118' as zip5, facts.* from range(1, {rows} + 1) "
        f"as counted (number), lateral ({stated}) as facts",
        source=source_id,
    )
    db.execute("insert into person_seen select source_id, native_person_id from vault.identity")


def linked(db: Warehouse) -> LinkageReport:
    return report_of(link_persons(db, passes=PASSES, to_review=["name_zip_sex_near_dob"]))


def persons(db: Warehouse) -> tuple[int, int]:
    """(native ids, distinct persons) of the vault."""
    found = db.query("select count(*), count(distinct person_id) from vault.person_key").row(0)
    return int(found[0]), int(found[1])


@pytest.mark.parametrize(
    ("of_medicare", "of_the_payer", "told"),
    [
        (MBI_AND_DATE, MBI_AND_DATE.replace("'F'", "'G'"), {"mbi", "birth_date"}),
        (NAME, NAME, {"name"}),
        (ALL, ALL, {"mbi", "name", "birth_date"}),
    ],
    ids=["MBI and birth date", "name", "all"],
)
def test_20000_rows_with_a_placeholder_merge_nobody(of_medicare: str, of_the_payer: str, told: set[str]) -> None:
    with linking() as db:
        for source_id in SOURCES:
            say(db, source_id, "R", 1_000, REAL)
        say(db, "medicare", "P", PLACEHOLDERS, of_medicare)
        say(db, "payer_a", "P", PLACEHOLDERS, of_the_payer)
        report = linked(db)  # in a second or two; the square of 20,000 takes minutes, and the memory of the machine
        assert persons(db) == (2 * (1_000 + PLACEHOLDERS), 1_000 + 2 * PLACEHOLDERS)
    assert report.sources[1].methods == {"mbi": 1_000, "own": PLACEHOLDERS}
    for source in report.sources:
        assert {fact: ids for fact, ids in source.left_out.items() if fact in told} == dict.fromkeys(told, PLACEHOLDERS)


def test_an_identity_of_more_ids_than_one_person_has_is_nobodys() -> None:
    same = facts("'BOY'", "'BABY'", "null", "date '2020-01-01'")
    twice = facts("'D' || number // 4", "'E'", "null", "date '1950-01-01'")
    with linking() as db:
        say(db, "payer_a", "B", 12, same)  # six a sex
        say(db, "payer_a", "D", 7, twice)  # 1; 2, 3; 4, 6; 5, 7 by sex: of 1 to 3 and 4 to 7
        report = linked(db)
        ids, found = persons(db)
    assert ids == 12 + 7
    assert found == 12 + (2 + 2)
    assert report.sources[0].left_out == {"same_source": 12}


def test_ids_that_fit_a_shared_identity_stay_apart_too_whatever_their_numbers() -> None:
    """One id without a number fits six with six numbers: it is the bridge over which they were one person."""
    alike = facts("'HUB'", "'EVA'", "case when number > 1 then 'MBI' || number end", "date '1950-01-01'")
    with linking() as db:
        say(db, "payer_a", "H", 7, alike)
        db.execute("update vault.identity set sex = 2")
        report = linked(db)
        assert persons(db) == (7, 7)
    assert report.sources[0].left_out == {"same_source": 7}


def test_an_id_that_fits_two_which_contradict_each_other_is_neither_of_them() -> None:
    """Two persons of one name, day, sex and ZIP with numbers of their own, and an id without one: three stay three."""
    alike = facts("'HUB'", "'EVA'", "case when number > 1 then 'MBI' || number end", "date '1950-01-01'")
    with linking() as db:
        say(db, "payer_a", "H", 3, alike)
        db.execute("update vault.identity set sex = 2")
        linked(db)
        assert persons(db) == (3, 3)


def test_an_mbi_of_five_ids_still_is_one_persons_and_of_six_nobodys() -> None:
    with linking() as db:
        say(db, "medicare", "F", 5, facts("'K'", "'L' || number", "'5'", "date '1950-01-01'"))
        say(db, "medicare", "S", 6, facts("'K'", "'L' || number", "'6'", "date '1950-01-01'"))
        report = linked(db)
        assert persons(db) == (11, 1 + 6)
    assert report.sources[0].left_out == {"mbi": 6}
