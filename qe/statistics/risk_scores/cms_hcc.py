"""Risk scores of Medicare beneficiaries by CMS-HCC V24 or V28: joins of the published tables, all persons at once."""

from itertools import pairwise
from typing import Final

import polars as pl

from qe.errors import Fault, InputError
from qe.statistics.risk_scores.interactions import COUNTS_ONLY_BESIDE, DISABLED, GROUPS, INTERACTIONS
from qe.statistics.risk_scores.tables import Tables

PERSON: Final[dict[str, pl.DataType]] = {
    "person_id": pl.String(),
    "age": pl.Int64(),
    "sex": pl.String(),
    "dual_status": pl.String(),
    "entitlement_reason": pl.String(),
    "is_new_enrollee": pl.Boolean(),
    "is_institutional": pl.Boolean(),
    "is_special_needs": pl.Boolean(),
}
FULL_DUAL: Final = ("02", "04", "08")
PARTIAL_DUAL: Final = ("01", "03", "05", "06")
NOT_DUAL: Final = ("00", "09", "NA")
OLDEST: Final = 120  # years
BANDS: Final = (34, 44, 54, 59, 64, 69, 74, 79, 84, 89, 94)  # years, the last of each band
NEW_BANDS: Final = (
    34,
    44,
    54,
    59,
    64,
    65,
    66,
    67,
    68,
    69,
    74,
    79,
    84,
    89,
    94,
)  # new enrollees: single years from 65 to 69


def score(persons: pl.DataFrame, diagnoses: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """The raw score of each person, before normalisation and coding intensity: person_id, segment, raw; by person_id.

    Arguments and errors as for `terms`, whose coefficients it adds up as decimals: exact, unrounded.
    """
    return (
        _terms(_checked(persons), diagnoses, tables)
        .group_by("person_id", "segment")
        .agg(raw=pl.col("coefficient").sum().cast(pl.Float64))
        .sort("person_id")
    )


def terms(persons: pl.DataFrame, diagnoses: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """What a person's score consists of: person_id, segment, term, coefficient; by person_id and term.

    persons    one row a person: person_id; age on 1 February of the payment year; sex "1" male, "2" female; dual_status of the
               month or year ("00" to "06", "08", "09", "NA"); entitlement_reason "0" age, "1" disability, "2" and "3" with kidney
               failure, as originally; is_new_enrollee (under 12 months of Part B before the year), is_institutional (90 days
               and more in an institution), is_special_needs (chronic-condition plan: its new enrollees have their own cells)
    diagnoses  person_id, code: ICD-10-CM without a dot, of acceptable claims of the year before; repeats count once

    A new enrollee is scored by age, sex, Medicaid and original disability only, in an institution too: there are no cells of
    institutional new enrollees. Persons on dialysis or with a transplant have models of their own and do not belong here.
    InputError names columns that are missing and how many persons have a value that no cell of the tables answers to.

    Source: CMS, Announcement of Calendar Year 2024 (V28) and 2020 (V24) Rates, and the model software of 2026.
    """
    return (
        _terms(_checked(persons), diagnoses, tables)
        .select("person_id", "segment", "term", pl.col("coefficient").cast(pl.Float64))
        .sort("person_id", "term")
    )


def payment_score(raw: pl.Expr, *, normalisation: float, coding_intensity: float) -> pl.Expr:
    """raw x (1 - coding_intensity) / normalisation, unrounded. Both factors are those of the payment year, as published.

    coding_intensity  share taken off for coding differences of Medicare Advantage, 0 for persons of Original Medicare
    """
    if not normalisation > 0 or not 0 <= coding_intensity < 1:
        raise InputError(
            f"a normalisation of {normalisation} and a coding intensity of {coding_intensity} are not factors of a score",
            remedy="Give the normalisation as published (above 0) and the coding adjustment as a share (0 to below 1).",
        )
    return raw * (1 - coding_intensity) / normalisation


def conditions(persons: pl.DataFrame, diagnoses: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Condition categories after edits for sex and age, before hierarchies: person_id, category, each once.

    persons  person_id, age, sex as in `terms`
    """
    return _conditions(persons, _require_bare(diagnoses), tables)


def _conditions(persons: pl.DataFrame, diagnoses: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    coded = diagnoses.unique().join(persons.select("person_id", "age", "sex"), on="person_id")
    held = coded.select("person_id", "code")
    fits = (
        (pl.col("sex") == pl.col("edit_sex"))
        | (pl.col("age") <= pl.col("age_to"))
        | (pl.col("age") >= pl.col("age_from"))
    )
    edits = tables.edits.rename({"sex": "edit_sex"})
    edited = coded.join(edits, on="code", how="inner").filter(fits.fill_null(False))
    mapped = held.join(tables.categories, on="code", how="inner")
    by_map = mapped.join(edited, on=["person_id", "code"], how="anti").select("person_id", "category")
    known = edited.join(tables.categories.select("code").unique(), on="code", how="semi")
    by_edit = known.drop_nulls("category").select("person_id", "category")
    return pl.concat([by_map, by_edit]).unique()


def _require_bare(diagnoses: pl.DataFrame) -> pl.DataFrame:
    """person_id and code, or InputError where a code would silently count for nothing."""
    dotted = diagnoses.filter(~pl.col("code").str.contains(r"^[A-Z0-9]+$").fill_null(False)).height
    if dotted:
        raise InputError(
            f"the code is missing, or not in capitals and figures alone, in {dotted:,} of {diagnoses.height:,} diagnoses",
            remedy="Give ICD-10-CM codes as claims hold them, without a dot, like E119.",
        )
    return diagnoses.select("person_id", "code")


def _terms(persons: pl.DataFrame, diagnoses: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """person_id, segment, term, coefficient."""
    ids = persons.select("person_id").with_row_index("number")
    placed = persons.with_columns(person_id=ids["number"], segment=_segment())  # joins of numbers take half the time
    coded = _require_bare(diagnoses).join(ids, on="person_id").select("code", person_id="number")
    own = _of_demography(placed)
    counted = _after_hierarchies(_conditions(placed, coded, tables), tables)
    of_conditions = pl.concat(
        [
            counted.select("person_id", term=pl.format("HCC{}", "category")),
            _of_counts(counted),
            _of_interactions(placed, counted, tables),
        ]
    )
    key = pl.col("term").str.to_lowercase()
    found = (
        pl.concat([own, of_conditions])
        .with_columns(key=key)
        .join(placed.select("person_id", "segment"), on="person_id", how="inner")
        .join(tables.coefficients.rename({"term": "key"}), on=["segment", "key"], how="inner")
        .join(ids.rename({"person_id": "id"}), left_on="person_id", right_on="number")
        .select(pl.col("segment").str.to_uppercase(), "term", "coefficient", person_id="id")
    )
    assert found["person_id"].n_unique() == persons.height, "every person has a cell of age and sex"
    return found


def _segment() -> pl.Expr:
    dual = (
        pl.when(pl.col("dual_status").is_in(FULL_DUAL))
        .then(pl.lit("f"))
        .when(pl.col("dual_status").is_in(PARTIAL_DUAL))
        .then(pl.lit("p"))
        .otherwise(pl.lit("n"))
    )
    aged = pl.when(pl.col("age") >= 65).then(pl.lit("a")).otherwise(pl.lit("d"))
    return (
        pl.when("is_new_enrollee")
        .then(pl.when("is_special_needs").then(pl.lit("snpne")).otherwise(pl.lit("ne")))
        .when("is_institutional")
        .then(pl.lit("ins"))
        .otherwise(pl.concat_str(pl.lit("c"), dual, aged))
    )


def _of_demography(placed: pl.DataFrame) -> pl.DataFrame:
    """person_id, term: the cell of age and sex, original disability, Medicaid in an institution."""
    sex = pl.when(pl.col("sex") == "2").then(pl.lit("F")).otherwise(pl.lit("M"))
    said = pl.when(pl.col("sex") == "2").then(pl.lit("Female")).otherwise(pl.lit("Male"))
    disabled_first = (pl.col("age") >= 65) & (pl.col("entitlement_reason") == "1")
    medicaid = pl.col("dual_status").is_in((*FULL_DUAL, *PARTIAL_DUAL))
    turns_65 = (pl.col("age") == 64) & (pl.col("entitlement_reason") == "0")  # within the payment year
    new_age = pl.when(turns_65).then(65).otherwise(pl.col("age"))
    new_cell = pl.format(
        "{}_{}_NE{}{}",
        pl.when(medicaid).then(pl.lit("MCAID")).otherwise(pl.lit("NMCAID")),
        pl.when(disabled_first).then(pl.lit("ORIGDIS")).otherwise(pl.lit("NORIGDIS")),
        sex,
        _band(new_age, NEW_BANDS),
    )
    cell = pl.format("{}{}", sex, _band(pl.col("age"), BANDS))
    cells = placed.select("person_id", term=pl.when("is_new_enrollee").then(new_cell).otherwise(cell))
    first = placed.filter(disabled_first).select("person_id", term=pl.format("OriginallyDisabled_{}", said))
    helped = placed.filter(medicaid & pl.col("is_institutional")).select("person_id", term=pl.lit("LTIMCAID"))
    return pl.concat([cells, first, helped])


def _band(age: pl.Expr, last: tuple[int, ...]) -> pl.Expr:
    """ "0_34", "65", "95_GT": the name of the band of age."""
    names: dict[int, str] = {}
    for low, high in pairwise((0, *(year + 1 for year in last), OLDEST + 1)):
        name = f"{low}_GT" if high > OLDEST else str(low) if high == low + 1 else f"{low}_{high - 1}"
        names |= dict.fromkeys(range(low, high), name)
    return age.replace_strict(names, return_dtype=pl.String)


def _after_hierarchies(found: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    for category, companions in COUNTS_ONLY_BESIDE[tables.model].items():
        beside = found.filter(pl.col("category").is_in(companions)).select("person_id").unique()
        alone = found.filter(pl.col("category") == category).join(beside, on="person_id", how="anti")
        found = found.join(alone, on=["person_id", "category"], how="anti")
    beaten = found.join(tables.hierarchies, left_on="category", right_on="graver", how="inner")
    return found.join(beaten, left_on=["person_id", "category"], right_on=["person_id", "milder"], how="anti")


def _of_counts(counted: pl.DataFrame) -> pl.DataFrame:
    """D1 to D9, D10P: the number of payment conditions."""
    held = counted.group_by("person_id").len("conditions")
    many = pl.col("conditions") >= 10
    return held.select("person_id", term=pl.when(many).then(pl.lit("D10P")).otherwise(pl.format("D{}", "conditions")))


def _of_interactions(placed: pl.DataFrame, counted: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    groups = pl.DataFrame(
        [(str(member), name) for name, members in GROUPS[tables.model].items() for member in members],
        schema=["category", "mark"],
        orient="row",
    )
    disabled = (pl.col("age") < 65) & (pl.col("entitlement_reason") != "0")
    marks = pl.concat(
        [
            counted.select("person_id", mark="category"),
            counted.join(groups, on="category", how="inner").select("person_id", "mark").unique(),
            placed.filter(disabled).select("person_id", mark=pl.lit(DISABLED)),
        ]
    )
    pairs = pl.DataFrame(INTERACTIONS[tables.model], schema=["term", "mark", "other"], orient="row")
    first = marks.join(pairs, on="mark", how="inner").select("person_id", "term", mark="other")
    return first.join(marks, on=["person_id", "mark"], how="semi").select("person_id", "term")


def _checked(persons: pl.DataFrame) -> pl.DataFrame:
    """The columns of PERSON, or InputError with every fault at once."""
    missing = [name for name in PERSON if name not in persons.columns]
    if missing:
        raise InputError(
            f"the frame of persons has no column {', '.join(missing)}", remedy=f"Give the columns {', '.join(PERSON)}."
        )
    known = persons.select(pl.col(name).cast(kind) for name, kind in PERSON.items())
    statuses = (*FULL_DUAL, *PARTIAL_DUAL, *NOT_DUAL)
    without = pl.col("entitlement_reason") == "0"
    wrong = {
        "a value is missing": pl.any_horizontal(pl.all().is_null()),
        "person_id is there more than once": pl.col("person_id").is_duplicated(),
        f"age is not 0 to {OLDEST}": ~pl.col("age").is_between(0, OLDEST),
        'sex is not "1" or "2"': ~pl.col("sex").is_in(("1", "2")),
        f"dual_status is not one of {', '.join(statuses)}": ~pl.col("dual_status").is_in(statuses),
        "entitlement_reason is not 0 to 3": ~pl.col("entitlement_reason").is_in(("0", "1", "2", "3")),
        "under 64 and entitled by age: not in Medicare": (pl.col("age") < 64) & without,
    }
    counts = known.select(rule.sum().alias(said) for said, rule in wrong.items())
    faults = [
        Fault(
            code="bad-person",
            message=f"{said} in {counts[said][0]:,} of {known.height:,} persons",
            count=int(counts[said][0]),
            remedy="Correct the persons or leave them out; the tables have no cell for them.",
        )
        for said in wrong
        if counts[said][0]
    ]
    if faults:
        raise InputError.of(faults)
    return known
