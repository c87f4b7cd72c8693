"""What is the same in every confidential report of a run: one companion, rendered once and enclosed with each report.

It holds what 42 CFR 401.717(a) has the entity share beside the results: the measures' rules, the models' coefficients and
the settings in force, with the codes and digests by which an analyst finds them in the data files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from qe.reports import markdown, model_words, wording
from qe.reports.facts import MeasureFacts, ReportFacts, together
from qe.reports.markdown import Block

LEFT_OUT: Final = "left out"  # how a term begins that a model does not hold
Term = tuple[str, float, float | None]  # term, estimate, standard error: of a coefficient only
BY_AGE: Final = ", age "  # in the name of a calibration figure of one age band


@dataclass(frozen=True, kw_only=True)
class MethodAnnex:
    """One module's method, as its folder writes it, under the names of its measures."""

    name: str
    version: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class ModelTable:
    """One risk model of the run, or the calibration of all models of a measure: terms with their figures."""

    caption: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class MethodsView:
    """The methods companion of one run.

    codes, settings_by_key  what the machine files call the things that the pages word
    """

    title: str
    organisation: str
    contact: str
    rehearsal: bool
    cycle: str
    run_id: str
    software: str
    period: str
    data_through: str
    created: str
    annexes: tuple[MethodAnnex, ...]
    models: tuple[ModelTable, ...]
    settings: tuple[tuple[str, str], ...]
    codes: tuple[tuple[str, str, str, str], ...]
    settings_by_key: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]


def methods_view(facts: ReportFacts, sent_on: date) -> MethodsView:
    """The view of the companion to the reports that are sent on `sent_on`."""
    return MethodsView(
        title=f"Measures and methods: {facts.organisation}, {facts.period.label}",
        organisation=facts.organisation,
        contact=facts.contact,
        rehearsal=facts.rehearsal,
        cycle=facts.cycle,
        run_id=facts.run_id,
        software=facts.software_version,
        period=facts.period.label,
        data_through=wording.day(facts.data_through),
        created=f"{sent_on.isoformat()}T00:00:00Z",
        annexes=tuple(
            MethodAnnex(name=names, version=first.version, blocks=markdown.blocks(first.method))
            for names, first in together(facts.measures, lambda measure: measure.module)
        ),
        models=tuple(_coefficients(facts)),
        settings=tuple(wording.setting(name, value) for name, value in facts.settings),
        codes=tuple(
            (measure.name, measure.measure_id, measure.attribution, ", ".join(measure.deviations) or "none")
            for measure in facts.measures
        ),
        settings_by_key=facts.settings,
        inputs=tuple(sorted(facts.inputs_sha256.items())),
    )


def fits(facts: ReportFacts, shown: Sequence[MeasureFacts]) -> Iterable[ModelTable]:
    """A table a model of the measures `shown`: how well it fits, all ages of a payer line together."""
    for caption, terms in _models(facts, shown):
        rows = [(term, estimate) for term, estimate, error in terms if error is None and BY_AGE not in term]
        worded = tuple((model_words.term(term), model_words.estimate(term, estimate)) for term, estimate in rows)
        yield ModelTable(caption=f"How well the model fits. {caption}", rows=worded)


def _coefficients(facts: ReportFacts) -> Iterable[ModelTable]:
    """A table a model: coefficients, then fit."""
    for caption, terms in _models(facts, facts.measures):
        worded = (
            (model_words.term(term), model_words.estimate(term, estimate), "" if error is None else f"{error:.3g}")
            for term, estimate, error in terms
        )
        yield ModelTable(caption=caption, rows=tuple(worded))


def _models(facts: ReportFacts, shown: Sequence[MeasureFacts]) -> Iterable[tuple[str, list[Term]]]:
    """(caption, terms) of each model; what was left out of a model is not among its terms."""
    for measure in shown:
        held = [row for row in facts.model if row[0] == measure.measure_id and not row[2].startswith(LEFT_OUT)]
        cohorts = dict.fromkeys(cohort for _, cohort, *_ in held)
        for cohort in cohorts:
            alone = "its model" if len(cohorts) == 1 else "fit of its models together"
            yield (
                f"{measure.name}: {model_words.cohort(cohort) or alone}",
                [row[2:] for row in held if row[1] == cohort],
            )
