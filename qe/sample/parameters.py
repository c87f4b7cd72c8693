"""The generator's parameters: one closed schema, defaults in parameters.toml, printed whole into truth/model.json."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from qe.errors import InputError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Switches(_Section):
    effect_scale: float
    confounding: float
    noise: float
    hospitals: int
    groups: int
    block_persons: int
    services: int
    edge_cases: int


class Providers(_Section):
    persons_per_hospital: int
    hospitals_least: int
    hospitals_most: int
    persons_per_group: int
    groups_least: int
    groups_most: int
    persons_per_clinician: int
    clinicians_per_group: int
    hospital_size_sd: float
    group_size_sd: float
    critical_access: float
    two_tins: float
    changes_tin: float
    two_specialties: float
    affiliated: float
    primary_groups: float
    pass_through: float
    wage_low: float
    wage_high: float
    counties: int
    zips_per_county: int


class Effects(_Section):
    hospital_readmission: float
    group_admissions: float
    group_adherence: float
    group_volume: float
    system_price: float
    hospital_severity: float
    hospital_elective: float


class People(_Section):
    fee_for_service: float
    advantage_b: float
    advantage_elsewhere: float
    commercial_a: float
    commercial_b: float
    medicaid: float
    aged_share: float
    aged_mean_over_65: float
    oldest: float
    esrd_of_disabled: float
    female: float
    frailty_on_conditions: float
    disabled_factor: float
    disabled_added: float
    disabled_most: float
    child_factor: float
    coded: float
    medigap: float
    working_aged: float
    ages_in: float
    to_advantage_january: float
    to_advantage_midyear: float
    enrols_or_leaves: float
    one_month_gap: float
    one_part_only: float
    part_d: float
    dual: float
    hospice_of_decedents: float
    hospice_days: int
    death_level: float
    death_age: float
    death_heart_failure: float
    death_cancer: float
    death_dementia: float
    death_floor: float


class Visits(_Section):
    adult_level: float
    per_condition: float
    child_level: float
    no_visit: float
    specialists_only: float
    fqhc_only: float
    at_home_group: float
    at_other_primary: float
    by_home_clinician: float
    by_extender: float
    preferred_referral: float
    moves_group: float
    ties: float
    one_cent: float
    annual_wellness: float
    volume_medicare: float
    volume_commercial: float
    volume_medicaid: float
    costly: float
    specialty: float
    specialty_cancer: float
    emergency_level: float
    emergency_per_condition: float


class Stays(_Section):
    level: float
    age_child: float
    age_18_44: float
    age_45_64: float
    age_slope_over_65: float
    medicaid: float
    frailty: float
    child_factor: float
    acs_share: float
    deliveries: float
    home_hospital: float
    point_of_origin_456: float
    acs_exclusion_code: float
    elective_level: float
    newer_codes: float
    typical_other: float
    dies_aged: float
    dies_other: float
    against_advice: float
    transfer: float
    transfer_coded_02: float
    coded_02_no_arrival: float
    to_snf: float
    to_rehabilitation: float
    to_ltch: float
    interim_bills: float
    snf_days: float


class Readmission(_Section):
    level: float
    age_slope: float
    under_65: float
    conditions: float
    frailty: float
    surgical: float
    day_rate: float
    same_hospital: float
    planned: float
    planned_before_unplanned: float
    typical_share: float
    day_31: float


class Prices(_Section):
    drg_base: float
    medicare: float
    payer_a: float
    payer_b: float
    medicaid: float
    charge_to_allowed: float
    part_a_deductible: float
    part_b_deductible: float
    part_b_coinsurance: float
    commercial_coinsurance: float
    commercial_copay: float
    snf_day: float
    snf_coinsurance_day: float
    fqhc_visit: float
    per_diem_pass_through: float
    capitated: float


class Fills(_Section):
    statin_diabetes: float
    statin_heart_disease: float
    statin_other: float
    prevalent: float
    supply_90: float
    supply_30: float
    level_part_d: float
    level_commercial: float
    level_medicaid: float
    person_sd: float
    late_mean: float
    stop: float
    switches: float
    switch_overlap: int
    two_on_one_day: float
    reversed: float
    unmapped: float
    other_per_condition: float
    dispensing_fee: float


class Dirt(_Section):
    reversed_and_replaced: float
    replaced: float
    denied_claim: float
    denied_line: float
    zero_paid_stay: float
    information_only: float
    cost_avoided: float
    adjusted: float
    late_charges: float
    missing_poa: float
    missing_origin: float
    malformed_rows: int
    trailer_off_by_one: int
    medicare_lag_days: float
    commercial_lag_days: float


class Identity(_Section):
    last_names: int
    first_names: int
    mbi_on_overlap: float
    mbi_of_spouse: float
    first_changed: float
    last_changed: float
    last_new: float
    birth_changed: float
    sex_changed: float
    zip_moved: float
    twins: float
    namesakes: float
    two_bene_ids: float


class Parameters(_Section):
    """Every number of the process; meanings stand beside the defaults in parameters.toml."""

    switches: Switches
    providers: Providers
    effects: Effects
    people: People
    visits: Visits
    stays: Stays
    readmission: Readmission
    prices: Prices
    fills: Fills
    dirt: Dirt
    identity: Identity


def load(settings: Mapping[str, str]) -> Parameters:
    """The defaults with `settings` applied: keys `section.key`, or a bare key of [switches]. All faults at once."""
    tree: dict[str, dict[str, Any]] = tomllib.loads(
        (Path(__file__).parent / "parameters.toml").read_text(encoding="utf-8")
    )
    unknown = []
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        if name not in tree.get(section or "switches", {}):
            unknown.append(key)
            continue
        tree[section or "switches"][name] = value
    if unknown:
        raise InputError(
            f"unknown setting of the sample generator: {', '.join(sorted(unknown))}",
            remedy="Use section.key as in qe/sample/parameters.toml, or a key of [switches].",
        )
    try:
        return Parameters.model_validate(tree)
    except ValidationError as wrong:
        places = sorted(".".join(str(part) for part in fault["loc"]) for fault in wrong.errors())
        raise InputError(f"not a number in the settings {', '.join(places)}") from None
