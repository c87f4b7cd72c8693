"""Hospitals, groups, clinicians and their planted effects: the provider table of a run (stream [seed, 0])."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from qe.sample.codes import Bools, Floats, Ints, codes
from qe.sample.names import last_names, luhn_npi
from qe.sample.parameters import Parameters

STATE = "99"  # no state has this number, so no CCN or county is anyone's
FACILITY_TYPES = (
    "short_term",
    "cah",
    "cancer_exempt",
    "psychiatric",
    "rehabilitation",
    "ltch",
    "snf",
    "other",
    "other",
    "snf",
)
SHORT_TERM, CAH, CANCER, PSYCHIATRIC, REHABILITATION, LTCH, SNF, FQHC, HOSPICE_PROVIDER, SWING_BED = range(10)
UNIT_LETTERS = {PSYCHIATRIC: "S", REHABILITATION: "T", SWING_BED: "Z"}  # third place of the CCN of a unit; Z: of a CAH


@dataclass(frozen=True, kw_only=True)
class Providers:
    """One entry a facility (f_), group (g_) or clinician (c_). Facilities: the H hospitals first, then units and SNFs.

    f_parent        hospital of a unit, -1 for free-standing ones
    g_hospital      affiliated hospital, -1 for none; g_system gives the price effect
    county_specialists  groups of specialists by county
    c_second_group  second TIN of the 5 %, c_new_group the TIN from 1 July of the measurement year; -1 for none
    *_effect        as planted (already scaled)
    """

    hospitals: int
    primary_groups: int
    f_type: Ints
    f_parent: Ints
    f_ccn: tuple[str, ...]
    f_npi: Ints
    f_second_npi: Ints
    f_tin: tuple[str, ...]
    f_name: tuple[str, ...]
    f_zip: Ints
    f_size: Floats
    f_wage: Floats
    f_pass_through: Bools
    f_system: Ints
    f_attending: Ints
    hospital_readmission: Floats
    hospital_severity: Floats
    hospital_elective: Floats
    g_tin: tuple[str, ...]
    g_npi: Ints
    g_name: tuple[str, ...]
    g_zip: Ints
    g_size: Floats
    g_hospital: Ints
    g_system: Ints
    group_admissions: Floats
    group_adherence: Floats
    group_volume: Floats
    g_referral: Ints
    system_price: Floats
    c_npi: Ints
    c_specialty: Ints
    c_second_specialty: Ints
    c_group: Ints
    c_second_group: Ints
    c_new_group: Ints
    c_name: tuple[str, ...]
    g_primary: Ints
    g_extender: Ints
    g_specialist: Ints
    county_specialists: Ints
    by_role: dict[str, Ints]
    zips: tuple[str, ...]
    zip_county: tuple[str, ...]
    zip_hospitals: Ints
    zip_groups: Ints
    pharmacies: Ints

    def group_on(self, clinician: Ints, group: Ints, days: Ints, *, july: int) -> Ints:
        """The group that bills on each day: `group`, but the new one of those who have changed it on 1 July."""
        new = self.c_new_group[clinician]
        return np.asarray(np.where((new >= 0) & (days >= july), new, group))


def normal_scores(rng: np.random.Generator, count: int, sd: float) -> Floats:
    """Permuted normal scores sd x Phi^-1((r - 0.5) / count): every run holds the full range of providers."""
    ranks = rng.permutation(count) + 1
    return np.asarray(sd * ndtri((ranks - 0.5) / count), dtype=np.float64)


def _clip(value: float, least: int, most: int) -> int:
    return int(min(max(round(value), least), most))


def _members(owner: Ints, wanted: Bools, groups: int) -> Ints:
    """One row a group (or county): its members among `wanted`, repeated to fill the row; -1 for one without any."""
    lists = [np.flatnonzero((owner == group) & wanted) for group in range(groups)]
    width = max(1, *(len(found) for found in lists))
    table = np.full((groups, width), -1, dtype=np.int64)
    for group, found in enumerate(lists):
        if len(found):
            table[group] = np.resize(found, width)
    return table


def _nearest(places: Floats, targets: Floats, count: int) -> Ints:
    distance = ((places[:, None, :] - targets[None, :, :]) ** 2).sum(axis=2)
    return np.argsort(distance, axis=1, kind="stable")[:, :count]


def make_providers(parameters: Parameters, *, persons: int, seed: int) -> Providers:
    """The provider table of `persons` persons; the persons' blocks read it and never change it."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 0])))
    p, tables = parameters.providers, codes()
    hospitals = parameters.switches.hospitals or _clip(
        persons / p.persons_per_hospital, p.hospitals_least, p.hospitals_most
    )
    groups = parameters.switches.groups or _clip(persons / p.persons_per_group, p.groups_least, p.groups_most)
    clinicians = max(round(persons / p.persons_per_clinician), p.clinicians_per_group * groups)
    primary = max(2, round(groups * p.primary_groups))
    scale, effects = parameters.switches.effect_scale, parameters.effects

    # places: zips on a plane, hospitals and groups in zips
    zip_count = p.counties * p.zips_per_county
    zip_places = rng.random((zip_count, 2))
    f_zip = rng.permutation(np.arange(hospitals) % zip_count)  # spread, so that no hospital has a whole region
    g_zip = rng.permutation(np.arange(groups) % zip_count)

    # hospitals, their units and the facilities beside them
    size = np.exp(normal_scores(rng, hospitals, p.hospital_size_sd))
    f_type = np.full(hospitals, SHORT_TERM, dtype=np.int64)
    small_first = np.argsort(size, kind="stable")
    f_type[small_first[: round(p.critical_access * hospitals)]] = CAH
    if hospitals >= 5:
        f_type[small_first[hospitals // 2]] = CANCER
    dozens = max(1, round(hospitals / 12))
    extra_types = np.repeat(
        np.array([PSYCHIATRIC, REHABILITATION, LTCH, SNF, FQHC, HOSPICE_PROVIDER, SWING_BED]),
        np.array([dozens, dozens, dozens, 4 * dozens, dozens, dozens, int((f_type == CAH).any())]),
    )
    with_units = np.argsort(-size, kind="stable")
    parent = np.full(hospitals + len(extra_types), -1, dtype=np.int64)
    for number, kind in enumerate(extra_types.tolist()):
        if kind in (PSYCHIATRIC, REHABILITATION):
            parent[hospitals + number] = with_units[number % hospitals]
        elif kind == SWING_BED:
            parent[hospitals + number] = int(np.flatnonzero(f_type[:hospitals] == CAH)[0])
    f_type = np.concatenate([f_type, extra_types])
    facilities = len(f_type)
    extra_zip = rng.integers(0, zip_count, len(extra_types))
    f_zip = np.concatenate([f_zip, np.where(parent[hospitals:] >= 0, f_zip[parent[hospitals:]], extra_zip)])
    bases = {SHORT_TERM: 1, CANCER: 1, CAH: 1300, LTCH: 2000, SNF: 5000, FQHC: 1800, HOSPICE_PROVIDER: 1500}
    used = dict.fromkeys(bases, 0)
    ccns: list[str] = []
    for place in range(facilities):
        kind = int(f_type[place])
        if parent[place] >= 0:
            ccns.append(STATE + UNIT_LETTERS[kind] + ccns[int(parent[place])][3:])
            continue
        counter = SHORT_TERM if kind == CANCER else kind
        ccns.append(f"{STATE}{bases[kind] + used[counter]:04d}")
        used[counter] += 1
    words = last_names(facilities + groups + 8)
    suffix = (
        *("Hospital", "Critical Access Hospital", "Cancer Center", "Psychiatric Unit", "Rehabilitation Unit"),
        *("Long Term Hospital", "Nursing Center", "Community Health Center", "Hospice", "Swing Beds"),
    )
    f_name = tuple(f"{words[place]} {suffix[int(f_type[place])]}" for place in range(facilities))
    f_tin = [f"00{1_000_000 + 7 * place:07d}" for place in range(facilities)]
    for place in range(facilities):
        if parent[place] >= 0:
            f_tin[place] = f_tin[int(parent[place])]
    systems = max(3, hospitals // 3)
    f_system = np.concatenate([rng.permutation(hospitals) % systems, rng.integers(0, systems, len(extra_types))])
    readmission = normal_scores(rng, hospitals, effects.hospital_readmission)
    severity = normal_scores(rng, hospitals, effects.hospital_severity)
    tie = parameters.switches.confounding
    severity = tie * readmission * (effects.hospital_severity / effects.hospital_readmission) + severity * np.sqrt(
        1 - tie**2
    )

    # groups: the first `primary` give primary care, the rest are specialists
    g_size = np.exp(normal_scores(rng, groups, p.group_size_sd))
    nearest_hospital = _nearest(zip_places[g_zip], zip_places[f_zip[:hospitals]], 1)[:, 0]
    g_hospital = np.where(rng.random(groups) < p.affiliated, nearest_hospital, -1)
    g_system = np.where(g_hospital >= 0, f_system[g_hospital], rng.integers(0, systems, groups))
    specialist_groups = np.arange(primary, groups)
    weight = g_size[specialist_groups] / g_size[specialist_groups].sum()
    targets = min(3, len(specialist_groups))
    g_referral = np.array(
        [rng.choice(specialist_groups, size=targets, replace=False, p=weight) for _ in range(groups)], dtype=np.int64
    )

    # clinicians: every primary group has at least two of primary care, every specialist group two specialists
    role = np.array(tables.specialty_role)
    c_specialty = np.repeat(
        np.arange(len(role)), np.maximum(1, np.round(tables.specialty_share * clinicians).astype(np.int64))
    )
    share = tables.specialty_share
    forced_primary = rng.choice(np.flatnonzero(role == "primary"), 2 * primary)
    forced_specialist = rng.choice(np.flatnonzero(role == "specialist"), 2 * len(specialist_groups))
    is_primary_side = np.isin(role[c_specialty], ("primary", "extender"))
    c_group = np.where(
        is_primary_side,
        rng.choice(primary, len(c_specialty), p=g_size[:primary] / g_size[:primary].sum()),
        rng.choice(specialist_groups, len(c_specialty), p=weight),
    )
    forced = round(2 * groups)
    keep = rng.permutation(len(c_specialty))[: max(len(c_specialty) - forced, 0)]
    keep.sort()
    keep = np.union1d(keep, np.array([np.flatnonzero(c_specialty == s)[0] for s in range(len(share))]))
    c_specialty = np.concatenate([c_specialty[keep], forced_primary, forced_specialist])
    c_group = np.concatenate([c_group[keep], np.repeat(np.arange(primary), 2), np.repeat(specialist_groups, 2)])
    count = len(c_specialty)
    same_side = np.where(c_group < primary, rng.integers(0, primary, count), rng.choice(specialist_groups, count))
    chance = rng.random(count)
    second = np.where((chance < p.two_tins) & (same_side != c_group), same_side, -1)
    new = np.where(
        (chance >= p.two_tins) & (chance < p.two_tins + p.changes_tin) & (same_side != c_group), same_side, -1
    )
    two = rng.random(count) < p.two_specialties
    c_second_specialty = np.where(two, rng.choice(np.flatnonzero(role == "specialist"), count), -1)
    first_words = last_names(4000)
    numbers = np.arange(count)
    c_npi = luhn_npi(np.where(numbers < 10_000, 999_990_000 + numbers, 999_890_000 + numbers))
    roles = role[c_specialty]
    by_role = {name: np.flatnonzero(roles == name) for name in sorted(set(role.tolist()))}
    attending = by_role["hospitalist"]
    return Providers(
        hospitals=hospitals,
        primary_groups=primary,
        f_type=f_type,
        f_parent=parent,
        f_ccn=tuple(ccns),
        f_npi=luhn_npi(888_880_000 + 2 * np.arange(facilities)),
        f_second_npi=luhn_npi(888_880_001 + 2 * np.arange(facilities)),
        f_tin=tuple(f_tin),
        f_name=f_name,
        f_zip=f_zip,
        f_size=size,
        f_wage=np.round(rng.uniform(p.wage_low, p.wage_high, facilities), 4),
        f_pass_through=rng.random(facilities) < p.pass_through,
        f_system=f_system,
        f_attending=attending[np.arange(facilities) % len(attending)],
        hospital_readmission=readmission * scale,
        hospital_severity=severity,
        hospital_elective=normal_scores(rng, hospitals, effects.hospital_elective),
        g_tin=tuple(f"00{5_000_000 + 11 * place:07d}" for place in range(groups)),
        g_npi=luhn_npi(888_890_000 + np.arange(groups)),
        g_name=tuple(
            f"{words[facilities + place]} {'Primary Care' if place < primary else 'Specialists'}"
            for place in range(groups)
        ),
        g_zip=g_zip,
        g_size=g_size,
        g_hospital=g_hospital,
        g_system=g_system,
        group_admissions=normal_scores(rng, groups, effects.group_admissions) * scale,
        group_adherence=normal_scores(rng, groups, effects.group_adherence) * scale,
        group_volume=normal_scores(rng, groups, effects.group_volume) * scale,
        g_referral=g_referral,
        system_price=normal_scores(rng, systems, effects.system_price) * scale,
        c_npi=c_npi,
        c_specialty=c_specialty,
        c_second_specialty=c_second_specialty,
        c_group=c_group,
        c_second_group=second,
        c_new_group=new,
        c_name=tuple(first_words[(place * 7) % len(first_words)] for place in range(count)),
        g_primary=_members(c_group, roles == "primary", groups),
        g_extender=_members(c_group, roles == "extender", groups),
        g_specialist=_members(c_group, roles == "specialist", groups),
        county_specialists=_members(g_zip // p.zips_per_county, np.arange(groups) >= primary, p.counties),
        by_role=by_role,
        zips=tuple(f"00{110 + place:03d}" for place in range(zip_count)),
        zip_county=tuple(f"{STATE}{1 + 2 * (place // p.zips_per_county):03d}" for place in range(zip_count)),
        zip_hospitals=_nearest(zip_places, zip_places[f_zip[:hospitals]], min(5, hospitals)),
        zip_groups=_nearest(zip_places, zip_places[g_zip[:primary]], min(5, primary)),
        pharmacies=luhn_npi(888_899_000 + np.arange(60)),
    )
