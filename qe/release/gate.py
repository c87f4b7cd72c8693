"""The gate: one list of named rules and one table that says which of them an artefact must pass to reach a recipient.

All rules are evaluated, also after a failure; an unknown fact fails; what no row of the table allows is refused.
Source: rules.md sections 0.8 and 2.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from qe.errors import Reason
from qe.ledger.book import Ledger
from qe.ledger.fold import Facts, state_as_of
from qe.regulation import CITATION
from qe.release import publicity, standing
from qe.release.artefact import Artefact, ArtefactKind, Decision, Recipient, RecipientKind
from qe.release.lineage import RunLineage
from qe.release.review import Clock, DayCount, start_of_day
from qe.release.rules import agreements, changes, content, coverage, naming, participation, recipients
from qe.release.standing import reason

DECISION_TABLE: Final = Path(__file__).with_name("decision_table.csv")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a rule may look at: the artefact, who would receive it, the facts of the day and the instant."""

    artefact: Artefact
    recipient: Recipient
    facts: Facts
    clock: Clock
    rehearsal: bool

    @property
    def lineage(self) -> RunLineage:
        """The artefact's lineage; an unknown one has no sources and no measures, which fails every rule about them."""
        return self.artefact.lineage or RunLineage(
            run_id="", period="", manifest_sha256="", results_sha256="", sources=(), measures=(), alternatives=None
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One named precondition."""

    rule: str
    title: str
    citation: str
    evaluate: Callable[[Question], Reason]


def _use_of(artefact: Artefact) -> str:
    """The right that a source must grant for this artefact (rights of source_registered)."""
    match artefact.kind:
        case ArtefactKind.PUBLIC_REPORT:
            return "public"
        case ArtefactKind.NPA_DEID | ArtefactKind.NPA_PATIENT_IDENTIFIABLE | ArtefactKind.NPA_EXTRACT:
            return "analyses"
        case ArtefactKind.DATA_DEID | ArtefactKind.DATA_PATIENT_IDENTIFIABLE:
            return "data"
        case _:
            return "measures"


RULES: Final = (
    Rule(
        rule="G1",
        title="entity approved or continuing",
        citation=CITATION["approval"],
        evaluate=lambda asked: standing.entity_approval(asked.facts),
    ),
    Rule(
        rule="G2",
        title="not terminated",
        citation=CITATION["termination"],
        evaluate=lambda asked: participation.not_ended(asked.facts),
    ),
    Rule(
        rule="G3",
        title="no hold after a decrease of claims data",
        citation=CITATION["decrease"],
        evaluate=lambda asked: participation.no_hold(asked.facts),
    ),
    Rule(
        rule="G4",
        title="data use agreement of the operating organisation with CMS",
        citation=CITATION["dua"],
        evaluate=lambda asked: standing.data_use_agreement(asked.facts, operator=asked.artefact.operator),
    ),
    Rule(
        rule="G5",
        title="measures approved at their version and level, alternative ones by 401.715(b)",
        citation="42 CFR 401.715",
        evaluate=lambda asked: standing.measure_approvals(asked.facts, asked.lineage, rehearsal=asked.rehearsal),
    ),
    Rule(
        rule="G6",
        title="30 days since a change was submitted; approved template, plan on record",
        citation=CITATION["change"],
        evaluate=lambda asked: changes.filed_in_time(asked.facts, asked.artefact, day_count=asked.clock.day_count),
    ),
    Rule(
        rule="G7",
        title="source rights for this use",
        citation=CITATION["rights"],
        evaluate=lambda asked: standing.source_rights(
            asked.facts,
            asked.lineage,
            use=_use_of(asked.artefact),
            medicare_only=asked.artefact.kind is ArtefactKind.PROVIDER_DATA_EXTRACT,
        ),
    ),
    Rule(
        rule="G8",
        title="combined data",
        citation=CITATION["combined"],
        evaluate=lambda asked: standing.combined_data(asked.artefact.kind, asked.lineage),
    ),
    Rule(
        rule="G9",
        title="recipient of an allowed kind, itself or on record",
        citation="42 CFR 401.703(j), 401.717",
        evaluate=lambda asked: recipients.recipient_allowed(asked.facts, asked.artefact, asked.recipient),
    ),
    Rule(
        rule="G10",
        title="60 days of each provider over; published as shown; an extract asked for in time",
        citation="42 CFR 401.717(a), (b), (d)",
        evaluate=lambda asked: publicity.review_over(asked.facts, asked.artefact, asked.recipient, asked.clock),
    ),
    Rule(
        rule="G11",
        title="open requests posted",
        citation=CITATION["posting"],
        evaluate=lambda asked: publicity.appeals_posted(asked.facts, asked.artefact),
    ),
    Rule(
        rule="G12",
        title="providers named only as allowed",
        citation="42 CFR 401.716(b)(4), 401.717(f)",
        evaluate=lambda asked: naming.named_as_allowed(asked.facts, asked.artefact, asked.recipient, asked.clock),
    ),
    Rule(
        rule="G13",
        title="terms of the QE data use agreement",
        citation="42 CFR 401.713(d)",
        evaluate=lambda asked: agreements.terms_of_qe_dua(asked.facts, asked.artefact, asked.recipient),
    ),
    Rule(
        rule="G14",
        title="terms of the non-public analyses agreement",
        citation="42 CFR 401.716(c)",
        evaluate=lambda asked: agreements.terms_of_analyses_agreement(asked.facts, asked.recipient),
    ),
    Rule(
        rule="G15",
        title="issuer supplied a majority of its covered lives",
        citation="42 CFR 401.716(b)(1)",
        evaluate=lambda asked: coverage.issuer_supplied_majority(asked.facts, asked.artefact, asked.recipient),
    ),
    Rule(
        rule="G16",
        title="patients of the recipient alone, row by row",
        citation="42 CFR 401.703(r), 401.716(b)(2), 401.717(c)",
        evaluate=lambda asked: content.patients_only(asked.artefact),
    ),
    Rule(
        rule="G17",
        title="de-identification on record",
        citation="45 CFR 164.514(b)",
        evaluate=lambda asked: content.de_identified(asked.facts, asked.artefact),
    ),
    Rule(
        rule="G18",
        title="cell check of exactly these bytes, approved by a second person",
        citation=CITATION["cell_size"],
        evaluate=lambda asked: publicity.small_cells_checked(asked.facts, asked.artefact, rehearsal=asked.rehearsal),
    ),
    Rule(
        rule="G19",
        title="fee on record; Medicare data alone at no cost",
        citation="42 CFR 401.718(a)",
        evaluate=lambda asked: agreements.fee_allowed(asked.facts, asked.artefact),
    ),
    Rule(
        rule="G20",
        title="no label that forbids it",
        citation="42 CFR 401.707(e), Parts 2 and 3",
        evaluate=lambda asked: standing.labels(asked.lineage),
    ),
    Rule(
        rule="G21",
        title="purpose allowed",
        citation="42 CFR 401.713(d)(1), 401.716(c)(1), (2)",
        evaluate=lambda asked: agreements.purpose_allowed(asked.facts, asked.artefact, asked.recipient),
    ),
    Rule(
        rule="G22",
        title="encrypted on its way",
        citation="42 CFR 401.713(a)",
        evaluate=lambda asked: content.encrypted_on_its_way(asked.artefact),
    ),
    Rule(
        rule="G23",
        title="rendered bytes hold no person's identifier",
        citation="45 CFR 164.514(b)",
        evaluate=lambda asked: content.searched_for_identifiers(asked.artefact),
    ),
    Rule(
        rule="G24",
        title="told the date and the status of requests",
        citation="42 CFR 401.717(a), (d)",
        evaluate=lambda asked: publicity.told_and_noticed(asked.facts, asked.artefact),
    ),
)


def rules_as_text() -> str:
    """The list of rules and the table as Markdown, for the reference and for `docs/`."""
    rules = [f"| {rule.rule} | {rule.title} | {rule.citation} |" for rule in RULES]
    rows = [
        f"| {artefact} | {recipient} | {' '.join(rule.rule for rule in RULES if rule.rule in required)} |"
        for (artefact, recipient), required in TABLE.items()
    ]
    return "\n".join(
        [
            "| rule | must hold | source |",
            "|---|---|---|",
            *rules,
            "",
            "| artefact | recipient | rules that must pass |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def read_decision_table(path: Path) -> Mapping[tuple[ArtefactKind, RecipientKind], frozenset[str]]:
    """Which rules each artefact must pass for each recipient. A kind without a row, or an unknown rule, stops qe."""
    known = {rule.rule for rule in RULES}
    table: dict[tuple[ArtefactKind, RecipientKind], frozenset[str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pair = (ArtefactKind(row["artefact"]), RecipientKind(row["recipient"]))
            rules = frozenset(row["rules"].split())
            if pair in table or not rules or not rules <= known:
                raise ValueError(
                    f"{path.name}: the row {row['artefact']}, {row['recipient']} is doubled or names no rule"
                )
            table[pair] = rules
    if without := sorted(set(ArtefactKind) - {artefact for artefact, _ in table}):
        raise ValueError(f"{path.name}: no row for {', '.join(without)}")
    return table


TABLE: Final = read_decision_table(DECISION_TABLE)


def may_disclose(
    artefact: Artefact,
    recipient: Recipient,
    *,
    on: date,
    ledger: Ledger | Facts,
    at: datetime | None = None,
    entity_zone: str | None = None,
    day_count: DayCount = "conservative",
    rehearsal: bool = False,
) -> Decision:
    """Whether `artefact` may go to `recipient` on the day `on`, with the verdict of every rule.

    ledger       the ledger, or its facts of that day
    at           the instant, where it matters that a day is over everywhere; default: the end of `on` for the entity
    entity_zone  default: the ledger's zone, else America/New_York
    day_count    how a waiting period is counted ([review] day_count)
    """
    facts = ledger if isinstance(ledger, Facts) else state_as_of(ledger, on)
    if facts.on != on:
        raise ValueError("the facts are those of another day")
    zone = entity_zone or (ledger.zone if isinstance(ledger, Ledger) else "America/New_York")
    question = Question(
        artefact=artefact,
        recipient=recipient,
        facts=facts,
        clock=Clock(at=at or start_of_day(on + timedelta(days=1), zone), zone=zone, day_count=day_count),
        rehearsal=rehearsal,
    )
    required = TABLE.get((artefact.kind, recipient.kind))
    reasons = tuple(_verdict(rule, question, required) for rule in RULES)
    return Decision(
        allowed=required is not None and not any(one.verdict == "fail" for one in reasons),
        reasons=reasons,
        artefact=artefact,
        recipient=recipient,
        on=on,
        head=facts.head,
    )


def _verdict(rule: Rule, question: Question, required: frozenset[str] | None) -> Reason:
    if required is None and rule.rule == "G9":
        said = f"no row of the decision table lets a {question.artefact.kind} go to {question.recipient.kind}"
        return recipients.ALLOWED.on(question.artefact.kind).fails(said)
    if required is None or rule.rule not in required:
        return reason(rule.rule, rule.citation, "not_applicable", rule.title)
    return rule.evaluate(question)
