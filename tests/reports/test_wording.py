"""Codes that today's measures and settings can put on a page: each has words, and one that has none breaks nothing."""

import csv
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
from pydantic import BaseModel

from qe import bundled
from qe.disclosure.results import ConfidentialResult
from qe.measurement import attribute, compute
from qe.measurement.catalogue import catalogue
from qe.measurement.facts import Attribution, Scoring
from qe.measurement.measure import Module
from qe.reports import linkage_words, model_words, pages, wording
from qe.reports.facts import ReportFacts, ReviewDates
from qe.reports.methods import methods_view
from qe.reports.views import report_view
from qe.run_record import SETTINGS_NOT_PRINTED, linkage_rows
from qe.runs import SECTIONS_WITHOUT_NUMBERS
from qe.site import LinkagePass, Settings, SourceTable
from qe.statistics import risk_adjustment
from qe.statistics.calibration import gate
from qe.statistics.design import AGE_BANDS, AGE_KNOTS, build
from qe.statistics.expected import Fit, model_rows

ROOT = Path(__file__).parents[2]
MODULES = catalogue()
EVENT_FILES = ROOT / "qe" / "ledger" / "events"
CODE = re.compile(r"[a-z0-9]_[a-z0-9]|[A-Za-z]:[A-Za-z]|\w'\d|\w\|\w")

each_measure = pytest.mark.parametrize("module", MODULES, ids=[module.id for module in MODULES])


def list_categories(name: str) -> set[str]:
    with (ROOT / "measures" / "_lists" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["category"] for row in csv.DictReader(file)}


def without_words(codes: set[str], known: Any) -> set[str]:
    return codes - set(known)


def test_the_measures_walked_are_those_that_ship() -> None:
    assert {module.id for module in MODULES} >= {"hwr", "pdc_statins", "total_cost_index"}


@each_measure
def test_every_departure_of_a_measure_has_a_sentence(module: Module) -> None:
    assert not without_words(set(module.facts.standard.deviations), wording.DEPARTURES)
    departing = {name for name, parameter in module.facts.parameters.items() if parameter.deviation}
    assert not without_words(departing, wording.PARAMETERS)
    sentences = wording.departures([*module.standing_deviations(), *(f"{name}=1" for name in departing)])
    assert sentences
    for sentence in sentences:
        assert sentence.endswith(".") and not CODE.search(sentence) and "unverified" not in sentence, sentence


def test_every_departure_that_the_engine_itself_names_has_a_sentence() -> None:
    source = inspect.getsource(Module.standing_deviations) + inspect.getsource(compute._deviations)
    named = set(re.findall(r'append\("(\w+)"\)', source))
    assert {"level", "period"} <= named
    assert not without_words(named, wording.DEPARTURES)


def test_rules_that_are_not_checked_share_one_sentence_after_the_departures() -> None:
    assert wording.departures(["unverified:R4", "risk_model", "unverified:R7", "unverified:R10"]) == (
        "Its risk model is its own, not that of the specification.",
        "Rules R4, R7 and R10 have not yet been checked against the documents that they follow.",
    )
    assert wording.departures(["unverified:R11"]) == (
        "Rule R11 has not yet been checked against the document that it follows.",
    )
    assert wording.departures([]) == ()


LEVELS: dict[str, Callable[[], set[str]]] = {
    "payer_line": lambda: set(get_args(get_args(SourceTable.model_fields["payer_type"].annotation)[0])),
    "comorbidity": lambda: list_categories("elixhauser") - {"CBVD_POA", "CBVD_SQLA"} | {"CBVD"},
    "diagnosis_group": lambda: list_categories("ccs_body_group") | {"unassigned"},
    "condition": lambda: set(
        re.findall(
            r"\('\w+', '(\w+)', \d+, '\w+'\)",
            bundled.folder("measures").joinpath("mcc_admissions", "population.sql").read_text(),
        )
    ),
    "drg_group": lambda: list_categories("ms_drg") | {"unassigned"},
    "prior_stay": lambda: {"within_30_days"},
    "cohort": lambda: list_categories("specialty_cohort_ccs_dx") | {"surgery_gynecology", "unassigned"},
    "history": lambda: {"short"},
}


@each_measure
def test_every_level_of_a_risk_models_factors_has_words(module: Module) -> None:
    """The levels are those of the lists that covariates.sql and population.sql read; any may be pooled with others."""
    for covariate in module.scoring.covariates:
        family, _, form = covariate.partition("|")
        assert family in model_words.FAMILIES and form in model_words.FORMS
        if family in ("age", "sex") or "*" in family:  # a product has the words of its factors
            continue
        assert not without_words(LEVELS[family](), model_words.TERM_LEVELS[family]), family
        assert not CODE.search(model_words.term(f"{family}:pooled").partition(": ")[2])


@each_measure
def test_the_levels_walked_are_those_that_the_measures_sql_gives(module: Module) -> None:
    """Literals beside the lists, and the map that each family reads: a new one must be walked above, too."""
    sql = "\n".join(module.sql.values())
    if "comorbidity" in module.scoring.covariates:
        assert "category in ('CBVD_POA', 'CBVD_SQLA') then 'CBVD'" in sql
    maps = {
        family: name
        for family, name in (("comorbidity", "elixhauser"), ("diagnosis_group", "ccs_body_group"))
        if family in module.scoring.covariates
    }
    assert all(f"name = '{name}'" in sql for name in maps.values())
    literals = set(re.findall(r"coalesce\(\w+\.category, '(\w+)'\)", sql))
    literals |= set(re.findall(r"then '(\w+)'\n\s+else coalesce", sql))
    assert literals <= {"unassigned", "surgery_gynecology"}


@each_measure
def test_every_group_of_cases_with_a_model_of_its_own_has_words(module: Module) -> None:
    if not module.scoring.cohort:
        return
    found = re.findall(r"then '(\w+)'\s+else (.*)\s+end as cohort", module.sql["population"])
    assert len(found) == 1
    named = set(re.findall(r"'(\w+)'", " ".join((f"'{found[0][0]}'", found[0][1]))))
    if "specialty_cohort_ccs_dx" in module.facts.maps:  # the other cohorts are its categories
        named |= list_categories("specialty_cohort_ccs_dx")
    assert not without_words(named, model_words.COHORTS)


def test_the_terms_of_a_fitted_model_and_its_fit_have_words() -> None:
    """240 invented events of ages 18 to 97, half of them of women: every kind of row that model.parquet can hold."""
    ids = [f"{number:03}" for number in range(240)]
    rows = [(event, "age", 18.0 + number % 80) for number, event in enumerate(ids)]
    rows += [(event, "sex", 1.0) for event in ids[::2]]
    rows += [(event, "sex:unknown", 1.0) for event in ids[1::4]]
    rows += [(event, "comorbidity:HF", 1.0) for event in ids[: 2 * 60]]
    rows += [
        (event, f"payer_line:{'medicare' if number % 3 else 'commercial'}", 1.0) for number, event in enumerate(ids)
    ]
    covariates = pl.DataFrame(rows, schema=["event_id", "factor", "value"], orient="row")
    outcome = (np.arange(240) * 7 % 5 < 2).astype(np.float64)
    design = build(covariates, ids, ["age|spline", "sex", "payer_line", "comorbidity"], outcome)
    model = risk_adjustment.logistic(outcome, design)
    cells = [f"medicare, age {low}-{high - 1}" for low, high in pairwise(AGE_BANDS)]
    by_line, by_cell = (
        gate([60.0] * len(names), [60.0] * len(names), [60.0] * len(names), list(names))
        for names in (("medicare", "unknown"), cells)
    )
    fit = Fit(models={"": (model, design)}, by_line=by_line.cells, by_cell=by_cell, has_expected=True)
    table = model_rows("hwr", fit)
    terms = [term for term in table["term"] if not term.startswith("left out")]
    assert {"intercept", "age", "age'1", "age'2", "age'3", "sex", "sex:unknown", "comorbidity:HF"} <= set(terms)
    assert {"c_statistic", "events", "converged"} <= set(terms)
    worded = [model_words.term(term) for term in terms]
    assert len(set(worded)) == len(terms)
    for term, words in zip(terms, worded, strict=True):
        assert words != term and words[0].isupper() and not CODE.search(words), term
    assert worded[-1] == "Observed / expected before scaling: Medicare, 85 years and over"


def test_why_a_model_has_no_effects_of_providers_is_said_without_a_figure() -> None:
    code = "no effects of providers: 4 providers have cases of medicine, and fewer than 10 do not tell how providers differ"
    assert model_words.term(code).startswith("Without an effect of each provider: 4 providers have cases of medicine")
    assert model_words.estimate(code, 0.0) == ""


def test_a_band_of_ages_and_its_product_with_a_payer_have_words() -> None:
    assert model_words.term("age:18-44") == "Age: 18-44"
    assert model_words.term("payer_line:commercial*age:18-44") == "Payer: Commercial insurance, age: 18-44"
    assert model_words.term("payer_line:medicaid*age'1") == "Payer: Medicaid, age: bend of the curve at 25 years"


def test_the_bends_of_the_age_curve_are_named_by_the_years_of_its_knots() -> None:
    for place, knot in enumerate(AGE_KNOTS[:-2], start=1):
        assert model_words.term(f"age'{place}") == f"Age: bend of the curve at {knot:.0f} years"
    assert model_words.term("sex:unknown") == "Sex not recorded"
    assert "'sex:unknown'" in (Path(compute.__file__).parent / "sql" / "factor_sex.sql").read_text(encoding="utf-8")


def test_figures_beside_terms_are_counts_answers_ratios_and_coefficients() -> None:
    assert model_words.estimate("events", 10440.0) == "10,440"
    assert model_words.estimate("converged", 0.0) == "no"
    assert model_words.estimate("c_statistic", 0.7129825) == "0.71"
    assert model_words.estimate("comorbidity:HF", 0.647070838) == "0.6471"


@each_measure
def test_the_risk_adjustment_of_a_measure_has_words(module: Module) -> None:
    if module.scoring.model == "none":
        return
    said = model_words.risk_adjustment(f"{module.scoring.model}: {', '.join(module.scoring.covariates)}")
    assert not CODE.search(said)


def test_every_kind_of_model_has_words_and_a_reason_for_none_stays_as_written() -> None:
    kinds = set(get_args(Scoring.model_fields["model"].annotation)) - {"none"}
    assert not without_words(kinds, model_words.MODELS)
    reason = "A process measure: what is asked is the same for everybody."
    assert model_words.risk_adjustment(reason) == reason


def test_every_attribution_method_and_step_has_words() -> None:
    for method in attribute.methods():
        assert method in wording.ATTRIBUTION and method in wording.CREDITED_BY
        for timing in get_args(Attribution.model_fields["timing"].annotation):
            assert (method, timing) in wording.ATTRIBUTION_IN_SHORT
        sql = (attribute.FOLDER / f"{method}.sql").read_text(encoding="utf-8")
        lines = [line for line in sql.splitlines() if line.rstrip(",").endswith(" as step")]
        steps = set(re.findall(r"(?:then|else|cast\() ?(\d)", "\n".join(lines)))
        assert steps and not without_words({f"{method} {step}" for step in steps}, known_steps())


def known_steps() -> Iterator[str]:
    return (f"{method} {step}" for method, step in wording.ATTRIBUTION_STEPS)


def test_every_setting_that_is_printed_has_words() -> None:
    for table, field in Settings.model_fields.items():
        if table != "review" and (table in SECTIONS_WITHOUT_NUMBERS or table in SETTINGS_NOT_PRINTED):
            continue
        if table in ("measures", "quality"):  # tables of the site's own names
            assert table in wording.SETTINGS_BY_NAME
            continue
        assert inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel)
        names = {f"{table}.{key}" for key in field.annotation.model_fields} - set(SETTINGS_NOT_PRINTED)
        assert not without_words(names, wording.SETTINGS)
    assert wording.setting("linkage.passes", "mbi, name_dob_sex") == (
        "Persons are linked across payers by, in turn",
        "Medicare number; name, birth date and sex",
    )
    assert wording.setting("measures.hwr", "min_age: 65")[0] == "Choices of the measure hwr"


def test_every_way_of_linking_persons_and_every_row_of_its_report_has_words() -> None:
    folder = ROOT / "qe" / "claims" / "link"
    passes = {path.stem.removeprefix("pass_") for path in folder.glob("pass_*.sql")}
    assert passes >= set(get_args(LinkagePass))
    assert not without_words(passes, linkage_words.PASSES)
    rows = set(re.findall(r'\("([a-z ]+)",', inspect.getsource(linkage_rows)))
    assert len(rows) == 3 and not without_words(rows, wording.LINKAGE)


@pytest.mark.parametrize(
    ("file", "event", "field", "words"),
    [
        ("requests", "request_received", "kind", wording.REQUEST_KINDS),
        ("requests", "request_received", "category", wording.REQUEST_CATEGORIES),
        ("requests", "request_resolved", "outcome", wording.REQUEST_OUTCOMES),
        ("release", "public_withdrawn", "reason", wording.WITHDRAWALS),
        ("release", "posting_infeasible", "reason", wording.NOT_POSTED),
    ],
)
def test_every_choice_of_an_event_that_letters_or_public_pages_tell_has_words(
    file: str, event: str, field: str, words: dict[str, str]
) -> None:
    schema = tomllib.loads((EVENT_FILES / f"{file}.toml").read_text(encoding="utf-8"))
    assert set(schema[event]["payload"][field]["choices"]) == set(words)


def test_codes_of_a_sites_own_measures_are_printed_as_they_can_best_be_read(
    previews: list[ConfidentialResult], facts: ReportFacts, dates: ReviewDates
) -> None:
    own = replace(
        facts.measure("hwr"),
        deviations=("other_cutoff", "dose_limit=high_dose"),
        attribution="own_method, retrospective",
        attribution_method="own_method",
    )
    odd = replace(
        facts,
        measures=(own,),
        model=(("hwr", "late_arrivals", "frailty:very_high", 0.5, 0.1), ("hwr", "late_arrivals", "own_term", 0.5, 0.1)),
        settings=(("quality.late_claims", "threshold: 0.1"), ("new_table.new_key", "1")),
        linkage=(("linked by own_pass", 3), ("left_over", 1)),
    )
    hospital = next(preview for preview in previews if preview.provider.level == "facility")
    page = pages.html(pages.CONFIDENTIAL, report=report_view(hospital, odd, dates))
    page += pages.html(pages.METHODS, methods=methods_view(odd, dates.sent_on))
    for words in (
        "It departs from the specification in its other cutoff.",
        "Chosen otherwise than in the specification: dose limit: high dose.",
        "own method, retrospective",
        ": late arrivals",
        "Frailty: very high",
        "own term",
        "Check of the data late claims",
        "new table: new key",
        "Linked by own pass",
        "Left over",
    ):
        assert words in page


def test_a_hospital_is_told_what_part_of_its_stays_the_sources_see():
    assert wording.catchment(0.624) == (
        "Our sources see 62% of your stays. What happened in the others is in no measure."
    )
    assert "see 49%" in wording.catchment(0.496)  # not the half that it falls short of
    assert wording.catchment(1.0) == "Our sources see all of your stays that were counted."
    assert wording.catchment(None).startswith("What part of your stays our sources see is not known")
