"""Which frozen peer group a unit belongs to once a detail of it is corrected."""

from typing import Any

from qe.statistics.peers import group_of

GROUPS = (
    "hospitals and facilities, county 39001 (n = 12)",
    "hospitals and facilities, county 39049 (n = 20)",
    "all hospitals and facilities inside the areas of this report (n = 40)",
    "all hospitals and facilities in this report (n = 55)",
)


def group(county: str | None, groups: tuple[str, ...] = GROUPS, **facts: Any) -> str | None:
    given = {"by": ["area"], "specialty": None, "before": GROUPS[0], "areas": ["OH"], "level": "facility"} | facts
    return group_of(groups, county_fips=county, **given)


def test_the_county_that_was_wrong_gives_way_to_the_countys_own_group() -> None:
    assert group("39049") == GROUPS[1]


def test_a_county_with_too_few_peers_is_compared_as_assign_compared_it() -> None:
    """Inside the areas with those inside them, else with all; a county of the same beginning is another one."""
    assert group("39061") == GROUPS[2]
    assert group("18001") == GROUPS[3]
    assert group(None) == GROUPS[3]
    assert group("3904") == GROUPS[2]


def test_without_a_group_that_fits_none_is_told() -> None:
    assert group("39061", GROUPS[:2]) is None


def test_the_quarter_of_size_is_that_of_the_group_before() -> None:
    by = ["specialty", "size_quartile"]
    groups = (
        "groups, specialty 08, size quarter 3 (n = 11)",
        "groups, specialty 11, size quarter 3 (n = 13)",
        "groups, specialty 11 (n = 44)",
        "all groups in this report (n = 90)",
    )
    said = {"level": "group", "by": by, "areas": ()}
    assert group(None, groups, specialty="11", before=groups[0], **said) == groups[1]
    assert group(None, groups, specialty="11", before=groups[3], **said) is None, "its size is not known"
    assert group(None, groups[2:], specialty="11", before=groups[3], **said) == groups[2]
