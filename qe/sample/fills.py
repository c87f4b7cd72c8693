"""Prescriptions filled (sample_data.md section 5): statins with planted adherence, other drugs as a Poisson stream."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from qe.sample.calendar import Calendar
from qe.sample.codes import Floats, Ints, codes
from qe.sample.parameters import Parameters
from qe.sample.people import COMMERCIAL_A, COMMERCIAL_B, MEDICAID, Persons
from qe.sample.providers import Providers

PACKAGES = 5  # package sizes of one product, each with its own NDC


@dataclass(kw_only=True)
class Fills:
    """One entry a fill, in order of person, day and drug. drug: row of tables/drugs.csv; cents: Medicare's price.

    number     fill number of its course (0 = new prescription)
    returned   1 where the fill was reversed and not replaced
    """

    person: Ints
    day: Ints
    drug: Ints
    package: Ints
    supply: Ints
    number: Ints
    cents: Ints
    returned: Ints

    def __len__(self) -> int:
        return len(self.person)


def covered_fills(fills: Fills, chosen: Ints, *, payer: Ints, allowed: Ints, paid: Ints) -> dict[str, Ints]:
    """What one source's files say of the fills at `chosen`: place, person, day, returned, payer, cents allowed and paid."""
    return {
        "place": chosen,
        "person": fills.person[chosen],
        "day": fills.day[chosen],
        "returned": fills.returned[chosen],
        "payer": payer,
        "allowed": allowed,
        "paid": paid,
    }


def ndc_numbers(*, unmapped: float) -> tuple[list[str], list[bool]]:
    """NDC-11 by drug row and package (labeler 99999, which nobody holds), and whether the drug map holds it.

    unmapped  share of the fills whose NDC stands in no map: the last package of a drug is drawn with this share
    """
    found, mapped = [], []
    for drug in range(len(codes().drug_ingredients)):
        for package in range(PACKAGES):
            found.append(f"99999{drug + 1:04d}{package + 1:02d}")
            mapped.append(package < PACKAGES - 1 or unmapped <= 0)
    return found, mapped


def _users(rng: np.random.Generator, persons: Persons, p: Parameters, calendar: Calendar) -> Ints:
    f, tables = p.fills, codes()
    age = persons.age(calendar.measurement_start)
    diabetes = persons.conditions[:, tables.condition("DM")] & (age >= 40) & (age < 76)
    heart = persons.conditions[:, tables.condition("IHD")]
    share = np.select(
        [heart & (age >= 18), diabetes, age >= 55], [f.statin_heart_disease, f.statin_diabetes, f.statin_other], 0.0
    )
    return np.flatnonzero(rng.random(len(persons)) < share)


def _level(persons: Persons, who: Ints, p: Parameters) -> Floats:
    segment = persons.segment[who]
    commercial = np.isin(segment, (COMMERCIAL_A, COMMERCIAL_B))
    return np.where(
        commercial,
        p.fills.level_commercial,
        np.where(segment == MEDICAID, p.fills.level_medicaid, p.fills.level_part_d),
    )


def _courses(
    rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
) -> dict[str, Ints]:
    """Statin fills wave by wave: one fill of every course that still runs."""
    f, tables = p.fills, codes()
    who = _users(rng, persons, p, calendar)
    count = len(who)
    chance = rng.random(count)
    rest = np.array([28, 14, 100])[rng.integers(0, 3, count)]
    supply = np.where(chance < f.supply_90, 90, np.where(chance < f.supply_90 + f.supply_30, 30, rest))
    prevalent = rng.random(count) < f.prevalent
    day = np.where(
        prevalent,
        calendar.start + np.floor(rng.random(count) * supply).astype(np.int64),
        calendar.start + rng.integers(0, calendar.end - calendar.start - 60, count),
    )
    day = day.astype(np.int64)
    group = np.where(day >= calendar.july, persons.new_group[who], persons.group[who])
    adheres = expit(_level(persons, who, p) + providers.group_adherence[group] + persons.person_adherence[who])
    drugs = tables.drug_classes["statin"]
    edges = np.cumsum(tables.drug_weight[drugs]) / tables.drug_weight[drugs].sum()
    drug = drugs[np.minimum(np.searchsorted(edges, rng.random(count)), len(drugs) - 1)]
    switches = rng.random(count) < f.switches
    switch_at = rng.integers(2, 6, count)
    number = np.zeros(count, dtype=np.int64)
    waves: list[tuple[Ints, ...]] = []
    running = np.arange(count)
    while len(running):
        due = day[running] <= np.minimum(calendar.end, persons.death[who[running]])
        running = running[due]
        n = len(running)
        if not n:
            break
        waves.append((who[running], day[running], drug[running], supply[running], number[running]))
        twice = running[rng.random(n) < f.two_on_one_day]
        waves.append((who[twice], day[twice], drug[twice], supply[twice], number[twice]))
        end = day[running] + supply[running]
        on_time = rng.random(n) < adheres[running]
        late = 3 + rng.geometric(1 / f.late_mean, n)
        day[running] = np.maximum(end + np.where(on_time, rng.integers(-7, 3, n), late), day[running] + 1)
        number[running] += 1
        changing = running[switches[running] & (number[running] == switch_at[running])]
        other = drugs[(np.searchsorted(drugs, drug[changing]) + 1) % (len(drugs) - 1)]
        drug[changing] = other
        day[changing] = np.maximum(day[changing] - f.switch_overlap, day[changing] - supply[changing] + 1)
        number[changing] = 0
        stops = rng.random(n) < supply[running] / 30 * f.stop * (2 - 1.6 * adheres[running])
        running = running[~stops]
    names = ("person", "day", "drug", "supply", "number")
    columns = zip(*waves, strict=True) if waves else ((np.zeros(0, dtype=np.int64),) for _ in names)
    return {name: np.concatenate(list(column)) for name, column in zip(names, columns, strict=True)}


def _others(rng: np.random.Generator, persons: Persons, p: Parameters, calendar: Calendar) -> dict[str, Ints]:
    """Fills of other drugs: diabetes and renin classes for those with the condition, the rest by conditions."""
    tables = codes()
    years = (np.minimum(persons.death, calendar.end) + 1 - calendar.start) / 365.25
    diabetes, pressure = (persons.conditions[:, tables.condition(name)] for name in ("DM", "HTN"))
    rates = {
        "other": 0.5 + p.fills.other_per_condition * persons.conditions.sum(axis=1),
        "diabetes": 5.5 * diabetes,
        "renin": 4.0 * pressure,
    }
    who_parts, drug_parts, supply_parts = [], [], []
    for name, rate in rates.items():
        who = np.repeat(np.arange(len(persons)), rng.poisson(rate * years))
        drugs = tables.drug_classes[name]
        edges = np.cumsum(tables.drug_weight[drugs]) / tables.drug_weight[drugs].sum()
        # a person keeps mostly to one drug of a class
        own = drugs[np.minimum(np.searchsorted(edges, rng.random(len(persons))), len(drugs) - 1)]
        any_drug = drugs[np.minimum(np.searchsorted(edges, rng.random(len(who))), len(drugs) - 1)]
        drug = np.where(rng.random(len(who)) < (0.4 if name == "other" else 0.9), own[who], any_drug)
        who_parts.append(who)
        drug_parts.append(drug)
        supply_parts.append(np.where(rng.random(len(who)) < 0.35, 90, 30))
    who = np.concatenate(who_parts)
    last = np.minimum(calendar.end, persons.death[who])
    day = calendar.start + np.floor(rng.random(len(who)) * (last + 1 - calendar.start)).astype(np.int64)
    return {
        "person": who,
        "day": day,
        "drug": np.concatenate(drug_parts),
        "supply": np.concatenate(supply_parts),
        "number": np.zeros(len(who), dtype=np.int64),
    }


def make_fills(
    rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
) -> Fills:
    """All fills of the block, whether or not anybody covers them."""
    tables = codes()
    parts = (_courses(rng, persons, providers, p, calendar), _others(rng, persons, p, calendar))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((columns["number"], columns["drug"], columns["day"], columns["person"]))
    columns = {name: values[order] for name, values in columns.items()}
    count = len(columns["person"])
    unmapped = rng.random(count) < p.fills.unmapped
    package = np.where(unmapped, PACKAGES - 1, rng.integers(0, PACKAGES - 1, count))
    cost = tables.drug_daily_cost[columns["drug"]] * columns["supply"] * 100
    return Fills(
        **columns,
        package=package,
        cents=np.round(cost * (0.9 + 0.05 * package)).astype(np.int64) + round(p.fills.dispensing_fee * 100),
        returned=(rng.random(count) < p.fills.reversed).astype(np.int64),
    )
