"""When what is delivered: the payers by quarter of payment, Medicare by year, and claims that come again (section 6).

A delivery holds what was paid up to the end of a quarter and came a month later; the last one also what was paid in that
month. What was paid after the day on which it came is in none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from qe.sample.adjudicate import ADJUSTED, PAID, REPLACED, REVERSED_AND_REPLACED, STRAIGHT, Bills
from qe.sample.calendar import Calendar
from qe.sample.claims import keep_claims
from qe.sample.codes import Bools, Ints
from qe.sample.delimited import Column, DelimitedFile, rows_of

MOST_DELIVERIES = 9
NEXT_VERSION = 30  # days from the payment of one version of a claim to the next
LACKING = 20  # the file that is sent again lacked one claim in so many


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One delivery of a source.

    folder       below the source's; "" where the source delivers once
    months       first and last month of payment, counted from January of the look-back year, both inclusive
    paid_until   last day of payment, for the last delivery the day on which it came
    """

    folder: str
    months: tuple[int, int]
    paid_until: int
    delivered_on: date


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Deliveries of the payers (and of the roster), and of Medicare; `again` is the payers' delivery sent a second time."""

    quarterly: tuple[Delivery, ...]
    yearly: tuple[Delivery, ...]
    again: Delivery | None
    again_of: int

    @property
    def is_single(self) -> bool:
        return len(self.quarterly) == 1


def schedule(calendar: Calendar, deliveries: int) -> Schedule:
    """`deliveries` quarters up to the last; Medicare delivers with those that end in March, from the second year on."""
    last = calendar.months - 1
    quarterly = [_delivery(calendar, last - 3 * left, first_of=deliveries - 1) for left in range(deliveries)][::-1]
    quarterly = _from_month_to_month(quarterly)
    yearly = [one for one in quarterly if one.months[1] % 12 == 2 and one.months[1] > 12]
    again_of = len(quarterly) // 2
    again = None
    if len(quarterly) > 1:
        broken = quarterly[again_of]
        day = date.fromordinal(broken.delivered_on.toordinal() + 21)
        again = Delivery(folder=day.isoformat(), months=broken.months, paid_until=broken.paid_until, delivered_on=day)
    return Schedule(
        quarterly=tuple(quarterly),
        yearly=tuple(_from_month_to_month(yearly, once=deliveries == 1)),
        again=again,
        again_of=again_of,
    )


def _delivery(calendar: Calendar, month: int, *, first_of: int) -> Delivery:
    """The delivery of what was paid up to the end of `month`."""
    starts = calendar.month_starts
    following = np.datetime64(int(starts[month + 1]), "D").astype("datetime64[M]") + 1
    day: date = (following.astype("datetime64[D]") - 1).astype(date)
    return Delivery(
        folder=day.isoformat() if first_of else "",
        months=(0, month),
        paid_until=_number(day) if month == calendar.months - 1 else int(starts[month + 1]) - 1,
        delivered_on=day,
    )


def _number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _from_month_to_month(deliveries: Sequence[Delivery], *, once: bool = False) -> list[Delivery]:
    """Each delivery from the month after the one before."""
    found: list[Delivery] = []
    for one in deliveries:
        first = found[-1].months[1] + 1 if found else 0
        found.append(
            Delivery(
                folder="" if once else one.folder,
                months=(first, one.months[1]),
                paid_until=one.paid_until,
                delivered_on=one.delivered_on,
            )
        )
    return found


def paid_until(bills: Bills, last: Delivery) -> Bills:
    """The bills that were paid when the last delivery came; of a claim that was corrected after it, only the first version."""
    claims = bills.claims
    history, is_odd = claims["history"], claims["number"] % 2 == 1
    twice = (history == REVERSED_AND_REPLACED) & ~is_odd  # an odd one's reversal and replacement come on one day
    later = np.select([twice, np.isin(history, (REVERSED_AND_REPLACED, REPLACED))], [2, 1], 0) * NEXT_VERSION
    history = np.where(claims["paid_day"] + later > last.paid_until, STRAIGHT, history)
    kept = keep_claims(claims | {"history": history}, bills.lines, claims["paid_day"] <= last.paid_until)
    return Bills(claims=kept[0], lines=kept[1])


def delivery_of(deliveries: Sequence[Delivery], paid_day: Ints) -> Ints:
    """Position of the delivery that holds what was paid on each day."""
    return np.searchsorted(np.array([one.paid_until for one in deliveries]), paid_day).astype(np.int64)


def comes_again_on(deliveries: Sequence[Delivery], paid_day: Ints, number: Ints) -> Ints:
    """Day of payment of the second copy of claims that come again: within the delivery after their first."""
    at = delivery_of(deliveries, paid_day)
    return np.array([one.paid_until for one in deliveries])[at] + 1 + number % 60


def adjusted(rng: np.random.Generator, bills: Bills, deliveries: Sequence[Delivery], rate: float) -> Bills:
    """The bills with those marked that come again in a later delivery with another amount; their amounts are the last ones."""
    claims = bills.claims
    drawn = rng.random(len(claims["number"])) < rate
    plain = (claims["history"] == STRAIGHT) & (claims["outcome"] == PAID) & (claims["secondary"] == 0)
    plain &= (claims["exempt"] == 0) & (delivery_of(deliveries, claims["paid_day"]) < len(deliveries) - 1)
    return Bills(claims=claims | {"history": np.where(drawn & plain, ADJUSTED, claims["history"])}, lines=bills.lines)


class Delivered:
    """One kind of file over all deliveries of its source, open."""

    def __init__(
        self, deliveries: Sequence[Delivery], files: Sequence[DelimitedFile], *, again: Mapping[int, DelimitedFile]
    ) -> None:
        self.deliveries, self.files, self.again = deliveries, files, again

    @property
    def last(self) -> DelimitedFile:
        return self.files[-1]

    def all(self) -> list[DelimitedFile]:
        return [*self.files, *self.again.values()]

    def write(
        self,
        columns: Mapping[str, Column],
        count: int,
        *,
        at: Ints,
        claim: Ints | None,
        paid: Ints,
        holds_claims: bool = True,
    ) -> None:
        """`count` rows, each to the delivery `at`.

        claim  number of each row's claim, None where a row is a claim; paid  cents that each row adds to its file
        """
        claim = np.arange(count) if claim is None else claim

        def put(file: DelimitedFile, here: Bools) -> None:
            rows = np.flatnonzero(here)
            file.write(columns if len(self.files) == 1 else rows_of(columns, rows), len(rows))
            claims = len(np.unique(claim[rows])) if holds_claims else 0
            file.count(claims=claims, paid_cents=int(paid[rows].sum()))

        for place, file in enumerate(self.files):
            here = at == place
            if place in self.again:
                put(self.again[place], here)
                here = here & (claim % LACKING != 0)
            put(file, here)
