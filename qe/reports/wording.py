"""How figures and verdicts are worded: one place, so that page, table, title and letter say the same."""

import math
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from qe.reports import linkage_words

Scale = Literal["percent", "ratio", "dollars", "number", "per_thousand"]

STATUS: Final = {
    "better": ("▲", "Better than peers"),
    "no_different": ("●", "Similar to peers"),
    "worse": ("▼", "Worse than peers"),
    "too_few": ("–", "Too few cases"),
}
TONE: Final = {"better": "better", "no_different": "same", "worse": "worse", "too_few": "small"}
UNITS: Final = {
    "person": "persons",
    "stay": "hospital stays",
    "ed_visit": "emergency visits",
    "fill": "fills",
    "service": "services",
    "episode": "episodes",
}
LEVELS: Final = {"facility": "Hospital or facility", "group": "Group", "clinician": "Clinician", "area": "Area"}
SCOPES: Final = {"all": "All payers", "medicare": "Medicare", "other": "Other payers"}
CATEGORIES: Final = {
    "inpatient": "Inpatient",
    "outpatient": "Outpatient facility",
    "professional": "Professional services",
    "post_acute": "Post-acute care",
    "pharmacy": "Pharmacy",
    "other": "Other services",
}
ATTRIBUTION: Final = {
    "index_facility": "A stay is credited to the hospital that discharged the person; of a chain of transfers, to the last.",
    "mssp_step": "A person is credited to the group that gave most of the person's primary care in the period, by allowed"
    " charges: first among primary care physicians, nurse practitioners and physician assistants, and only where there is"
    " none among specialists; then to the clinician of that group by the same rule. Of equals, the latest service decides.",
    "plurality_visits": "A person is credited to the clinician most responsible, by number of visits: a specialist with two or more"
    " visits and two more than anyone else, otherwise the primary care clinician with most visits; then to the group that billed"
    " most of these visits. Of equals, the latest visit decides.",
    "multiple": "A person is shared by all groups, and by all clinicians, who had at least 30 % of the person's visits, by their"
    " number; the shares of a person add up to one.",
    "episode": "An episode is credited to the hospital of the stay that opens it; among clinicians and groups it is shared by"
    " those who gave at least 30 % of the professional services in that stay, by their charges.",
    "prescriber": "A fill is credited to the clinician who prescribed it, and to the group that the clinician belonged to on the"
    " day of the fill, when the roster names exactly one.",
}
ATTRIBUTION_IN_SHORT: Final = {
    (
        "multiple",
        "retrospective",
    ): "To all groups and clinicians with a good part of the visits up to the period's end, in shares",
    (
        "multiple",
        "prospective",
    ): "To all groups and clinicians with a good part of the visits before the period, in shares",
    ("episode", "retrospective"): "To the hospital of the stay that opens the episode",
    ("episode", "prospective"): "To the hospital of the stay that opens the episode",
    ("index_facility", "retrospective"): "To the hospital that discharged the person",
    ("index_facility", "prospective"): "To the hospital that discharged the person",
    (
        "plurality_visits",
        "retrospective",
    ): "To the clinician seen most up to the period's end, and that clinician's group",
    ("plurality_visits", "prospective"): "To the clinician seen most before the period, and that clinician's group",
    ("mssp_step", "retrospective"): "To the group and clinician who gave most primary care up to the period's end",
    ("mssp_step", "prospective"): "To the group and clinician who gave most primary care before the period",
    ("prescriber", "retrospective"): "To the clinician who prescribed, and that clinician's group",
    ("prescriber", "prospective"): "To the clinician who prescribed, and that clinician's group",
}
ATTRIBUTION_STEPS: Final = {
    ("multiple", "1"): "had at least 30 % of the person's visits",
    ("episode", "1"): "the stay that opens the episode was at this hospital",
    ("episode", "2"): "gave at least 30 % of the professional services in the stay",
    ("index_facility", "1"): "discharged by this hospital",
    ("plurality_visits", "1"): "step 1: a specialist seen far more than anyone else",
    ("plurality_visits", "2"): "step 2: the primary care clinician seen most",
    ("mssp_step", "1"): "step 1: primary care by a physician, nurse practitioner or physician assistant",
    ("mssp_step", "2"): "step 2: primary care services by a specialist",
    ("prescriber", "1"): "prescribed by this clinician or a clinician of this group",
}
CREDITED_BY: Final = {
    "multiple": ("visit", "visits"),
    "episode": ("day with a service", "days with a service"),
    "index_facility": ("stay", "stays"),
    "mssp_step": ("visit", "visits"),
    "plurality_visits": ("visit", "visits"),
    "prescriber": ("fill", "fills"),
}

PER_THOUSAND: Final = " per 1,000"  # of what the denominator counts

UNVERIFIED: Final = "unverified:"
DEPARTURES: Final = {
    "population": "It counts other people or stays than the specification does.",
    "level": "Its results are about another level (hospital, group or clinician) than the specification was written for.",
    "population_not_all_payer": "People without insurance, and plans that do not submit claims, are not in it.",
    "risk_model": "Its risk model is its own, not that of the specification.",
    "ccs_map": "Diagnoses and procedures are grouped by a published map that may differ from the specification's.",
    "reference_rate": "Results are compared with the providers in this report, not with the nation.",
    "list_version": "Its code lists are of another year than the specification's.",
    "exclusion_list_7_missing": "Stays that care outside hospital cannot prevent count too: their list was not obtained.",
    "actual_prices": "Amounts are as allowed; differences of wages and of add-on payments are not taken out.",
    "outlier_rule": "Dear cases are cut at a percentile of all cases, not left out by the specification's rule.",
    "ratio_of_sums": "All observed are divided by all expected dollars; the specification takes the mean of each case's ratio.",
    "attribution_unverified": "Who is responsible for a person is found by a recalled rule.",
    "qp_exclusion_missing": "Clinicians in advanced payment models are measured too; the specification leaves them out.",
    "drug_list": "Drugs are found by the names of their ingredients, not by the specification's licensed list.",
    "data": "It is computed from claims, where the specification reads medical records.",
    "code_lists": "Codes of public code sets stand for the whole of the specification's lists.",
    "partial_lists": "Code lists that others license were not at hand: services that only they name are not seen.",
    "invented_lists": "Invented codes stand for code lists that others license: the figures show the way, and mean nothing.",
    "not_currently_used": "No programme of CMS is known to use the measure now.",
    "period": "The days measured, or the data before and after them, are not all that the specification asks for.",
}
PARAMETERS: Final = {
    "cancer_rule": "which stays for cancer are left out",
    "covid_exclusion": "whether COVID-19 stays are left out",
    "min_age": "the youngest age",
    "min_period_days": "the shortest treatment period in days",
    "coverage_rule": "whether a person must be covered throughout the period",
    "mspb_version": "whether a stay soon after another opens an episode of its own",
    "age_on": "the day on which age is taken",
    "gap_rule": "the longest gap in pharmacy enrolment in days",
    "ip_snf_adjust": "whether days in hospital or skilled nursing are taken out",
    "psa_age": "the youngest age of men at risk of a PSA test",
    "min_months": "the fewest months of cover",
    "youngest": "the youngest age",
    "oldest": "the oldest age",
    "older_from": "the age at which the older group begins",
    "sex": "whose screening is measured",
    "months_before": "the months of cover asked for before the period",
    "gap_months": "the most months of cover that may be missing",
    "cap_percentile": "the percentile at which a person's cost is cut off",
    "equivalents": "how many 30-day fills a short or a long fill is worth",
    "products": "which products are counted",
}

PAYERS: Final = {
    "medicare": "Medicare",
    "medicare_advantage": "Medicare Advantage",
    "commercial": "Commercial insurance",
    "medicaid": "Medicaid",
    "unknown": "Payer not recorded",
}

LINKED_BY: Final = "linked by "
LINKAGE: Final = {
    "persons": "Persons in the data of this report",
    "left to review": "Perhaps one person, left for somebody to look at",
    "second ids of one person": "Second identifiers of a person within one source",
}
SETTINGS: Final = {
    "attribution.tie": "Who is credited when two gave the same amount of care",
    "attribution.window_months": "Months of visits that decide whom a person is credited to",
    "disclosure.hide_small_from_provider": "Small numbers are hidden from the provider itself, too",
    "disclosure.min_count": "Smallest number of persons that becomes public",
    "entity.areas": "Areas",
    "entity.contact": "Contact",
    "entity.kind": "Kind of organisation",
    "entity.organisation": "Organisation",
    "linkage.passes": "Persons are linked across payers by, in turn",
    "linkage.to_review": "Left for somebody to look at when only this agrees",
    "peers.by": "Peers are alike in",
    "peers.min_peers": "Smallest peer group",
    "review.day_count": "First day on which results may be public",
    "review.request_zone": "Time zone of the last day to ask, where the recipient's is not known",
    "review.respond_within_days": "Days within which requests are answered",
    "scoring.accept_calibration": "Models accepted although they fit some patients less well",
    "scoring.minimum_catchment_share": "Part of a hospital's stays that our sources must see, where it is known",
    "scoring.bootstrap_draws": "Draws of providers behind an interval of a model with an effect of each provider",
    "scoring.achievable_share": "Share of all cases that the best peers of the achievable benchmark hold",
    "scoring.confidence": "Confidence of intervals",
    "scoring.fdr_q": "Share of false findings allowed among results that differ (FDR control)",
}
SETTINGS_BY_NAME: Final = {"measures": "Choices of the measure", "quality": "Check of the data"}
SETTING_VALUES: Final = {
    "attribution.tie": {"latest_service": "whoever gave the latest service"},
    "entity.kind": {"qualified": "qualified entity", "quasi": "quasi qualified entity"},
    "linkage.passes": linkage_words.PASSES,
    "linkage.to_review": linkage_words.PASSES,
    "peers.by": {"specialty": "specialty", "size_quartile": "quarter of size", "area": "area"},
    "review.day_count": {"conservative": "the day after day 60", "literal": "day 60"},
}

REQUEST_KINDS: Final = {
    "claims_data": "claims data",
    "beneficiary_names": "beneficiary names",
    "correction": "correction",
}
REQUEST_CATEGORIES: Final = {
    "data": "data behind a result",
    "not_our_patient": "not our patient",
    "service_not_counted": "service not counted",
    "missed_exclusion": "missed exclusion",
    "wrong_clinician_or_site": "wrong clinician or site",
    "wrong_peer_group": "wrong peer group",
    "risk_data": "risk data",
    "provider_details": "details of the provider",
    "calculation": "calculation",
    "other": "other",
}
REQUEST_OUTCOMES: Final = {
    "fulfilled": "fulfilled",
    "upheld": "upheld",
    "partly": "partly upheld",
    "denied": "denied",
    "referred_to_payer": "referred to the payer",
    "withdrawn": "withdrawn",
}
NOT_POSTED: Final = {
    "would_identify_person": "with its category it would identify a person",
    "endangers_provider": "it would put the provider or supplier in danger",
    "forbidden_by_law": "another law forbids it",
    "order": "an authority ordered it",
    "no_public_name": "the provider or supplier has no name that may be public",
}
WITHDRAWALS: Final = {
    "error_found": "an error was found",
    "cell_disclosed": "a figure was shown that should not be public",
    "request_upheld": "a request for correction was upheld",
    "rights_ended": "the right to publish the data has ended",
    "order": "an authority ordered it",
    "superseded": "it is published anew with more figures",
    "never_public": "its publication was stopped before anything was public",
}
NOT_APPLICABLE: Final = "–"


def day(value: date) -> str:
    """1 Sep 2026"""
    return f"{value.day} {value:%b %Y}"


def span(start: date, end: date) -> str:
    """January 2025 to December 2025"""
    return f"{start:%B %Y} to {end:%B %Y}"


def figure(value: float | None, scale: Scale) -> str:
    """A figure as readers see it: 88.2%, 1.07, $1,235, 10.4 per 1,000."""
    if value is None:
        return NOT_APPLICABLE
    match scale:
        case "percent":
            return f"{value * 100:.1f}%"
        case "ratio":
            return f"{value:.2f}"
        case "dollars":
            return f"${value:,.0f}"
        case "number":
            return f"{value:,.1f}"
        case "per_thousand":
            return f"{value * 1000:,.1f}{PER_THOUSAND}"


def catchment(share: float | None) -> str:
    """What part of a hospital's stays the sources see."""
    if share is None:
        return (
            "What part of your stays our sources see is not known: this run was given no count of all of them. "
            "What happened in the others is in no measure."
        )
    if share >= 1:
        return "Our sources see all of your stays that were counted."
    return f"Our sources see {math.floor(100 * share)}% of your stays. What happened in the others is in no measure."


def interval(low: float | None, high: float | None, scale: Scale) -> str:
    """83.1–92.0 (the sign of the scale stands with the figure)."""
    if low is None or high is None:
        return NOT_APPLICABLE
    bare_low, bare_high = (figure(end, scale).removesuffix("%").removesuffix(PER_THOUSAND) for end in (low, high))
    return f"{bare_low}–{bare_high}"


def count(value: Decimal | int | None) -> str:
    """1,184"""
    return NOT_APPLICABLE if value is None else f"{value:,.0f}"


def percentile(value: float | None) -> str:
    """37"""
    return NOT_APPLICABLE if value is None else f"{value:.0f}"


def tick(value: float, scale: Scale) -> str:
    """The label of an axis tick: 50%, 0.8, $900."""
    match scale:
        case "percent":
            return f"{value * 100:.6g}%"
        case "dollars":
            return f"${value:,.0f}"
        case "per_thousand":
            return f"{value * 1000:.6g}"
        case _:
            return f"{value:.6g}"


def counted(number: int, one: str, many: str) -> str:
    """1 visit, 2 visits, 1,184 visits."""
    return f"{number:,} {one if number == 1 else many}"


def plain(code: str) -> str:
    """A code that no table words (of a measure or setting of the site's own) as it can best be read: "drug list"."""
    return code.replace("_", " ")


def attribution_rule(method: str, otherwise: str) -> str:
    """The attribution rule in full; `otherwise` for a method that is not worded here."""
    return ATTRIBUTION.get(method, plain(otherwise))


def attribution_in_short(attribution: str) -> str:
    """The attribution of "mssp_step, retrospective" in a line."""
    method, _, timing = attribution.partition(", ")
    return ATTRIBUTION_IN_SHORT.get((method, timing), plain(attribution))


def attribution_step(method: str, step: str) -> str:
    return ATTRIBUTION_STEPS.get((method, step), f"step {step}")


def departures(codes: Iterable[str]) -> tuple[str, ...]:
    """How a measure departs from its specification, a sentence each; rules not yet checked share the last one."""
    known = tuple(codes)
    rules = [code.removeprefix(UNVERIFIED) for code in known if code.startswith(UNVERIFIED)]
    sentences = [_departure(code) for code in known if not code.startswith(UNVERIFIED)]
    if len(rules) == 1:
        sentences.append(f"Rule {rules[0]} has not yet been checked against the document that it follows.")
    elif rules:
        named = f"{', '.join(rules[:-1])} and {rules[-1]}"
        sentences.append(f"Rules {named} have not yet been checked against the documents that they follow.")
    return tuple(sentences)


def _departure(code: str) -> str:
    name, chosen, value = code.partition("=")
    if chosen:
        return f"Chosen otherwise than in the specification: {PARAMETERS.get(name, plain(name))}: {plain(value)}."
    return DEPARTURES.get(code, f"It departs from the specification in its {plain(code)}.")


def payer(code: str) -> str:
    return PAYERS.get(code, plain(code))


def request_kind(code: str) -> str:
    return REQUEST_KINDS.get(code, plain(code))


def request_category(code: str) -> str:
    return REQUEST_CATEGORIES.get(code, plain(code))


def request_outcome(code: str) -> str:
    return REQUEST_OUTCOMES.get(code, plain(code))


def not_posted(code: str) -> str:
    """Why a request is not posted, to follow "not posted: "."""
    return NOT_POSTED.get(code, plain(code))


def withdrawal(code: str) -> str:
    return WITHDRAWALS.get(code, plain(code))


def linkage(what: str) -> str:
    """A row of the linkage report: "linked by mbi" is "Linked by Medicare number"."""
    if what.startswith(LINKED_BY):
        method = what.removeprefix(LINKED_BY)
        return f"Linked by {linkage_words.PASSES.get(method, plain(method))}"
    return LINKAGE.get(what, plain(what).capitalize())


def setting(name: str, value: str) -> tuple[str, str]:
    """A setting and its value as a reader who never saw qe.toml understands them."""
    table, _, key = name.partition(".")
    named = f"{SETTINGS_BY_NAME[table]} {plain(key)}" if table in SETTINGS_BY_NAME else plain(name.replace(".", ": "))
    values = SETTING_VALUES.get(name)
    shown = value if values is None else "; ".join(values.get(one, plain(one)) for one in value.split(", "))
    return SETTINGS.get(name, named), shown
