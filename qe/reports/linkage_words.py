"""What the codes of the linkage report mean, once: passes, reasons for review, facts that are placeholders, crosswalks."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

PASSES: Final = {
    "mbi": "Medicare number",
    "name_dob_sex_zip": "name, birth date, sex and ZIP code",
    "name_dob_sex": "name, birth date and sex",
    "dob_sex_similar_name": "birth date, sex and a similar name",
    "first_dob_zip_sex": "first name, birth date, ZIP code and sex",
    "name_dob_zip": "name, birth date and ZIP code, the sex unknown or wrong in one source",
    "name_zip_sex_dob_slip": "name, ZIP code, sex and a birth date that is a slip of the pen away",
    "name_zip_sex_near_dob": "name, ZIP code, sex and nearly the birth date",
    "analyst": "an analyst's decision",
}
METHODS: Final = {
    "own": "not found in an earlier source",
    **{name: f"by {words}" for name, words in PASSES.items()},
}
REASONS: Final = {
    "mbi_of_another_person": "one Medicare number (MBI), two persons",
    "contrary_mbi": "equal but for the Medicare number (MBI)",
    "contrary_middle_initial": "equal but for the middle initial",
    "several_candidates": "several persons fit",
    "name_zip_sex_near_dob": "nearly the birth date",
}
LEFT_OUT: Final = {
    "mbi": "the Medicare number (MBI) is shared by more ids than one person has, and taken as unknown",
    "ssn": "the social security number is shared by more ids than one person has, and taken as unknown",
    "surrogate_key": "the surrogate key is shared by more ids than one person has, and taken as unknown",
    "crossreference_key": "the cross-reference key is shared by more ids than one person has, and taken as unknown",
    "name": "the name is a placeholder, and taken as unknown",
    "birth_date": "the birth date is a placeholder, and taken as unknown",
    "same_source": "name, birth date, sex and ZIP code are shared by more ids than one person has: the ids stay apart",
}

CROSSWALKS: Final = {
    "new": "in a later crosswalk for the first time",
    "surrogate_key": "found again in a later crosswalk by surrogate key",
    "mbi": "found again in a later crosswalk by Medicare number (MBI)",
    "hicn": "found again in a later crosswalk by former Medicare number (HICN)",
    "same_id": "found again in a later crosswalk by the same id, birth date and sex",
    "name_dob_sex": "found again in a later crosswalk by name, birth date and sex",
    "same_id_other_person": "ids that stand for another person than in an older crosswalk",
    "hicn_placeholder": "left out: the former Medicare number (HICN) is shared by more ids than one person has",
}
TWO_IDS: Final = {
    "renumbered": "earlier ids of persons whom a later crosswalk numbers anew",
    "same_person": "second ids of a person whom the source gives twice",
}


def reason(code: str) -> str:
    """Why a pair waits for an analyst."""
    return REASONS.get(code, _plain(code))


def ways(rows: "pl.DataFrame") -> list[tuple[str, int]]:
    """How one source's persons were linked, as (words, persons): the most frequent way first, then what was left open.

    rows  kind, name, persons of the linkage report
    """
    found = rows.sort(["persons", "name"], descending=[True, False])

    def of(kind: str, words: dict[str, str], told: str) -> list[tuple[str, int]]:
        counts = found.filter(found["kind"] == kind).select("name", "persons").iter_rows()
        return [(told.format(words.get(name, _plain(name))), int(persons)) for name, persons in counts]

    return [
        *of("method", METHODS, "{}"),
        *of("review", REASONS, "wait for an analyst: {}"),
        *of("left_out", LEFT_OUT, "left out: {}"),
        *of("crowded", METHODS, "left alone, too many persons fit {}"),
        *of("crosswalk", CROSSWALKS, "{}"),
        *of("two_ids", TWO_IDS, "{}"),
    ]


def _plain(code: str) -> str:
    return code.replace("_", " ")
