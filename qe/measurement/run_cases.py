"""Running worked cases: the rows of a case, the events derived from them, and what the module makes of these."""

from qe.claims.events import derive_events
from qe.measurement import cases, events
from qe.measurement.cases import Case, CaseModel, Mismatch
from qe.measurement.compute import MeasureEvents, compute_on_lists
from qe.measurement.measure import Module


def run(module: Module, case: Case, *, claims: CaseModel) -> MeasureEvents:
    """The events of one case. `claims` is emptied first and may be used for the next case."""
    claims.empty()
    cases.lay_out(claims.db, case)
    derive_events(claims.db)
    claims.lay_out_lists(module, case)
    return compute_on_lists(
        claims.db,
        module,
        period=cases.period_of(case),
        parameters=case.parameters,
        attribution=case.attribution,
    )


def failures(module: Module, case: Case, *, claims: CaseModel) -> list[Mismatch]:
    """What came out otherwise than the case says."""
    found = run(module, case, claims=claims)
    return cases.mismatches(
        case,
        events=found.events,
        covariates=found.covariates,
        attributed=found.attributed,
        totals=events.totals(module, found.events),
    )
