"""`qe request acknowledge | respond | resolve`: the letters about a request, its end, and the correction it leads to."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from qe import workflow
from qe.cli.acting import Act, acting
from qe.cli.ledger import ledger_of
from qe.cli.output import (
    ActorOption,
    AsOfOption,
    DryRunOption,
    JsonOption,
    Outcome,
    SiteOption,
    TerminalProgress,
    utc_now,
)
from qe.cli.request.options import CorrectionOption, RequestArgument
from qe.cli.review import HERE, contacts_on
from qe.corrected.plan import PlannedCorrection
from qe.errors import InputError
from qe.ledger.fold import state_as_of
from qe.release import answers
from qe.release.requests import DATA_KINDS, request_of
from qe.reports import wording
from qe.site import Site


def acknowledge(
    request: RequestArgument,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Tell the provider that its request was received and by when it is answered; records the day."""
    with acting("request acknowledge", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = answers.plan_acknowledgement(
            act.site, act.ledger, request, contacts=contacts_on(act.site, act.on), on=act.on
        )
        _carry_out(act, planned)
        _tell_answering(act.outcome, planned, "acknowledgement", dry_run=dry_run)


def respond(
    request: RequestArgument,
    answer: Annotated[answers.Answer, typer.Option("--answer", help="What was decided.")],
    why: Annotated[str, typer.Option("--why", help="The reason, in sentences for the letter; it stands nowhere else.")],
    correction: CorrectionOption = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Answer a request by letter: the decision and its reason; records the day."""
    with acting("request respond", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        planned = answers.plan_response(
            act.site,
            act.ledger,
            request,
            answer=answer,
            why=why,
            changes=() if correction is None else _corrected(act.site, request, correction, answer, act.on).printed,
            contacts=contacts_on(act.site, act.on),
            on=act.on,
        )
        _carry_out(act, planned)
        _tell_answering(act.outcome, planned, "answer", dry_run=dry_run)


def _carry_out(act: Act, planned: answers.Answering) -> None:
    """What both letters share: the gate's table first, then the act unless it is only asked for."""
    if planned.decision is not None:
        act.outcome.judged(planned.decision.reasons, dry_run=act.dry_run)
        planned.decision.require(f"no letter about {planned.request.request_id} may be sent on {planned.facts.on}")
    if not act.dry_run:
        answers.carry_out(act.site, act.ledger, planned, at=utc_now(), actor=act.person)


def _tell_answering(outcome: Outcome, planned: answers.Answering, what: str, *, dry_run: bool) -> None:
    letter = planned.letter
    outcome.data = {
        "request_id": planned.request.request_id,
        "recorded": planned.event is not None,
        "letter": None if letter is None else letter.path.name,
        "channel": None if letter is None else letter.artefact.channel,
        "dry_run": dry_run,
    }
    if letter is None:
        outcome.say(f"The {what} of {planned.request.request_id} was given before.")
    else:
        verb = "would put" if dry_run else "Put"
        outcome.say(
            f"{verb} the {what} of {planned.request.request_id} into the outbox, for {letter.artefact.channel}."
        )


def resolve(
    request: RequestArgument,
    outcome_of: Annotated[answers.Outcome, typer.Option("--outcome", help="How it ended.")],
    correction: CorrectionOption = None,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Close a request; a closed one is posted no more. An upheld correction is worked out, recorded and printed with it."""
    with acting("request resolve", site=site, actor=actor, as_of=as_of, dry_run=dry_run, json=json) as act:
        facts = state_as_of(act.ledger, act.on)
        event = answers.resolution(facts, request, outcome=outcome_of)
        planned = None if correction is None else _corrected(act.site, request, correction, outcome_of, act.on)
        if planned is not None and not dry_run:
            workflow.record_correction(
                act.site,
                planned,
                also=[] if event is None else [event],
                at=utc_now(),
                actor=act.person,
                progress=TerminalProgress(),
            )
        elif event is not None and not dry_run:
            act.ledger.append([event], at=utc_now(), actor=act.person, expected_head=facts.head)
        act.outcome.data = {
            "request_id": request,
            "outcome": outcome_of,
            "recorded": event is not None,
            "dry_run": dry_run,
        }
        if planned is not None:
            _tell_correction(act.outcome, planned)
        verb = "Already closed" if event is None else "would close" if dry_run else "Closed"
        act.outcome.say(f"{verb}: {request} ({wording.request_outcome(outcome_of)}).")


def _corrected(site: Site, request_id: str, file: Path, outcome: str, on: date) -> PlannedCorrection:
    """The figures before and after, worked out and not recorded yet."""
    if outcome not in ("upheld", "partly"):
        raise InputError(f"a request that is {outcome} has no correction", remedy="Leave --correction out.")
    asked = request_of(state_as_of(ledger_of(site), on), request_id)
    if asked.kind in DATA_KINDS:
        raise InputError(
            f"request {request_id} asks for data: nothing is corrected by it", remedy="Leave --correction out."
        )
    if asked.about == "analysis":
        raise InputError(
            "a correction file corrects a report; an analysis is defined again from the corrected results",
            remedy="Leave --correction out, then: qe npa define, and qe npa send for a corrected part of its own.",
        )
    return workflow.plan_correction(
        site, request_id=request_id, cycle=asked.cycle, unit_id=asked.unit_id, file=file, on=on
    )


def _tell_correction(outcome: Outcome, planned: PlannedCorrection) -> None:
    """Every figure before and after, and whom else the fault reaches."""
    outcome.data |= {
        "correction_id": planned.kept.correction.correction_id,
        "printed": [asdict(one) for one in planned.printed],
        "exact": [asdict(one) for one in planned.exact],
        "reached": [asdict(one) for one in planned.reached],
    }
    outcome.table(
        "Figures as printed",
        ["measure", "what", "before", "after"],
        [(one.measure_id, one.what, one.before, one.after) for one in planned.printed],
    )
    if planned.reached:
        outcome.table(
            "It reaches others as well: a re-issue (qe run --reissue, then qe review reissue)",
            ["unit", "level", "measures", "why"],
            [(one.unit_id, one.level, ", ".join(one.measures), one.why) for one in planned.reached],
        )
    unit = planned.kept.correction.unit_id
    outcome.say(f"Its new page goes with: qe review send --cycle {planned.kept.correction.cycle} --provider {unit}")
