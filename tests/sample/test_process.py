"""Shares, rates and planted effects of 20,000 simulated persons, each within four standard errors of its parameter."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qe.sample.calendar import NEVER, Calendar
from qe.sample.claims import compact
from qe.sample.codes import TABLES, codes
from qe.sample.fills import PACKAGES, ndc_numbers
from qe.sample.parameters import load
from qe.sample.people import (
    ADVANTAGE_B,
    COMMERCIAL_A,
    FQHC_ONLY,
    MEDICARE,
    MEDIGAP_A,
    NO_VISIT,
    SPECIALISTS_ONLY,
    make_persons,
)
from qe.sample.providers import make_providers, normal_scores
from qe.sample.stays import ARRIVAL, DAY_31, FIRST, PLANNED, UNPLANNED

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "valuesets" / "hwr_pra_ccs"


def near(share: float, count: int, expected: float) -> bool:
    """Within four binomial standard errors."""
    return bool(abs(share - expected) <= 4 * (expected * (1 - expected) / count) ** 0.5)


def joined(crowd: Any, field: str) -> Any:
    return np.concatenate([getattr(stays, field) for _, stays, _, _ in crowd.blocks])


def by_person(crowd: Any, field: str) -> Any:
    return np.concatenate([getattr(persons, field)[stays.person] for persons, stays, _, _ in crowd.blocks])


def test_segments_have_their_shares(crowd: Any) -> None:
    people = crowd.parameters.people
    for segment, expected in ((MEDICARE, people.fee_for_service), (ADVANTAGE_B, people.advantage_b),
                              (COMMERCIAL_A, people.commercial_a)):  # fmt: skip
        share, count = crowd.share(lambda persons, segment=segment: persons.segment == segment)
        assert near(share, count, expected)


def test_care_is_used_as_planned(crowd: Any) -> None:
    visits = crowd.parameters.visits
    for care, expected in ((NO_VISIT, visits.no_visit), (SPECIALISTS_ONLY, visits.specialists_only),
                           (FQHC_ONLY, visits.fqhc_only)):  # fmt: skip
        share, count = crowd.share(lambda persons, care=care: persons.care == care)
        assert near(share, count, expected)
    for persons, _, services, _ in crowd.blocks:
        seen = np.isin(services.professional[0]["place"], (11,))
        never = np.flatnonzero(persons.care == NO_VISIT)
        lines, claims = services.professional[1], services.professional[0]
        visit = np.isin(lines["service"], [codes().service(code) for code in ("99212", "99213", "99214", "99215")])
        assert seen.any()
        assert not np.isin(claims["person"][lines["claim"][visit & seen[lines["claim"]]]], never).any()


def test_supplements_working_aged_and_moves_have_their_shares(crowd: Any) -> None:
    people, start = crowd.parameters.people, crowd.calendar.start

    def aged(persons: Any) -> Any:
        return (persons.segment == MEDICARE) & (start - persons.birth >= 23741)

    for flag, expected in (
        (lambda persons: (persons.secondary == MEDIGAP_A).any(axis=1), people.medigap),
        (lambda persons: (persons.secondary == MEDICARE).any(axis=1), people.working_aged),
    ):
        share, count = crowd.share(lambda persons, flag=flag: np.where(aged(persons), flag(persons), np.nan))
        assert abs(share - expected) < 4 * (expected * (1 - expected) / count) ** 0.5 + 0.01  # a few leave at once
    share, count = crowd.share(lambda persons: persons.group != persons.new_group)
    assert near(share, count, crowd.parameters.visits.moves_group)


def test_prevalence_is_the_parameter_when_frailty_and_area_do_not_shift_it() -> None:
    settings = {"effects.hospital_severity": "0", "people.frailty_on_conditions": "0"}
    p, calendar = load(settings), Calendar(first=2024, last=2025)
    providers = make_providers(p, persons=10_000, seed=2)
    persons = make_persons(np.random.default_rng(2), providers, p, calendar, first=0, count=10_000)
    old = (persons.age((calendar.start + calendar.end) // 2) >= 65) & ~persons.disabled
    for name, expected in (("HTN", 0.58), ("DM", 0.26), ("HF", 0.13), ("STR", 0.04)):
        assert near(float(persons.conditions[old, codes().condition(name)].mean()), int(old.sum()), expected)


def test_realised_readmissions_are_those_of_the_drawn_probabilities(crowd: Any) -> None:
    returned, probability = [], []
    for _, stays, _, _ in crowd.blocks:
        back = np.zeros(len(stays), dtype=bool)
        unplanned = stays.why == UNPLANNED
        back[stays.readmission_of[unplanned]] = True
        inside = stays.discharge + 31 <= crowd.calendar.end  # the readmission lies within the run
        drawn = np.isfinite(stays.probability) & inside
        returned.append(back[drawn])
        probability.append(stays.probability[drawn])
    back, chance = np.concatenate(returned), np.concatenate(probability)
    error = np.sqrt((chance * (1 - chance)).sum())
    assert len(back) > 4000
    assert abs(back.sum() - chance.sum()) < 4 * error
    assert 0.09 < back.mean() < 0.17


def test_readmissions_come_within_thirty_days_and_no_first_admission_does(crowd: Any) -> None:
    for _, stays, _, _ in crowd.blocks:
        unplanned = stays.why == UNPLANNED
        gap = stays.admit[unplanned] - stays.discharge[stays.readmission_of[unplanned]]
        assert gap.min() >= 0
        assert 25 <= gap.max() <= 30
        same_day = gap == 0
        of = stays.readmission_of[unplanned][same_day]
        assert (stays.hospital[of] != stays.hospital[unplanned][same_day]).all()
        again = np.flatnonzero((stays.person[1:] == stays.person[:-1]) & (stays.why[1:] == FIRST)) + 1
        assert (stays.admit[again] - stays.discharge[again - 1] > 30).all()
        day_31 = np.flatnonzero(stays.why == DAY_31)
        assert (stays.admit[day_31] - stays.discharge[day_31 - 1] == 31).all()
        planned = stays.why == PLANNED
        gap = stays.admit[planned] - stays.discharge[stays.readmission_of[planned]]
        assert ((gap >= 7) & (gap <= 28)).all()
        assert (stays.admit[1:] >= stays.discharge[:-1])[stays.person[1:] == stays.person[:-1]].all()


def test_planned_readmissions_have_their_rate_and_a_third_precede_an_unplanned_one(crowd: Any) -> None:
    drawn = int(np.isfinite(joined(crowd, "probability")).sum())
    planned, before = 0, 0
    for _, stays, _, _ in crowd.blocks:
        ours = np.flatnonzero(stays.why == PLANNED)
        both = np.intersect1d(stays.readmission_of[ours], stays.readmission_of[stays.why == UNPLANNED])
        planned, before = planned + len(ours), before + len(both)
    assert near(planned / drawn, drawn, crowd.parameters.readmission.planned)
    assert near(before / planned, planned, crowd.parameters.readmission.planned_before_unplanned)


def test_transfers_leave_small_hospitals_for_bigger_ones_and_half_are_coded(crowd: Any) -> None:
    size = crowd.providers.f_size
    coded, arrivals = 0, 0
    for _, stays, _, _ in crowd.blocks:
        arrived = np.flatnonzero(stays.why == ARRIVAL)
        sent = stays.earlier_stay[arrived]
        assert (size[stays.hospital[arrived]] >= np.median(size)).all()
        assert (size[stays.hospital[sent]] < np.median(size)).all()
        assert np.isin(stays.admit[arrived] - stays.discharge[sent], (0, 1)).all()
        assert np.isnan(stays.probability[sent]).all()
        coded, arrivals = coded + int((stays.status[sent] == 2).sum()), arrivals + len(arrived)
    assert near(coded / arrivals, arrivals, 0.5)


def test_in_hospital_deaths_have_their_share(crowd: Any) -> None:
    age = (joined(crowd, "discharge") - by_person(crowd, "birth")) / 365.25
    asked = (age >= 65) & (joined(crowd, "why") != PLANNED)
    died = joined(crowd, "status")[asked] == 20
    assert near(float(died.mean()), len(died), crowd.parameters.stays.dies_aged)


def test_stays_end_as_the_design_says(crowd: Any) -> None:
    """Of those who neither die nor are moved on: where they go, at 65 and over; against advice and coded 02 at any age."""
    rates = crowd.parameters.stays
    sent = np.concatenate([
        np.isin(stays.number, stays.earlier_stay[stays.why == ARRIVAL]) for _, stays, _, _ in crowd.blocks
    ])  # fmt: skip
    status, age = joined(crowd, "status"), (joined(crowd, "discharge") - by_person(crowd, "birth")) / 365.25
    asked = ~sent & (status != 20)
    for code, expected, who in (
        (3, rates.to_snf, asked & (age >= 65)),
        (62, rates.to_rehabilitation, asked & (age >= 65)),
        (63, rates.to_ltch, asked & (age >= 65)),
        (7, rates.against_advice, asked),
        (2, rates.coded_02_no_arrival, asked),
    ):
        assert near(float((status[who] == code).mean()), int(who.sum()), expected)
    assert not np.isin(status[age < 65], (3, 62, 63)).any()


def test_principal_codes_newer_than_2019_have_their_share_of_all_stays(crowd: Any) -> None:
    newer = np.isin(joined(crowd, "kind"), codes().stay_parts["newer"])
    assert near(float(newer.mean()), len(newer), crowd.parameters.stays.newer_codes)


def test_persons_and_clinicians_change_their_group_on_the_first_of_july(crowd: Any) -> None:
    july = int(np.datetime64("2025-07-01", "D").astype(np.int64))
    changed, before, after = 0, 0, 0
    for persons, _, services, _ in crowd.blocks:
        claims = services.professional[0]
        usual = (claims["place"] == 11) & (claims["exempt"] == 0)
        mover = (persons.new_group != persons.group)[claims["person"]] & usual
        at_new = claims["clinician"] == persons.new_clinician[claims["person"]]
        distinct = (persons.new_clinician != persons.clinician)[claims["person"]]
        early = mover & distinct & (claims["day"] < july)
        late = mover & distinct & (claims["day"] >= july)
        before += int((at_new & early).sum())
        after += int((at_new & late).sum())
        changed += int(late.sum())
        clinician = claims["clinician"]
        moves = (crowd.providers.c_new_group >= 0)[clinician]
        billed_new = claims["group"] == crowd.providers.c_new_group[clinician]
        assert (billed_new == (claims["day"] >= july))[moves & usual].all()
    assert after > 0.2 * changed
    assert before < 0.05 * after + 20


def test_nobody_is_treated_after_death(crowd: Any) -> None:
    for persons, stays, services, fills in crowd.blocks:
        assert (stays.discharge <= persons.death[stays.person]).all()
        claims = services.professional[0]
        assert (claims["day"] <= persons.death[claims["person"]]).all()
        assert (fills.day <= persons.death[fills.person]).all()
        assert ((persons.death >= crowd.calendar.start) & (persons.death <= NEVER)).all()


def test_types_of_stays_that_need_a_condition_have_it(crowd: Any) -> None:
    for persons, stays, _, _ in crowd.blocks:
        for kind, needs in enumerate(codes().stay_needs):
            chosen = (stays.kind == kind) & (stays.why == FIRST)
            if needs and chosen.any():
                assert persons.conditions[stays.person[chosen]][:, list(needs)].any(axis=1).all()


def test_fills_are_reversed_and_unmapped_at_their_rates(crowd: Any) -> None:
    returned = np.concatenate([fills.returned for *_, fills in crowd.blocks])
    package = np.concatenate([fills.package for *_, fills in crowd.blocks])
    assert near(float(returned.mean()), len(returned), crowd.parameters.fills.reversed)
    assert near(float((package == PACKAGES - 1).mean()), len(package), crowd.parameters.fills.unmapped)
    ndcs, mapped = ndc_numbers(unmapped=0.02)
    assert len(set(ndcs)) == len(ndcs)
    assert all(ndc.startswith("99999") and len(ndc) == 11 for ndc in ndcs)
    assert sum(not known for known in mapped) == len(codes().drug_ingredients)


def test_effects_are_permuted_normal_scores() -> None:
    scores = normal_scores(np.random.default_rng(1), 25, 0.3)
    assert np.isclose(scores.sum(), 0)
    assert np.isclose(np.sort(scores)[12], 0)
    assert np.isclose(scores.max(), 0.3 * 2.053749, atol=1e-6)  # the normal quantile of 24.5 / 25


def test_effect_scale_zero_plants_nothing_and_leaves_the_case_mix() -> None:
    null = make_providers(load({"effect_scale": "0"}), persons=5000, seed=1)
    for effect in (null.hospital_readmission, null.group_admissions, null.group_adherence, null.group_volume,
                   null.system_price):  # fmt: skip
        assert not effect.any()
    assert null.hospital_severity.std() > 0.3


def test_confounding_ties_severity_to_the_effect() -> None:
    free = make_providers(load({"hospitals": "40"}), persons=5000, seed=1)
    tied = make_providers(load({"hospitals": "40", "confounding": "1"}), persons=5000, seed=1)
    assert abs(np.corrcoef(free.hospital_readmission, free.hospital_severity)[0, 1]) < 0.5
    assert np.corrcoef(tied.hospital_readmission, tied.hospital_severity)[0, 1] > 0.999


def test_hospitals_have_the_kinds_of_the_design() -> None:
    providers = make_providers(load({}), persons=100_000, seed=1)
    assert providers.hospitals == 25  # round(100,000 / 4,000)
    kinds = np.bincount(providers.f_type)
    # 20 % critical access, one cancer, units for two dozens, the swing beds of one critical access hospital
    assert kinds.tolist() == [19, 5, 1, 2, 2, 2, 8, 2, 2, 1]
    assert re.fullmatch(r"99Z3\d\d", providers.f_ccn[-1])
    assert len(set(providers.f_ccn)) == len(providers.f_ccn)
    assert (providers.f_tin[int(np.flatnonzero(providers.f_parent >= 0)[0])]) in providers.f_tin[:25]
    everyone = np.concatenate([providers.f_npi, providers.f_second_npi, providers.g_npi, providers.c_npi])
    assert len(np.unique(everyone)) == len(everyone)


def test_compact_moves_what_is_present_to_the_left() -> None:
    present = np.array([[False, True, True], [False, False, False]])
    values = np.array([[1, 2, 3], [4, 5, 6]])
    assert compact(present, values, 4).tolist() == [[2, 3, -1, -1], [-1, -1, -1, -1]]


@pytest.mark.needs_reference
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference value sets are not beside the project")
def test_codes_of_stays_map_to_the_categories_they_stand_for() -> None:
    def mapping(name: str) -> dict[str, str]:
        with (REFERENCE / name).open(encoding="utf-8-sig") as file:
            return {row["code"]: row["ccs"] for row in csv.DictReader(file)}

    diagnoses, procedures = mapping("icd10cm_to_ccs_2019_1.csv"), mapping("icd10pcs_to_ccs_2019_1.csv")
    with (TABLES / "stay_types.csv").open(encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    for row in rows.values():
        known = {code in diagnoses for code in row["diagnoses"].split(";")}
        assert known == {row["part"] != "newer"}  # codes after FY2019 have no category
        assert all(code in procedures for code in row["procedures"].split(";") if code)
    wanted = {"knee_replacement": "152", "hip_replacement": "153", "spine_fusion": "158", "colectomy": "78",
              "bypass_surgery": "44", "hysterectomy": "124", "prostate_resection": "113", "planned_stent": "45",
              "lobectomy": "36"}  # fmt: skip
    for name, category in wanted.items():
        assert {procedures[code] for code in rows[name]["procedures"].split(";")} == {category}
    assert diagnoses["Z5111"] == "45"
