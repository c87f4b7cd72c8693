"""One analysis with all that letters and packages about it are made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts, state_as_of
from qe.providers import ProviderOrSupplier
from qe.release.analyses.define import staged_of
from qe.release.analyses.definition import Analysis, User, analysis_of, user_of
from qe.release.analyses.identified import mentioned
from qe.release.analyses.staging import StagedAnalysis
from qe.release.contacts import Contact, Contacts
from qe.release.lineage import RunLineage, lineage_of, narrowed, run_of
from qe.release.outgoing import Outgoing, put_out
from qe.release.releases import When, require_run_unchanged
from qe.release.reports_on_disk import units_of
from qe.release.sends import open_requests
from qe.reports.analysis_letters import AnalysisLetter, AnalysisLetterKind, render_analysis_letter
from qe.reports.letters import LetterRequest
from qe.runs import Run
from qe.runs import run_of as run_folder
from qe.site import Site


@dataclass(frozen=True, kw_only=True, eq=False)
class Matter:
    """An analysis on a day.

    lineage  of its run, narrowed down to its measures
    named    every unit of the run; units the same with all their identifiers
    """

    site: Site
    facts: Facts
    when: When
    analysis: Analysis
    user: User
    staged: StagedAnalysis
    run: Run
    lineage: RunLineage
    named: Mapping[str, ProviderOrSupplier]
    units: pl.DataFrame
    contacts: Contacts

    def as_of(self, facts: Facts) -> "Matter":
        """The same analysis by later facts."""
        return replace(self, facts=facts, analysis=analysis_of(facts, self.analysis.analysis_id))

    def put_out(self, ledger: Ledger, going: Sequence[Outgoing], *, actor: str) -> None:
        """Record the intents, then write the packages, or nothing (qe.release.outgoing)."""
        put_out(self.site, ledger, self.facts, going, at=self.when.at, actor=actor, instant=self.when.instant)

    def contact_of(self, unit_id: str) -> Contact | None:
        return self.contacts.usable(unit_id, None)

    def contact_of_user(self) -> Contact | None:
        """The user's own contact (a row of id_type PARTY), else that of the unit it is."""
        return next(
            (found for name in self.user.known_as if (found := self.contacts.usable(name, None)) is not None), None
        )

    def identified_in(self, files: Mapping[str, bytes], unit_id: str) -> frozenset[str]:
        """Whom files for one unit identify: itself, and whoever else stands in their texts but the user, who must be told."""
        besides = frozenset({unit_id, self.user.unit_id} - {""})
        return mentioned(files, self.units, besides=besides) | {unit_id}


def open_matter(site: Site, ledger: Ledger, *, analysis_id: str, contacts: Contacts, when: When) -> Matter:
    """The analysis as it stands; its staged bytes and its run's results are those that were recorded."""
    facts = state_as_of(ledger, when.on)
    analysis = analysis_of(facts, analysis_id)
    lineage = lineage_of(run_of(facts, analysis.run_id))
    run = run_folder(site, analysis.run_id)
    require_run_unchanged(run, lineage)
    return Matter(
        site=site,
        facts=facts,
        when=when,
        analysis=analysis,
        user=user_of(facts, analysis.party_id),
        staged=staged_of(site, analysis),
        run=run,
        lineage=narrowed(lineage, analysis.measures),
        named=units_of(run),
        units=pl.read_parquet(run.results / "unit.parquet"),
        contacts=contacts,
    )


def letter(
    matter: Matter,
    kind: AnalysisLetterKind,
    name: str,
    *,
    recipient: str,
    letter_id: str,
    written_on: date,
    release_on: date,
    opted_in_on: date | None = None,
    review_days: int | None = None,
    is_through_practice: bool = False,
    requests: tuple[LetterRequest, ...] = (),
    appealing: tuple[tuple[str, str], ...] = (),
) -> dict[str, bytes]:
    """A letter about the analysis: `name`.pdf, and `name`.txt with the same words."""
    entity = matter.site.settings.entity
    printed = render_analysis_letter(
        AnalysisLetter(
            kind=kind,
            organisation=entity.organisation,
            contact=entity.contact,
            rehearsal=matter.site.settings.site.rehearsal,
            analysis_id=matter.analysis.analysis_id,
            letter_id=letter_id,
            recipient=recipient,
            written_on=written_on,
            topic=matter.analysis.topic,
            measures=tuple(matter.staged.measures.values()),
            period_start=matter.analysis.period_start,
            period_end=matter.analysis.period_end,
            user=matter.user.name,
            release_on=release_on,
            opted_in_on=opted_in_on,
            review_days=review_days,
            is_through_practice=is_through_practice,
            requests=requests,
            appealing=appealing,
        )
    )
    return {f"{name}.pdf": printed.pdf, f"{name}.txt": printed.text}


def requests_of(facts: Facts, analysis_id: str, unit_id: str) -> tuple[LetterRequest, ...]:
    """The requests of one unit about the analysis, in order. A request about an analysis is recorded under its id as cycle."""
    outcomes = {event.text("request_id"): event.text("outcome") for event in facts.of("request_resolved")}
    return tuple(
        LetterRequest(
            request_id=event.text("request_id"),
            kind=event.text("kind"),
            category=event.text("category"),
            received_on=event.day("received_on"),
            outcome=outcomes.get(event.text("request_id")),
        )
        for event in facts.of("request_received", cycle=analysis_id, unit_id=unit_id)
    )


def open_requests_of(facts: Facts, analysis: Analysis) -> tuple[LedgerEvent, ...]:
    """The requests of those named that are not resolved."""
    return open_requests(facts, analysis.analysis_id)
