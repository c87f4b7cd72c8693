"""The fields of the Measure Information Workbook: what each is, which paragraph asks for it and where it is read from.

Each is read from the measure's folder, the site's settings or the ledger; nothing is filled in for the entity.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from qe.filings.consultation import Consultation
from qe.ledger.fold import Facts
from qe.measurement.facts import Measure, PublishedMeasure
from qe.measurement.measure import Module
from qe.release.routes import Route
from qe.reports import markdown, model_words, wording
from qe.site import Settings

RULE: Final = re.compile(r"R\d+")
SCORING: Final = re.compile(r"scoring|risk adjustment", re.I)
PRICES: Final = re.compile(r"\bprices?\b|\bpriced\b|\ballowed\b|standardi[sz]", re.I)
PROVIDERS: Final = {
    "clinician": "individual clinicians",
    "group": "medical groups",
    "facility": "hospitals and other facilities",
    "area": "geographic areas",
}


@dataclass(frozen=True, kw_only=True)
class Filing:
    """What every measure of one filing has in common. attested_by: the person who answers for methods, with the day."""

    on: date
    attested_by: str
    settings: Settings
    facts: Facts
    consultation: Consultation


@dataclass(frozen=True, kw_only=True)
class Filed:
    """One published measure with all that its fields are read from. routes: one a level."""

    module: Module
    measure: PublishedMeasure
    routes: tuple[Route, ...]
    filing: Filing

    @property
    def facts(self) -> Measure:
        return self.module.facts

    @property
    def is_alternative(self) -> bool:
        return any(route.kind == "alternative" for route in self.routes)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the workbook. read: its text, "" while it is blank; where: what to fill in then."""

    title: str
    citation: str
    where: str
    read: Callable[[Filed], str]


def _rationale(key: str) -> Callable[[Filed], str]:
    def read(filed: Filed) -> str:
        rationale = filed.facts.rationale
        reason = rationale.not_applicable_reason.strip()
        return getattr(rationale, key).strip() or (f"Not applicable: {reason}" if reason else "")

    return read


def _attested(what: str) -> Callable[[Filed], str]:
    return lambda filed: f"{what}: attested by {filed.filing.attested_by}, {wording.day(filed.filing.on)}"


def _description(filed: Filed) -> str:
    """The first paragraph of method.md."""
    found = (block for block in markdown.blocks(filed.module.method) if block.kind == "paragraph")
    return next((_text(block.rows[0][0]) for block in found), "")


def _text(spans: Sequence[markdown.Span]) -> str:
    return "".join(span.text for span in spans).strip()


def _rules(filed: Filed) -> str:
    """Every numbered rule in words: population, exclusions, numerator."""
    rows = [row for block in markdown.blocks(filed.module.method) for row in block.rows if row and row[0]]
    found = [" ".join(_text(cell) for cell in row if cell) for row in rows if RULE.fullmatch(row[0][0].text.strip())]
    return "\n".join(found)


def _departures(filed: Filed) -> str:
    deviations = dict.fromkeys(code for route in filed.routes for code in route.deviations)
    return " ".join(wording.departures(deviations)) or "None is known."


def _reported(filed: Filed) -> str:
    """Whether a release of the ledger has shown the measure, and since when."""
    runs = {event.text("run_id"): event.texts("measures") for event in filed.filing.facts.of("run_completed")}
    shown = [
        event.effective_on
        for event in filed.filing.facts.of("public_released")
        if any(code.split("@")[0] == filed.measure.id for code in runs.get(event.text("run_id"), ()))
    ]
    return f"yes, first on {wording.day(min(shown))}" if shown else "no"


def _validity(filed: Filed) -> str:
    publish, interval = filed.facts.publish, filed.facts.scoring.interval
    if not interval.strip():
        return ""
    confidence = f"{filed.filing.settings.scoring.confidence:.0%}"
    return (
        f"Shown from a denominator of {publish.min_denominator}: {publish.basis} Reliability at least {publish.min_reliability:g}. "
        f"Each result has a {confidence} interval ({wording.plain(interval)})."
    )


def _attribution(filed: Filed) -> str:
    method = filed.facts.attribution.method
    return f"{wording.attribution_rule(method, method).rstrip('.')} ({filed.facts.attribution.timing})."


def _risk_adjustment(filed: Filed) -> str:
    scoring = filed.facts.scoring
    if scoring.model == "none":
        return "no"
    covariates = ", ".join(scoring.covariates)
    return f"yes: {model_words.risk_adjustment(f'{scoring.model}: {covariates}')}"


def _why_adjusted(filed: Filed) -> str:
    """Why there is no risk adjustment, or what method.md says of it outside its rules."""
    if filed.facts.scoring.model == "none":
        return filed.facts.scoring.reason_if_none
    found, inside = [], False
    for block in markdown.blocks(filed.module.method):
        if block.kind == "heading":
            inside = bool(SCORING.search(_text(block.rows[0][0])))
        elif inside and block.kind == "paragraph":
            found.append(_text(block.rows[0][0]))
    return " ".join(found)


def _peers(filed: Filed) -> str:
    peers, areas = filed.filing.settings.peers, filed.filing.settings.entity.areas
    by = ", ".join(wording.plain(one) for one in peers.by)
    return (
        f"Providers of one level with enough cases, alike in {by}; a group of fewer than {peers.min_peers} is widened "
        f"until it holds them, in the end to all of the report. Geography: {', '.join(areas)}."
    )


def _benchmark(filed: Filed) -> str:
    share = f"{filed.filing.settings.scoring.achievable_share:.0%}"
    return (
        "The peers' lower quartile, median and upper quartile, and the achievable benchmark: the pooled result of the best "
        f"providers that together hold at least {share} of the denominator."
    )


def _ratings(filed: Filed) -> str:
    scoring = filed.filing.settings.scoring
    reference = "1.00, observed over expected" if filed.facts.scoring.model != "none" else "the peers' pooled result"
    return (
        f"Better or worse where the whole {scoring.confidence:.0%} interval lies on one side of the reference ({reference}), "
        f"else no different; too few below the least denominator. Beside it stands significance at a false discovery "
        f"rate of {scoring.fdr_q:g}."
    )


def _payment(filed: Filed) -> str:
    """What method.md says of prices, where amounts of money are compared."""
    if filed.facts.kind not in ("amount_ratio", "mean") and "resource use" not in filed.facts.classes:
        return "Not applicable: no amounts of money are compared."
    told = [_text(cell) for block in markdown.blocks(filed.module.method) for row in block.rows for cell in row]
    found = " ".join(text for text in told if PRICES.search(text))
    return found or ("" if filed.facts.kind == "amount_ratio" else "None: events are counted, not dollars.")


def _alternative(read: Callable[[Filed], str]) -> Callable[[Filed], str]:
    """A field that only an alternative measure has, and only until it is approved."""

    def answer(filed: Filed) -> str:
        if not filed.is_alternative:
            return "Not applicable: a standard measure."
        approved = {(route.approved_by, route.approved_on) for route in filed.routes}
        if all(on is not None for _, on in approved):
            said = ", ".join(sorted(f"{by} from {on}" for by, on in approved))
            return f"Not applicable: approved already ({said})."
        return read(filed).strip()

    return answer


A4: Final = "42 CFR 401.707(a)(4)"
A5: Final = "42 CFR 401.707(a)(5)"
B4: Final = "42 CFR 401.715(b)(4)"
FIELDS: Final = (
    Field(
        title="Standard or alternative",
        citation="42 CFR 401.707(a)(1)",
        where="[standard] of measure.toml",
        read=lambda filed: "alternative" if filed.is_alternative else f"standard ({filed.routes[0].citation})",
    ),
    Field(
        title="CBE (NQF) number",
        citation="42 CFR 401.715(a)(1)",
        where="cbe of measure.toml",
        read=lambda filed: filed.facts.cbe.strip() or "none",
    ),
    Field(
        title="Name",
        citation="42 CFR 401.707(a)(1)",
        where="name of [[measures]] of measure.toml",
        read=lambda filed: f"{filed.measure.name} ({filed.measure.id}, version {filed.module.version})",
    ),
    Field(
        title="Developer or owner",
        citation="42 CFR 401.707(a)(2)",
        where="steward of measure.toml",
        read=lambda filed: filed.facts.steward,
    ),
    Field(
        title="Description",
        citation="42 CFR 401.707(a)(3)",
        where="the first paragraph of method.md",
        read=_description,
    ),
    Field(
        title="Type of provider or supplier",
        citation=f"{A4}(ii)",
        where="[attribution] levels of measure.toml",
        read=lambda filed: ", ".join(PROVIDERS[level] for level in filed.facts.attribution.levels),
    ),
    Field(
        title="Measure type",
        citation=f"{A4}(ii)",
        where="measure_type of measure.toml",
        read=lambda filed: filed.facts.measure_type or "",
    ),
    Field(
        title="Category",
        citation=f"{A4}(ii)",
        where="category of [[measures]] of measure.toml",
        read=lambda filed: filed.measure.category,
    ),
    Field(
        title="Classification",
        citation=f"{A4}(ii)",
        where="classes of measure.toml",
        read=lambda filed: f"{', '.join(filed.facts.classes)}; {filed.facts.direction} is better",
    ),
    Field(title="Previously reported", citation="42 CFR 401.717(d)", where="the ledger", read=_reported),
    Field(
        title="Rationale for selection",
        citation=A4,
        where="[rationale] selection of measure.toml",
        read=_rationale("selection"),
    ),
    Field(
        title="Relation to existing efforts",
        citation=A4,
        where="[rationale] existing_efforts of measure.toml",
        read=_rationale("existing_efforts"),
    ),
    Field(
        title="Relevance to the area",
        citation=A4,
        where="[rationale] area_relevance of measure.toml",
        read=_rationale("area_relevance"),
    ),
    Field(
        title="Geographic area",
        citation=f"{A4}(i)",
        where="[entity] areas of qe.toml",
        read=lambda filed: ", ".join(filed.filing.settings.entity.areas),
    ),
    Field(
        title="Specification",
        citation="42 CFR 401.707(a)(3)",
        where="specification of measure.toml",
        read=lambda filed: filed.facts.specification,
    ),
    Field(
        title="Numerator, denominator and exclusions",
        citation="42 CFR 401.707(a)(3)",
        where="the numbered rules of method.md",
        read=_rules,
    ),
    Field(
        title="Departures from the specification",
        citation="42 CFR 401.715(a)(2)",
        where="[standard] deviations of measure.toml",
        read=_departures,
    ),
    Field(
        title="Statistical validity and least sample",
        citation=f"{A5}(ii)(B)",
        where="[scoring] interval of measure.toml",
        read=_validity,
    ),
    Field(title="Attribution", citation=f"{A5}(i)", where="[attribution] of measure.toml", read=_attribution),
    Field(title="Risk adjustment", citation=f"{A5}(iii)", where="[scoring] of measure.toml", read=_risk_adjustment),
    Field(
        title="Risk adjustment: rationale",
        citation=f"{A5}(iii)",
        where="a paragraph of method.md under its heading on scoring, or [scoring] reason_if_none",
        read=_why_adjusted,
    ),
    Field(
        title="Risk adjustment: attestation",
        citation=f"{A5}(iii)",
        where="--actor",
        read=_attested("Adjusted, or not, as described"),
    ),
    Field(
        title="Outliers: method and rationale",
        citation=f"{A5}(ii)(C)",
        where="[scoring] outliers of measure.toml",
        read=lambda filed: filed.facts.scoring.outliers,
    ),
    Field(
        title="Outliers: attestation",
        citation=f"{A5}(ii)(C)",
        where="--actor",
        read=_attested("Outliers are handled as described"),
    ),
    Field(title="Comparison group", citation=f"{A5}(ii)(A)", where="[peers] of qe.toml", read=_peers),
    Field(title="Benchmark", citation=f"{A5}(ii)", where="[scoring] of qe.toml", read=_benchmark),
    Field(title="Provider ratings", citation=f"{A5}(ii)", where="[scoring] of qe.toml", read=_ratings),
    Field(
        title="Payment standardisation",
        citation=f"{A5}(iv)",
        where="what method.md says of prices",
        read=_payment,
    ),
    Field(
        title="Alternative measure: notice to stakeholders",
        citation=f"{B4}(iv)",
        where="notice of the --consultation file",
        read=_alternative(lambda filed: filed.filing.consultation.notice),
    ),
    Field(
        title="Alternative measure: stakeholders",
        citation=f"{B4}(v)",
        where="stakeholders of the --consultation file: name and role, at least one of each class",
        read=_alternative(lambda filed: filed.filing.consultation.cross_section()),
    ),
    Field(
        title="Alternative measure: arguments for and against",
        citation=f"{B4}(vi)",
        where="supporting and opposing of the --consultation file",
        read=_alternative(lambda filed: filed.filing.consultation.arguments()),
    ),
    Field(
        title="Alternative measure: scientific evidence",
        citation=f"{B4}(vii)",
        where="[evidence] of the --consultation file, by module",
        read=_alternative(lambda filed: filed.filing.consultation.evidence.get(filed.module.id, "")),
    ),
)
