"""The catalogue as a page of the documentation: what each module's folder says of itself, in Markdown."""

from collections.abc import Iterator, Sequence
from typing import Final

from qe.measurement import cases
from qe.measurement.check import RULE
from qe.measurement.facts import ListFacts
from qe.measurement.measure import Module
from qe.reports import wording

COMMAND: Final = "qe measures list --markdown"
WITHOUT: Final = {"refuse": "the measure refuses to run without it", "partial": "without it, `coverage: partial`"}


def catalogue_page(modules: Sequence[Module]) -> str:
    """The page: a table of all modules, then each with its measures, standing, lists and cases."""
    measures = sum(len(module.measure_ids) for module in modules)
    head = [
        "# Measures",
        "",
        f"Printed by `{COMMAND}` from the folders under `measures/`: {len(modules)} modules publish {measures} measures.",
        "`qe measures show ID` prints one of them and writes its page, `out/measures/<module>.html` of the site or of the current",
        "folder (`--out DIR`: there): specification, SQL and worked cases side by side. By which route each could be published at",
        "a site, and from when, says `qe measures list` there (42 CFR 401.715).",
        "",
        "| module | measures | reported about | attribution | standing | rules not yet checked | cases |",
        "|---|---|---|---|---|---|---|",
        *(_row(module) for module in modules),
    ]
    return "\n".join([*head, *(line for module in modules for line in _section(module))]) + "\n"


def _row(module: Module) -> str:
    facts = module.facts
    cells = (
        f"[{module.id}](#{module.id})",
        str(len(facts.measures)),
        _levels(module),
        f"`{facts.attribution.method}`",
        module.standing(),
        str(len(facts.unverified)),
        str(len(_cases(module))),
    )
    return f"| {' | '.join(cells)} |"


def _cases(module: Module) -> list[cases.Case]:
    return cases.read(module.folder / "cases.toml")


def _levels(module: Module) -> str:
    return ", ".join(module.facts.attribution.levels)


def _section(module: Module) -> Iterator[str]:
    facts = module.facts
    rules = set(RULE.findall(module.method))
    yield from ("", f"## {module.id}", "", f"**{facts.name}**, version {module.version}. {facts.why_it_matters}", "")
    yield from (f"- `{measure.id}`: {measure.name} ({measure.category})" for measure in facts.measures)
    yield ""
    method = f"`{facts.attribution.method}`, {facts.attribution.timing}"
    yield f"- **Reported about**: {_levels(module)}. Attribution: {method}. {facts.direction.capitalize()} is better."
    yield f"- **Steward**: {_ended(facts.steward)} Licence: {_ended(facts.licence)}"
    yield f"- **Specification**: {_ended(facts.specification)}"
    yield f"- **Standing**: {module.standing()}. {' '.join(wording.departures(_stated(module))) or _no_departure(module)}"
    yield f"- **Code lists**: {_lists(module)}"
    for name, listed in _slots(module):
        yield f"  - licensed: `{name}`, owned by {listed.owner}; {WITHOUT[listed.without]}"
    if facts.unverified:
        yield "- **Rules not yet checked against their document**:"
        yield from (f"  - {rule}: {said}" for rule, said in facts.unverified.items())
    worked = wording.counted(len(_cases(module)), "case", "cases")
    yield f"- **Worked**: {worked} of {wording.counted(len(rules), 'rule', 'rules')}."


def _ended(text: str) -> str:
    return f"{text.rstrip('.')}."


def _stated(module: Module) -> list[str]:
    """Departures that are not a rule left unchecked: those stand in a list of their own."""
    return [one for one in module.standing_deviations() if not one.startswith(wording.UNVERIFIED)]


def _no_departure(module: Module) -> str:
    if module.facts.standard.basis == "none":
        return "The definition is the entity's own: no basis of 42 CFR 401.715(a)(1) holds."
    return "No departure from the specification is known, but for the rules not yet checked."


def _listed(module: Module) -> list[tuple[str, ListFacts]]:
    return [*module.facts.lists.items(), *module.facts.maps.items()]


def _slots(module: Module) -> list[tuple[str, ListFacts]]:
    return [(name, listed) for name, listed in _listed(module) if listed.is_slot]


def _lists(module: Module) -> str:
    """How many lists of which systems ship, and how many the site places."""
    shipped: dict[str, int] = {}
    for _, listed in _listed(module):
        if not listed.is_slot:
            shipped[listed.system] = shipped.get(listed.system, 0) + 1
    own = ", ".join(f"{number} of {system}" for system, number in shipped.items())
    licensed = len(_slots(module))
    placed = f"{wording.counted(licensed, 'licensed list', 'licensed lists')} that the site places" if licensed else ""
    return f"{'; '.join(part for part in (own, placed) if part) or 'none'}."
