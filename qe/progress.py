"""Progress of long work. Packages report to a `Progress`; the command line decides how it looks (stderr only)."""

from typing import Protocol


class Progress(Protocol):
    """A stage that lasts over two seconds says how far it is."""

    def start(self, stage: str, total: int | None = None) -> None:
        """Begin `stage` ("reading inpatient.csv") of `total` steps, unknown when None."""

    def advance(self, steps: int = 1) -> None:
        """`steps` more of the running stage are done."""

    def finish(self) -> None:
        """The running stage is over."""


class Silent:
    """Says nothing: tests, and callers that have no terminal."""

    def start(self, stage: str, total: int | None = None) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        pass

    def finish(self) -> None:
        pass
