"""measure.toml is closed: unknown and missing keys are errors, all at once."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from qe.errors import MeasureError
from qe.measurement import check
from qe.measurement.compute import compute
from qe.measurement.facts import Parameter
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

Write = Callable[..., Path]


def _facts(folder: Path) -> str:
    return (folder / "measure.toml").read_text()


def test_a_whole_folder_loads_with_its_sql_and_measures(second_stay: Write) -> None:
    module = load(second_stay())
    assert (module.id, module.version, module.measure_ids) == ("second_stay", "1.0.0", ("second_stay",))
    assert sorted(module.sql) == ["exclusions", "numerator", "population"]


def test_unknown_and_missing_keys_are_told_at_once_with_a_suggestion(second_stay: Write) -> None:
    toml = _facts(second_stay()).replace("[attribution]", "[attributon]").replace('steward = "qe"\n', "")
    toml = toml.replace("look_back_months", "lookback_months")
    with pytest.raises(MeasureError) as caught:
        load(second_stay(measure=toml))
    messages = sorted(fault.message for fault in caught.value.faults)
    assert messages == [
        'measures/second_stay/measure.toml: the key "attribution" is missing',
        'measures/second_stay/measure.toml: the key "steward" is missing',
        'measures/second_stay/measure.toml: the key "window.look_back_months" is missing',
        'measures/second_stay/measure.toml: unknown key "attributon"; did you mean "attribution"?',
        'measures/second_stay/measure.toml: unknown key "window.lookback_months"; did you mean "look_back_months"?',
    ]


def test_wrong_values_are_told_at_once_in_words_that_say_what_to_write(second_stay: Write) -> None:
    toml = _facts(second_stay()).replace('basis = "i"', 'basis = "iii."').replace("months = 12", 'months = "x"')
    toml = toml.replace('version = "1.0.0"', 'version = "1.0"').replace("default = 18", 'default = "old"')
    toml = toml.replace('levels = ["facility"]', 'levels = ["area", "facilty"]').replace("rows = 2", "row = 2")
    toml = toml.replace("[upkeep]", '[parameters.sql]\ntype = "txt"\ndefault = []\nmeaning = " "\n[upkeep]')
    with pytest.raises(MeasureError) as caught:
        load(second_stay(measure=toml))
    where = "measures/second_stay/measure.toml"
    assert [fault.message.removeprefix(f"{where}: ") for fault in caught.value.faults] == [
        '"version" must be three numbers like 1.0.0',
        '"standard.basis": "iii." is not one of i, ii, iii, iv, v, none; did you mean "iii"?',
        '"window.months" must be a whole number, at least 1',
        '"attribution.levels entry 2": "facilty" is not one of clinician, group, facility, area; '
        'did you mean "facility"?',
        '"parameters.min_age": the default is not a value of type integer',
        '"parameters.sql": the engine binds this name itself; choose another',
        '"parameters.sql.type": "txt" is not one of text, integer, decimal, boolean, date; did you mean "text"?',
        '"parameters.sql.default" must be true or false, a whole number, a number, a date like 2025-12-31 or text',
        '"parameters.sql.meaning" must be text that is not blank',
        'unknown key "lists.heart.row"; did you mean "rows"?',
    ]


def test_a_default_or_a_choice_of_another_type_is_told_apart() -> None:
    facts = {"type": "integer", "default": 18, "choices": [18, "old"], "meaning": "m"}
    with pytest.raises(ValueError, match="a choice for the default is not a value of type integer"):
        Parameter.model_validate(facts)
    with pytest.raises(ValueError, match="the default must be one of 65, 75"):
        Parameter.model_validate(facts | {"choices": [65, 75]})


def test_the_id_is_the_name_of_the_folder(second_stay: Write) -> None:
    toml = _facts(second_stay()).replace('id = "second_stay"\nversion', 'id = "other"\nversion')
    with pytest.raises(MeasureError, match='id = "other" must equal the folder'):
        load(second_stay(measure=toml))


def test_a_blank_rationale_needs_a_reason(second_stay: Write) -> None:
    blank = _facts(second_stay()).replace('existing_efforts = "none"', 'existing_efforts = ""')
    with pytest.raises(MeasureError, match="blank existing_efforts needs not_applicable_reason"):
        load(second_stay(measure=blank))
    excused = blank.replace(
        'area_relevance = "none"', 'area_relevance = "none"\nnot_applicable_reason = "no other effort"'
    )
    assert load(second_stay(measure=excused)).facts.rationale.existing_efforts == ""


def test_no_adjustment_needs_a_reason(second_stay: Write) -> None:
    toml = _facts(second_stay()).replace('reason_if_none = "tests"\n', "")
    with pytest.raises(MeasureError, match="needs reason_if_none"):
        load(second_stay(measure=toml))


def test_effects_of_providers_need_one_level(second_stay: Write) -> None:
    toml = _facts(second_stay()).replace('model = "none"', 'model = "mixed_logit"')
    assert load(second_stay(measure=toml)).facts.scoring.model == "mixed_logit"
    two = toml.replace('levels = ["facility"]', 'levels = ["facility", "group"]')
    with pytest.raises(MeasureError, match="needs a proportion and one level"):
        load(second_stay(measure=two))


@pytest.mark.parametrize(
    ("scoring", "said"),
    [
        ('model = "nb"', 'model = "nb" is not built yet; choose one of logistic, mixed_logit, none, poisson'),
        (
            'model = "logistic"\ncovariates = ["age|curve"]',
            'covariate "age.curve": its form must be one of spline, bands',
        ),
        (
            'model = "poisson"\ncovariates = ["age|bands", "age*payer_line", "payer_line"]',
            'covariate "age.payer_line": payer_line must stand before it',
        ),
        ('model = "logistic"\ncovariates = ["age", "dual_status"]', "covariates dual_status are social factors"),
    ],
)
def test_a_model_that_cannot_be_fitted_as_it_stands_is_refused(second_stay: Write, scoring: str, said: str) -> None:
    toml = _facts(second_stay()).replace('model = "none"', scoring)
    with pytest.raises(MeasureError, match=said):
        load(second_stay(measure=toml))


def test_the_families_that_the_sql_gives_have_no_forms_and_no_interactions(second_stay: Write) -> None:
    scoring = 'model = "poisson"\ncovariates = ["age|bands", "payer_line", "age*payer_line"]'
    loaded = load(second_stay(measure=_facts(second_stay()).replace('model = "none"', scoring)))
    assert loaded.facts.scoring.families == ("age", "payer_line")


def test_a_missing_file_of_the_folder_is_named(second_stay: Write) -> None:
    folder = second_stay()
    (folder / "numerator.sql").unlink()
    (folder / "method.md").unlink()
    with pytest.raises(MeasureError) as caught:
        load(folder)
    assert [fault.file for fault in caught.value.faults] == ["second_stay/numerator.sql", "second_stay/method.md"]


def test_the_folders_sha256_changes_with_any_file(second_stay: Write) -> None:
    before = load(second_stay()).sha256
    assert load(second_stay()).sha256 == before
    assert load(second_stay(method="R1 R2 R3 R4 reworded")).sha256 != before


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("integer", "65", 65),
        ("decimal", "0.80", Decimal("0.80")),
        ("boolean", "off", False),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("text", "cms", "cms"),
    ],
)
def test_a_parameter_from_the_command_line_has_its_type(kind: str, given: str, value: object) -> None:
    parameter = Parameter.model_validate({"type": kind, "default": given, "meaning": "m"})
    assert parameter.parse(given, name="p") == value


def test_a_parameter_outside_its_choices_or_type_is_refused(second_stay: Write) -> None:
    parameter = Parameter(type="text", default="cms", choices=("cms", "all"), meaning="m")
    with pytest.raises(MeasureError, match="must be one of cms, all"):
        parameter.parse("some", name="cancer_rule")
    with pytest.raises(MeasureError, match=r"second_stay.min_age is not a value of type integer"):
        load(second_stay()).with_parameters({"min_age": "old"})


def test_an_unknown_parameter_is_named_with_a_suggestion(second_stay: Write) -> None:
    with pytest.raises(MeasureError, match='unknown parameter "minage"; did you mean "min_age"'):
        load(second_stay()).with_parameters({"minage": "65"})


def test_any_standing_deviation_forces_alternative(second_stay: Write) -> None:
    toml = _facts(second_stay())
    assert load(second_stay()).standing() == "standard"
    assert load(second_stay()).standing(("period",)) == "alternative"
    for changed in (
        toml.replace('basis = "i"', 'basis = "none"'),
        toml.replace('basis = "i"', 'basis = "i"\ndeviations = ["risk_model"]'),
        toml.replace('basis = "i"', 'basis = "iv"'),  # no programme uses it now
        toml.replace('level = "facility"', 'level = "plan"'),
        toml + '\n[unverified]\nR2 = "tick the age against the manual"\n',
    ):
        assert load(second_stay(measure=changed)).standing() == "alternative"


SHARED = '[shared]\nnumerator = "twice_in"\n'


def test_sister_modules_share_a_file_and_each_is_another_definition_when_it_changes(second_stay: Write) -> None:
    folder = second_stay()
    numerator = (folder / "numerator.sql").read_text()
    toml = _facts(folder).replace("[upkeep]", SHARED + "[upkeep]")
    (folder / "measure.toml").write_text(toml)
    with pytest.raises(MeasureError) as caught:
        load(folder)
    assert [fault.message for fault in caught.value.faults] == [
        "measures/second_stay: ../_shared/twice_in.sql is missing",
        "measures/second_stay: numerator.sql stands in the folder and in [shared]",
    ]
    (folder / "numerator.sql").unlink()
    shared = folder.parent / "_shared"
    shared.mkdir()
    (shared / "twice_in.sql").write_text(numerator)
    module = load(folder)
    assert module.sql["numerator"] == numerator
    assert module.place("numerator") == "measures/_shared/twice_in.sql"
    (shared / "twice_in.sql").write_text(numerator + "-- another\n")
    assert load(folder).sha256 != module.sha256


PART = "-- Grain: one row a person.\nselect person_id, count(*) as stays from stay group by person_id\n"
LATE_PART = "-- Grain: one row an event.\nselect population.event_id, known.stays from population join known using (person_id)\n"


def _with_parts(second_stay: Write, *parts: str) -> Path:
    """The small module with parts; its numerator reads the one that comes after the population."""
    toml = _facts(second_stay()).replace('specification = "method.md"', f'specification = "x"\nparts = {list(parts)}')
    numerator = "-- R4\nselect event_id, cast(case when stays > 1 then 1 else 0 end as decimal(18, 6)) as value,"
    numerator += " ['R4'] as rule_ids, cast([] as varchar[]) as claim_ids from late\n"
    folder = second_stay(measure=toml, numerator=numerator)
    shared = folder.parent / "_shared"
    shared.mkdir(exist_ok=True)
    (shared / "known.sql").write_text(PART)
    (shared / "late.sql").write_text(LATE_PART)
    return folder


@pytest.mark.usefixtures("stays")
def test_parts_are_laid_out_for_the_other_files_and_dropped_again(second_stay: Write, model_db: Warehouse) -> None:
    module = load(_with_parts(second_stay, "known", "late"))
    assert module.laid_out() == ["known", "population", "late"]
    assert check.check(module) == []
    period = MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31))
    found = compute(model_db, module, period=period, parameters={}, attribution=None, lists=None)
    assert dict(found.events.select("person_id", "value").iter_rows()) == {"P1": 1, "P2": 0, "P3": 0}
    with pytest.raises(duckdb.CatalogException):
        model_db.execute("select 1 from late")


def test_a_part_belongs_to_the_definition_and_reads_only_parts_before_it(second_stay: Write) -> None:
    folder = _with_parts(second_stay, "known", "late")
    before = load(folder).sha256
    (folder.parent / "_shared" / "known.sql").write_text(PART + " ")
    assert load(folder).sha256 != before
    [fault] = check.check(load(_with_parts(second_stay, "late", "known")))
    assert fault.message.startswith('measures/_shared/late.sql, line 2: the table "known" is not part of the contract')


def test_a_part_without_a_file_or_with_the_name_of_a_table_is_refused(second_stay: Write) -> None:
    with pytest.raises(MeasureError) as caught:
        load(_with_parts(second_stay, "known", "unknown", "stay"))
    assert [fault.message for fault in caught.value.faults] == [
        "measures/second_stay: ../_shared/unknown.sql is missing",
        "measures/second_stay: ../_shared/stay.sql is missing",
        'measures/second_stay: the part "stay" has the name of a table or file that a measure has anyway',
    ]


def test_exclusions_may_come_from_several_shared_files_beside_the_folders_own(second_stay: Write) -> None:
    folder = second_stay()
    young, heart = (folder / "exclusions.sql").read_text().split("union all\n")
    shared = folder.parent / "_shared"
    shared.mkdir()
    (shared / "too_young.sql").write_text(young)
    (shared / "heart_stay.sql").write_text("-- Grain: one row a person and stay. Decides: R3.\n" + heart)
    toml = _facts(folder)
    named = toml.replace("[upkeep]", '[shared]\nexclusions = ["too_young", "heart_stay"]\n[upkeep]')
    (folder / "measure.toml").write_text(named)
    own = load(folder)
    assert sorted(own.sql) == [
        "exclusions", "exclusions:heart_stay", "exclusions:too_young", "numerator", "population",
    ]  # fmt: skip
    (folder / "exclusions.sql").unlink()
    module = load(folder)
    assert sorted(module.sql) == ["exclusions:heart_stay", "exclusions:too_young", "numerator", "population"]
    assert module.place("exclusions:too_young") == "measures/_shared/too_young.sql"
    assert check.check(module) == []
    (shared / "heart_stay.sql").unlink()
    with pytest.raises(MeasureError, match=r"second_stay: \.\./_shared/heart_stay\.sql is missing"):
        load(folder)


def test_only_exclusions_may_be_several_and_each_file_stands_once(second_stay: Write) -> None:
    toml = _facts(second_stay())
    for shared, message in (
        ('numerator = ["one", "two"]', "numerator is one file; only exclusions may be several"),
        ('exclusions = ["one", "one"]', "exclusions names a file twice"),
    ):
        with pytest.raises(MeasureError, match=message):
            load(second_stay(measure=toml.replace("[upkeep]", f"[shared]\n{shared}\n[upkeep]")))


def test_a_quotient_names_two_other_measures_of_amounts_with_an_expected_value(second_stay: Write) -> None:
    toml = _facts(second_stay())
    terms = '[[measures]]\nid = "{}"\nname = "n"\ncategory = "c"\n'
    price = terms.format("price") + 'quotient = ["second_stay", "use"]\n'
    ratio = toml.replace('kind = "proportion"', 'kind = "amount_ratio"').replace('model = "none"', 'model = "poisson"')
    whole = ratio.replace("[standard]", terms.format("use") + price + "[standard]")
    assert load(second_stay(measure=whole)).facts.measures[2].quotient == ("second_stay", "use")
    with pytest.raises(MeasureError, match="quotient of price names two measures of the module that are no quotients"):
        load(second_stay(measure=ratio.replace("[standard]", price + "[standard]")))
    with pytest.raises(MeasureError, match="quotient of price: only amounts with an expected value have one"):
        load(second_stay(measure=whole.replace('model = "poisson"', 'model = "none"')))


@pytest.mark.parametrize("named", ['["second_stay"]', '["second_stay", "both"]', '["second_stay", "second_stay"]'])
def test_a_composite_names_two_or_more_other_measures_of_counts(second_stay: Write, named: str) -> None:
    toml = _facts(second_stay())
    measure = '[[measures]]\nid = "{}"\nname = "n"\ncategory = "c"\n'
    both = measure.format("third_stay") + measure.format("both") + "composite_of = {}\n[standard]"
    whole = toml.replace("[standard]", both.format('["second_stay", "third_stay"]'))
    assert load(second_stay(measure=whole)).facts.measures[2].composite_of == ("second_stay", "third_stay")
    with pytest.raises(
        MeasureError, match="composite_of of both names two or more measures of the module, no composites"
    ):
        load(second_stay(measure=toml.replace("[standard]", both.format(named))))
    with pytest.raises(MeasureError, match="composite_of of both: only counts of events add up"):
        load(second_stay(measure=whole.replace('kind = "proportion"', 'kind = "mean"')))
