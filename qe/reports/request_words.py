"""What letters about a request say, in whole sentences; the analyst's own reason is the only text that is not from here."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from qe.reports import wording

ANSWERS: Final[Mapping[str, str]] = {
    "upheld": "upheld",
    "partly": "partly upheld",
    "denied": "denied",
    "referred_to_payer": "referred to the payer",
    "more_needed": "not decided: something is missing",
}
FOLLOWS: Final[Mapping[str, str]] = {
    "upheld": (
        "We work your figures out again from the claims of the run that you were sent, and send you the corrected page before "
        "it is published. Nobody else's figures move."
    ),
    "partly": (
        "We correct what we found wrong, and send you the corrected page before it is published. The rest stays as it was sent "
        "to you."
    ),
    "denied": "Your figures stay as they were sent to you.",
    "referred_to_payer": (
        "Your figures stay as the payer's claims have them. Please ask the payer to correct the claims; a later period then "
        "shows it."
    ),
    "more_needed": "Please send us what is named above. Your request stays open.",
}
REGARDLESS: Final = (
    "Results become public on the day that we told you, whatever the status of your request (42 CFR 401.717(d)). If it is still "
    "open on that day, your name and its category are posted beside the results (42 CFR 401.717(e))."
)
LATE: Final = (
    "It came after your last day to ask. We look at it all the same, and it is part of the status that you are told before "
    "publication."
)
ATTACHMENTS: Final = (
    "If you send documents, leave out records of a substance use disorder program (42 CFR Part 2) and patient safety work "
    "product (42 CFR Part 3); tell us only that they exist."
)


def answer(code: str) -> str:
    return ANSWERS[code]


def acknowledgement(*, answer_by: date, is_late: bool) -> tuple[str, ...]:
    """The text of the letter that acknowledges a request."""
    promise = f"We have received your request and answer it by {wording.day(answer_by)}."
    return (promise, *((LATE,) if is_late else ()), REGARDLESS, ATTACHMENTS)


def decision(code: str, *, why: str) -> tuple[str, ...]:
    """The text of the letter that answers a request: the reason, what follows, and what stays true."""
    return (why, FOLLOWS[code], REGARDLESS)
