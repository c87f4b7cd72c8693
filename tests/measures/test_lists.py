"""The shared code lists: derived lists follow from the lists they are derived from, and published lists are whole."""

import csv
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

DIGIT = Decimal("0.0000000005")  # the probabilities are printed to ten digits
REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "valuesets"


def column(path: Path, key: str, value: str | None = None) -> dict[str, str]:
    """Column `key` of a CSV file, with column `value` where given."""
    with path.open(encoding="utf-8", newline="") as lines:
        return {row[key]: row[value] if value else "" for row in csv.DictReader(lines)}


@pytest.fixture(scope="module")
def lists(measures_folder: Path) -> Path:
    return measures_folder / "_lists"


@pytest.fixture(scope="module")
def categories_under(lists: Path) -> dict[str, set[str]]:
    """The categories of all codes of the map below every beginning of three or more characters."""
    under: dict[str, set[str]] = defaultdict(set)
    for code, category in column(lists / "ccs_dx.csv", "code", "category").items():
        for length in range(3, len(code) + 1):
            under[code[:length]].add(category)
    return under


def test_the_beginnings_are_the_shortest_below_which_all_codes_share_one_category(
    lists: Path, categories_under: dict[str, set[str]]
) -> None:
    expected = {
        beginning: next(iter(categories))
        for beginning, categories in categories_under.items()
        if len(categories) == 1 and not (len(beginning) > 3 and len(categories_under[beginning[:-1]]) == 1)
    }
    assert column(lists / "ccs_dx_prefix.csv", "code", "category") == expected


def test_no_beginning_lies_below_another(lists: Path) -> None:
    beginnings = sorted(column(lists / "ccs_dx_prefix.csv", "code"))
    assert not [longer for shorter, longer in pairwise(beginnings) if longer.startswith(shorter)]


def test_acute_beginnings_are_those_that_are_not_acute_by_category_and_hold_an_acute_code(lists: Path) -> None:
    beginnings = column(lists / "ccs_dx_prefix.csv", "code", "category")
    acute_categories = column(lists / "planned_acute_ccs.csv", "code")
    acute_codes = column(lists / "planned_acute_dx.csv", "code")
    held = {code[:length] for code in acute_codes for length in range(3, len(code) + 1)}
    expected = {beginning for beginning in held & set(beginnings) if beginnings[beginning] not in acute_categories}
    assert set(column(lists / "planned_acute_dx_prefix.csv", "code")) == expected


def test_every_category_of_the_diagnosis_map_has_a_body_group(lists: Path) -> None:
    groups = column(lists / "ccs_body_group.csv", "code", "category")
    assert set(column(lists / "ccs_dx.csv", "code", "category").values()) <= set(groups)
    assert (groups["122"], groups["100"], groups["196"], groups["259"], groups["653"], groups["2617"]) == (
        "respiratory",
        "circulatory",
        "pregnancy",
        "residual",
        "mental",
        "external",
    )


def test_no_category_is_both_excluded_and_in_a_cohort_but_by_the_kind_of_stay(lists: Path) -> None:
    cohorts = column(lists / "specialty_cohort_ccs_dx.csv", "code", "category")
    excluded = column(lists / "excluded_ccs_dx.csv", "code", "category")
    assert set(cohorts) & set(excluded) == set()
    assert sorted(set(cohorts.values())) == ["cardiorespiratory", "cardiovascular", "medicine", "neurology"]


@pytest.mark.needs_reference
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference value sets are not beside the project")
@pytest.mark.parametrize(
    ("name", "value", "file", "key", "category"),
    [
        ("ccs_dx", "category", "hwr_pra_ccs/icd10cm_to_ccs_2019_1.csv", "code", "ccs"),
        ("ccs_px", "category", "hwr_pra_ccs/icd10pcs_to_ccs_2019_1.csv", "code", "ccs"),
        ("planned_acute_ccs", None, "hwr_pra_ccs/acute_diagnosis_ccs.csv", "ccs_diagnosis_category", None),
        ("planned_acute_dx", None, "hwr_pra_ccs/acute_diagnosis_icd_10_cm.csv", "icd_10_cm", None),
        ("planned_potential_px", None, "hwr_pra_ccs/potentially_planned_icd_10_pcs.csv", "icd_10_pcs", None),
        (
            "planned_potential_ccs_px",
            None,
            "hwr_pra_ccs/potentially_planned_ccs_procedure_category.csv",
            "ccs_procedure_category",
            None,
        ),
        ("surgery_gynecology_px", None, "hwr_pra_ccs/surgery_gynecology_cohort.csv", "icd_10_pcs", None),
    ],
)
def test_a_published_list_holds_what_was_published(
    name: str, value: str | None, file: str, key: str, category: str | None, lists: Path
) -> None:
    assert column(lists / f"{name}.csv", "code", value) == column(REFERENCE / file, key, category)


@pytest.fixture(scope="module")
def emergency_classes(lists: Path) -> dict[str, dict[str, str]]:
    """class -> published probability, by code."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    with (lists / "ed_probability.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            name, _, probability = row["category"].partition(" ")
            found[row["code"]][name] = probability
    return found


def test_the_emergency_classes_of_every_code_add_up_to_one(emergency_classes: dict[str, dict[str, str]]) -> None:
    assert len(emergency_classes) == 47_132
    assert {name for classes in emergency_classes.values() for name in classes} == {
        "noner", "epct", "edcnpa", "edcnnpa", "injury", "psych", "alcohol", "drug",
    }  # fmt: skip
    off = [
        code
        for code, classes in emergency_classes.items()
        if abs(sum(map(Decimal, classes.values()), Decimal(-1))) > DIGIT
    ]
    assert off == []


@pytest.mark.needs_reference
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference value sets are not beside the project")
def test_the_emergency_classes_are_those_that_were_published(emergency_classes: dict[str, dict[str, str]]) -> None:
    with (REFERENCE / "ed_nyu_johnston" / "johnston_icd10.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    published = {row.pop("icd10"): {name: value for name, value in row.items() if Decimal(value)} for row in rows}
    assert emergency_classes == published


@pytest.mark.needs_reference
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference value sets are not beside the project")
def test_the_lists_of_the_prevention_indicators_are_those_that_were_published(measures_folder: Path) -> None:
    shipped = sorted((measures_folder / "ahrq_pqi" / "value_sets").glob("*.csv"))
    assert len(shipped) == 21
    for path in shipped:
        published = REFERENCE / "ahrq_pqi_v2024" / f"{path.stem.upper()}.csv"
        assert list(column(path, "code")) == list(column(published, "code")), path.stem


def test_the_drugs_for_diabetes_of_statin_use_are_the_shared_ones_with_insulin(
    measures_folder: Path, lists: Path
) -> None:
    both = column(lists / "diabetes_drug.csv", "code", "label") | column(lists / "insulin.csv", "code", "label")
    assert column(measures_folder / "supd" / "value_sets" / "diabetes_drug_or_insulin.csv", "code", "label") == both


@pytest.mark.needs_reference
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference value sets are not beside the project")
@pytest.mark.parametrize(
    ("name", "classes"),
    [("statin", "STATIN"), ("ras_antagonist", "RASA_A RASA_D"), ("diabetes_drug", "DM_B DM_S DM_T DM_D DM_G DM_M")],
)
def test_drug_classes_hold_every_ingredient_of_the_reference(name: str, classes: str, lists: Path) -> None:
    reference = column(REFERENCE / "drugs" / "ingredients.csv", "ingredient", "class")
    wanted = {drug for drug, of_class in reference.items() if of_class.startswith(tuple(classes.split()))}
    assert set(column(lists / f"{name}.csv", "code")) == wanted
