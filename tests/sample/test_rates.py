"""Rates of what makes the files hurt, and the targets of spending, over 20,000 persons: within four standard errors."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from qe.sample.adjudicate import (
    COST_AVOIDED,
    DENIED,
    EXHAUSTED,
    INFORMATION_ONLY,
    PAID,
    REPLACED,
    REVERSED_AND_REPLACED,
)
from qe.sample.claims import INPATIENT, OUTPATIENT
from qe.sample.late_charges import LATE
from qe.sample.people import (
    ADVANTAGE_B,
    ADVANTAGE_ELSEWHERE,
    COMMERCIAL_A,
    COMMERCIAL_B,
    MEDICAID,
    MEDICARE,
    Persons,
)

RECEIVERS = ("medicare", "a", "b")


def near(hits: Any, asked: Any, expected: float) -> bool:
    """`hits` among `asked` (both flags) within four binomial standard errors of `expected`."""
    count = int(np.asarray(asked).sum())
    share = int((np.asarray(hits) & np.asarray(asked)).sum()) / count
    return bool(abs(share - expected) <= 4 * (expected * (1 - expected) / count) ** 0.5)


def claims_of(crowd: Any, kind: str, column: str, receivers: tuple[str, ...] = RECEIVERS) -> Any:
    return np.concatenate([bills[name].claims[column] for bills in getattr(crowd, kind) for name in receivers])


def first_hand(crowd: Any, kind: str, receivers: tuple[str, ...] = RECEIVERS) -> Any:
    """Claims at the payer that pays first, those kept free of dirt left out."""
    plain = claims_of(crowd, kind, "exempt", receivers) == 0
    primary = claims_of(crowd, kind, "secondary", receivers) == 0
    return plain & primary & (claims_of(crowd, kind, "outcome", receivers) != INFORMATION_ONLY)


def test_claims_are_denied_and_come_in_versions_at_their_rates(crowd: Any) -> None:
    dirt = crowd.parameters.dirt
    for kind in ("professional", "institutional"):
        outcome = claims_of(crowd, kind, "outcome")
        assert near(outcome == DENIED, first_hand(crowd, kind), dirt.denied_claim)
        payers = ("a", "b")
        kept = first_hand(crowd, kind, payers) & (claims_of(crowd, kind, "outcome", payers) != DENIED)
        history = claims_of(crowd, kind, "history", payers)
        assert near(history == REVERSED_AND_REPLACED, kept, dirt.reversed_and_replaced)
        assert near(history == REPLACED, kept, dirt.replaced)


def test_lines_are_denied_at_their_rate(crowd: Any) -> None:
    denied, asked = [], []
    for bills in crowd.professional:
        for name in RECEIVERS:
            claims, lines = bills[name].claims, bills[name].lines
            row = lines["claim"]
            asked.append((claims["exempt"][row] == 0) & (claims["secondary"][row] == 0))
            denied.append(lines["denied"] == 1)
    assert near(np.concatenate(denied), np.concatenate(asked), crowd.parameters.dirt.denied_line)


def test_lines_of_facilities_are_denied_at_the_same_rate_by_whoever_pays_by_line(crowd: Any) -> None:
    """Medicare's outpatient claims, all claims of the payers; a stay under Medicare is one case."""
    for name in RECEIVERS:
        denied, asked = [], []
        for bills in crowd.institutional:
            claims, lines = bills[name].claims, bills[name].lines
            first = (claims["exempt"] == 0) & (claims["secondary"] == 0) & (claims["outcome"] != INFORMATION_ONLY)
            by_line = first & ((claims["type"] == OUTPATIENT) | (name != "medicare"))
            asked.append(by_line[lines["claim"]])
            denied.append(lines["denied"] == 1)
            assert not lines["allowed"][lines["denied"] == 1].any()
            assert not denied[-1][claims["type"][lines["claim"]] == INPATIENT].any() or name != "medicare"
            for amount in ("allowed", "paid", "coinsurance", "deductible"):
                summed = np.bincount(lines["claim"], weights=lines[amount], minlength=len(first))
                assert (summed == claims[amount]).all()
        assert near(np.concatenate(denied), np.concatenate(asked), crowd.parameters.dirt.denied_line)


def test_capitated_claims_are_worth_nothing_and_have_their_share(crowd: Any) -> None:
    capitated = claims_of(crowd, "professional", "capitated", ("b",)) == 1
    assert near(capitated, first_hand(crowd, "professional", ("b",)), crowd.parameters.prices.capitated)
    for bills in crowd.professional:
        lines = bills["b"].lines
        assert not lines["allowed"][bills["b"].claims["capitated"][lines["claim"]] == 1].any()


def test_medicares_own_oddities_have_their_rates(crowd: Any) -> None:
    dirt = crowd.parameters.dirt
    outcome, kind = (claims_of(crowd, "institutional", name, ("medicare",)) for name in ("outcome", "type"))
    second = claims_of(crowd, "institutional", "secondary", ("medicare",)) == 1
    plain = claims_of(crowd, "institutional", "exempt", ("medicare",)) == 0
    own_stay = (kind == INPATIENT) & plain & ~second & (outcome != INFORMATION_ONLY)
    assert near(outcome == EXHAUSTED, own_stay, dirt.zero_paid_stay)
    for which in ("professional", "institutional"):
        results = claims_of(crowd, which, "outcome", ("medicare",))
        secondary = claims_of(crowd, which, "secondary", ("medicare",)) == 1
        assert near(results == COST_AVOIDED, secondary & np.isin(results, (PAID, COST_AVOIDED)), dirt.cost_avoided)
    stays = sum(
        int(np.isin(persons.primary[found.person, crowd.calendar.month_of(found.admit)],
                    (ADVANTAGE_B, ADVANTAGE_ELSEWHERE)).sum())
        for persons, found, *_ in crowd.blocks
    )  # fmt: skip
    shown = int((outcome == INFORMATION_ONLY).sum())
    assert abs(shown / stays - dirt.information_only) <= 4 * (0.3 * 0.7 / stays) ** 0.5


def test_admission_details_are_missing_at_their_rates(crowd: Any) -> None:
    everyone = claims_of(crowd, "institutional", "secondary") == 0
    assert near(claims_of(crowd, "institutional", "no_poa") == 1, everyone, crowd.parameters.dirt.missing_poa)
    assert near(claims_of(crowd, "institutional", "no_origin") == 1, everyone, crowd.parameters.dirt.missing_origin)


def test_late_charges_have_their_rate_of_outpatient_claims(crowd: Any) -> None:
    late = claims_of(crowd, "institutional", "frequency") == LATE
    outpatient = (claims_of(crowd, "institutional", "type") == OUTPATIENT) & ~late
    rate, asked = crowd.parameters.dirt.late_charges, int(outpatient.sum())
    assert abs(int(late.sum()) / asked - rate) <= 4 * (rate / asked) ** 0.5 + 0.0002  # a drawn claim may have no payer


def test_claims_are_paid_after_their_mean_lags(crowd: Any) -> None:
    dirt = crowd.parameters.dirt
    for receivers, mean in ((("medicare",), dirt.medicare_lag_days), (("b",), dirt.commercial_lag_days)):
        chosen = first_hand(crowd, "professional", receivers)
        lag = (
            claims_of(crowd, "professional", "paid_day", receivers)
            - claims_of(crowd, "professional", "thru", receivers)
        )[chosen]
        # a whole day after a gamma of shape 4: half a day more than its mean, whose standard deviation is half of it
        assert abs(lag.mean() - (mean + 0.5)) <= 4 * (mean / 2) / len(lag) ** 0.5


def test_identities_differ_between_payers_at_their_rates(crowd: Any) -> None:
    rates = crowd.parameters.identity
    faults: Counter[str] = Counter()
    members, overlapping, with_mbi, medicare, two = 0, 0, 0, 0, 0
    for one in crowd.identities:
        faults.update(fault for _, _, fault in one.faults)
        for at, ever in ((one.at_a, one.ever_a), (one.at_b, one.ever_b)):
            members += int(ever.sum())
            overlapping += int((ever & one.ever_medicare).sum())
            with_mbi += sum(text != "" for text in at.mbi)
        medicare += int(one.ever_medicare.sum())
        two += int(one.has_two.sum())
    last_names = faults["last_name"] + faults["new_last_name"]
    for hits, asked, expected in (
        (faults["first_name"], members, rates.first_changed),
        (last_names, members, rates.last_changed),
        (faults["new_last_name"], members, rates.last_new),
        (faults["birth_date"], members, rates.birth_changed),
        (faults["sex"], members, rates.sex_changed),
        (faults["zip"], members, rates.zip_moved),
        (with_mbi, overlapping, rates.mbi_on_overlap),
        (faults["mbi_of_spouse"], with_mbi, rates.mbi_of_spouse),
        (two, medicare, rates.two_bene_ids),
    ):
        assert abs(hits / asked - expected) <= 4 * (expected * (1 - expected) / asked) ** 0.5
    names = np.unique([name for one in crowd.identities for name in one.true.last])
    assert len(names) > 5_000  # 20,000 persons of 20,000 last names


def spending(crowd: Any) -> tuple[dict[str, float], float]:
    """Allowed dollars a member month by group of members, and the share of the dearest hundredth of persons."""
    dollars, months = defaultdict[str, float](float), Counter[str]()
    everyone = []
    factors = {COMMERCIAL_A: 1.15, COMMERCIAL_B: 1.15}
    for place, (persons, _, _, fills) in enumerate(crowd.blocks):
        by_payer = np.zeros((len(persons), MEDICAID + 1))
        for kind, at_header in (("professional", False), ("institutional", True)):
            for bills in getattr(crowd, kind)[place].values():
                claims, lines = bills.claims, bills.lines
                allowed = np.bincount(lines["claim"], weights=lines["allowed"], minlength=len(claims["number"]))
                if at_header:
                    allowed = claims["allowed"] + claims["pass_through"] * claims["covered_days"]
                first = claims["secondary"] == 0
                np.add.at(by_payer, (claims["person"][first], claims["payer"][first]), allowed[first])
        payer = persons.primary[fills.person, crowd.calendar.month_of(fills.day)]
        kept = (fills.returned == 0) & (payer <= MEDICAID) & ((payer != MEDICARE) | persons.part_d[fills.person])
        price = fills.cents * np.array([factors.get(one, 1.0) for one in range(8)])[payer]
        np.add.at(by_payer, (fills.person[kept], payer[kept]), price[kept])
        by_payer[:, [0, ADVANTAGE_ELSEWHERE]] = 0  # nobody submits these
        for name, payers, members in groups(persons, crowd.calendar.measurement_start):
            dollars[name] += float(by_payer[members][:, payers].sum()) / 100
            months[name] += int(np.isin(persons.primary[members], payers).sum())
        everyone.append(by_payer.sum(axis=1))
    total = np.sort(np.concatenate(everyone))[::-1]
    share = float(total[: len(total) // 100].sum() / total.sum())
    return {name: dollars[name] / months[name] for name in dollars}, share


def groups(persons: Persons, on: int) -> list[tuple[str, list[int], Any]]:
    age = persons.age(on)
    commercial = np.isin(persons.segment, (COMMERCIAL_A, COMMERCIAL_B)) & (age >= 18) & (age < 65)
    return [
        ("medicare_65", [MEDICARE], (persons.segment == MEDICARE) & (age >= 65) & ~persons.disabled),
        ("commercial_adult", [COMMERCIAL_A, COMMERCIAL_B], commercial),
        ("medicaid_adult", [MEDICAID], (persons.segment == MEDICAID) & (age >= 18)),
    ]


def test_spending_meets_the_targets_of_the_design(crowd: Any) -> None:
    per_month, dearest = spending(crowd)
    targets = {"medicare_65": 1300, "commercial_adult": 560, "medicaid_adult": 430}
    assert {name: abs(per_month[name] / target - 1) <= 0.1 for name, target in targets.items()} == dict.fromkeys(
        targets, True
    )
    assert 0.22 <= dearest <= 0.28
