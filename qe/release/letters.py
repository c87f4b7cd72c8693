"""Letters to a provider or supplier: what each must say, as facts; `qe.reports` words and prints them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from qe.providers import ProviderOrSupplier
from qe.reports.letters import LetterKind, LetterRequest, PrintedLetter


@dataclass(frozen=True, kw_only=True)
class LetterFacts:
    """What the 60-day release notice, the final notice and the one after publication say (401.717(a), (d), (e)).

    written_on  the day of the letter
    sent_on, last_request_day, public_from   the dates printed on the report
    public_on   the date on which results become public, whatever the status of requests, or on which they did
    requests    all requests of this unit in the cycle, in order
    is_corrected   its own correction was upheld in this cycle
    """

    cycle: str
    unit: ProviderOrSupplier
    written_on: date
    sent_on: date
    last_request_day: date
    public_from: date
    public_on: date
    zone: str
    is_corrected: bool
    requests: tuple[LetterRequest, ...]


class LetterWriter(Protocol):
    """Words and prints letters, in the order given."""

    def __call__(self, kind: LetterKind, letters: Sequence[LetterFacts], /) -> Iterable[PrintedLetter]: ...
