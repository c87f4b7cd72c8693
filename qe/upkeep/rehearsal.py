"""A rehearsal site: the facts that a real entity would hold from CMS and its payers, recorded so that the gate can be rehearsed."""

from datetime import date, datetime

from qe.measurement.catalogue import catalogue, chosen
from qe.release.lineage import MeasureAtLevel
from qe.release.rehearsal import record_rehearsal_facts
from qe.reports.render import template_sha256
from qe.site import CLAIMS_KINDS, Site

APPROVED_ON = date(2025, 1, 1)  # before the sample's measurement year; three years last beyond its release


def record_facts(site: Site, *, actor: str, at: datetime) -> int:
    """Record the approval, the data use agreement, each source's rights and each measure's approval; give their number."""
    names = [name for period in site.settings.periods.values() for name in period.measures]
    events = record_rehearsal_facts(
        site.open_ledger(),
        organisation=site.settings.entity.organisation,
        sources=[source_id for source_id, source in site.settings.sources.items() if source.kind in CLAIMS_KINDS],
        measures=[
            MeasureAtLevel(measure_id=measure.id, version=module.version, level=level)
            for module in chosen(catalogue(site.measure_folders), names)
            for measure in module.facts.measures
            for level in module.facts.attribution.levels
        ],
        template_sha256=template_sha256(),
        approved_on=APPROVED_ON,
        at=at,
        actor=actor,
    )
    return len(events)
