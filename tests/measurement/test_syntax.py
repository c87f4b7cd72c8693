"""A SQL file of a measure is one SELECT over contract tables that gives one answer."""

import re

import pytest

from qe.measurement import attribute, syntax


def _codes(sql: str) -> list[str]:
    return [fault.code for fault in syntax.faults(sql, where="measures/x/population.sql", parameters=("min_age",))]


def _messages(sql: str) -> list[str]:
    found = syntax.faults(sql, where="x.sql", parameters=("min_age",))
    return [re.sub(r"^x\.sql(, line \d+)?: ", "", fault.message) for fault in found]


@pytest.mark.parametrize(
    "sql",
    [
        "select person_id from person",
        "with old as (select person_id from person where birth_date < $period_start) select person_id from old",
        "select code from value_set join unnest(['a']) as given(code) using (code)",
        "select n from generate_series(1, $min_age) as s(n)",
        "with recursive chain as (select 1 as n union all select n + 1 from chain where n < 3) select n from chain",
        "select person_id, list(stay_id order by admit_date, stay_id) from stay group by person_id",
        "select arg_max(facility_id, (admit_date, stay_id)) from stay",
        "select stay_id from stay qualify row_number() over (partition by person_id order by admit_date, stay_id) = 1",
        "select stay_id from stay order by admit_date, stay_id limit 1",
        "with given as (select 1 as id) select id from given order by id limit 1",
        "select person_id, admit_date from stay order by all limit 1",
        "select distinct on (person_id) person_id, stay_id from stay order by person_id, admit_date, stay_id",
        "select sum(days_supply) over (partition by person_id order by fill_date) from fill",
        "select (select count(*) from stay where stay.person_id = person.person_id) from person",
    ],
)
def test_plain_selects_over_the_contract_are_accepted(sql: str) -> None:
    assert _codes(sql) == []


@pytest.mark.parametrize(
    "sql",
    [
        "describe select 1",
        "show tables",
        "summarize person",
        "from 'a.csv'",
        "select * from read_csv('a.csv')",
        "select * from read_parquet(['a.parquet'])",
        "select * from glob('/etc/*')",
        "select content from read_text('/etc/passwd')",
        "select * from duckdb_settings()",
        "select * from query('select 1')",
        "select * from query_table('person')",
        "select * from information_schema.tables",
        "select * from vault.person",
        "select * from identity_row",
        "select person_id from person where person_id in (select x from secret)",
        "with a as (select person_id from secret), secret as (select 1 as person_id) select person_id from a",
        "select (select max(x) from secret) from person",
        "select person_id from person union select person_id from secret",
        "select * from person using sample 10%",
        "select person_id from person tablesample 10%",
    ],
)
def test_nothing_outside_the_contract_is_read(sql: str) -> None:
    assert set(_codes(sql)) == {"refused-sql"}


@pytest.mark.parametrize(
    "sql",
    [
        "create table x as select 1", "insert into person select * from person", "copy person to 'x.csv'",
        "attach 'x.db'", "set threads = 1", "pragma database_list", "install httpfs",
        "call pragma_version()", "drop table person",
        "pivot stay on person_id using count(*)", "delete from person", "export database 'x'",
    ],
)  # fmt: skip
def test_whatever_is_not_a_select_is_refused(sql: str) -> None:
    assert _codes(sql) == ["not-a-select"]


def test_two_statements_and_unreadable_sql_are_refused() -> None:
    assert _codes("select 1; select 2") == ["not-one-statement"]
    assert _codes("select from where") == ["bad-sql"]


@pytest.mark.parametrize(
    "sql",
    [
        "select any_value(facility_id) from stay",
        "select first(facility_id) from stay",
        "select list(stay_id) from stay",
        "select string_agg(stay_id, ',') from stay",
        "select mode(facility_id) from stay",
        "select arg_max(facility_id, admit_date) from stay",
        "select max_by(facility_id, (admit_date, discharge_date)) from stay",
        "select row_number() over (partition by person_id order by admit_date) from stay",
        "select row_number() over () from stay",
        "select lag(admit_date) over (partition by person_id order by admit_date) from stay",
        "select sum(paid_amount) over (order by admit_date rows between 1 preceding and current row) from stay",
        "select stay_id from stay limit 5",
        "select stay_id from stay order by admit_date limit 5",
        "select distinct on (person_id) person_id, stay_id from stay",
        "select fsum(paid_amount) from stay",
        "select stddev(paid_amount) from stay",
        "select corr(paid_amount, allowed_amount) from stay",
        "select regr_slope(paid_amount, allowed_amount) from stay",
        "select approx_count_distinct(person_id) from stay",
        "select list_aggregate([paid_amount], 'sum') from stay",
        "select random() from stay",
        "select person_id from person where birth_date < today()",
        "select person_id from person where birth_date < current_date",
        "select now() from person",
        "select uuid() from person",
        "select getvariable('typo') from person",
        "select current_setting('threads') from person",
    ],
)
def test_whatever_may_differ_between_two_runs_is_refused(sql: str) -> None:
    assert _codes(sql) == ["refused-sql"]


@pytest.mark.parametrize(
    "sql",
    [
        "select list(claim_id order by claim_id) from claim",  # DuckDB parses it as list_sort(list(claim_id))
        "select list(distinct claim_id order by claim_id desc) from claim",
        "select list(claim_id order by from_date, claim_id) from claim",
        "select list_sort(list(claim_id)) from claim",
    ],
)
def test_a_list_in_the_order_of_its_own_values_is_ordered(sql: str) -> None:
    assert _codes(sql) == []


def test_a_list_beside_one_that_is_sorted_still_needs_an_order() -> None:
    assert _codes("select list_sort(list(claim_id)), list(person_id) from claim") == ["refused-sql"]
    assert _codes("select list_sort([first(claim_id)]) from claim") == ["refused-sql"]


def test_all_faults_of_a_file_are_told_and_a_near_name_is_suggested() -> None:
    assert _messages("select any_value(x), $min_aeg from stais limit 3") == [
        'unknown parameter $min_aeg; did you mean "min_age"?',
        'the table "stais" is not part of the contract; did you mean "stay"?',
        "limit needs an order by with a unique last key (an identifier)",
        "any_value without an order by may differ between runs",
    ]


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("-- Größe: a comment in two bytes a letter\n\ndelete from person", 3),
        ("select person_id\nfrom read_csv('a.csv')", 2),
        ("select person_id\nfrom person\njoin secret\n using (person_id)", 3),
        ("-- é\nselect person_id,\n  list(stay_id)\nfrom stay group by all", 3),
        ("select person_id\nfrom person\nwhere birth_date < $max_age", 3),
        ("select person_id\nfrom person\nwhere birth_date < current_date", 3),
        ("select person_id\n\nfrom person)", 3),
        ("with one as (\n  select stay_id from stay limit 1\n)\nselect stay_id from one", 2),
    ],
)
def test_what_is_refused_is_told_with_its_line(sql: str, line: int) -> None:
    [fault] = syntax.faults(sql, where="x.sql", parameters=("min_age",))
    assert (fault.file, fault.place) == ("x.sql", f"line {line}")
    assert fault.message.startswith(f"x.sql, line {line}: ")


def test_population_is_there_for_the_other_files_only() -> None:
    sql = "select event_id from population"
    assert syntax.faults(sql, where="x", parameters=(), extra_tables=frozenset({"population"})) == ()
    assert len(syntax.faults(sql, where="x", parameters=())) == 1


def test_the_engines_own_sql_keeps_the_rules_that_it_sets() -> None:
    own = [*sorted(attribute.FOLDER.glob("*.sql")), *sorted((attribute.FOLDER.parent / "sql").glob("*.sql"))]
    selects = [
        path for path in own if "create or replace" not in (text := path.read_text()) and "insert into" not in text
    ]
    assert len(selects) >= 6
    for path in selects:
        found = syntax.faults(
            path.read_text(),
            where=path.name,
            parameters=("window_start", "window_end", "performance_year", "in_emergency", "claim_ids"),
            extra_tables=frozenset({"population", "attribution_code", "attribution_specialty", "attribution_visit"}),
        )
        assert found == (), path.name
