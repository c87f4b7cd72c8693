"""Admissions, transfers and readmissions of one block, wave by wave (sample_data.md section 4)."""

from dataclasses import dataclass, fields

import numpy as np
from scipy.special import expit

from qe.sample.calendar import NEVER, Calendar
from qe.sample.codes import EXCLUSION_CODES, Bools, Floats, Ints, codes
from qe.sample.parameters import Parameters
from qe.sample.people import MEDICAID, MEDICARE, Persons
from qe.sample.providers import PSYCHIATRIC, REHABILITATION, Providers

# why a stay began
FIRST, UNPLANNED, PLANNED, DAY_31, ARRIVAL = range(5)
WHY = ("first", "unplanned_readmission", "planned_readmission", "day_31", "transfer_arrival")
# what kind a first admission is
PARTS = ("acs", "other", "delivery")


@dataclass(kw_only=True)
class Stays:
    """One entry a stay at one hospital, in order of person and admission.

    number          position in the block; earlier_stay: the stay transferred from, or -1
    readmission_of  the stay whose discharge this one follows, or -1
    probability     of an unplanned readmission as drawn at discharge; nan where none was drawn
    next_admission  day of the person's next stay, NEVER if none
    """

    person: Ints
    why: Ints
    kind: Ints
    hospital: Ints
    admit: Ints
    discharge: Ints
    status: Ints
    diagnosis: Ints
    procedure: Ints
    is_acs: Bools
    is_elective: Bools
    exclusion_code: Ints
    origin: Ints
    earlier_stay: Ints
    readmission_of: Ints
    probability: Floats
    number: Ints
    next_admission: Ints

    def __len__(self) -> int:
        return len(self.person)


@dataclass(kw_only=True)
class _Pending:
    """What awaits each person next: a day (NEVER = nothing), why, where, after which stay."""

    day: Ints
    why: Ints
    hospital: Ints
    after: Ints
    kind: Ints

    @staticmethod
    def nothing(count: int) -> "_Pending":
        empty = np.full(count, -1, dtype=np.int64)
        return _Pending(
            day=np.full(count, NEVER), why=empty.copy(), hospital=empty.copy(), after=empty.copy(), kind=empty.copy()
        )

    def put(self, persons: Ints, *, day: Ints, why: int, hospital: Ints, after: Ints, kind: Ints) -> None:
        self.day[persons], self.why[persons], self.hospital[persons] = day, why, hospital
        self.after[persons], self.kind[persons] = after, kind

    def promote(self, other: "_Pending", persons: Ints) -> None:
        """Move what stands in `other` for `persons` here."""
        for field in fields(self):
            getattr(self, field.name)[persons] = getattr(other, field.name)[persons]
        other.day[persons] = NEVER


def admission_rates(persons: Persons, p: Parameters, calendar: Calendar) -> Floats:
    """First admissions a year of each person, before the effect of the home group."""
    middle = (calendar.start + calendar.end) // 2
    age = persons.age(middle)
    s = p.stays
    by_age = np.select([age < 18, age < 45, age < 65], [s.age_child, s.age_18_44, s.age_45_64], 0.0)
    by_age = np.where(age >= 65, s.age_slope_over_65 * (age - 65), by_age)
    linear = s.level + by_age + s.medicaid * (persons.segment == MEDICAID) + s.frailty * persons.frailty
    linear = linear + persons.conditions @ codes().condition_admission
    return np.asarray(np.exp(linear) * np.where(age < 18, s.child_factor, 1.0))


def _candidates(
    rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
) -> tuple[Ints, Ints, Ints]:
    """Person, day and part of every first admission that may happen, in order of person and day."""
    rate = admission_rates(persons, p, calendar)
    age = persons.age((calendar.start + calendar.end) // 2)
    mother = (persons.sex == 2) & (age >= 18) & (age < 45) & (persons.segment != MEDICARE)
    parts = (
        p.stays.acs_share * rate * np.exp(providers.group_admissions[persons.group]),
        (1 - p.stays.acs_share) * rate,
        np.where(mother, p.stays.deliveries, 0.0),
    )
    who, what = [], []
    for part, yearly in enumerate(parts):
        found = np.repeat(np.arange(len(persons)), rng.poisson(yearly * calendar.years))
        who.append(found)
        what.append(np.full(len(found), part))
    person, part_of = np.concatenate(who), np.concatenate(what)
    day = rng.integers(calendar.start, calendar.end + 1, len(person))
    order = np.lexsort((part_of, day, person))
    return person[order], day[order], part_of[order]


def _pick(rng: np.random.Generator, choices: Ints, weights: Floats, count: int) -> Ints:
    edges = np.cumsum(weights) / weights.sum()
    return np.asarray(choices[np.minimum(np.searchsorted(edges, rng.random(count)), len(choices) - 1)])


def _medical_kind(rng: np.random.Generator, persons: Persons, who: Ints, part: Ints, p: Parameters) -> Ints:
    """Kinds of unplanned stays: `part` 0 = ambulatory-care-sensitive, 1 = other."""
    tables = codes()
    count = len(who)
    kind = np.where(
        part == 0,
        _pick(rng, tables.stay_parts["acs"], tables.stay_weight[tables.stay_parts["acs"]], count),
        _pick(rng, tables.stay_parts["other"], tables.stay_weight[tables.stay_parts["other"]], count),
    )
    newer = tables.stay_parts["newer"]
    kind = np.where(
        (part == 1) & (rng.random(count) < p.stays.newer_codes / p.stays.typical_other),
        _pick(rng, newer, tables.stay_weight[newer], count),
        kind,
    )
    fallback = np.where(rng.random(count) < 0.59, tables.stay("pneumonia"), tables.stay("urinary_infection"))
    for number, needs in enumerate(tables.stay_needs):
        if needs:
            lacking = (kind == number) & ~persons.conditions[who][:, list(needs)].any(axis=1)
            kind = np.where(lacking, fallback, kind)
    return np.asarray(kind)


def _elective_kind(rng: np.random.Generator, persons: Persons, who: Ints) -> Ints:
    """Kinds of elective surgery, those of the other sex replaced by a knee."""
    tables = codes()
    choices = tables.stay_parts["elective"]
    kind = _pick(rng, choices, tables.stay_weight[choices], len(who))
    wrong = (kind == tables.stay("hysterectomy")) & (persons.sex[who] == 1)
    wrong |= (kind == tables.stay("prostate_resection")) & (persons.sex[who] == 2)
    return np.asarray(np.where(wrong, tables.stay("knee_replacement"), kind))


class Simulation:
    """The waves: in each, every person with something ahead goes through one stay. Use `simulate`."""

    def __init__(
        self, rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
    ) -> None:
        self.rng, self.persons, self.providers, self.p, self.calendar = rng, persons, providers, p, calendar
        count = len(persons)
        self.who, self.days, self.parts = _candidates(rng, persons, providers, p, calendar)
        self.at = np.searchsorted(self.who, np.arange(count))
        self.until = np.searchsorted(self.who, np.arange(count), side="right")
        self.busy = np.full(count, -NEVER)
        self.next, self.later = _Pending.nothing(count), _Pending.nothing(count)
        self.wants_day_31 = rng.random(count) < p.readmission.day_31
        self.is_over = np.zeros(count, dtype=np.bool_)
        self.found: list[dict[str, np.ndarray]] = []
        self.stays = 0
        self.median_size = float(np.median(providers.f_size))

    def run(self) -> Stays:
        while self._wave():
            pass
        names = [field.name for field in fields(Stays) if field.name != "next_admission"]
        columns = {
            name: np.concatenate([wave[name] for wave in self.found] or [np.zeros(0, dtype=np.int64)]) for name in names
        }
        order = np.lexsort((columns["number"], columns["admit"], columns["person"]))
        place = np.empty(len(order), dtype=np.int64)
        place[columns["number"][order]] = np.arange(len(order))
        columns = {name: values[order] for name, values in columns.items()}
        for name in ("earlier_stay", "readmission_of"):
            columns[name] = np.where(columns[name] >= 0, place[columns[name]], -1)
        columns["number"] = np.arange(len(order))
        following = np.full(len(order), NEVER)
        same = columns["person"][1:] == columns["person"][:-1]
        following[:-1] = np.where(same, columns["admit"][1:], NEVER)
        return Stays(**columns, next_admission=following)

    def _advance(self) -> None:
        """Skip first admissions inside a stay or its 30 days, and those after death."""
        while True:
            more = (self.at < self.until) & (self.next.day == NEVER) & ~self.is_over
            skip = np.flatnonzero(more)
            skip = skip[self.days[self.at[skip]] <= self.busy[skip]]
            if not len(skip):
                return
            self.at[skip] += 1

    def _wave(self) -> bool:
        rng, persons, providers, p = self.rng, self.persons, self.providers, self.p
        tables = codes()
        self._advance()
        has_next = (self.next.day < NEVER) & ~self.is_over
        has_first = ~has_next & (self.at < self.until) & ~self.is_over
        who = np.flatnonzero(has_next | has_first)
        if not len(who):
            return False
        first = has_first[who]
        place = np.minimum(self.at[who], len(self.days) - 1)
        admit = np.where(first, self.days[place], self.next.day[who])
        late = (admit > self.calendar.end) | (first & (admit >= persons.death[who]))
        self.is_over[who[late]] = True
        who, first, place, admit = who[~late], first[~late], place[~late], admit[~late]
        if not len(who):
            return True
        self.at[who[first]] += 1
        count = len(who)
        why = np.where(first, FIRST, self.next.why[who])
        after = np.where(first, -1, self.next.after[who])
        part = np.where(first, self.parts[place], (rng.random(count) >= p.stays.acs_share).astype(np.int64))
        # where
        size = providers.f_size
        anywhere = _pick(rng, np.arange(len(size)), size, count)
        hospital = np.where(rng.random(count) < p.stays.home_hospital, persons.hospital[who], anywhere)
        hospital = np.where(first | (self.next.hospital[who] < 0), hospital, self.next.hospital[who])
        # what
        elective_share = expit(
            p.stays.elective_level + providers.hospital_elective[np.minimum(hospital, len(size) - 1)]
        )
        age = (admit - persons.birth[who]) / 365.25
        is_elective = first & (part == 1) & (age >= 18) & (rng.random(count) < elective_share)
        kind = _medical_kind(rng, persons, who, part, p)
        kind = np.where(is_elective, _elective_kind(rng, persons, who), kind)
        deliveries = tables.stay_parts["delivery"]
        kind = np.where(first & (part == 2), _pick(rng, deliveries, tables.stay_weight[deliveries], count), kind)
        kind = np.where(~first & (self.next.kind[who] >= 0), self.next.kind[who], kind)
        hospital = self._unit(kind, hospital, why)
        is_acs = np.isin(kind, tables.stay_parts["acs"])
        choice = rng.integers(0, tables.stay_diagnoses.shape[1], count)
        diagnosis = tables.stay_diagnoses[kind, choice]
        procedure = tables.stay_procedures[kind, choice % tables.stay_procedures.shape[1]]
        length = 1 + rng.poisson(np.maximum(tables.stay_days[kind] * rng.gamma(4.0, 0.25, count) - 1, 0.05))
        is_short = (why == PLANNED) & (self.later.day[who] < NEVER)
        length = np.where(is_short, np.minimum(length, self.later.day[who] - admit - 1), length)
        discharge = admit + np.maximum(length, 1)
        numbers = self.stays + np.arange(count)
        self.stays += count
        self.next.day[who] = NEVER
        status, moves, probability = self._leave(
            who,
            why=why,
            kind=kind,
            hospital=hospital,
            admit=admit,
            discharge=discharge,
            numbers=numbers,
            diagnosis=diagnosis,
        )
        exclusion = np.array([tables.diagnosis(code) for code in EXCLUSION_CODES])
        excluded = is_acs & (rng.random(count) < p.stays.acs_exclusion_code)
        origin = np.where(is_elective | (why == PLANNED), 1, np.where(rng.random(count) < 0.7, 1, 2))
        origin = np.where(is_acs & (rng.random(count) < p.stays.point_of_origin_456), rng.integers(4, 7, count), origin)
        origin = np.where(why == ARRIVAL, 4, origin)
        self.found.append(
            {
                "person": who,
                "why": why,
                "kind": kind,
                "hospital": hospital,
                "admit": admit,
                "discharge": discharge,
                "status": status,
                "diagnosis": diagnosis,
                "procedure": procedure,
                "is_acs": is_acs,
                "is_elective": is_elective,
                "exclusion_code": np.where(excluded, exclusion[rng.integers(0, len(exclusion), count)], -1),
                "origin": origin,
                "earlier_stay": np.where(why == ARRIVAL, after, -1),
                "readmission_of": np.where(np.isin(why, (UNPLANNED, PLANNED)), after, -1),
                "probability": probability,
                "number": numbers,
            }
        )
        self.busy[who] = discharge + 30
        return bool(moves) or True

    def _unit(self, kind: Ints, hospital: Ints, why: Ints) -> Ints:
        """Rehabilitation goes to a rehabilitation unit, three in ten first psychiatric stays to the hospital's unit."""
        providers, tables = self.providers, codes()
        units = np.flatnonzero(providers.f_type == REHABILITATION)
        rehabilitation = kind == tables.stay("rehabilitation_unit")
        hospital = np.where(rehabilitation, units[hospital % len(units)], hospital)
        chance = self.rng.random(len(kind))
        for unit in np.flatnonzero(providers.f_type == PSYCHIATRIC).tolist():
            goes = (kind == tables.stay("psychiatric")) & (hospital == providers.f_parent[unit]) & (why == FIRST)
            hospital = np.where(goes & (chance < 0.3), unit, hospital)
        return np.asarray(hospital)

    def _leave(
        self,
        who: Ints,
        *,
        why: Ints,
        kind: Ints,
        hospital: Ints,
        admit: Ints,
        discharge: Ints,
        numbers: Ints,
        diagnosis: Ints,
    ) -> tuple[Ints, int, Floats]:
        """How each stay ends and what it leads to: status codes, how many go on, probabilities of readmission."""
        rng, persons, providers, p = self.rng, self.persons, self.providers, self.p
        tables, s, r = codes(), p.stays, p.readmission
        count = len(who)
        age = (discharge - persons.birth[who]) / 365.25
        aged = age >= 65
        chance = rng.random(count)
        dies = (chance < np.where(aged, s.dies_aged, s.dies_other)) & (why != PLANNED)
        small = np.append(providers.f_size, np.full(len(providers.f_type) - providers.hospitals, np.inf))[hospital]
        may_move = (small < self.median_size) & (why != PLANNED) & (why != ARRIVAL) & ~dies
        moves = may_move & (rng.random(count) < s.transfer)
        chance = rng.random(count)
        to_snf = aged & (chance < s.to_snf)
        to_rehabilitation = aged & ~to_snf & (chance < s.to_snf + s.to_rehabilitation)
        to_ltch = aged & ~to_snf & ~to_rehabilitation & (chance < s.to_snf + s.to_rehabilitation + s.to_ltch)
        status = np.select([to_snf, to_rehabilitation, to_ltch], [3, 62, 63], 1)
        rest = chance - (s.to_snf + s.to_rehabilitation + s.to_ltch)  # what is left of the draw at any age
        at = np.searchsorted(np.cumsum([s.against_advice, s.coded_02_no_arrival]), rest, side="right")
        other = np.select([at == 0, at == 1, chance > 0.85], [7, 2, 6], 1)
        status = np.where(rest >= 0, other, status)
        status = np.where(moves, np.where(rng.random(count) < s.transfer_coded_02, 2, 1), status)
        status = np.where(dies, 20, status)
        # deaths: in hospital now; a death drawn for the stay itself waits until after it
        persons.death[who[dies]] = discharge[dies]
        self.is_over[who[dies]] = True
        after_stay = ~dies & (persons.death[who] <= discharge)
        persons.death[who[after_stay]] = discharge[after_stay] + 1
        self.later.day[who[dies]] = NEVER
        # transfers: the same or the next day, to a bigger hospital
        big = np.flatnonzero(providers.f_size >= self.median_size)
        target = _pick(rng, big, providers.f_size[big], count)
        day = discharge + (rng.random(count) < 0.4)
        self.next.put(
            who[moves], day=day[moves], why=ARRIVAL, hospital=target[moves], after=numbers[moves], kind=kind[moves]
        )
        # unplanned readmission
        effect = np.append(providers.hospital_readmission, np.zeros(len(providers.f_type) - providers.hospitals))
        linear = r.level + np.where(aged, r.age_slope * (age - 65), r.under_65)
        linear = linear + r.conditions * (persons.conditions[who] @ tables.condition_readmission)
        linear = linear + r.frailty * persons.frailty[who] + r.surgical * tables.stay_surgical[kind] + effect[hospital]
        waits = self.later.day[who] < NEVER  # a planned stay before an unplanned one that is already drawn
        drawn = ~dies & ~moves & ~waits
        probability = np.where(drawn, expit(linear), np.nan)
        returns = drawn & (rng.random(count) < expit(linear))
        days = np.minimum(rng.geometric(r.day_rate, count) - 1, 10_000)
        over = days > 30
        days = np.where(over, np.floor(31 * rng.random(count) ** 2).astype(np.int64), days)
        same = rng.random(count) < r.same_hospital
        inside = np.where(hospital < providers.hospitals, hospital, persons.hospital[who])
        others = (inside + 1 + rng.integers(0, max(providers.hospitals - 1, 1), count)) % providers.hospitals
        back = np.where(same & (days > 0), inside, others)
        # planned readmission: a third of them before an unplanned one
        later = days >= 10  # leaves room for a planned stay before
        share_later = (1 - r.day_rate) ** 10
        with_return = r.planned * r.planned_before_unplanned / (r.typical_share * share_later)
        without = r.planned * (1 - r.planned_before_unplanned) / (1 - r.typical_share)
        planned = drawn & (~returns | later) & (rng.random(count) < np.where(returns, with_return, without))
        planned_day = np.where(returns, 7 + np.floor(rng.random(count) * (days - 8)), 7 + rng.integers(0, 22, count))
        planned_day = np.minimum(planned_day.astype(np.int64), 28)
        choices = tables.stay_parts["planned"]
        planned_kind = _pick(rng, choices, tables.stay_weight[choices], count)
        alone, both = returns & ~planned, returns & planned
        none = np.full(count, -1)
        for pending, chosen in ((self.next, alone), (self.later, both)):
            pending.put(
                who[chosen],
                day=(discharge + days)[chosen],
                why=UNPLANNED,
                hospital=back[chosen],
                after=numbers[chosen],
                kind=none[chosen],
            )
        self.next.put(
            who[planned],
            day=(discharge + planned_day)[planned],
            why=PLANNED,
            hospital=inside[planned],
            after=numbers[planned],
            kind=planned_kind[planned],
        )
        self.next.promote(self.later, who[waits & ~dies])
        extra = drawn & ~returns & ~planned & self.wants_day_31[who]
        self.wants_day_31[who[extra]] = False
        self.next.put(
            who[extra], day=discharge[extra] + 31, why=DAY_31, hospital=none[extra], after=none[extra], kind=none[extra]
        )
        waiting = self.next.day[who] < NEVER
        ahead = np.where(self.later.day[who] < NEVER, self.later.day[who], self.next.day[who])
        too_soon = waiting & (persons.death[who] <= ahead)
        persons.death[who[too_soon]] = ahead[too_soon] + 1
        return status, int(moves.sum()), probability


def simulate(
    rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
) -> Stays:
    """All acute stays of the block. Moves `persons.death` so that nobody dies inside a stay except in it."""
    return Simulation(rng, persons, providers, p, calendar).run()
