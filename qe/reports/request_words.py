"""What letters about a request say, in whole sentences; the analyst's own reason is the only text that is not from here."""

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

from qe.reports import wording
from qe.reports.printed import Change

About = Literal["report", "analysis"]
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
REGARDLESS_OF_ANALYSIS: Final = (
    "The analysis goes to its authorized user on the day that we told you or later, whatever the status of your request (42 CFR "
    "401.717(d), (f)). If it is still open on that day, your name and its category are told to that user (42 CFR 401.717(e))."
)
CORRECTED_PART: Final = (
    "We correct what we found wrong in your part of the analysis, and send it to you before the analysis goes to its authorized "
    "user."
)
LATE_FOR_ANALYSIS: Final = "It came after your last day to ask about the analysis. We look at it all the same."
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


def change(one: Change) -> tuple[str, str]:
    """A figure before and after a correction, as a row of the letter."""
    named = f"{one.measure_id}, {one.what}" if one.measure_id else one.what
    return named, f"{one.before or 'none'} before, {one.after or 'none'} after"


def acknowledgement(*, answer_by: date, is_late: bool, about: About) -> tuple[str, ...]:
    """The text of the letter that acknowledges a request."""
    late = LATE if about == "report" else LATE_FOR_ANALYSIS
    promise = f"We have received your request and answer it by {wording.day(answer_by)}."
    return (promise, *((late,) if is_late else ()), _regardless(about), ATTACHMENTS)


def _regardless(about: About) -> str:
    return REGARDLESS if about == "report" else REGARDLESS_OF_ANALYSIS


def decision(code: str, *, why: str, about: About) -> tuple[str, ...]:
    """The text of the letter that answers a request: the reason, what follows, and what stays true."""
    is_corrected_part = about == "analysis" and code in ("upheld", "partly")
    return (why, CORRECTED_PART if is_corrected_part else FOLLOWS[code], _regardless(about))


def data_release(*, other_payers: int, partly: int, without_names: bool) -> tuple[str, ...]:
    """The text of the letter that goes with released claims: what is enclosed, what is not, why, and whom to ask."""
    enclosed = (
        "Enclosed are the Medicare claims and prescriptions behind the result that you asked about, and nothing more: the events "
        "of your result in the run that you were sent, and what each of them rests on (42 CFR 401.717(c)). data_dictionary.csv "
        "says what every column means; manifest.json gives the rows and the sha256 of every file."
    )
    per_event = (
        "events.csv tells of each event which rules of the measure decided on it, whether it counts, your last visit with the "
        "person, your share of the services by which it is yours, and who came next."
    )
    not_enclosed = (
        "Events and claims of other payers are behind your result as well, and are not enclosed: we hold them from those payers "
        "for the measures alone, and the rule speaks of Medicare's only. Please ask the plan that covers the person; the methods "
        "that came with your report name the sources of our data."
    )
    part_of = (
        f"{wording.counted(partly, 'event', 'events')} enclosed rest on other payers' claims as well: see other_claims."
    )
    names = (
        "Names are not enclosed, as you did not ask for them. A further request for beneficiary names is answered by a further "
        "package."
    )
    duties = (
        "You signed that these data are used for the review of this result, kept safe, linked with nothing to identify other "
        "people, and disclosed to nobody whom the terms do not name (42 CFR 401.713(d)). Tell us at once of any other use."
    )
    return (
        enclosed,
        per_event,
        *((not_enclosed,) if other_payers or partly else ()),
        *((part_of,) if partly else ()),
        *((names,) if without_names else ()),
        duties,
    )
