"""What became of the lines of a recorded correction, in words."""

from typing import Final

from qe.corrections import apply

OUTCOMES: Final = {
    apply.APPLIED: "decides it",
    apply.ALREADY_SO: "was so already",
    apply.NO_EVENT: "its event is no longer in the data",
    apply.OTHER_DAYS: "the run covers none of the days of its event",
    apply.NO_CLAIMS: "the claims that showed it are no longer there, or lie outside the days of the measure",
    apply.NO_RULE: "the measure no longer has its rule",
}
WITHOUT_EFFECT: Final = frozenset(OUTCOMES) - {apply.APPLIED, apply.ALREADY_SO}  # what a run must tell of


def not_applied(correction_id: str, line: int, outcome: str) -> str:
    """That a run could not apply a line: "correction 0e722e2513c3fe05, line 2: its event is no longer in the data"."""
    return f"correction {correction_id}, line {line}: {OUTCOMES[outcome]}"
