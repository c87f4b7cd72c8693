"""Whom a content identifies: by name, by a row for one or two, in a solo practice, by a word of a text; each worked by hand."""

import polars as pl
import pytest

from qe.release.analyses.content import is_inside
from qe.release.analyses.identified import Shown, identified, mentioned, solo_practices

A, B, C, D = "U000001", "U000002", "U000003", "U000004"


def row(*members: str, is_named: bool = False) -> Shown:
    return Shown(members=frozenset(members), is_named=is_named)


def test_a_row_that_names_identifies_and_one_pooled_over_three_does_not() -> None:
    assert identified([row(A, is_named=True), row(B, C, D)], solo={}) == {A: {"named"}}


@pytest.mark.parametrize("members", [(A,), (A, B)])
def test_a_pooled_row_of_one_or_two_identifies_them(members: tuple[str, ...]) -> None:
    assert identified([row(*members)], solo={}) == {unit_id: {"few"} for unit_id in members}


def test_a_solo_practice_names_its_clinician_and_the_other_way_round() -> None:
    solo = {A: frozenset({B}), B: frozenset({A})}
    assert identified([row(A, is_named=True)], solo=solo) == {A: {"named"}, B: {"solo"}}
    assert identified([row(B, is_named=True)], solo=solo) == {A: {"solo"}, B: {"named"}}


def test_a_clinician_alone_in_two_practices_names_both_and_both_are_reached_from_one() -> None:
    solo = {A: frozenset({C}), B: frozenset({C}), C: frozenset({A, B})}
    assert set(identified([row(A, is_named=True)], solo=solo)) == {A, B, C}


def units(*rows: tuple[str, str, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["unit_id", "level", "id_type", "identifier", "name"], orient="row")


CLINICIANS = units(
    ("U000001", "group", "TIN", "U000001", "Elm Practice"),
    ("U000002", "clinician", "NPI", "9999900001", "Ann Elm"),
    ("U000003", "clinician", "NPI", "9999900019", "Bob Oak"),
)


def affiliations(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["npi", "group_unit_id", "source"], orient="row")


def test_a_group_of_one_clinician_is_solo_and_of_two_is_not() -> None:
    one = affiliations(("9999900001", "U000001", "roster"))
    two = affiliations(("9999900001", "U000001", "roster"), ("9999900019", "U000001", "roster"))
    assert solo_practices(one, CLINICIANS) == {"U000001": {"U000002"}, "U000002": {"U000001"}}
    assert solo_practices(two, CLINICIANS) == {}


def test_a_group_that_one_of_two_sources_shows_as_solo_counts_as_solo() -> None:
    found = affiliations(
        ("9999900001", "U000001", "claims"), ("9999900001", "U000001", "roster"), ("9999900019", "U000001", "roster")
    )
    assert solo_practices(found, CLINICIANS)["U000001"] == {"U000002"}


def test_a_second_clinician_who_is_no_unit_still_makes_it_a_practice_of_two() -> None:
    found = affiliations(("9999900001", "U000001", "roster"), ("9999988888", "U000001", "roster"))
    assert solo_practices(found, CLINICIANS) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("About ELM  practice, this year", {"U000001"}),
        ("See 9999900019.", {"U000003"}),
        ("U000001 and others", {"U000001"}),
        ("The elm is a tree; practice makes perfect", set()),
        ("Helm Practice", set()),
    ],
)
def test_a_name_or_number_in_a_text_identifies(text: str, found: set[str]) -> None:
    assert mentioned({"note.txt": text.encode()}, CLINICIANS) == found


def test_who_may_stand_in_a_text_is_not_found_there_nor_another_of_the_same_name() -> None:
    twins = pl.concat([CLINICIANS, units(("U000009", "facility", "CCN", "360001", "Elm Practice"))])
    text = {"note.txt": b"For Elm Practice"}
    assert mentioned(text, twins) == {"U000001", "U000009"}
    assert mentioned(text, twins, besides=frozenset({"U000001"})) == set()


@pytest.mark.parametrize(
    ("county", "areas", "inside"),
    [
        ("39049", ("OH",), True),
        ("39049", ("39",), True),
        ("39049", ("39049",), True),
        ("39049", ("39051", "NY"), False),
        (None, ("OH",), False),
        (None, (), True),
    ],
)
def test_a_county_lies_in_a_state_or_county(county: str | None, areas: tuple[str, ...], inside: bool) -> None:
    assert is_inside(county, areas) is inside
