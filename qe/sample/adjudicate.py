"""What each payer makes of the services: who pays first, prices, shares of the member, denials (sections 2, 5 and 6)."""

from dataclasses import dataclass

import numpy as np

from qe.sample.calendar import Calendar
from qe.sample.claims import INPATIENT, OUTPATIENT, SNF_STAY, Table, keep_claims, stack_claims
from qe.sample.codes import EMERGENCY_VISITS, Bools, Floats, Ints, codes
from qe.sample.parameters import Parameters
from qe.sample.people import (
    ADVANTAGE_B,
    ADVANTAGE_ELSEWHERE,
    COMMERCIAL_A,
    COMMERCIAL_B,
    MEDICAID,
    MEDICARE,
    MEDIGAP_A,
    NOBODY,
    Persons,
)
from qe.sample.providers import Providers

PAID, DENIED, COST_AVOIDED, EXHAUSTED, INFORMATION_ONLY = range(5)
STRAIGHT, REVERSED_AND_REPLACED, REPLACED, ADJUSTED = range(4)
VISIT_CODES = ("99202", "99203", "99204", "99212", "99213", "99214", "99215", *EMERGENCY_VISITS)


@dataclass(frozen=True, kw_only=True)
class Bills:
    """Claims and lines as one receiver's files show them; for institutional claims the header rules under Medicare.

    Added claim columns: number, payer (people.py), outcome, secondary (0/1), history, capitated, paid_day, charge, allowed,
    paid, deductible, coinsurance, copay, other_paid, pass_through (cents a day), no_poa, no_origin (0/1).
    Added line columns: charge, allowed, paid, deductible, coinsurance, copay, other_paid, denied.
    """

    claims: Table
    lines: Table


def refused(bills: Bills) -> Bools:
    """The claims that were denied as a whole, or line by line with none left."""
    return np.asarray((bills.claims["outcome"] == DENIED) | ~has_line_left(bills.lines, len(bills.claims["number"])))


def has_line_left(lines: Table, claims: int) -> Bools:
    """Which of `claims` claims have a line that was not denied."""
    return np.asarray(np.bincount(lines["claim"], weights=lines["denied"] == 0, minlength=claims) > 0)


class Desk:
    """Adjudicates the claims of one block."""

    def __init__(
        self, rng: np.random.Generator, persons: Persons, providers: Providers, p: Parameters, calendar: Calendar
    ) -> None:
        self.rng, self.persons, self.providers, self.p, self.calendar = rng, persons, providers, p, calendar
        self.noise = p.switches.noise

    def _payers(self, who: Ints, days: Ints) -> tuple[Ints, Ints]:
        month = self.calendar.month_of(days)
        return self.persons.primary[who, month], self.persons.secondary[who, month]

    def _factor(self, payer: Ints, system: Ints) -> Floats:
        prices, effect = self.p.prices, np.exp(self.providers.system_price[system])
        return np.select(
            [payer == COMMERCIAL_A, payer == COMMERCIAL_B, payer == MEDICAID],
            [prices.payer_a * effect, prices.payer_b * effect, prices.medicaid],
            prices.medicare,
        )

    def _marks(self, claims: Table, payer: Ints) -> None:
        """Denials and later versions, drawn once for each claim."""
        rng, dirt = self.rng, self.p.dirt
        count = len(payer)
        plain = claims["exempt"] == 0
        denied = plain & (rng.random(count) < dirt.denied_claim * self.noise)
        claims["outcome"] = np.where(denied, DENIED, PAID)
        chance = rng.random(count)
        first, both = dirt.reversed_and_replaced * self.noise, (dirt.reversed_and_replaced + dirt.replaced) * self.noise
        at_payer = plain & ~denied & ~np.isin(payer, (NOBODY, MEDICARE))
        history = np.where(at_payer & (chance < both), REPLACED, STRAIGHT)
        claims["history"] = np.where(at_payer & (chance < first), REVERSED_AND_REPLACED, history)
        claims["payer"] = payer
        claims["no_poa"] = (rng.random(count) < dirt.missing_poa * self.noise).astype(np.int64)
        claims["no_origin"] = (rng.random(count) < dirt.missing_origin * self.noise).astype(np.int64)
        lag = np.where(np.isin(payer, (MEDICARE, NOBODY)), dirt.medicare_lag_days, dirt.commercial_lag_days)
        claims["paid_day"] = claims["thru"] + 1 + np.floor(rng.gamma(4.0, lag / 4.0, count)).astype(np.int64)

    def _shares(self, payer: Ints, visit: Bools, allowed: Ints) -> tuple[Ints, Ints]:
        """Copay and coinsurance outside fee-for-service Medicare."""
        prices = self.p.prices
        copay = np.where(visit & (payer != MEDICAID), round(prices.commercial_copay * 100), 0)
        copay = np.minimum(copay, allowed)
        rate = np.select([payer == MEDICAID, payer == ADVANTAGE_B], [0.0, 0.10], prices.commercial_coinsurance)
        return copay, np.where(visit, 0, np.floor(rate * allowed)).astype(np.int64)

    def professional(self, claims: Table, lines: Table) -> dict[str, Bills]:
        """Professional (and supplier) claims by receiver: medicare, a, b."""
        providers, prices, rng = self.providers, self.p.prices, self.rng
        claims, lines = dict(claims), dict(lines)
        count = len(claims["person"])
        claims["number"] = np.arange(count)
        payer, second = self._payers(claims["person"], claims["day"])
        month = self.calendar.month_of(claims["day"])
        has_b = self.persons.part_b[claims["person"], month]
        self._marks(claims, payer)
        row = lines["claim"]
        of_line = payer[row]
        plain = claims["exempt"][row] == 0
        line_denied = plain & (rng.random(len(row)) < self.p.dirt.denied_line * self.noise)
        lines["denied"] = line_denied.astype(np.int64)
        pays = (claims["outcome"][row] == PAID) & ~line_denied
        system = providers.g_system[claims["group"][row]]
        price = np.round(lines["cents"] * self._factor(of_line, system)).astype(np.int64)
        lines["charge"] = np.round(lines["cents"] * prices.charge_to_allowed).astype(np.int64)
        capitated = np.isin(payer, (ADVANTAGE_B, COMMERCIAL_B, MEDICAID)) & (claims["exempt"] == 0)
        claims["capitated"] = (capitated & (rng.random(count) < prices.capitated)).astype(np.int64)
        allowed = np.where(pays & (claims["capitated"][row] == 0), price, 0)
        visit = np.isin(lines["service"], [codes().service(code) for code in VISIT_CODES])
        copay, coinsurance = self._shares(of_line, visit, allowed)
        # fee-for-service Medicare: deductible in order of service, then a fifth
        is_medicare = of_line == MEDICARE
        deductible = self._part_b_deductible(claims["person"][row], lines["day"], np.where(is_medicare, allowed, 0))
        fifth = np.round((allowed - deductible) * prices.part_b_coinsurance).astype(np.int64)
        copay, coinsurance = np.where(is_medicare, 0, copay), np.where(is_medicare, fifth, coinsurance)
        paid = allowed - deductible - coinsurance - copay
        zero = np.zeros(len(row), dtype=np.int64)
        lines |= {
            "allowed": allowed,
            "paid": paid,
            "deductible": deductible,
            "coinsurance": coinsurance,
            "copay": copay,
            "other_paid": zero,
        }
        claims["secondary"] = np.zeros(count, dtype=np.int64)
        return self._to_receivers(claims, lines, second, has_b, price=np.where(pays, lines["cents"], 0))

    def _part_b_deductible(self, who: Ints, days: Ints, allowed: Ints) -> Ints:
        order = np.lexsort((days, who))
        key = (who * 100 + (self.calendar.year_of(days) - self.calendar.first))[order]
        running = np.cumsum(allowed[order])
        first = np.searchsorted(key, key)
        before = running - allowed[order] - np.where(first > 0, running[first - 1], 0)
        limit = round(self.p.prices.part_b_deductible * 100)
        used = np.clip(limit - before, 0, allowed[order])
        found = np.empty_like(allowed)
        found[order] = used
        return found

    def institutional(self, claims: Table, lines: Table) -> dict[str, Bills]:
        """Claims of facilities by receiver: medicare, a, b."""
        providers, prices, rng = self.providers, self.p.prices, self.rng
        claims, lines = dict(claims), dict(lines)
        count = len(claims["person"])
        claims["number"] = np.arange(count)
        payer, second = self._payers(claims["person"], claims["start"])
        month = self.calendar.month_of(claims["start"])
        kind = claims["type"]
        part_a, part_b = self.persons.part_a, self.persons.part_b
        has_part = np.where(kind == OUTPATIENT, part_b[claims["person"], month], part_a[claims["person"], month])
        self._marks(claims, payer)
        chance = rng.random(count)
        exhausted = (kind == INPATIENT) & (payer == MEDICARE) & (claims["exempt"] == 0)
        exhausted &= chance < self.p.dirt.zero_paid_stay * self.noise
        claims["outcome"] = np.where(exhausted, EXHAUSTED, claims["outcome"])
        lines["denied"] = self._denied_facility_lines(claims, lines)
        is_left = has_line_left(lines, count)
        covered = np.where(kind == OUTPATIENT, _covered(lines, count), claims["cents"] * is_left)
        factor = self._factor(payer, providers.f_system[claims["facility"]])
        price = np.round(covered * factor).astype(np.int64)
        claims["charge"] = np.round(claims["cents"] * prices.charge_to_allowed).astype(np.int64)
        per_diem = np.where((kind == INPATIENT) & providers.f_pass_through[claims["facility"]], 1, 0)
        claims["pass_through"] = per_diem * round(prices.per_diem_pass_through * 100) * (payer == MEDICARE)
        pays = claims["outcome"] == PAID
        allowed = np.where(pays, price, 0)
        never = np.zeros(count, dtype=np.bool_)
        copay, coinsurance = self._shares(payer, never, allowed)
        is_medicare = payer == MEDICARE
        deductible = np.where(is_medicare & pays, self._part_a_deductible(claims), 0)
        deductible = np.minimum(deductible, allowed)
        beyond = np.where(kind == SNF_STAY, self._skilled_coinsurance(claims), 0)
        fifth = np.round(allowed * prices.part_b_coinsurance).astype(np.int64)
        medicare_share = np.where(kind == OUTPATIENT, fifth, np.minimum(beyond, allowed))
        coinsurance = np.where(is_medicare, medicare_share, coinsurance)
        zero = np.zeros(count, dtype=np.int64)
        claims |= {
            "allowed": allowed,
            "deductible": deductible,
            "coinsurance": coinsurance,
            "copay": copay,
            "paid": allowed - deductible - coinsurance - copay,
            "other_paid": zero,
            "secondary": zero,
            "capitated": zero,
        }
        claims["pass_through"] = np.where(pays, claims["pass_through"], 0)
        lines["charge"] = spread(claims["charge"], lines, lines["cents"])
        _spread_amounts(claims, lines)
        bills = self._to_receivers(claims, lines, second, has_part, price=np.where(pays & is_left, claims["cents"], 0))
        return self._information_only(bills, claims, lines)

    def _denied_facility_lines(self, claims: Table, lines: Table) -> Ints:
        """1 where a line is denied: of outpatient claims, and at the payers of stays too, which all the same pay their case.

        Medicare pays a stay by its case or day and denies it as a whole.
        """
        row = lines["claim"]
        by_line = (claims["type"][row] == OUTPATIENT) | (claims["payer"][row] != MEDICARE)
        by_line &= (claims["exempt"][row] == 0) & (lines["cents"] > 0)
        drawn = self.rng.random(len(row)) < self.p.dirt.denied_line * self.noise
        return np.asarray(by_line & drawn).astype(np.int64)

    def _part_a_deductible(self, claims: Table) -> Ints:
        """Once a benefit period: on a first bill with no hospital or nursing stay in the 60 days before."""
        at_hospital = np.isin(claims["type"], (INPATIENT, SNF_STAY))
        order = np.lexsort((claims["start"], claims["person"], ~at_hospital))
        who, start, thru = (claims[name][order] for name in ("person", "start", "thru"))
        before = np.full(len(order), -10_000)
        same = who[1:] == who[:-1]
        before[1:] = np.where(same, thru[:-1], -10_000)
        fresh = (start - before > 60) & (claims["type"][order] == INPATIENT)
        found = np.zeros(len(order), dtype=np.int64)
        found[order] = np.where(fresh, round(self.p.prices.part_a_deductible * 100), 0)
        return found

    def _skilled_coinsurance(self, claims: Table) -> Ints:
        begins, ends = claims["start"] - claims["admit"], claims["start"] - claims["admit"] + claims["covered_days"]
        days = np.maximum(ends - np.maximum(begins, 20), 0)
        return np.asarray(days * round(self.p.prices.snf_coinsurance_day * 100))

    def _to_receivers(
        self, claims: Table, lines: Table, second: Ints, has_part: Bools, *, price: Ints
    ) -> dict[str, Bills]:
        """Primary claims to their payer; the supplement's copies; Medicare's secondary claims of the working aged."""
        payer = claims["payer"]
        own = keep_claims(claims, lines, (payer == MEDICARE) & has_part)
        supplement = self._supplement(
            *keep_claims(claims, lines, (payer == MEDICARE) & has_part & (second == MEDIGAP_A))
        )
        at_a = keep_claims(claims, lines, payer == COMMERCIAL_A)
        at_b = keep_claims(claims, lines, np.isin(payer, (ADVANTAGE_B, COMMERCIAL_B, MEDICAID)))
        is_header = "cents" in claims
        chosen = (payer == COMMERCIAL_A) & (second == MEDICARE) & has_part
        own_price = price[chosen] if is_header else price[chosen[lines["claim"]]]
        working = self._working_aged(*keep_claims(claims, lines, chosen), own_price)
        return {
            "medicare": _together(own, working),
            "a": _together(at_a, supplement),
            "b": Bills(claims=at_b[0], lines=at_b[1]),
        }

    def _supplement(self, claims: Table, lines: Table) -> tuple[Table, Table]:
        """A's copy of a Medicare claim: Medicare's allowed amount, the plan pays coinsurance and deductible."""
        claims = claims | {"secondary": np.ones_like(claims["number"]), "history": np.zeros_like(claims["number"])}
        claims["payer"] = np.full_like(claims["number"], MEDIGAP_A)
        claims["paid_day"] = claims["paid_day"] + 12
        for table in (claims, lines) if "allowed" in claims else (lines,):
            shares = table["deductible"] + table["coinsurance"]
            table |= {"other_paid": table["paid"], "paid": shares, "copay": 0 * shares}
            table |= {"deductible": 0 * shares, "coinsurance": 0 * shares}
        return claims, lines

    def _working_aged(self, claims: Table, lines: Table, price: Ints) -> tuple[Table, Table]:
        """Medicare's claim after A's: half cost-avoided, the rest filled up to Medicare's price."""
        count = len(claims["number"])
        avoided = (self.rng.random(count) < self.p.dirt.cost_avoided) & (claims["outcome"] == PAID)
        claims = claims | {"secondary": np.ones(count, dtype=np.int64), "history": np.zeros(count, dtype=np.int64)}
        claims["outcome"] = np.where(avoided, COST_AVOIDED, claims["outcome"])
        claims["payer"] = np.full(count, MEDICARE)
        is_header = "cents" in claims
        if (
            is_header
        ):  # what A denied in part Medicare counts whole, what A denied line by line with none left it denies too
            lines["denied"] = lines["denied"] * ~has_line_left(lines, count)[lines["claim"]]
        table = claims if is_header else lines
        shut = avoided if is_header else avoided[lines["claim"]]
        first_paid = np.where(shut, 0, table["paid"])
        allowed = np.where(shut, 0, price)
        paid = np.clip(allowed - first_paid, 0, None)
        zero = np.zeros_like(paid)
        table |= {
            "allowed": np.maximum(allowed, 0),
            "paid": paid,
            "other_paid": np.minimum(first_paid, allowed),
            "deductible": zero,
            "coinsurance": zero,
            "copay": zero,
        }
        if is_header:
            claims["pass_through"] = zero
            _spread_amounts(claims, lines)
        return claims, lines

    def _information_only(self, bills: dict[str, Bills], claims: Table, lines: Table) -> dict[str, Bills]:
        """Hospital stays of Medicare Advantage members that Medicare's inpatient file shows for information."""
        plan = np.isin(claims["payer"], (ADVANTAGE_B, ADVANTAGE_ELSEWHERE)) & (claims["type"] == INPATIENT)
        shown = plan & (claims["stay"] >= 0) & (self.rng.random(len(plan)) < self.p.dirt.information_only * self.noise)
        only, own = keep_claims(claims, lines, shown)
        only = only | {
            "outcome": np.full_like(only["number"], INFORMATION_ONLY),
            "payer": 0 * only["number"] + MEDICARE,
        }
        for table in (only, own):
            for name in ("allowed", "paid", "deductible", "coinsurance", "copay", "other_paid"):
                table[name] = np.zeros_like(table[name])
        own["denied"] = np.zeros_like(own["denied"])
        only["pass_through"] = np.zeros_like(only["number"])
        medicare = bills["medicare"]
        return bills | {"medicare": _together((medicare.claims, medicare.lines), (only, own))}


def _covered(lines: Table, claims: int) -> Ints:
    """Cents of each claim's lines that were not denied."""
    weights = lines["cents"] * (lines["denied"] == 0)
    return np.bincount(lines["claim"], weights=weights, minlength=claims).astype(np.int64)


def _spread_amounts(claims: Table, lines: Table) -> None:
    """What is allowed, paid and owed of each claim, over its lines that were not denied."""
    covered = lines["cents"] * (lines["denied"] == 0)
    for name in ("allowed", "paid", "deductible", "coinsurance", "copay", "other_paid"):
        lines[name] = spread(claims[name], lines, covered)


def spread(amount: Ints, lines: Table, weight: Ints) -> Ints:
    """A header amount over its lines in proportion to their `weight`; the claim's first line with any takes what is left."""
    row = lines["claim"]
    total = np.bincount(row, weights=weight, minlength=len(amount)).astype(np.int64)
    share = weight * amount[row] // np.maximum(total, 1)[row]
    left = amount - np.bincount(row, weights=share, minlength=len(amount)).astype(np.int64)
    bears = np.flatnonzero(weight > 0)
    first = bears[np.append(True, row[bears][1:] != row[bears][:-1])] if len(bears) else bears
    share[first] += left[row[first]]
    return np.asarray(share)


def _together(*parts: tuple[Table, Table]) -> Bills:
    claims, lines = stack_claims(parts)
    return Bills(claims=claims, lines=lines)
