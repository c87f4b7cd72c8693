"""What can go wrong, one class for each thing a caller does differently.

No message ever holds a claim value, an identifier or a name.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

Verdict = Literal["pass", "fail", "warn", "not_applicable"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of an input: where it is, how often, and what to do about it.

    code     short, stable, kebab-case ("unknown-key", "bad-date")
    message  the whole sentence a person reads, without the remedy
    file     the file's name below the site, or None
    place    row numbers, a column, a key: never a value
    count    how many rows or keys show it
    """

    code: str
    message: str
    file: str | None = None
    place: str | None = None
    count: int = 1
    remedy: str = ""

    def sentence(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True, kw_only=True)
class Reason:
    """The verdict of one rule of the gate (rules.md section 2) on one act.

    earliest  ISO date from which the rule would pass if nothing else changes, or None when no date cures it
    """

    rule: str
    citation: str
    verdict: Verdict
    fact: str
    earliest: str | None = None

    def sentence(self) -> str:
        when = f"; earliest {self.earliest}" if self.earliest else ""
        return f"{self.rule} ({self.citation}): {self.fact}{when}"


class QeError(Exception):
    """Base of all errors that are told in one sentence, without a traceback."""

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, faults: tuple[Fault, ...] = (), remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.faults = faults or (Fault(code=self.code(), message=message, remedy=remedy),)

    @classmethod
    def code(cls) -> str:
        return {"InputError": "input", "Findings": "finding", "Refused": "refused"}.get(
            cls.__name__, cls.__name__.lower()
        )

    @classmethod
    def of(cls, faults: list[Fault]) -> "QeError":
        """All faults of one kind, raised once."""
        return cls("\n".join(fault.sentence() for fault in faults), faults=tuple(faults))


class Findings(QeError):
    """A check found faults: data unfit or not reconciled, a broken ledger (exit 1)."""

    exit_code = 1


class InputError(QeError):
    """Wrong usage, setting, key or file (exit 2)."""

    exit_code = 2


class MeasureError(InputError):
    """A measure folder that does not hold what contracts.md section 9 asks (exit 2)."""


class CannotFit(InputError):
    """Cases to which the model that was asked for cannot be fitted: none, of one provider, separated (exit 2)."""


class Refused(QeError):
    """An act that a rule forbids (exit 3). Carries the reasons of all rules that fail, never only the first."""

    exit_code = 3

    def __init__(self, message: str, *, reasons: tuple[Reason, ...] = (), remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.reasons = reasons


class SiteHeld(QeError):
    """Another process works on this site (exit 4)."""

    exit_code = 4


class OutOfResources(QeError):
    """Out of disk or memory; the site can be resumed (exit 5)."""

    exit_code = 5


class Interrupted(QeError):
    """Stopped by the user; the site can be resumed (exit 130)."""

    exit_code = 130
