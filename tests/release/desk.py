"""A desk for non-public analyses in the small office: an employer as user, three providers named in a table of the run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl
import pyrage

from qe.disclosure.public import PublicMeasure
from qe.ledger.event import NewEvent
from qe.ledger.fold import Facts, state_as_of
from qe.periods import ReportingPeriod
from qe.providers import party_key
from qe.release import agreements
from qe.release.analyses import answers, define, disclosure, extracts, handover, notices
from qe.release.analyses.content import FromRun, analysis_content
from qe.release.analyses.definition import Asked, Rows, analysis_of, user_of
from qe.release.analyses.matter import Matter, open_matter
from qe.release.analyses.sends import What
from qe.release.analyses.staging import StagedAnalysis
from qe.release.analyses.status import AnalysisStatus, status_of
from qe.release.contacts import Contact, Contacts
from qe.release.handover import HandOver
from qe.release.lineage import lineage_of, narrowed, run_of
from qe.release.review import Clock
from qe.reports.facts import ReportFacts
from tests.release.conftest import EVIDENCE, RUN_ON, Office
from tests.reports.conftest import HWR, PDC

ANALYSIS, USER = "adherence-1", "acme"
NOTICED_ON = date(2026, 3, 2)  # a Monday; day 65 is Wednesday 6 May 2026, day 66 Thursday 7 May (rules.md section 1G)
RELEASE_ON = date(2026, 5, 7)
TERMS = "no_marketing no_harm no_fraud employer_use no_redisclosure no_linking notify cooperate binds_contractors"
A, B, C = "U000001", "U000002", "U000003"


def result(
    measure_id: str, level: str, unit_id: str, denominator: int, numerator: int, **changes: object
) -> dict[str, object]:
    rate = numerator / denominator
    row = {
        "measure_id": measure_id, "level": level, "provider_id": unit_id, "payer_scope": "all", "peer_group": "all",
        "period_start": date(2025, 1, 1), "period_end": date(2025, 12, 31), "denominator": Decimal(denominator),
        "numerator": Decimal(numerator), "observed": rate, "expected": None, "ratio": None, "ci_low": None,
        "ci_high": None, "achievable_benchmark": None, "category": "no_different", "publishable": True,
        "engine": "none",
    }  # fmt: skip
    return row | changes


RESULTS = [
    result("pdc_statins", "group", A, 200, 140),
    result("hwr", "facility", C, 400, 60),
]


def facts_of_run() -> ReportFacts:
    return ReportFacts(
        organisation="Example Quality",
        contact="desk@example.org",
        rehearsal=True,
        areas=("OH",),
        period=ReportingPeriod(label="2025Q4", start=date(2025, 10, 1), end=date(2025, 12, 31), run_out_days=90),
        cycle=ANALYSIS,
        run_id="a" * 16,
        software_version="0",
        data_through=date(2026, 3, 31),
        measures=(HWR, PDC),
        sources=(),
        inputs_sha256={},
        linkage=(),
        settings=(),
        model=(),
    )


def from_run(
    rows: Sequence[dict[str, object]], units: pl.DataFrame, solo: dict[str, frozenset[str]] | None = None
) -> FromRun:
    return FromRun(
        results=pl.DataFrame(list(rows), infer_schema_length=None),
        units=units,
        facts=facts_of_run(),
        measures=[
            PublicMeasure(measure_id=one, name=name, kind="proportion")
            for one, name in (("hwr", "Readmission"), ("pdc_statins", "Statins"))
        ],
        solo=solo or {},
        patients=None,
        min_count=11,
        confidence=0.95,
    )


@dataclass
class Desk:
    """Drives one analysis the way the commands do, on days that the test names."""

    office: Office
    secret: pyrage.x25519.Identity = field(default_factory=pyrage.x25519.Identity.generate)

    def open(self) -> "Desk":
        """The run, the rights, the user and its agreement."""
        self.office.run()
        for source_id in ("medicare", "plan_a"):
            self.office.record(
                "source_registered", RUN_ON, source_id=source_id, rights="measures;public;analyses",
                expires_on="2027-12-31",
            )  # fmt: skip
        self.office.record("user_authorised", RUN_ON, party_id=USER, kind="employer", name="Acme Works")
        self.sign()
        return self

    def sign(self, *, expires_on: date = date(2027, 2, 20), terms: str = TERMS) -> None:
        signed = agreements.Signed(
            agreement_id="agreement-1", kind="analyses", party_id=USER, terms=tuple(terms.split()), redisclosure=(),
            signed_on=RUN_ON, expires_on=expires_on, evidence_sha256=EVIDENCE,
        )  # fmt: skip
        agreements.add(
            self.office.ledger, self.facts(RUN_ON), signed, at=self.office.at(), actor="officer", dry_run=False
        )

    def facts(self, on: date) -> Facts:
        return state_as_of(self.office.ledger, on)

    def units(self) -> pl.DataFrame:
        return pl.read_parquet(self.office.site.runs / ("a" * 16) / "results" / "unit.parquet")

    def asked(self, *, rows: Rows = "units", units: frozenset[str] = frozenset(), topic: str = "Adherence") -> Asked:
        return Asked(
            analysis_id=ANALYSIS, kind="npa_deid", run_id="a" * 16, party_id=USER, topic=topic,
            purpose="health_insurance", measures=("hwr", "pdc_statins"), levels=(), areas=(), units=units, rows=rows,
            fee_dollars=500, release_on=RELEASE_ON,
        )  # fmt: skip

    def define(
        self, asked: Asked | None = None, *, on: date = NOTICED_ON, actor: str = "analyst", pdc_of_b: int = 50
    ) -> StagedAnalysis:
        asked, facts = asked or self.asked(), self.facts(on)
        user = user_of(facts, USER)
        define.require_definable(facts, asked, user)
        rows = [*RESULTS, result("pdc_statins", "group", B, 100, pdc_of_b)]
        staged = analysis_content(asked, user, from_run(rows, self.units()))
        define.define(
            self.office.site, self.office.ledger, facts, asked=asked, staged=staged, when=self.office.when(on),
            actor=actor, dry_run=False,
        )  # fmt: skip
        return staged

    def ready(self, *, pdc_of_b: int = 50) -> StagedAnalysis:
        """Defined, determined to be de-identified, and approved by a second person."""
        staged = self.define(pdc_of_b=pdc_of_b)
        self.office.ledger.append([_deid(staged.sha256)], at=self.office.at(), actor="officer")
        define.approve(
            self.office.site, self.office.ledger, self.facts(NOTICED_ON), analysis_id=ANALYSIS,
            when=self.office.when(NOTICED_ON), actor="officer", dry_run=False,
        )  # fmt: skip
        return staged

    def contacts(self, on: date) -> Contacts:
        known = dict(self.office.contacts(on).by_unit)
        key = party_key(USER)
        own = Contact(unit_id=key, channel="age", address=None, age_recipient=str(self.secret.to_public()), zone=None)
        return Contacts({**known, key: (own,)}, "America/Chicago")

    def matter(self, on: date) -> Matter:
        return open_matter(
            self.office.site,
            self.office.ledger,
            analysis_id=ANALYSIS,
            contacts=self.contacts(on),
            when=self.office.when(on),
        )

    def notify(self, on: date = NOTICED_ON, *, release_on: date = RELEASE_ON) -> notices.NoticePlan:
        planned = notices.plan_notices(self.matter(on), release_on=release_on)
        notices.send_notices(planned, self.office.ledger, actor="analyst")
        return planned

    def confirm(self, *units: str, on: date = NOTICED_ON, what: What = "notice", today: date | None = None) -> None:
        handover.confirm(
            self.office.ledger, self.facts(today or on), analysis_id=ANALYSIS, what=what, day_count="conservative",
            hand_overs=[HandOver(unit_id=unit, on=on, evidence_sha256=EVIDENCE) for unit in units or (A, B, C)],
            at=self.office.at(), actor="analyst", dry_run=False,
        )  # fmt: skip

    def returned(self, unit_id: str, *, on: date) -> None:
        handover.returned(
            self.office.ledger, self.facts(on), analysis_id=ANALYSIS, what="notice", unit_id=unit_id, why="returned",
            at=self.office.at(), actor="analyst", dry_run=False,
        )  # fmt: skip

    def opt_in(self, unit_id: str, *, on: date) -> answers.OptIn:
        facts = self.facts(on)
        analysis = analysis_of(facts, ANALYSIS)
        return answers.opt_in(
            self.office.ledger, facts, analysis=analysis, user=user_of(facts, USER), unit_id=unit_id, opted_in_on=on,
            lineage=narrowed(lineage_of(run_of(facts, analysis.run_id)), analysis.measures), day_count="conservative",
            evidence_sha256=EVIDENCE, at=self.office.at(), actor="analyst", dry_run=False,
        )  # fmt: skip

    def waive(self, unit_id: str, *, on: date) -> None:
        facts = self.facts(on)
        answers.waive(
            self.office.ledger, facts, analysis=analysis_of(facts, ANALYSIS), user=user_of(facts, USER),
            unit_id=unit_id, waived_on=on, evidence_sha256=EVIDENCE, at=self.office.at(), actor="analyst",
            dry_run=False,
        )  # fmt: skip

    def revoke(self, unit_id: str, *, on: date) -> None:
        facts = self.facts(on)
        answers.revoke(
            self.office.ledger, facts, analysis=analysis_of(facts, ANALYSIS), unit_id=unit_id, revoked_on=on,
            evidence_sha256=EVIDENCE, at=self.office.at(), actor="analyst", dry_run=False,
        )  # fmt: skip

    def send(self, on: date, *asking: str) -> extracts.ExtractPlan:
        planned = extracts.plan_extracts(self.matter(on), asking=frozenset(asking))
        extracts.send_extracts(planned, self.office.ledger, actor="analyst")
        return planned

    def plan(self, on: date) -> disclosure.ReleasePlan:
        return disclosure.plan_release(self.matter(on))

    def release(self, on: date) -> disclosure.Finals:
        return disclosure.release(self.plan(on), self.office.ledger, actor="officer")

    def status(self, on: date) -> AnalysisStatus:
        facts = self.facts(on)
        clock = Clock(at=self.office.when(on).instant, zone=self.office.site.settings.site.zone)
        return status_of(facts, analysis_of(facts, ANALYSIS), clock=clock)


def _deid(sha256: str) -> NewEvent:
    return NewEvent(
        kind="deid_recorded",
        effective_on=NOTICED_ON,
        payload={
            "artefact_sha256": sha256,
            "method": "safe_harbor",
            "determined_on": NOTICED_ON.isoformat(),
            "valid_until": "2027-12-31",
            "no_actual_knowledge": True,
        },
    )
