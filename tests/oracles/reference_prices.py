"""Services and their reference prices, from section 4 of measures/total_cost_index/method.md alone.

Everything is kept as it is read, one object a service, and priced by looking at the sorted prices of all services alike.
Claims that a Medicare managed-care plan paid are information only and no cost: so the claims model says, not the method.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracles.model_rows import Model, Person, Row, line_day, line_stands, standing_fills

IN_A_FACILITY = {"19", "21", "22", "23", "24"}
STAYS = ("inpatient", "snf")
OWN = "unstandardised"


@dataclass(frozen=True)
class Way:
    """One way to price a service: what it must be alike in, how many units it has, and what the detail calls it."""

    name: str
    alike: tuple[Any, ...]
    units: Fraction


@dataclass
class Service:
    """R12. ways: narrowest first."""

    began: date
    kind: str
    amount: Decimal
    payer: str | None
    provider: str | None
    is_capitated: bool
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Priced:
    """A service with its reference price times units, or its own amount; and what that rests on."""

    began: date
    kind: str
    amount: Decimal
    rests_on: str


KindOf = Callable[[Row], str]


def repriced(model: Model, start: date, end: date, kind_of: KindOf) -> dict[str, list[Priced]]:
    """Every service of the period by person, at its reference price."""
    found = {
        person.person_id: [one for one in services(person, kind_of) if start <= one.began <= end]
        for person in model.persons.values()
    }
    prices = reference_prices(one for of_person in found.values() for one in of_person)
    return {person_id: [at_price(one, prices) for one in of_person] for person_id, of_person in found.items()}


def services(person: Person, kind_of: KindOf) -> Iterator[Service]:
    claims = [claim for claim in person.paid if not claim.mco_paid]
    yield from stays(person, [claim for claim in claims if claim.claim_type in STAYS], kind_of)
    others = [claim for claim in claims if claim.claim_type not in STAYS]
    yield from of_lines(others, kind_of)
    for claim in others:
        rest = money(claim) - sum((money(line) for line in coded(claim)), Decimal(0))
        if rest:
            yield Service(began(claim), kind_of(claim), rest, claim.payer_id, None, bool(claim.repriced))
    for fill in standing_fills(person):
        yield Service(
            fill.fill_date,
            "pharmacy",
            money(fill),
            fill.payer_id,
            fill.pharmacy_npi,
            bool(fill.repriced),
            tuple(ways_of_fill(fill)),
        )


def of_lines(claims: Iterable[Row], kind_of: KindOf) -> Iterator[Service]:
    """R12 (a)."""
    together: dict[tuple[Any, ...], list[tuple[Row, Row]]] = defaultdict(list)
    for claim in claims:
        for line in coded(claim):
            what = (line.hcpcs, frozenset(line.modifiers or ()), place_of(claim, line))
            who = (claim.payer_id, claim.facility_id or claim.billing_tin or claim.billing_npi)
            together[what, who, line_day(claim, line), began(claim), claim.claim_type].append((claim, line))
    for (what, (payer, provider), _, day, claim_type), pairs in together.items():
        amounts = [money(line) for _, line in pairs]
        given = [units_of(line) for _, line in pairs if money(line) > 0]
        taken_back = [units_of(line) for _, line in pairs if money(line) < 0]
        units = max(sum(given, Fraction(0)) - sum(taken_back, Fraction(0)), max(given)) if given else Fraction(0)
        yield Service(
            day,
            kind_of(pairs[0][0]),
            sum(amounts, Decimal(0)),
            payer,
            provider,
            any(claim.repriced or line.repriced for claim, line in pairs),
            (
                Way("service", ("line", *what, day.year), units),
                Way("code", ("code", what[0], claim_type, day.year), units),
            ),
        )


def stays(person: Person, bills: list[Row], kind_of: KindOf) -> Iterator[Service]:
    """R12 (b). A bill that is part of no stay stands for itself."""
    stay_of = {claim_id: stay for stay in person.stays for claim_id in stay.claim_ids}
    of_stay: dict[str, list[Row]] = defaultdict(list)
    for bill in bills:
        stay = stay_of.get(bill.claim_id)
        of_stay[bill.claim_id if stay is None else stay.stay_id].append(bill)
    for parts in of_stay.values():
        first = min(parts, key=lambda bill: (began(bill), bill.claim_id))
        provider = first.facility_id or first.billing_tin or first.billing_npi
        yield Service(
            began(first),
            kind_of(first),
            sum((money(bill) for bill in parts), Decimal(0)),
            first.payer_id,
            provider,
            any(bill.repriced for bill in parts),
            tuple(ways_of_stay(stay_of.get(first.claim_id), began(first).year)),
        )


def ways_of_stay(stay: Row | None, year: int) -> Iterator[Way]:
    if stay is None:
        return
    if stay.drg is not None:
        yield Way("service", ("stay", stay.drg.zfill(3), stay.facility_type, year), Fraction(1))
    if stay.discharge_date is not None:
        days = max(1, (stay.discharge_date - stay.admit_date).days)
        yield Way("day", ("day", stay.facility_type, year), Fraction(days))


def ways_of_fill(fill: Row) -> Iterator[Way]:
    if fill.ndc is not None and fill.quantity and fill.quantity > 0:
        yield Way("service", ("ndc", fill.ndc, fill.fill_date.year), Fraction(fill.quantity))
    names = frozenset(name.strip().upper() for name in fill.ingredients or ())
    if names and fill.days_supply and fill.days_supply > 0:
        yield Way("ingredient", ("drug", names, fill.brand_generic, fill.fill_date.year), Fraction(fill.days_supply))


def reference_prices(all_services: Iterable[Service]) -> dict[tuple[Any, ...], Fraction]:
    """R13, R14: the lower median of the prices a unit, where enough stand behind it."""
    alike: dict[tuple[Any, ...], list[tuple[Fraction, str | None, str | None]]] = defaultdict(list)
    for one in all_services:
        if one.amount > 0 and not one.is_capitated:
            for way in one.ways:
                price = Fraction(int(Fraction(one.amount) / way.units * 1_000_000), 1_000_000)
                alike[way.alike].append((price, one.payer, one.provider))
    found = {}
    for what, behind in alike.items():
        payers = {payer for _, payer, _ in behind} - {None}
        providers = {provider for _, _, provider in behind} - {None}
        if len(behind) >= 11 and max(len(payers), len(providers)) >= 3:
            prices = sorted(price for price, _, _ in behind)
            found[what] = prices[(len(prices) - 1) // 2]
    return found


def at_price(one: Service, prices: dict[tuple[Any, ...], Fraction]) -> Priced:
    """R13 to R15."""
    for way in one.ways if one.amount > 0 else ():
        if way.alike in prices:
            cents = int(prices[way.alike] * way.units * 100 + Fraction(1, 2))
            return Priced(one.began, one.kind, Decimal(cents) / 100, way.name)
    return Priced(one.began, one.kind, one.amount, OWN)


def coded(claim: Row) -> list[Row]:
    return [line for line in claim.lines if line_stands(line) and line.hcpcs is not None]


def place_of(claim: Row, line: Row) -> str:
    if claim.claim_type == "professional" and line.place_of_service in IN_A_FACILITY:
        return "professional in a facility"
    return str(claim.claim_type)


def units_of(line: Row) -> Fraction:
    return Fraction(line.units) if line.units and line.units > 0 else Fraction(1)


def began(claim: Row) -> date:
    day: date = claim.admit_date or claim.from_date
    return day


def money(row: Row) -> Decimal:
    return Decimal(row.allowed_amount or 0)
