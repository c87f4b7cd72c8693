"""A small rehearsal site with one finished run: two groups and a hospital, their reports rendered for 2 March 2026."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pyrage
import pytest

from qe import store
from qe.disclosure.results import CellFinding, PublicRelease
from qe.ledger.book import Ledger
from qe.ledger.event import LedgerEvent, NewEvent, PayloadValue
from qe.ledger.fold import Facts, state_as_of
from qe.progress import Silent
from qe.release import handover, notice, plan, publish, releases, send
from qe.release.artefact import Decision
from qe.release.contacts import Channel, Contact, Contacts
from qe.release.letters import LetterFacts
from qe.release.lineage import LineageSource, MeasureAtLevel, RunLineage, record_run
from qe.release.rehearsal import record_rehearsal_facts
from qe.release.review import ReviewPeriod
from qe.release.staged import StagedRelease
from qe.reports.letters import LetterKind, PrintedLetter
from qe.runs import Run, file_sha256
from qe.site import Site, open_site
from tests.papers import small_pdf
from tests.public_rows import public_result

SENT_ON = date(2026, 3, 2)  # last request day 1 May 2026, public from 2 May 2026
RUN_ON = date(2026, 2, 20)
EVIDENCE = hashlib.sha256(b"courier receipt").hexdigest()
TEMPLATES = "7" * 64
UNITS = ("U000001", "U000002", "U000003")
LEVELS = {"U000001": "group", "U000002": "group", "U000003": "facility"}

SETTINGS = """
[site]
name = "rehearsal-site"
rehearsal = true
[entity]
organisation = "Example Quality"
contact = "desk@example.org"
areas = ["OH"]
[periods."2025Q4"]
end = 2025-12-31
run_out_days = 90
[sources.medicare]
kind = "ccw-rif"
path = "inbox/medicare"
payer_id = "CMS"
payer_type = "medicare"
start = 2024-01-01
end = 2025-12-31
[sources.plan_a]
kind = "apcd-cdl"
path = "inbox/plan_a"
payer_id = "A"
payer_type = "commercial"
start = 2024-01-01
end = 2025-12-31
[linkage]
passes = ["mbi"]
[peers]
by = ["area"]
min_peers = 10
[scoring]
fdr_q = 0.05
confidence = 0.95
achievable_share = 0.10
[disclosure]
hide_small_from_provider = false
"""


def letter(kind: LetterKind, letters: Sequence[LetterFacts]) -> list[PrintedLetter]:
    """Letters whose text is their facts: what `qe.reports` words and prints is tested there."""
    return [_letter_text(kind, facts) for facts in letters]


def _letter_text(kind: LetterKind, facts: LetterFacts) -> PrintedLetter:
    text = f"{kind}|{facts.cycle}|{facts.unit.unit_id}|{facts.public_on}|{len(facts.requests)}"
    return PrintedLetter(pdf=small_pdf(text), text=text.encode())


@dataclass
class Office:
    """Drives one site the way the commands do, on days that the test names."""

    site: Site
    ledger: Ledger
    secrets: Mapping[str, pyrage.x25519.Identity]
    findings: int = 0
    clock: int = 0

    def at(self) -> datetime:
        """A clock that moves a second at each act; the acts themselves are as of the days that are named."""
        self.clock += 1
        return datetime(2026, 2, 20, 12, tzinfo=UTC) + timedelta(seconds=self.clock)

    def when(self, on: date, *, instant: datetime | None = None) -> releases.When:
        at = self.at()
        when = releases.moment(self.site, on=on, at=at, is_as_of=True)
        return when if instant is None else releases.When(on=on, at=at, instant=instant)

    def run(self, run_id: str = "a" * 16, *, on: date = RUN_ON, reports: Sequence[str] = UNITS) -> Run:
        run = Run(run_id=run_id, folder=self.site.runs / run_id)
        run.start()
        pl.DataFrame({"run": [run_id]}).write_parquet(run.results / "measure_results.parquet")
        pl.DataFrame(
            {
                "unit_id": list(UNITS),
                "level": [LEVELS[unit_id] for unit_id in UNITS],
                "id_type": ["TIN", "TIN", "CCN"],
                "identifier": ["U000001", "U000002", "360001"],
                "name": ["Elm Group", "Oak Group", "Lake Hospital"],
                "role": ["supplier", "supplier", "provider"],
                "provider_type": [None, None, "short_term"],
                "specialty": [None, None, None],
                "zip5": ["43001"] * 3,
                "county_fips": ["39049"] * 3,
                "catchment_share": [None, None, 0.62],
            },
            schema_overrides={"specialty": pl.String},
        ).write_parquet(run.results / "unit.parquet")
        run.finish({"run_id": run_id})
        self.render(run, SENT_ON, cycle="2025Q4-1", units=reports)
        lineage = RunLineage(
            run_id=run_id,
            period="2025Q4",
            manifest_sha256=file_sha256(run.manifest_file),
            results_sha256=file_sha256(run.results / "measure_results.parquet"),
            sources=(
                LineageSource(source_id="medicare", payer_type="medicare"),
                LineageSource(source_id="plan_a", payer_type="commercial"),
            ),
            measures=(
                MeasureAtLevel(measure_id="hwr", version="1.0.0", level="facility"),
                MeasureAtLevel(measure_id="pdc_statins", version="1.0.0", level="group"),
            ),
            alternatives=frozenset(),
        )
        record_run(self.ledger, lineage, on=on, at=self.at(), actor="analyst")
        return run

    def render(self, run: Run, send_on: date, *, cycle: str, units: Sequence[str] = UNITS) -> None:
        folder = run.reports(send_on.isoformat())
        folder.mkdir(parents=True, exist_ok=True)
        review = ReviewPeriod(sent_on=send_on, zone="America/Chicago")
        entries = []
        methods = folder / "methods.pdf"
        methods.write_bytes(small_pdf(f"methods {run.run_id} {send_on}"))
        for unit_id in units:
            report_id, level = f"{cycle}-{unit_id}", LEVELS[unit_id]
            pdf, csv = folder / f"{level}-{report_id}.pdf", folder / f"{level}-{report_id}.csv"
            pdf.write_bytes(small_pdf(f"pdf {report_id} {run.run_id} {send_on}"))
            csv.write_bytes(f"csv {report_id} {run.run_id}".encode())
            entries.append(
                {
                    "unit_id": unit_id,
                    "level": level,
                    "report_id": report_id,
                    "pdf": pdf.name,
                    "csv": csv.name,
                    "pdf_sha256": file_sha256(pdf),
                    "csv_sha256": file_sha256(csv),
                    "methods": methods.name,
                    "methods_sha256": file_sha256(methods),
                    "sent_on": send_on.isoformat(),
                    "last_request_day": review.last_request_day.isoformat(),
                    "public_from": review.public_from.isoformat(),
                    "zone": review.zone,
                    "template_sha256": TEMPLATES,
                    "result_sha256": hashlib.sha256(f"{run.run_id} {unit_id}".encode()).hexdigest(),
                }
            )
        (folder / "reports.json").write_text(json.dumps(entries))

    def contacts(self, on: date) -> Contacts:
        """The address book, as it is read from its encrypted file in test_contacts.py."""
        zone = "America/Chicago"
        mail = Contact(unit_id="U000002", channel="mail", address="1 Oak Street", age_recipient=None, zone=zone)
        portal = Contact(unit_id="U000003", channel="portal", address="lake", age_recipient=None, zone=zone)
        key = str(self.secrets["U000001"].to_public())
        sealed = Contact(unit_id="U000001", channel="age", address=None, age_recipient=key, zone=zone)
        return Contacts({one.unit_id: (one,) for one in (sealed, mail, portal)})

    def plan_send(
        self, on: date = SENT_ON, *, cycle: str = "2025Q4-1", channel: Channel | None = None
    ) -> send.SendPlan:
        return send.plan_send(self.site, self.ledger, cycle=cycle, contacts=self.contacts(on), on=on, channel=channel)

    def send(self, on: date = SENT_ON, *, cycle: str = "2025Q4-1") -> send.SendPlan:
        planned = self.plan_send(on, cycle=cycle)
        send.send(planned, self.ledger, at=self.at(), on=on, actor="analyst", write_letter=letter, progress=Silent())
        return planned

    def confirm(self, *units: str, on: date = SENT_ON, today: date | None = None, cycle: str = "2025Q4-1") -> None:
        handed = [handover.HandOver(unit_id=unit, on=on, evidence_sha256=EVIDENCE) for unit in units or UNITS]
        handover.confirm(
            self.ledger,
            cycle=cycle,
            hand_overs=handed,
            today=today or on,
            at=self.at(),
            actor="analyst",
            dry_run=False,
        )

    def bounce(self, unit_id: str, *, today: date, page: handover.Page | None = None) -> None:
        handover.bounce(
            self.ledger,
            cycle="2025Q4-1",
            unit_id=unit_id,
            why="returned",
            page=page,
            today=today,
            at=self.at(),
            actor="analyst",
            dry_run=False,
        )

    def notice(self, on: date, *, only: str | None = None) -> notice.NoticePlan:
        planned = notice.plan_notices(
            self.site, self.ledger, cycle="2025Q4-1", contacts=self.contacts(on), on=on, only=only
        )
        notice.send_notices(
            planned,
            self.site,
            self.ledger,
            at=self.at(),
            on=on,
            actor="analyst",
            write_letter=letter,
            progress=Silent(),
        )
        return planned

    def ask(self, unit_id: str, request_id: str, *, on: date, category: str = "calculation") -> None:
        payload = {
            "cycle": "2025Q4-1",
            "unit_id": unit_id,
            "request_id": request_id,
            "kind": "correction",
            "category": category,
            "received_on": on.isoformat(),
        }
        self.record("request_received", on, **payload)

    def record(self, kind: str, on: date, /, **payload: PayloadValue) -> LedgerEvent:
        event = NewEvent(kind=kind, effective_on=on, payload=dict(payload))
        return self.ledger.append([event], at=self.at(), actor="officer")[0]

    def retract(self, event: LedgerEvent) -> None:
        taken_back = NewEvent(kind="fact_retracted", effective_on=RUN_ON, retracts=event.event_id)
        self.ledger.append([taken_back], at=self.at(), actor="officer")

    def build(
        self,
        *,
        run: Run,
        cycle: str,
        units: frozenset[str],
        published_on: date,
        posting: Sequence[tuple[str, str]],
        not_posted: Sequence[tuple[str, int]],
        withheld: frozenset[tuple[str, str]],
    ) -> tuple[PublicRelease, Mapping[str, bytes]]:
        """Public files that name their units, day and posting; real pages are tested in their own packages."""
        hidden = {unit_id for unit_id, measure_id in withheld if measure_id == "hwr"}
        rows = tuple(
            public_result(
                level="group" if LEVELS[unit_id] == "group" else "facility",
                public_id="360001" if unit_id == "U000003" else unit_id,
                rate=0.15,
                ci_low=0.1,
                ci_high=0.2,
                expected=0.16,
                ratio=0.94,
                benchmark=0.1,
                note_code="5" if unit_id in hidden else None,
            )
            for unit_id in sorted(units)
        )
        finding = CellFinding(measure_id="hwr", level="group", public_id="U000001", check="count")
        table = "\n".join(["public_id", *(row.public_id for row in rows)]).encode()
        files = {
            "data/results.csv": table,
            "site/index.html": f"{published_on} {cycle}".encode(),
            "site/open-requests.html": f"{sorted(posting)} {sorted(not_posted)}".encode(),
        }
        return PublicRelease(
            results=rows, findings=(finding,) * self.findings, cells_checked=len(rows), cells_hidden=0
        ), files

    def plan(self, on: date, *, cycle: str = "2025Q4-1") -> plan.ReleasePlan:
        return plan.plan(self.site, self.ledger, cycle=cycle, when=self.when(on), build=self.build, dry_run=False)

    def approve(self, on: date, *, actor: str = "officer") -> StagedRelease:
        staged, _ = plan.approve(
            self.site, self.ledger, cycle="2025Q4-1", when=self.when(on), actor=actor, dry_run=False
        )
        return staged

    def decide(self, on: date, *, instant: datetime | None = None) -> Decision:
        return publish.decide_go(self.site, self.ledger, cycle="2025Q4-1", when=self.when(on, instant=instant))[1]

    def go(self, on: date, *, instant: datetime | None = None) -> Path:
        when = self.when(on, instant=instant)
        staged, decision = publish.decide_go(self.site, self.ledger, cycle="2025Q4-1", when=when)
        return publish.go(self.site, self.ledger, staged=staged, decision=decision, when=when, actor="officer")

    def through_review(self) -> None:
        """Sent and handed over on 2 March, noticed on 20 April."""
        self.run()
        self.send()
        self.confirm()
        self.notice(date(2026, 4, 20))

    def facts(self, on: date) -> Facts:
        return state_as_of(self.ledger, on)

    def events(self, kind: str) -> list[LedgerEvent]:
        return self.facts(date(2027, 1, 1)).of(kind)


def noon_of(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


@pytest.fixture
def open_office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Office]:
    """An office over a new site; the text given replaces nothing or changes the settings."""

    def make(settings: str = SETTINGS) -> Office:
        monkeypatch.setenv("QE_KEY", store.new_key().hex_digits)
        monkeypatch.setenv("QE_VAULT_KEY", store.new_key().hex_digits)
        root = tmp_path / "site"
        root.mkdir()
        (root / "qe.toml").write_text(settings)
        site = open_site(root)
        secrets = {"U000001": pyrage.x25519.Identity.generate()}
        office = Office(site=site, ledger=Ledger(site.ledger, zone=site.settings.site.zone), secrets=secrets)
        record_rehearsal_facts(
            office.ledger,
            organisation="Example Quality",
            sources=["medicare", "plan_a"],
            measures=[
                MeasureAtLevel(measure_id="hwr", version="1.0.0", level="facility"),
                MeasureAtLevel(measure_id="pdc_statins", version="1.0.0", level="group"),
            ],
            template_sha256=TEMPLATES,
            approved_on=date(2025, 7, 1),
            at=office.at(),
            actor="officer",
        )
        return office

    return make


@pytest.fixture
def office(open_office: Callable[[], Office]) -> Office:
    return open_office()


@pytest.fixture
def settings_text() -> str:
    return SETTINGS
