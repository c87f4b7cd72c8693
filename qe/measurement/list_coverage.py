"""What a run may say of the licensed lists that its module asks for: whole, partial, or invented."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qe.measurement.measure import Module
from qe.measurement.value_sets import CodeList, licensed_sha256, open_slot


@dataclass(frozen=True, kw_only=True)
class ListCoverage:
    """Whether the licensed lists of a module are there. Both name lists.

    missing    slots that nobody filled, each with its owner and where its file goes: the run rests on the other lists
    invented   slots filled with codes that exist nowhere, for tests and demo
    """

    missing: Mapping[str, str] = field(default_factory=dict)
    invented: tuple[str, ...] = ()

    @classmethod
    def of(cls, lists: Sequence[CodeList]) -> "ListCoverage":
        return cls(
            missing={
                one.name: open_slot(one.name, one.facts, is_map=one.is_map)
                for one in lists
                if one.filled_by == "nobody"
            },
            invented=tuple(one.name for one in lists if one.filled_by == "stand_in"),
        )

    def as_facts(self) -> dict[str, object]:
        return {
            "value_sets": "partial" if self.missing else "invented" if self.invented else "whole",
            "missing_lists": list(self.missing),
        }

    def deviations(self) -> tuple[str, ...]:
        """What makes the run alternative whatever else holds."""
        found = (("partial_lists", self.missing), ("invented_lists", self.invented))
        return tuple(name for name, lists in found if lists)

    def messages(self, module: Module) -> list[str]:
        """What the lists lack, one sentence each."""
        found = [f"{module.id} runs with coverage: partial, as its list {said}" for said in self.missing.values()]
        if self.invented:
            found.append(
                f"{module.id} runs on invented codes in place of {', '.join(self.invented)}: its results mean nothing"
            )
        return found


def open_slots(module: Module, *, licensed: Path | None) -> list[str]:
    """One sentence a slot that nobody filled: what the module does without it, who licenses it, where its file goes.

    licensed  the site's folder of licensed lists, or None
    """
    filled = licensed_sha256(module, licensed=licensed)
    does = {"refuse": "refuses to run", "partial": "runs with coverage: partial"}
    return [
        f"{module.id} {does[facts.without]}: its list {open_slot(name, facts, is_map=is_map)}"
        for is_map, listed in ((False, module.facts.lists), (True, module.facts.maps))
        for name, facts in listed.items()
        if facts.is_slot and name not in filled
    ]
