"""The words of the letters, as plain text that any printer takes: what 401.717(a), (d) and (e) ask them to say."""

from collections.abc import Callable, Mapping
from typing import Final

from qe.release.letters import LetterFacts, LetterKind, LetterWriter, PrintedLetter, RequestStatus
from qe.reports.facts import ReportFacts

KINDS: Final = {"claims_data": "claims data", "beneficiary_names": "beneficiary names", "correction": "a correction"}


def letter_writer(facts: ReportFacts) -> LetterWriter:
    """Words letters in the name of the organisation of `facts`."""
    wordings: Mapping[LetterKind, Callable[[LetterFacts, ReportFacts], list[str]]] = {
        "release_notice": _release_notice,
        "final_notice": _final_notice,
    }

    def write(kind: LetterKind, letter: LetterFacts) -> PrintedLetter:
        head = [facts.organisation, facts.contact, "", letter.written_on.isoformat(), "", letter.unit.name, ""]
        marked = ["REHEARSAL: this letter tests the process; nothing in it is real.", ""] if facts.rehearsal else []
        text = "\n".join([*marked, *head, *wordings[kind](letter, facts), ""])
        return PrintedLetter(content=text.encode("utf-8"), suffix="txt")

    return write


def _release_notice(letter: LetterFacts, facts: ReportFacts) -> list[str]:
    return [
        f"Your confidential report {letter.cycle}-{letter.unit.unit_id} for {facts.period.label}",
        "",
        "Enclosed are the measures we calculated about you, how they are calculated, and your results.",
        "Nobody else is shown them before they become public.",
        "",
        f"  Sent on              {letter.sent_on}",
        f"  Last day to ask      {letter.last_request_day} (to the end of the day, {letter.zone})",
        f"  Results public on    {letter.public_from}, after {letter.last_request_day}",
        "",
        f"Until the last day to ask you may request the data behind your results, or a correction, from {facts.contact}.",
        "We may give you the Medicare claims and beneficiary names that belong to the result you ask about, and no others,",
        "under privacy and security terms (42 CFR 401.717(c)).",
        "",
        "Results become public on the date above whatever the status of any request (42 CFR 401.717(d)).",
        "If a request of yours is open then, your name and the category of the request are posted (42 CFR 401.717(e)).",
    ]


def _final_notice(letter: LetterFacts, facts: ReportFacts) -> list[str]:
    open_ones = [request for request in letter.requests if request.outcome is None]
    return [
        f"Results of cycle {letter.cycle} become public on {letter.public_on}",
        "",
        f"Your report was sent on {letter.sent_on}; the last day to ask is {letter.last_request_day} ({letter.zone}).",
        f"Your results become public on {letter.public_on}, whatever the status of any request (42 CFR 401.717(d)).",
        "",
        *_requests(letter.requests),
        *(
            ["", "For each open request your name and its category are posted with the results (42 CFR 401.717(e))."]
            if open_ones
            else []
        ),
        "",
        f"Questions: {facts.contact}",
    ]


def _requests(requests: tuple[RequestStatus, ...]) -> list[str]:
    if not requests:
        return ["We have received no data or correction request from you in this cycle."]
    return [
        "Status of your requests:",
        *(
            f"  {one.request_id}: {KINDS[one.kind]}, received {one.received_on}: {(one.outcome or 'open').replace('_', ' ')}"
            for one in requests
        ),
    ]
