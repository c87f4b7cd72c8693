"""Letters to a provider or supplier: what each must say, as facts; `qe.reports` words and prints them."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from qe.providers import ProviderOrSupplier

LetterKind = Literal["release_notice", "final_notice"]


@dataclass(frozen=True, kw_only=True)
class RequestStatus:
    """One request as a letter tells it. outcome: None while it is open."""

    request_id: str
    kind: str
    category: str
    received_on: date
    outcome: str | None


@dataclass(frozen=True, kw_only=True)
class LetterFacts:
    """What the 60-day release notice and the final notice say (401.717(a), (d), (e)).

    written_on  the day of the letter
    sent_on, last_request_day, public_from   the dates printed on the report
    public_on   the date on which results become public, whatever the status of requests
    requests    all requests of this unit in the cycle, in order
    """

    cycle: str
    unit: ProviderOrSupplier
    written_on: date
    sent_on: date
    last_request_day: date
    public_from: date
    public_on: date
    zone: str
    requests: tuple[RequestStatus, ...]


@dataclass(frozen=True, kw_only=True)
class PrintedLetter:
    """A letter ready to print, and its file name's ending."""

    content: bytes
    suffix: Literal["pdf", "txt"]


class LetterWriter(Protocol):
    """Words and prints one letter."""

    def __call__(self, kind: LetterKind, facts: LetterFacts, /) -> PrintedLetter: ...
