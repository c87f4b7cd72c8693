"""How a rule of the gate answers: by its number and paragraph, with a verdict, the fact it rests on and the first day."""

from dataclasses import dataclass
from datetime import date

from qe.errors import Reason
from qe.release.artefact import LEAVES_BY, ArtefactKind


@dataclass(frozen=True)
class Paragraph:
    """One rule with the paragraph it carries out."""

    rule: str
    citation: str

    def on(self, kind: ArtefactKind) -> "Paragraph":
        """The same rule, with the paragraph by which this kind of artefact leaves at all."""
        return Paragraph(self.rule, f"{self.citation}, {LEAVES_BY[kind]}")

    def passes(self, fact: str) -> Reason:
        return Reason(rule=self.rule, citation=self.citation, verdict="pass", fact=fact)

    def fails(self, fact: str, *, earliest: date | None = None) -> Reason:
        """earliest: the first day on which a day alone would cure it."""
        day = None if earliest is None else earliest.isoformat()
        return Reason(rule=self.rule, citation=self.citation, verdict="fail", fact=fact, earliest=day)
