"""Whether a health insurance issuer supplied claims for a majority of its covered lives, area by area (G15; 401.716(b)(1))."""

from typing import Final

from qe.errors import Reason
from qe.ledger.fold import Facts
from qe.release.artefact import Artefact, Recipient
from qe.release.rules.paragraph import Paragraph

MAJORITY: Final = Paragraph("G15", "42 CFR 401.716(b)(1)")
SUPPLIERS: Final = frozenset({"issuer", "business_associate", "state_database_on_behalf"})  # rules.md section 0.11


def issuer_supplied_majority(facts: Facts, artefact: Artefact, recipient: Recipient) -> Reason:
    """G15: in each area, over the whole period of the analysis, more than half of its lives; an issuer without lives gets none."""
    if not artefact.areas or artefact.covers is None:
        return MAJORITY.fails("the areas or the period of the analysis are not known")
    faults = [said for area in sorted(artefact.areas) if (said := _fault(facts, artefact, recipient, area))]
    if faults:
        return MAJORITY.fails("; ".join(faults))
    return MAJORITY.passes(f"the issuer supplied claims of a majority of its lives in {len(artefact.areas)} areas")


def _fault(facts: Facts, artefact: Artefact, recipient: Recipient, area: str) -> str | None:
    """What is lacking in one area, by the newest count that is on record for it, or None."""
    assert artefact.covers is not None
    first_day, last_day = artefact.covers
    counts = facts.of("issuer_coverage", party_id=recipient.party_id, area=area)
    covering = [one for one in counts if one.day("period_start") <= first_day and last_day <= one.day("period_end")]
    if not covering:
        return f"{area}: no count of covered lives for {first_day} to {last_day} is on record"
    newest = covering[-1]
    if newest.text("supplied_by") not in SUPPLIERS:
        return f"{area}: the claims did not come from the issuer, its business associate, or on its behalf"
    total, supplied = newest.count("total_lives"), newest.count("supplied_lives")
    if total == 0:
        return f"{area}: the issuer has no covered lives there"
    if not 2 * supplied > total:
        return f"{area}: claims of {supplied:,} of {total:,} lives are no majority"
    return None
