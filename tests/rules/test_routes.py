"""401.715: by which route a measure and level could be published here, or that it cannot."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qe.measurement import catalogue, value_sets
from qe.measurement.facts import Citation, CurrentUse
from qe.measurement.measure import Module
from qe.release.routes import Here, Route, notes, routes

MODULES = {module.id: module for module in catalogue.catalogue()}
HERE = Here(on=date(2026, 4, 1))
READ = Citation(
    url="https://example.org",
    version="2026",
    section="1",
    checked_on=date(2026, 1, 5),
    checked_by="an analyst",
    next_check=date(2026, 12, 31),
)


def standard(**changes: Any) -> Module:
    """awv as it would be if a programme of CMS used it as it stands, for groups."""
    facts = MODULES["awv"].facts
    basis = {"basis": "iv", "level": "group", "citations": (READ,), "deviations": ()}
    basis |= {"currently_used_in": (CurrentUse(programme="X", checked_on=date(2026, 1, 5)),)}
    return replace(
        MODULES["awv"],
        facts=facts.model_copy(
            update={
                "standard": facts.standard.model_copy(update=basis | changes),
                "attribution": facts.attribution.model_copy(update={"levels": ("group",)}),
            }
        ),
    )


def of(module: Module, here: Here = HERE) -> Route:
    return routes([module], here)[0]


def test_each_measure_has_a_route_at_each_of_its_levels() -> None:
    found = [(one.measure_id, one.level) for one in routes([MODULES["ahrq_pqi"]], HERE)]
    assert found[:3] == [("pqi_01", "group"), ("pqi_01", "clinician"), ("pqi_03", "group")]
    assert len(found) == 14 * 2


def test_715_a_a_measure_used_as_written_is_published_as_a_standard_one() -> None:
    route = of(standard())
    assert (route.kind, route.route, route.citation) == ("standard", "standard", "42 CFR 401.715(a)(1)(iv)")


def test_715_a_2_a_setting_of_the_site_that_departs_makes_it_alternative() -> None:
    module = MODULES["hwr"]
    facts = module.facts.model_copy(
        update={"standard": standard().facts.standard.model_copy(update={"level": "facility"})}
    )
    as_written = replace(module, facts=facts.model_copy(update={"unverified": {}}))
    assert of(as_written).route == "standard"
    changed = of(as_written, replace(HERE, parameters=lambda _: {"cancer_rule": "all"}))
    assert (changed.route, changed.deviations) == ("approval", ("cancer_rule=all",))


@pytest.mark.parametrize("on", [date(2026, 12, 31), date(2027, 1, 1)])
def test_a_basis_that_is_not_read_again_in_time_is_unknown_and_fails(on: date) -> None:
    route = of(standard(), replace(HERE, on=on))
    assert route.route == ("standard" if on.year == 2026 else "approval")
    assert route.deviations == (() if on.year == 2026 else ("basis_not_checked",))
    assert of(standard(citations=())).route == "approval"


@pytest.mark.parametrize(
    ("on", "consultation", "rulemaking"),
    [
        (date(2026, 5, 31), date(2026, 7, 31), date(2027, 1, 1)),  # 31 May + 61 days = 31 July
        (date(2026, 6, 1), date(2026, 8, 1), date(2028, 1, 1)),  # a day late for the next calendar year
    ],
)
def test_715_b_an_alternative_measure_waits_for_approval_by_either_process(
    on: date, consultation: date, rulemaking: date
) -> None:
    route = of(MODULES["hwr"], replace(HERE, on=on))
    assert (route.kind, route.route, route.citation) == ("alternative", "approval", "42 CFR 401.715(b)")
    assert route.earliest == {"stakeholder consultation": consultation, "rulemaking": rulemaking}


def test_a_measure_that_needs_a_licensed_list_cannot_be_published_without_it() -> None:
    route = of(MODULES["bcs"])
    assert route.route == "none"
    assert "it needs mammography, licensed by the National Committee for Quality Assurance" in route.sentence()


def test_invented_codes_are_for_rehearsals_only() -> None:
    invented = replace(HERE, licensed=value_sets.stand_ins(MODULES["bcs"]))
    assert "hold invented codes" in of(MODULES["bcs"], invented).bars[0]
    rehearsed = of(MODULES["bcs"], replace(invented, rehearsal=True))
    assert rehearsed.route == "approval"
    assert "invented_lists" in rehearsed.deviations


@pytest.mark.parametrize(
    ("payer_types", "said"), [({"medicare"}, "no other payer's claims"), ({"commercial"}, "no Medicare claims")]
)
def test_703_e_a_site_without_combined_data_publishes_nothing(payer_types: set[str], said: str) -> None:
    route = of(MODULES["hwr"], replace(HERE, payer_types=frozenset(payer_types)))
    assert route.route == "none"
    assert said in route.bars[0]
    assert of(MODULES["hwr"], replace(HERE, payer_types=frozenset({"medicare", "medicaid"}))).route == "approval"


def test_an_approval_of_the_ledger_is_told_with_its_day(story: Any) -> None:
    here = replace(HERE, facts=story.facts(date(2026, 4, 1)))
    approved = {(one.measure_id, one.level): one for one in routes([MODULES["pdc_statins"]], here)}
    group = approved["pdc_statins", "group"]
    assert group.in_short() == "approved (stakeholder) from 2025-07-01"
    assert approved["pdc_statins", "clinician"].in_short() == "after approval"


def test_that_an_alternative_measure_is_recorded_as_a_standard_one_is_no_approval(story: Any) -> None:
    assert of(MODULES["hwr"], replace(HERE, facts=story.facts(date(2026, 4, 1)))).approved_on is None


def test_a_measure_that_cms_stopped_cannot_be_published(story: Any) -> None:
    measure = {"measure_id": "pdc_statins", "version": "1.0.0", "level": "group"}
    story.tell("measure_disapproved", date(2026, 3, 1), **measure)
    route = of(MODULES["pdc_statins"], replace(HERE, facts=story.facts(date(2026, 4, 1))))
    assert route.sentence() == "cannot be published here: CMS stopped the use of version 1.0.0 at this level"


def test_the_words_of_the_table_are_told_once() -> None:
    found = routes([MODULES["hwr"], MODULES["pdc_rasa"], MODULES["bcs"]], HERE)
    told = notes(found)
    assert [line.partition(":")[0] for line in told] == ["after approval", "bcs"]


def test_the_shipped_measures_are_all_of_a_known_route(tmp_path: Path) -> None:
    found = routes(list(MODULES.values()), replace(HERE, licensed=tmp_path))
    assert {one.route for one in found} == {"approval", "none"}
    assert {one.measure_id for one in found if one.route == "none"} >= {"bcs", "lvc_psa", "lvc_composite"}
