"""APCD-CDL version chains against plain Python: what stands of each line, what it paid, and what became of every row."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DAY = date(2025, 3, 5)
LIVE = ("paid", "zero_paid", "other_payer_paid")
NUMBERS = ("A", "B", "C")


@dataclass(frozen=True)
class Sent:
    """One row of a delivery. `crossed` names the claim that a reversal refers to."""

    delivery: int
    claim: str
    line: int
    version: int | None
    status: str
    line_type: str | None
    crossed: str | None
    paid_on: int | None
    paid: int

    @property
    def reverses_another(self) -> bool:
        return self.status == "22" and self.crossed not in (None, self.claim)

    @property
    def chain_place(self) -> int:
        return self.version or 0


Key = tuple[str, int]
Story = list[Sent]


rows = st.builds(
    Sent,
    delivery=st.integers(0, 2),
    claim=st.sampled_from(NUMBERS),
    line=st.integers(1, 2),
    version=st.one_of(st.none(), st.integers(0, 3)),
    status=st.sampled_from(["01", "1", "01", "04", "22", "22"]),
    line_type=st.sampled_from([None, "O", "R", "A", "O", "V", "B"]),
    crossed=st.one_of(st.none(), st.sampled_from(NUMBERS)),
    paid_on=st.one_of(st.none(), st.integers(0, 3)),
    paid=st.integers(-60, 90),
)
stories = st.lists(st.lists(rows, min_size=1, max_size=7), min_size=12, max_size=25)


def in_order(story: Story) -> list[tuple[int, Sent]]:
    """The rows as they are sent: by delivery, and inside it as drawn; with their place."""
    return list(enumerate(sorted(story, key=lambda row: row.delivery)))


def last_versions(placed: list[tuple[int, Sent]]) -> dict[tuple[str, int, int], Sent]:
    """Of each claim, line and version the row that counts: the one of the last delivery; inside one file the largest by
    paid date, status, amount and place."""

    def rank(one: tuple[int, Sent]) -> tuple[Any, ...]:
        place, row = one
        return (row.delivery, -1 if row.paid_on is None else row.paid_on, row.status.lstrip("0"), row.paid, place)

    found: dict[tuple[str, int, int], tuple[int, Sent]] = {}
    for one in placed:
        key = (one[1].claim, one[1].line, one[1].chain_place)
        if key not in found or rank(one) > rank(found[key]):
            found[key] = one
    return {key: row for key, (_, row) in found.items()}


def came_after(reversal: Sent, row: Sent) -> bool:
    """Whether the reversal came after the row (or with it): by delivery, then paid date where both have one, then version."""
    if reversal.delivery != row.delivery:
        return reversal.delivery > row.delivery
    if None not in (reversal.paid_on, row.paid_on) and reversal.paid_on != row.paid_on:
        return (reversal.paid_on or 0) > (row.paid_on or 0)
    return reversal.chain_place >= row.chain_place


def own_status(row: Sent, paid: int) -> str:
    if row.line_type in ("V", "B"):
        return "void"
    if row.status == "04":
        return "denied"
    return "paid" if paid else "zero_paid"


def replaced(story: Story) -> tuple[dict[Key, tuple[str, int]], Counter[str]]:
    """Adjustment "replace": the last delivery of a claim is the whole claim."""
    placed = in_order(story)
    reversals = [row for _, row in placed if row.reverses_another]
    others = [(place, row) for place, row in placed if not row.reverses_another]
    latest = {
        claim: max(row.delivery for _, row in others if row.claim == claim) for claim in {r.claim for _, r in others}
    }
    current = [(place, row) for place, row in others if row.delivery == latest[row.claim]]
    standing: dict[Key, Sent] = {}
    for row in last_versions(current).values():
        held = standing.get((row.claim, row.line))
        if held is None or row.chain_place > held.chain_place:
            standing[row.claim, row.line] = row
    found = {}
    for key, row in standing.items():
        named = [one for one in reversals if (one.crossed, one.line) == key]
        if any(came_after(one, row) for one in named) or (row.line_type not in ("V", "B") and row.status == "22"):
            status = "reversed"
        else:
            status = own_status(row, row.paid)
        found[key] = (status, row.paid if status in LIVE else 0)
    fates = Counter(
        kept=len(standing),
        superseded=len(others) - len(current),
        reversal=len(reversals),
        older_version=len(current) - len(standing),
    )
    return found, +fates


def summed(story: Story) -> tuple[dict[Key, tuple[str, int]], Counter[str]]:
    """Adjustment "net": every version, and every reversal that names the line, is an increment of it."""
    placed = in_order(story)
    reversals = [(place, row) for place, row in placed if row.reverses_another]
    counted = last_versions([(place, row) for place, row in placed if not row.reverses_another])
    found = {}
    for key in {(claim, line) for claim, line, _ in counted}:
        chain = [row for (claim, line, _), row in counted.items() if (claim, line) == key]
        naming = last_versions([(place, row) for place, row in reversals if row.crossed == key[0]])
        taken_back = [row for (_, line, _), row in naming.items() if line == key[1]]
        last = max(chain, key=lambda row: row.chain_place)
        paid = sum(row.paid for row in chain) + sum(row.paid for row in taken_back)
        if (taken_back or last.status == "22") and paid <= 0:
            status = "reversed"
        else:
            status = own_status(last, paid)
        found[key] = (status, paid if status in LIVE else 0)
    fates = Counter(kept=len(found), reversal=len(reversals), older_version=len(placed) - len(reversals) - len(found))
    return found, +fates


def as_row(number: int, row: Sent) -> dict[str, Any]:
    """The row of a medical claims file; each story has its own payor, so that the same numbers recur between payors."""
    return {
        "payor": f"P{number:03d}",
        "native_person_id": f"M{number:03d}",
        "native_claim_id": row.claim,
        "line_number": row.line,
        "version": row.version,
        "cross_reference_claim_id": row.crossed,
        "claim_status": row.status,
        "line_type": row.line_type,
        "from_date": DAY,
        "paid_date": None if row.paid_on is None else DAY + timedelta(days=30 * row.paid_on),
        "hcpcs": "99213",
        "charge_amount": Decimal(row.paid),
        "paid_amount": Decimal(row.paid),
        "allowed_amount": Decimal(row.paid),
    }


Oracle = Callable[[Story], tuple[dict[Key, tuple[str, int]], Counter[str]]]


@pytest.mark.parametrize(("source", "oracle"), [("payer_a", replaced), ("payer_n", summed)])
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(told=stories)
def test_what_stands_of_every_line_and_the_fate_of_every_row_equal_plain_python(
    module_yard: Any, source: str, oracle: Oracle, told: list[Story]
) -> None:
    yard = module_yard()
    for delivery in range(3):
        sent = [
            as_row(number, row)
            for number, story in enumerate(told)
            for _, row in in_order(story)
            if row.delivery == delivery
        ]
        if sent:
            yard.put(source, "medical", sent, received_on=date(2025, 6, 1 + delivery))
    answers = [oracle(story) for story in told]
    expected = {
        (f"P{number:03d}:{claim}", line): (status, Decimal(paid))
        for number, (lines, _) in enumerate(answers)
        for (claim, line), (status, paid) in lines.items()
    }
    with yard.opened() as db:
        lines = db.query(
            "select claim_id, line_number, line_status, paid_amount from claim_line where superseded_by is null"
        ).rows()
        fates = dict(db.query("select fate, sum(rows) from row_fates group by fate").rows())
    names = {str(claim_id): native for native, claim_id in yard.claims().items()}
    assert {(names[claim], line): (status, paid) for claim, line, status, paid in lines} == expected
    assert fates == dict(sum((counts for _, counts in answers), Counter()))
    assert sum(fates.values()) == sum(len(story) for story in told)
