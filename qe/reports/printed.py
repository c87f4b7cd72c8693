"""What of a report's figures is printed otherwise after a correction, and by how much the figures themselves changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from qe.disclosure.results import ConfidentialResult
from qe.reports.exhibits import PEER_HEADS
from qe.reports.facts import ReportFacts
from qe.reports.own_csv import CSV_COLUMNS, csv_rows
from qe.reports.views import exhibits_of

SCOPE_HEADS = ("cases", "excluded", "numerator", "expected", "rate", "ratio to expected", "95% interval")
OF_PEERS = frozenset(PEER_HEADS) - {"Risk-adjusted", "Differs after FDR control"}  # the group, and one's place in it
KEYS = ("measure_id", "level", "payer_scope")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One figure before and after; "" where it is not there. what: its payer and column, as printed or of the CSV."""

    measure_id: str
    what: str
    before: str
    after: str


def printed_changes(before: ConfidentialResult, after: ConfidentialResult, facts: ReportFacts) -> tuple[Change, ...]:
    """What the page prints otherwise, rounded as it rounds; in the order of the page."""
    return _changes(_printed(before, facts), _printed(after, facts))


def own_changes(
    before: ConfidentialResult, after: ConfidentialResult, *, facts: ReportFacts, new_facts: ReportFacts
) -> tuple[Change, ...]:
    """What two runs print otherwise of the unit's own figures and category; what its peers are is not its own."""
    return _changes(_own(_printed(before, facts)), _own(_printed(after, new_facts)))


def exact_changes(before: ConfidentialResult, after: ConfidentialResult) -> tuple[Change, ...]:
    """What the report's CSV says otherwise: figures to 12 digits."""
    return _changes(_exact(before), _exact(after))


def _changes(before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]) -> tuple[Change, ...]:
    return tuple(
        Change(measure_id=key[0], what=key[1], before=before.get(key, ""), after=after.get(key, ""))
        for key in dict.fromkeys([*before, *after])
        if before.get(key, "") != after.get(key, "")
    )


def _printed(result: ConfidentialResult, facts: ReportFacts) -> dict[tuple[str, str], str]:
    """By measure and what: the text on the page."""
    whole = {row.measure_id: row for row in result.results if row.payer_scope == "all"}
    shown = [measure for measure in facts.measures if measure.measure_id in whole]
    found = {("", "name"): result.provider.name}
    for measure, one in zip(shown, exhibits_of(result, shown, whole), strict=True):
        here = measure.measure_id
        for scope, *cells in one.scope_rows:
            found |= {(here, f"{scope}: {head}"): cell for head, cell in zip(SCOPE_HEADS, cells, strict=True)}
        found |= {(here, head): cell for head, cell in zip(one.peer_heads, one.peer_cells, strict=True)}
        found[here, "category"] = one.status
        found |= {(here, f"left out by {rule}"): count for rule, _, count in one.exclusions}
        found |= {(here, f"{row.label}: yours"): row.own for row in one.components}
    return found


def _own(printed: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    return {key: text for key, text in printed.items() if key[0] and key[1] not in OF_PEERS}


def _exact(result: ConfidentialResult) -> dict[tuple[str, str], str]:
    _, *rows = csv_rows(result)
    named = (dict(zip(CSV_COLUMNS, row, strict=True)) for row in rows)
    return {
        (row["measure_id"], f"{row['payer_scope']}: {column}"): cell
        for row in named
        for column, cell in row.items()
        if column not in KEYS
    }
