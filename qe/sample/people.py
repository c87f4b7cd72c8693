"""The persons of one block: who they are, what they have, who covers them month by month (sample_data.md section 2)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from qe.sample.calendar import NEVER, Calendar
from qe.sample.codes import Bools, Floats, Ints, codes
from qe.sample.parameters import Parameters
from qe.sample.providers import Providers

# who pays in a month
NOBODY, MEDICARE, ADVANTAGE_B, ADVANTAGE_ELSEWHERE, COMMERCIAL_A, COMMERCIAL_B, MEDICAID, MEDIGAP_A = range(8)
SEGMENTS = ("", "medicare", "advantage_b", "advantage_elsewhere", "commercial_a", "commercial_b", "medicaid", "medigap")
# how a person uses care
USUAL, NO_VISIT, SPECIALISTS_ONLY, FQHC_ONLY = range(4)


@dataclass(kw_only=True)
class Persons:
    """One entry a person. Days since 1970; months run from January of the look-back year.

    first         number of the block's first person in the run
    segment       payer a person starts with; primary, secondary   payer by month (persons x months)
    part_a, part_b  Medicare parts by month, where Medicare (or a Medicare Advantage plan) covers
    conditions    persons x 12; frailty z ~ N(0,1)
    death         NEVER for the living; the stays of a block may move it
    new_group     home group from 1 July of the measurement year on (the old one where nobody moved)
    like          0 nobody, 1 twin of the person before, 2 namesake with the same sex and birth date
    tie           0 none, 1 exact tie, 2 decided by a cent between home group and `tie_group`
    """

    first: int
    segment: Ints
    birth: Ints
    like: Ints
    sex: Ints
    race: Ints
    zip: Ints
    frailty: Floats
    conditions: Bools
    esrd: Bools
    disabled: Bools
    death: Ints
    primary: Ints
    secondary: Ints
    part_a: Bools
    part_b: Bools
    part_d: Bools
    dual: Bools
    hospice: Bools
    hospital: Ints
    group: Ints
    new_group: Ints
    clinician: Ints
    new_clinician: Ints
    care: Ints
    tie: Ints
    tie_group: Ints
    person_adherence: Floats

    def __len__(self) -> int:
        return len(self.segment)

    def age(self, on: int) -> Floats:
        return np.asarray((on - self.birth) / 365.25)


def _by_size(rng: np.random.Generator, nearest: Ints, size: Floats) -> Ints:
    """One of each row's candidates, with the probability of its size."""
    weight = np.cumsum(size[nearest], axis=1)
    chosen = (rng.random(len(nearest))[:, None] * weight[:, -1:] > weight).sum(axis=1)
    return np.asarray(np.take_along_axis(nearest, np.minimum(chosen, nearest.shape[1] - 1)[:, None], axis=1)[:, 0])


def member_of(rng: np.random.Generator, table: Ints, rows: Ints) -> Ints:
    """One clinician of each row of a padded table of clinicians; -1 where the row has none."""
    return np.asarray(table[rows, rng.integers(0, table.shape[1], len(rows))])


def _births(rng: np.random.Generator, segment: Ints, p: Parameters, calendar: Calendar) -> tuple[Ints, Bools]:
    """Birth days and who is disabled (Medicare before 65)."""
    count = len(segment)
    in_medicare = np.isin(segment, (MEDICARE, ADVANTAGE_B, ADVANTAGE_ELSEWHERE))
    disabled = (segment == MEDICARE) & (rng.random(count) >= p.people.aged_share)
    age = rng.uniform(0, 65, count)
    over = 65 + rng.exponential(p.people.aged_mean_over_65, count)
    over = np.where(over > p.people.oldest, rng.uniform(65, p.people.oldest, count), over)
    age = np.where(in_medicare, over, age)
    age = np.where(disabled, rng.uniform(35, 64, count), age)
    birth = calendar.start - np.floor(age * 365.25).astype(np.int64) - 1
    ages_in = np.isin(segment, (COMMERCIAL_A, COMMERCIAL_B)) & (rng.random(count) < p.people.ages_in)
    turns_65 = calendar.month_starts[rng.integers(3, calendar.months - 5, count)] + rng.integers(0, 28, count)
    birth = np.where(ages_in, turns_65 - 23741, birth)  # 65 years and a day or less
    return birth, disabled


def _alike(rng: np.random.Generator, segment: Ints, disabled: Bools, p: Parameters) -> Ints:
    """Twins and namesakes of the person before, where both began with the same payer."""
    count = len(segment)
    same = np.zeros(count, dtype=np.bool_)
    same[1:] = (segment[1:] == segment[:-1]) & ~disabled[1:] & ~disabled[:-1]
    same[::2] = False  # pairs never overlap
    shares = np.array(
        [p.people.fee_for_service * p.people.aged_share, p.people.advantage_b, p.people.advantage_elsewhere]
    )
    meets = float((shares**2).sum() + p.people.commercial_a**2 + p.people.commercial_b**2 + p.people.medicaid**2) / 2
    chance = rng.random(count) * meets
    twin = same & (chance < p.identity.twins / 2)  # both of a pair are twins
    namesake = same & ~twin & (chance < (p.identity.twins + p.identity.namesakes) / 2)
    return np.select([twin, namesake], [1, 2], 0)


def _coverage(
    rng: np.random.Generator, segment: Ints, birth: Ints, p: Parameters, calendar: Calendar
) -> tuple[Ints, Ints, Bools, Bools]:
    """Primary and secondary payer and Medicare parts by month, before deaths."""
    count, months, people = len(segment), calendar.months, p.people
    month = np.arange(months)
    primary = np.repeat(segment[:, None], months, axis=1)
    secondary = np.zeros((count, months), dtype=np.int64)
    # ageing in: Medicare from the month of the 65th birthday
    month_65 = np.searchsorted(calendar.month_starts, birth + 23741, side="right") - 1
    ages_in = np.isin(segment, (COMMERCIAL_A, COMMERCIAL_B)) & (month_65 < months)
    primary = np.where(ages_in[:, None] & (month >= month_65[:, None]), MEDICARE, primary)
    # to Medicare Advantage
    chance = rng.random(count)
    january = (segment == MEDICARE) & (chance < people.to_advantage_january)
    midyear = (segment == MEDICARE) & ~january
    midyear &= chance < people.to_advantage_january + people.to_advantage_midyear
    plan = np.where(rng.random(count) < 0.5, ADVANTAGE_B, ADVANTAGE_ELSEWHERE)
    since = np.where(january, calendar.measurement_month, calendar.measurement_month + rng.integers(2, 11, count))
    primary = np.where((january | midyear)[:, None] & (month >= since[:, None]), plan[:, None], primary)
    # supplements and working aged: over 65, fee for service
    aged = (segment == MEDICARE) & (calendar.start - birth >= 23741)
    chance = rng.random(count)
    supplement = aged & (chance < people.medigap)
    secondary = np.where(supplement[:, None] & (primary == MEDICARE), MEDIGAP_A, secondary)
    working = aged & (chance >= people.medigap) & (chance < people.medigap + people.working_aged)
    secondary = np.where(working[:, None] & (primary == MEDICARE), MEDICARE, secondary)
    primary = np.where(working[:, None] & (primary == MEDICARE), COMMERCIAL_A, primary)
    # enrolling or leaving within a year, one-month gaps
    chance = rng.random(count)
    at = rng.integers(1, months - 1, count)
    late = chance < people.enrols_or_leaves / 2
    leaves = (chance >= people.enrols_or_leaves / 2) & (chance < people.enrols_or_leaves)
    outside = (late[:, None] & (month < at[:, None])) | (leaves[:, None] & (month >= at[:, None]))
    gap = rng.random(count) < people.one_month_gap
    outside |= gap[:, None] & (month == rng.integers(1, months - 1, count)[:, None])
    primary = np.where(outside, NOBODY, primary)
    secondary = np.where(outside, NOBODY, secondary)
    # parts of Medicare; a part-only spell lasts six months
    in_medicare = np.isin(primary, (MEDICARE, ADVANTAGE_B, ADVANTAGE_ELSEWHERE)) | (secondary == MEDICARE)
    chance = rng.random(count)
    begins = rng.integers(0, months - 6, count)[:, None]
    spell = (month >= begins) & (month < begins + 6) & (segment == MEDICARE)[:, None] & (primary == MEDICARE)
    part_a = in_medicare & ~(spell & ((chance < people.one_part_only) & (chance >= people.one_part_only / 2))[:, None])
    part_b = in_medicare & ~(spell & (chance < people.one_part_only / 2)[:, None])
    return primary, secondary, part_a, part_b


def _conditions(
    rng: np.random.Generator, age: Floats, disabled: Bools, frailty: Floats, severity: Floats, p: Parameters
) -> Bools:
    tables = codes()
    adult = tables.condition_adult
    ill = np.minimum(p.people.disabled_most, p.people.disabled_factor * adult + p.people.disabled_added)
    prevalence = np.where((age >= 65)[:, None], tables.condition_over_65, adult)
    prevalence = np.where((age < 18)[:, None], adult * p.people.child_factor, prevalence)
    prevalence = np.where(disabled[:, None], ill, prevalence)
    shift = (p.people.frailty_on_conditions * frailty + severity)[:, None]
    return np.asarray(rng.random(prevalence.shape) < expit(logit(prevalence) + shift))


def make_persons(
    rng: np.random.Generator, providers: Providers, p: Parameters, calendar: Calendar, *, first: int, count: int
) -> Persons:
    """`count` persons numbered from `first`."""
    people, visits = p.people, p.visits
    shares = np.array(
        (
            *(people.fee_for_service, people.advantage_b, people.advantage_elsewhere),
            *(people.commercial_a, people.commercial_b, people.medicaid),
        )
    )
    segment = rng.choice(np.arange(MEDICARE, MEDICAID + 1), count, p=shares / shares.sum())
    birth, disabled = _births(rng, segment, p, calendar)
    sex = np.where(rng.random(count) < people.female, 2, 1)
    zips = rng.integers(0, len(providers.zips), count)
    like = _alike(rng, segment, disabled, p)
    birth[like > 0] = birth[np.flatnonzero(like > 0) - 1]
    sex[like == 2] = sex[np.flatnonzero(like == 2) - 1]
    zips[like == 1] = zips[np.flatnonzero(like == 1) - 1]
    primary, secondary, part_a, part_b = _coverage(rng, segment, birth, p, calendar)
    hospital = _by_size(rng, providers.zip_hospitals[zips], providers.f_size)
    group = _by_size(rng, providers.zip_groups[zips], providers.g_size)
    other = _by_size(rng, providers.zip_groups[zips], np.ones_like(providers.g_size))
    other = np.where(other == group, (group + 1) % providers.primary_groups, other)
    new_group = np.where(rng.random(count) < visits.moves_group, other, group)
    frailty = rng.standard_normal(count)
    middle = (calendar.start + calendar.end) // 2
    age = (middle - birth) / 365.25
    conditions = _conditions(rng, age, disabled, frailty, providers.hospital_severity[hospital], p)
    tables = codes()
    hazard = people.death_level + people.death_age * (age - 75)
    hazard = hazard + people.death_heart_failure * conditions[:, tables.condition("HF")]
    hazard = hazard + people.death_cancer * conditions[:, tables.condition("CAN")]
    hazard = hazard + people.death_dementia * conditions[:, tables.condition("DEM")]
    yearly = np.maximum(np.exp(hazard), people.death_floor)
    death = calendar.start + np.floor(rng.exponential(365.25, count) / yearly).astype(np.int64)
    death = np.where(death > calendar.end, NEVER, death)
    chance = rng.random(count)
    edges = np.cumsum([visits.no_visit, visits.specialists_only, visits.fqhc_only])
    care = np.select(
        [chance < edges[0], chance < edges[1], chance < edges[2]], [NO_VISIT, SPECIALISTS_ONLY, FQHC_ONLY], USUAL
    )
    chance = rng.random(count)
    year = slice(calendar.measurement_month, calendar.measurement_month + 12)
    may_tie = (care == USUAL) & (new_group == group) & (death > calendar.month_starts[year.stop])
    may_tie &= (primary[:, year] == MEDICARE).all(axis=1) & part_b[:, year].all(axis=1)
    chance = chance * max(float(may_tie.mean()), 0.01)  # shares are of all persons
    tie = np.where(may_tie & (chance < visits.ties), 1, 0)
    tie = np.where(may_tie & (tie == 0) & (chance < visits.ties + visits.one_cent), 2, tie)
    return Persons(
        first=first,
        segment=segment,
        birth=birth,
        like=like,
        sex=sex,
        race=rng.choice(np.array([1, 2, 5, 4, 3, 6, 0]), count, p=[0.72, 0.12, 0.08, 0.04, 0.02, 0.01, 0.01]),
        zip=zips,
        frailty=frailty,
        conditions=conditions,
        esrd=disabled & (rng.random(count) < people.esrd_of_disabled),
        disabled=disabled,
        death=death,
        primary=primary,
        secondary=secondary,
        part_a=part_a,
        part_b=part_b,
        part_d=rng.random(count) < people.part_d,
        dual=(segment == MEDICARE) & (rng.random(count) < people.dual),
        hospice=rng.random(count) < people.hospice_of_decedents,
        hospital=hospital,
        group=group,
        new_group=new_group,
        clinician=member_of(rng, providers.g_primary, group),
        new_clinician=member_of(rng, providers.g_primary, new_group),
        care=care,
        tie=tie,
        tie_group=other,
        person_adherence=p.fills.person_sd * rng.standard_normal(count),
    )


def close_at_death(persons: Persons, calendar: Calendar) -> None:
    """Coverage ends with the month of death; called once the stays have settled the deaths."""
    after = calendar.month_starts[:-1][None, :] > persons.death[:, None]
    for months in (persons.primary, persons.secondary):
        months[after] = NOBODY
    for parts in (persons.part_a, persons.part_b):
        parts[after] = False
