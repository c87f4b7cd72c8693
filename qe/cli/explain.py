"""`qe explain`: from a result to its events, the claims behind them and the lines of received files that say them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from qe.cli.output import JsonOption, Outcome, SiteOption, command
from qe.cli.run import PeriodOption
from qe.measurement.events import rule_number
from qe.reports import correction_words, markdown, wording
from qe.reports.facts import MeasureFacts
from qe.run_record import FACTS_FILE, REPORT_FACTS
from qe.runs import Run
from qe.trace import Page, Trail
from qe.workspace import Workspace

SHOWN = 20  # rows of a list on a screen
RESULT_COLUMNS = (
    "payer_scope", "denominator", "numerator", "observed", "expected", "ratio", "ci_low", "ci_high", "category", "peer_group",
)  # fmt: skip
RELATIONS = {
    "itself": "the claim",
    "version": "earlier version",
    "copy": "other payer's copy",
    "version of copy": "earlier version of the copy",
}


def explain(
    measure: Annotated[str, typer.Argument(metavar="MEASURE")],
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="A unit id, NPI or CCN.")],
    person: Annotated[str | None, typer.Option("--person", help="A person_id of the claims model.")] = None,
    event: Annotated[str | None, typer.Option("--event", help="An event id: of a stay, a person, a fill.")] = None,
    claim: Annotated[str | None, typer.Option("--claim", help="One claim or fill behind these events.")] = None,
    claims: Annotated[bool, typer.Option("--claims", help="Also the claims behind all these events.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Rows of a list.", show_default=f"{SHOWN}; with --json all"),
    ] = None,
    skip: Annotated[int, typer.Option("--skip", min=0, help="Rows to pass over: of the claims, else the events.")] = 0,
    period: PeriodOption = None,
    site: SiteOption = Path(),
    json: JsonOption = False,
) -> None:
    """Why attributed, why in or out, and from which claims and lines of received files a figure comes."""
    with command("explain", json=json) as outcome:
        workspace = Workspace(outcome.open_site(site))
        unit_id = workspace.unit_id(provider, period=period)
        rows = workspace.explain(measure, unit_id, person_id=person, event_id=event, period=period)
        run = workspace.run(period)
        facts = _facts_of_run(run, measure)
        attribution = pl.DataFrame()
        if person is not None or event is not None:
            attribution = workspace.attribution(measure, unit_id, period=period).filter(
                pl.col("person_id").is_in(rows["person_id"].unique().to_list())
            )
        results = workspace.results(period).filter(
            (pl.col("provider_id") == unit_id) & pl.col("measure_id").is_in(rows["measure_id"].unique().to_list())
        )
        corrections = workspace.corrections(measure, unit_id, period=period)
        page = Page(skip=skip, limit=limit or (None if json else SHOWN))
        trail = None
        if claims or person is not None or event is not None or claim is not None:
            trail = workspace.follow(measure, rows, claim_id=claim, page=page, period=period)
            page = Page(limit=page.limit)
            if claim is not None:
                rows = rows.filter(pl.col("event_id").is_in(trail.claims["event_id"].unique().to_list()))
        shown = page.of(rows)
        outcome.data = {
            "measure": measure,
            "provider": unit_id,
            "run_id": run.run_id,
            "results": results.to_dicts(),
            "events": shown.to_dicts(),
            "events_of": rows.height,
            "attribution": attribution.to_dicts(),
            "corrections": corrections.to_dicts(),
            "claims": [] if trail is None else trail.claims.to_dicts(),
            "claims_of": None if trail is None else trail.claims_of,
            "claims_amount": None if trail is None else trail.amount,
            "records": [] if trail is None else trail.records.to_dicts(),
            "lines": [] if trail is None else trail.lines.to_dicts(),
        }
        events = wording.counted(rows.height, "event", "events")
        outcome.say(f"{facts.name} ({measure}), {unit_id}: {events} considered")
        outcome.say(f"  attribution: {wording.attribution_rule(facts.attribution_method, facts.attribution)}")
        _tell_sums(outcome, rows)
        _tell_results(outcome, results)
        reasons = rows.explode("exclusion_reasons")["exclusion_reasons"].drop_nulls().value_counts()
        for rule, count in sorted(reasons.iter_rows(), key=lambda one: rule_number(one[0])):
            outcome.say(f"  out by {rule}: {count:,}. {_rule_text(facts, rule)}")
        for row in attribution.iter_rows(named=True):
            outcome.say(f"  credited: {_credited(row)}")
        _tell_corrections(outcome, corrections)
        _tell_events(outcome, shown, of=rows.height)
        if trail is None:
            outcome.say("  --person, --event or --claims: the claims behind them, with file and line.")
            return
        _tell_claims(outcome, trail)
        if claims and person is None and event is None and claim is None:
            return
        for rule in sorted(set(rows.explode("rule_ids")["rule_ids"].drop_nulls()), key=rule_number):
            outcome.say(f"  {rule}: {_rule_text(facts, rule)}")


def _tell_sums(outcome: Outcome, rows: pl.DataFrame) -> None:
    """What the events in the denominator add up to: the result's figures, where all of its events are meant."""
    inside = rows.filter("in_denominator")
    outcome.say(f"  in the denominator: {inside.height}; in the numerator: {inside['in_numerator'].sum()}")
    sums = [
        f"{name} {_plain(inside[name].sum())}"
        for name in ("value", "exposure", "expected", "amount")
        if name in inside.columns and inside[name].count()
    ]
    if sums:
        outcome.say(f"  of those in the denominator: {', '.join(sums)}")


def _tell_results(outcome: Outcome, results: pl.DataFrame) -> None:
    for (measure_id, level), rows in results.partition_by(
        "measure_id", "level", as_dict=True, maintain_order=True
    ).items():
        outcome.table(
            f"Result: {measure_id}, {level}",
            [name.replace("_", " ") for name in RESULT_COLUMNS],
            [[_plain(row[name]) for name in RESULT_COLUMNS] for row in rows.iter_rows(named=True)],
        )


def _tell_corrections(outcome: Outcome, corrections: pl.DataFrame) -> None:
    """Which events are as they are because a correction was upheld, and which of them it no longer finds."""
    if corrections.is_empty():
        return
    outcome.table(
        "Upheld corrections",
        ["correction", "line", "what was wrong", "event", "rule", "belongs to", "here"],
        [
            (
                row["correction_id"],
                row["line"],
                wording.request_category(row["kind"]),
                row["event_id"],
                row["rule_id"],
                row["belongs_to"],
                correction_words.OUTCOMES[row["outcome"]],
            )
            for row in corrections.iter_rows(named=True)
        ],
    )


def _tell_events(outcome: Outcome, shown: pl.DataFrame, *, of: int) -> None:
    outcome.table(
        f"Events: {shown.height:,} of {of:,}",
        ["event", "person", "date", "in", "why out", "counted", "value", "amount", "rules", "claims"],
        [
            (
                row["event_id"],
                row["person_id"],
                row["index_date"],
                "yes" if row["in_denominator"] else "no",
                ", ".join(row["exclusion_reasons"]),
                "yes" if row["in_numerator"] else "no",
                _plain(row.get("value")),
                _plain(row.get("amount")),
                ", ".join(row["rule_ids"]),
                ", ".join(row["driving_claim_ids"]),
            )
            for row in shown.iter_rows(named=True)
        ],
    )


def _tell_claims(outcome: Outcome, trail: Trail) -> None:
    """The claims and what they add, then each of them, its versions and copies, with file and lines."""
    of_claim = {
        (row["kind"], row["claim_id"]): row
        for row in trail.records.iter_rows(named=True)
        if row["relation"] == "itself"
    }
    adding = "" if trail.amount is None else f"; all {trail.claims_of:,} add up to {trail.amount:,}"
    outcome.table(
        f"Claims: {trail.claims.height:,} of {trail.claims_of:,}{adding}",
        ["event", "claim", "use", "type", "from", "through", "allowed", "paid", "status", "adds", "to"],
        [
            (
                row["event_id"],
                f"{row['kind']} {row['claim_id']}",
                row["use"],
                *(of_claim.get((row["kind"], row["claim_id"]), {}).get(name) for name in CLAIM_COLUMNS),
                row["amount"],
                row["part"],
            )
            for row in trail.claims.iter_rows(named=True)
        ],
    )
    lines = trail.lines.partition_by("kind", "claim_id", as_dict=True, maintain_order=True)
    none: list[Mapping[str, Any]] = [{}]
    outcome.table(
        "Where they stand",
        ["claim", "what", "id", "allowed", "paid", "status", "source", "file", "lines", "fate"],
        [
            (
                f"{record['kind']} {record['asked_id']}",
                RELATIONS[record["relation"]],
                record["claim_id"],
                record["allowed_amount"],
                record["paid_amount"],
                record["paid_status"],
                record["source_id"],
                line.get("file", "no line is known"),
                spans(line.get("lines", [])),
                line.get("fate"),
            )
            for record in trail.records.iter_rows(named=True)
            for line in (
                lines[record["kind"], record["claim_id"]].to_dicts()
                if (record["kind"], record["claim_id"]) in lines
                else none
            )
        ],
    )


CLAIM_COLUMNS = ("claim_type", "start_date", "end_date", "allowed_amount", "paid_amount", "paid_status")


def spans(numbers: Iterable[int]) -> str:
    """Ascending line numbers as a person reads them: "12-14, 20"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ", ".join("-".join(str(end) for end in span) for span in found)


def _plain(value: Any) -> str | None:
    """A figure without the zeros behind it, a float to 6 digits; a text as it is."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.2f}"
    text = f"{value:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _facts_of_run(run: Run, measure: str) -> MeasureFacts:
    """The measure as the run applied it: the folder may have changed since."""
    facts = REPORT_FACTS.validate_json((run.folder / FACTS_FILE).read_bytes())
    return next(one for one in facts.measures if measure in (one.measure_id, one.module))


def _rule_text(facts: MeasureFacts, rule: str) -> str:
    """The first sentence of a rule of the method."""
    return markdown.first_sentence(markdown.rules(facts.method).get(rule, "See the method of the measure."))


def _credited(row: Mapping[str, Any]) -> str:
    """Why a person or stay is this provider's: the step of the rule, and what stood behind it."""
    services = wording.counted(row["visits"], *wording.CREDITED_BY.get(row["method"], ("service", "services")))
    return (
        f"{wording.attribution_step(row['method'], str(row['step']))}; {services}, share {row['share']:.1%},"
        f" last service {row['last_service_date']}, runner-up {row['runner_up_id'] or 'none'}"
    )
