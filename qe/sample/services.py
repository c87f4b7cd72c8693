"""Visits, emergency visits, laboratory, imaging and procedures outside of stays (sample_data.md sections 3 and 5)."""

import csv
from dataclasses import dataclass
from functools import cache

import numpy as np

from qe.sample.calendar import Calendar
from qe.sample.claims import (
    OUTPATIENT,
    Table,
    cents,
    compact,
    one_line,
    stack_claims,
    take,
    with_principal,
)
from qe.sample.codes import EMERGENCY_TESTS, EMERGENCY_VISITS, TABLES, Bools, Ints, codes
from qe.sample.parameters import Parameters
from qe.sample.people import (
    COMMERCIAL_A,
    COMMERCIAL_B,
    FQHC_ONLY,
    MEDICAID,
    MEDICARE,
    NO_VISIT,
    SPECIALISTS_ONLY,
    Persons,
    member_of,
)
from qe.sample.providers import FQHC, Providers

OFFICE, OUTPATIENT_HOSPITAL, EMERGENCY, FQHC_PLACE, HOME = 11, 22, 23, 50, 12


@dataclass(frozen=True, kw_only=True)
class Services:
    """All services of a block outside of stays, and the flags that diagnoses come from.

    coded       persons x 12: the condition shows on claims of visits
    condition_codes  persons x 12: the code a person's condition is written with
    """

    professional: tuple[Table, Table]
    institutional: tuple[Table, Table]
    coded: Bools
    condition_codes: Ints


@cache
def _service_rows() -> list[dict[str, str]]:
    with (TABLES / "services.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def uniform_days(rng: np.random.Generator, persons: Persons, who: Ints, calendar: Calendar) -> Ints:
    """A day of the run for each entry, before the person's death (the day of the death at the latest)."""
    last = np.minimum(calendar.end, persons.death[who])
    return np.asarray(calendar.start + np.floor(rng.random(len(who)) * (last + 1 - calendar.start)).astype(np.int64))


class Writer:
    """Draws the services of one block. Use `make_services`."""

    def __init__(
        self, rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
    ) -> None:
        self.rng, self.persons, self.providers, self.p, self.calendar = rng, persons, providers, p, calendar
        tables = codes()
        outlives = persons.death >= calendar.month_starts[calendar.measurement_month + 12]
        persons.tie = np.where(outlives, persons.tie, 0)  # a death in hospital ends a tie
        self.coded = persons.conditions & (rng.random(persons.conditions.shape) < p.people.coded)
        choice = rng.integers(0, tables.condition_diagnoses.shape[1], persons.conditions.shape)
        self.condition_codes = np.take_along_axis(
            np.broadcast_to(tables.condition_diagnoses, (len(persons), *tables.condition_diagnoses.shape)),
            choice[:, :, None],
            axis=2,
        )[:, :, 0]
        self.alive_years = (np.minimum(persons.death, calendar.end) + 1 - calendar.start) / 365.25

    def diagnoses(self, who: Ints, principal: Ints, share: float, everything: Bools | None = None) -> Ints:
        """Diagnoses of claims: `principal` (-1: a condition, else a check-up) and each coded condition with `share`."""
        shown = self.rng.random((len(who), self.coded.shape[1])) < share
        if everything is not None:
            shown |= everything[:, None]
        others = compact(self.coded[who] & shown, self.condition_codes[who], 8)
        filler = np.array([codes().diagnosis(code) for code in ("Z0000", "J069", "M545", "E785")])
        plain = filler[self.rng.integers(0, len(filler), len(who))]
        principal = np.where((principal < 0) & (others[:, 0] < 0), plain, principal)
        return with_principal(principal, others)

    def home(self, who: Ints, days: Ints) -> tuple[Ints, Ints]:
        """Home group and clinician on a day."""
        later = days >= self.calendar.july
        group = np.where(later, self.persons.new_group[who], self.persons.group[who])
        return group, np.where(later, self.persons.new_clinician[who], self.persons.clinician[who])

    def billing_group(self, clinician: Ints, group: Ints, days: Ints) -> Ints:
        """The group that bills: the new one after a change of TIN, the second one of two in three of ten claims."""
        providers = self.providers
        group = providers.group_on(clinician, group, days, july=self.calendar.july)
        second = (providers.c_second_group[clinician] >= 0) & (self.rng.random(len(clinician)) < 0.3)
        return np.asarray(np.where(second, providers.c_second_group[clinician], group))

    def professional(
        self,
        who: Ints,
        days: Ints,
        clinician: Ints,
        group: Ints,
        *,
        place: int,
        diagnoses: Ints,
        exempt: Bools | None = None,
    ) -> Table:
        none = np.full(len(who), -1)
        return {
            "person": who,
            "day": days,
            "thru": days,
            "clinician": clinician,
            "group": group,
            "place": np.full(len(who), place),
            "facility": none,
            "referring": none,
            "diagnoses": diagnoses,
            "supplier": np.zeros(len(who), dtype=np.int64),
            "exempt": np.zeros(len(who), dtype=np.int64) if exempt is None else exempt.astype(np.int64),
        }

    def outpatient(self, who: Ints, days: Ints, facility: Ints, diagnoses: Ints, total: Ints) -> Table:
        none = np.full(len(who), -1)
        zero = np.zeros(len(who), dtype=np.int64)
        return {
            "person": who,
            "type": zero + OUTPATIENT,
            "facility": facility,
            "admit": none,
            "start": days,
            "thru": days,
            "discharge": none,
            "status": zero + 1,
            "frequency": zero + 1,
            "drg": none,
            "origin": none,
            "urgency": none,
            "diagnoses": diagnoses,
            "procedures": none,
            "procedure_day": none,
            "cents": total,
            "stay": none,
            "covered_days": zero,
            "first_bill": zero + 1,
            "exempt": zero,
        }

    def visits(self) -> list[tuple[Table, Table]]:
        """Office visits; FQHC visits are institutional and stand in `community`."""
        rng, persons, providers, v = self.rng, self.persons, self.providers, self.p.visits
        tables = codes()
        age = persons.age(self.calendar.measurement_start)
        rate = np.where(age >= 18, v.adult_level + v.per_condition * persons.conditions.sum(axis=1), v.child_level)
        rate = np.where((persons.care == NO_VISIT) | (persons.tie > 0), 0.0, rate)
        count = rng.poisson(rate * self.alive_years)
        who = np.repeat(np.arange(len(persons)), count)
        days = uniform_days(rng, persons, who, self.calendar)
        order = np.lexsort((days, who))
        who, days = who[order], days[order]
        at_fqhc = persons.care[who] == FQHC_ONLY
        self.community_who, self.community_days = who[at_fqhc], days[at_fqhc]
        who, days = who[~at_fqhc], days[~at_fqhc]
        group, clinician = self.home(who, days)
        only = persons.care[who] == SPECIALISTS_ONLY
        chance = rng.random(len(who))
        at_home = ~only & (chance < v.at_home_group)
        at_other = ~only & ~at_home & (chance < v.at_home_group + v.at_other_primary)
        other_group = rng.integers(0, providers.primary_groups, len(who))
        preferred = providers.g_referral[group, rng.integers(0, providers.g_referral.shape[1], len(who))]
        nearby = member_of(rng, providers.county_specialists, persons.zip[who] // self.p.providers.zips_per_county)
        anywhere = rng.integers(providers.primary_groups, len(providers.g_tin), len(who))
        anywhere = np.where(nearby < 0, anywhere, nearby)  # a county may have no specialists
        referred = np.where(rng.random(len(who)) < v.preferred_referral, preferred, anywhere)
        where = np.where(at_home, group, np.where(at_other, other_group, referred))
        extender = member_of(rng, providers.g_extender, where)
        colleague = member_of(rng, providers.g_primary, where)
        seen = np.where(at_home & (rng.random(len(who)) < v.by_home_clinician), clinician, colleague)
        use_extender = (at_home | at_other) & (extender >= 0) & (rng.random(len(who)) < v.by_extender)
        seen = np.where(use_extender, extender, seen)
        specialist = member_of(rng, providers.g_specialist, where)
        is_special = ~at_home & ~at_other
        seen = np.where(is_special, specialist, seen)
        seen = np.where(seen < 0, providers.by_role["specialist"][0], seen)
        first = np.ones(len(who), dtype=np.bool_)
        year = self.calendar.year_of(days)
        first[1:] = (who[1:] != who[:-1]) | (year[1:] != year[:-1])
        diagnoses = self.diagnoses(who, np.full(len(who), -1), 0.35, everything=first)
        claims = self.professional(
            who, days, seen, self.billing_group(seen, where, days), place=OFFICE, diagnoses=diagnoses
        )
        claims["referring"] = np.where(is_special & ~only, clinician, -1)
        established = np.array([tables.service(code) for code in ("99212", "99213", "99214", "99215")])
        new = np.array([tables.service(code) for code in ("99203", "99204", "99202")])
        level = np.searchsorted(np.array([0.07, 0.47, 0.92]), rng.random(len(who)))
        service = np.where(rng.random(len(who)) < 0.08, new[level % 3], established[level])
        ones = np.ones(len(who), dtype=np.int64)
        return [(claims, one_line(service, days, ones, ones * 0)), self._wellness(), self._ties()]

    def _wellness(self) -> tuple[Table, Table]:
        """Annual wellness visits at the home clinician, per person and calendar year under fee for service."""
        rng, persons = self.rng, self.persons
        years = self.calendar.last - self.calendar.first + 1
        usual = (persons.care == 0) & (persons.tie == 0)
        who_parts, day_parts = [], []
        for year in range(years):
            month = 12 * year + rng.integers(0, 12, len(persons))
            covered = persons.primary[np.arange(len(persons)), month] == MEDICARE
            chosen = np.flatnonzero(usual & covered & (rng.random(len(persons)) < self.p.visits.annual_wellness))
            who_parts.append(chosen)
            day_parts.append(self.calendar.month_starts[month[chosen]] + rng.integers(0, 28, len(chosen)))
        who, days = np.concatenate(who_parts), np.concatenate(day_parts)
        alive = days <= persons.death[who]
        who, days = who[alive], days[alive]
        group, clinician = self.home(who, days)
        claims = self.professional(
            who,
            days,
            clinician,
            self.billing_group(clinician, group, days),
            place=OFFICE,
            diagnoses=self.diagnoses(who, np.full(len(who), codes().diagnosis("Z0000")), 0.6),
        )
        service = np.where(rng.random(len(who)) < 0.3, codes().service("G0438"), codes().service("G0439"))
        ones = np.ones(len(who), dtype=np.int64)
        return claims, one_line(service, days, ones, ones * 0)

    def _ties(self) -> tuple[Table, Table]:
        """Two visits at the home group and two at another in the measurement year: equal, or a cent apart."""
        rng, persons, providers = self.rng, self.persons, self.providers
        chosen = np.flatnonzero(persons.tie > 0)
        who = np.repeat(chosen, 4)
        at_home = np.tile(np.array([True, True, False, False]), len(chosen))
        offset = np.tile(np.array([30, 160, 90, 220]), len(chosen)) + np.repeat(rng.integers(0, 60, len(chosen)), 4)
        days = self.calendar.measurement_start + offset
        group = np.where(at_home, persons.new_group[who], persons.tie_group[who])
        other = np.repeat(member_of(rng, providers.g_primary, persons.tie_group[chosen]), 4)
        clinician = np.where(at_home, persons.new_clinician[who], other)
        claims = self.professional(
            who,
            days,
            clinician,
            group,
            place=OFFICE,
            diagnoses=self.diagnoses(who, np.full(len(who), -1), 0.6),
            exempt=np.ones(len(who), dtype=np.bool_),
        )
        ones = np.ones(len(who), dtype=np.int64)
        lines = one_line(np.full(len(who), codes().service("99213")), days, ones, ones * 0)
        cent = (persons.tie[who] == 2) & (np.arange(len(who)) % 4 == 0)
        lines["cents"] = lines["cents"] + cent
        return claims, lines

    def community(self) -> tuple[Table, Table]:
        """Visits at federally qualified health centres: institutional claims, bill type 77x, G0467."""
        who, days = self.community_who, self.community_days
        centres = np.flatnonzero(self.providers.f_type == FQHC)
        facility = centres[self.persons.zip[who] % len(centres)]
        year = self.calendar.year_of(days)
        first = np.ones(len(who), dtype=np.bool_)
        first[1:] = (who[1:] != who[:-1]) | (year[1:] != year[:-1])
        total = np.full(len(who), round(self.p.prices.fqhc_visit * 100))
        claims = self.outpatient(who, days, facility, self.diagnoses(who, np.full(len(who), -1), 0.35, first), total)
        return claims, _facility_lines(np.arange(len(who)), np.full(len(who), codes().service("G0467")), days, total)

    def emergency(self) -> tuple[list[tuple[Table, Table]], list[tuple[Table, Table]]]:
        """Treat-and-release emergency visits: the hospital's claim and the clinician's."""
        rng, persons, v = self.rng, self.persons, self.p.visits
        tables = codes()
        rate = v.emergency_level + v.emergency_per_condition * persons.conditions.sum(axis=1)
        who = np.repeat(np.arange(len(persons)), rng.poisson(rate * self.alive_years))
        days = uniform_days(rng, persons, who, self.calendar)
        names = ("S0990XA", "R109", "R0789", "J069", "N390", "S93401A", "R0600", "M545")
        pool = np.array([tables.diagnosis(code) for code in names])
        diagnoses = self.diagnoses(who, pool[rng.integers(0, len(pool), len(who))], 0.4)
        level = np.array([tables.service(code) for code in EMERGENCY_VISITS])
        service = level[np.searchsorted(np.array([0.4, 0.8]), rng.random(len(who)))]
        extra = rng.random(len(who)) < 0.55
        tests = np.array([tables.service(code) for code in EMERGENCY_TESTS])
        test = tests[rng.integers(0, len(tests), len(who))]
        facility = np.where(
            rng.random(len(who)) < 0.75, persons.hospital[who], rng.integers(0, self.providers.hospitals, len(who))
        )
        ones = np.ones(len(who), dtype=np.int64)
        visit_cents, test_cents = cents(service, ones, at_facility=True), cents(test, ones, at_facility=True)
        claims = self.outpatient(who, days, facility, diagnoses, visit_cents + np.where(extra, test_cents, 0))
        place = np.arange(len(who))
        both = np.concatenate([place, place[extra]])
        order = np.argsort(both, kind="stable")
        lines = _facility_lines(
            both[order],
            np.concatenate([service, test[extra]])[order],
            np.concatenate([days, days[extra]])[order],
            np.concatenate([visit_cents, test_cents[extra]])[order],
        )
        doctors = self.providers.by_role["emergency"]
        doctor = doctors[(facility * 3 + rng.integers(0, 3, len(who))) % len(doctors)]
        group = self.billing_group(doctor, self.providers.c_group[doctor], days)
        own = self.professional(who, days, doctor, group, place=EMERGENCY, diagnoses=diagnoses)
        own["facility"] = facility
        return [(own, one_line(service, days, ones, ones * 0))], [(claims, lines)]

    def ancillary(self) -> tuple[list[tuple[Table, Table]], list[tuple[Table, Table]]]:
        """Everything of tables/services.csv; its volume is multiplied by exp(w_g) of the home group."""
        rng, persons, providers = self.rng, self.persons, self.providers
        tables = codes()
        v = self.p.visits
        commercial = np.isin(persons.segment, (COMMERCIAL_A, COMMERCIAL_B))
        by_payer = np.where(commercial, v.volume_commercial, v.volume_medicare)
        by_payer = np.where(persons.segment == MEDICAID, v.volume_medicaid, by_payer)
        volume = np.exp(providers.group_volume[persons.group]) * self.alive_years
        cancer = persons.conditions[:, tables.condition("CAN")]
        specialty = rng.random(len(persons)) < v.specialty + v.specialty_cancer * cancer
        conditions = persons.conditions.sum(axis=1)
        age = persons.age(self.calendar.measurement_start)
        tie = persons.tie > 0
        who_parts, row_parts = [], []
        for number, row in enumerate(_service_rows()):
            needs = row["needs"]
            has: Bools = np.ones(len(persons), dtype=np.bool_)
            if needs:
                groups = {"ESRD": persons.esrd, "SPECIALTY": specialty}
                has = groups[needs] if needs in groups else persons.conditions[:, tables.condition(needs)]
            fits = has & (age >= float(row["age_from"])) & (age < float(row["age_to"])) & ~tie
            if row["sex"] != "0":
                fits = fits & (persons.sex == int(row["sex"]))
            rate = fits * (float(row["rate"]) + float(row["per_condition"]) * conditions) * volume
            costs = tables.facility_fee[tables.service(row["code"])]
            rate = rate * (by_payer if costs >= v.costly else 1.0)
            found = np.repeat(np.arange(len(persons)), rng.poisson(rate))
            who_parts.append(found)
            row_parts.append(np.full(len(found), number))
        who, row_of = np.concatenate(who_parts), np.concatenate(row_parts)
        days = uniform_days(rng, persons, who, self.calendar)
        order = np.lexsort((row_of, days, who))
        who, row_of, days = who[order], row_of[order], days[order]
        rows = _service_rows()
        service = np.array([tables.service(row["code"]) for row in rows])[row_of]
        principal = np.array([tables.diagnosis(row["diagnosis"]) for row in rows])[row_of]
        diagnoses = self.diagnoses(who, principal, 0.15)
        ones = np.ones(len(who), dtype=np.int64)
        hospital = rng.random(len(who)) < np.array([float(row["at_hospital"]) for row in rows])[row_of]
        has_facility_fee = tables.facility_fee[service] > 0
        hospital &= has_facility_fee
        group, clinician = self.home(who, days)
        roles = np.array([row["role"] for row in rows])[row_of]
        preferred = providers.g_referral[group, rng.integers(0, providers.g_referral.shape[1], len(who))]
        special = member_of(rng, providers.g_specialist, preferred)
        special = np.where(special < 0, providers.by_role["specialist"][0], special)
        readers = providers.by_role["radiology"]
        seen = np.select(
            [roles == "radiology", roles == "specialist"], [readers[group % len(readers)], special], clinician
        )
        place = np.where(hospital, OUTPATIENT_HOSPITAL, np.where(roles == "supplier", HOME, OFFICE))
        facility_total = cents(service, ones, at_facility=True)
        at = np.flatnonzero(hospital)
        institutional = (
            self.outpatient(who[at], days[at], persons.hospital[who[at]], diagnoses[at], facility_total[at]),
            _facility_lines(np.arange(len(at)), service[at], days[at], facility_total[at]),
        )
        # the clinician's part: all in the office; at a hospital a quarter of an image's fee, no laboratory, no drug
        revenue = np.array(tables.revenue)[service]
        laboratory_or_drug = np.isin(revenue, ("0300", "0301", "0305", "0307", "0636", "0821", "0420", "0333", "0762"))
        own = np.flatnonzero(~(hospital & laboratory_or_drug))
        claims = self.professional(
            who, days, seen, self.billing_group(seen, providers.c_group[seen], days), place=OFFICE, diagnoses=diagnoses
        )
        claims["place"] = place
        claims["facility"] = np.where(hospital, persons.hospital[who], -1)
        claims["referring"] = np.where(roles == "primary", -1, clinician)
        claims["supplier"] = (roles == "supplier").astype(np.int64)
        lines = one_line(service, days, ones, ones * 0)
        image = hospital & (roles == "radiology")
        lines["marker"] = np.where(image, 26, 0)
        fee = np.where(image, lines["cents"] // 4, lines["cents"])
        # a drug without a professional fee is bought and billed by the practice
        lines["cents"] = np.where((fee == 0) & ~hospital, facility_total, fee)
        claims, lines = take(claims, own), take(lines, own)
        lines["claim"] = np.arange(len(own))
        return [(claims, lines)], [institutional]


def _facility_lines(claim: Ints, service: Ints, days: Ints, amount: Ints) -> Table:
    revenue = np.array([int(code) for code in codes().revenue])
    ones = np.ones(len(claim), dtype=np.int64)
    return {
        "claim": claim,
        "revenue": revenue[service],
        "service": service,
        "day": days,
        "units": ones,
        "cents": amount,
    }


def make_services(
    rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
) -> Services:
    """Everything outside of stays. Called after the stays have settled the days of death."""
    writer = Writer(rng, persons, providers, p, calendar)
    professional = writer.visits()
    institutional = [writer.community()]
    for own, facility in (writer.emergency(), writer.ancillary()):
        professional += own
        institutional += facility
    return Services(
        professional=stack_claims(professional),
        institutional=stack_claims(institutional),
        coded=writer.coded,
        condition_codes=writer.condition_codes,
    )
