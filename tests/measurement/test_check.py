"""A module is bound against the empty model: columns, types, exact sums; its rules stand in text, SQL and a case."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qe.errors import MeasureError
from qe.measurement import check
from qe.measurement.measure import load

Write = Callable[..., Path]


def _faults(folder: Path) -> list[tuple[str, str]]:
    return [(fault.code, fault.message) for fault in check.check(load(folder))]


def _with(second_stay: Write, stem: str, old: str, new: str) -> list[tuple[str, str]]:
    text = (second_stay() / f"{stem}.sql").read_text()
    assert old in text
    return _faults(second_stay(**{stem: text.replace(old, new)}))


def test_a_whole_module_has_no_fault(second_stay: Write) -> None:
    assert _faults(second_stay()) == []


def test_a_misspelt_column_is_shown_with_duckdbs_own_candidates(second_stay: Write) -> None:
    [(code, message)] = _with(second_stay, "population", "max(admit_date)", "max(admit_dat)")
    assert code == "unbound-sql"
    assert re.match(r"measures/second_stay/population\.sql, line [1-9]\d*: Binder Error", message)
    assert '"admit_date"' in message


def test_an_unknown_parameter_is_named(second_stay: Write) -> None:
    faults = _with(second_stay, "exclusions", "$min_age", "$minimum_age")
    [message] = [message for code, message in faults if code == "unknown-parameter"]
    assert re.match(r"measures/second_stay/exclusions\.sql, line [1-9]\d*: unknown parameter \$minimum_age", message)


@pytest.mark.parametrize(
    ("stem", "old", "new", "expected"),
    [
        ("numerator", "decimal(18, 6)", "double", "the column value is DOUBLE, not DECIMAL(18,6)"),
        ("numerator", "len(claim_ids) as stays", "1.5::double as stays", "the column stays is DOUBLE; use a decimal"),
        (
            "population",
            "max(admit_date) as index_date",
            "'x' as index_date",
            "the column index_date is VARCHAR, not DATE",
        ),
        ("exclusions", "as rule_id,", "as rule,", "it returns no column rule_id"),
        ("exclusions", "as rule_id,", "as rule_id, 1 as extra,", "it returns the unknown column extra"),
        ("numerator", "as stays", "as in_denominator", "the column in_denominator is filled by the engine"),
    ],
)
def test_returned_columns_have_the_contracts_names_and_types(
    second_stay: Write, stem: str, old: str, new: str, expected: str
) -> None:
    text = (
        (second_stay() / f"{stem}.sql")
        .read_text()
        .replace(
            "'R3' as rule_id, [stay.stay_id]",
            "'R3' as rule_id, 1 as extra, [stay.stay_id]" if "extra" in new else "'R3' as rule_id, [stay.stay_id]",
        )
    )
    faults = _faults(second_stay(**{stem: text.replace(old, new, 1)}))
    assert f"measures/second_stay/{stem}.sql: {expected}" in [message for _, message in faults]


def test_a_sum_over_double_is_seen_through_a_division_and_a_cte(second_stay: Write) -> None:
    sql = """with part as (select event_id, len(claim_ids) / 3 as share from population) -- R4
    select event_id, cast(sum(share) as decimal(18, 6)) as value, ['R4'] as rule_ids, cast([] as varchar[]) as claim_ids
    from part group by event_id"""
    assert _faults(second_stay(numerator=sql)) == [
        ("double-sum", "measures/second_stay/numerator.sql: sum over DOUBLE may differ between runs")
    ]
    assert _faults(second_stay(numerator=sql.replace("/ 3 as", "// 3 as"))) == []


def test_an_attribution_method_that_does_not_exist_is_named(second_stay: Write) -> None:
    toml = (second_stay() / "measure.toml").read_text().replace('method = "index_facility"', 'method = "index_facilty"')
    assert _faults(second_stay(measure=toml)) == [
        (
            "unknown-method",
            "measures/second_stay/measure.toml: there is no attribution method"
            ' "index_facilty"; did you mean "index_facility"?',
        )
    ]


def test_a_list_that_is_not_stated_and_one_that_is_not_asked_for_are_faults(second_stay: Write) -> None:
    assert _with(second_stay, "exclusions", "value_set.name = 'heart'", "value_set.name in ('hart', 'kidney')") == [
        (
            "unknown-list",
            'measures/second_stay/exclusions.sql: there is no list or map "hart"; did you mean "heart"?',
        ),
        ("unknown-list", 'measures/second_stay/exclusions.sql: there is no list or map "kidney"'),
        ("unused-list", 'measures/second_stay/measure.toml: no SQL file asks for the list "heart"'),
    ]


def test_a_rule_without_sql_or_case_and_a_rule_nobody_wrote_are_faults(second_stay: Write) -> None:
    faults = _faults(second_stay(method="R1 stays. R2 adults. R3 no heart stay. R5 nothing."))
    assert [code for code, _ in faults] == ["rule-not-in-sql", "rule-not-in-cases", "rule-not-in-method"]
    assert faults[2][1] == "measures/second_stay: R4 is not a rule of method.md"


def test_a_refused_file_is_not_bound(second_stay: Write) -> None:
    assert _faults(second_stay(population="select * from read_csv('/etc/passwd') -- R1")) == [
        ("refused-sql", "measures/second_stay/population.sql, line 1: the table function read_csv is not allowed")
    ]


def test_require_raises_all_faults_at_once(second_stay: Write) -> None:
    folder = second_stay(heart="code,label\nI10,x\n", method="R1 R2 R3 R4 R9")
    with pytest.raises(MeasureError) as caught:
        check.require(load(folder))
    assert {fault.code for fault in caught.value.faults} == {"bad-header", "rule-not-in-sql", "rule-not-in-cases"}
