"""A row of the decision table as a scene: its facts told as events, the artefact, the recipient and the moment.

The vocabulary, with the baseline of every fact, is tests/rules/decision_rows/facts.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from qe.release.artefact import Artefact, ArtefactKind, Decision, Persons, Recipient, RecipientKind
from qe.release.gate import may_disclose
from qe.release.lineage import LineageSource, lineage_of
from tests.rules.story import BUNDLE, SHOWN, Story

A, B, C = "U000001", "U000002", "U000003"
CYCLE, ANALYSIS, USER = "2025Q4-1", "analysis-1", "user-1"
OTHER_BYTES = "e" * 64
APPROVED_LAYOUT, OTHER_LAYOUT = "7" * 64, "8" * 64
ENTITY = "Example Quality"
ZONE = "America/New_York"
FACTS: Final = Path(__file__).with_name("decision_rows") / "facts.md"
QE_DUA = "permitted_uses no_other_use no_marketing safeguards survival no_redisclosure no_linking notify cooperate"
AGREEMENT = "no_marketing no_harm no_fraud employer_use no_redisclosure no_linking notify cooperate"
USERS: Final = {
    ArtefactKind.NPA_DEID,
    ArtefactKind.NPA_PATIENT_IDENTIFIABLE,
    ArtefactKind.DATA_DEID,
    ArtefactKind.DATA_PATIENT_IDENTIFIABLE,
}
PERSONS: Final = {
    ArtefactKind.NPA_PATIENT_IDENTIFIABLE,
    ArtefactKind.DATA_PATIENT_IDENTIFIABLE,
    ArtefactKind.PROVIDER_DATA_EXTRACT,
}
BASELINE: Final[Mapping[str, str]] = {
    # standing
    "approved_on": "2025-01-15", "renewal_submitted_on": "none", "renewal_decision": "none",
    "renewal_decided_on": "none", "terminated_on": "none", "exit_on": "none", "decrease_on": "none",
    "decrease_outcome": "none", "decrease_outcome_on": "none", "dua_expires_on": "2027-12-31", "dua_ended_on": "none",
    "dua_party": "own", "change_on": "none", "change_what": "none", "change_decision": "none",
    "change_decided_on": "none", "change_extended_on": "none", "template": "approved", "plan_on_record": "yes",
    "measure_route": "standard", "measure_ran_as": "standard", "measure_approved_on": "2025-01-15",
    "measure_approved_version": "1.0.0", "measure_approved_level": "facility", "measure_disapproved_on": "none",
    "sources": "medicare+commercial", "lacking_right": "none", "rights_expire_on": "2027-12-31",
    "source_ended_on": "none", "label": "none",
    # bytes
    "channel": "age", "scan": "clean", "persons": "0", "without_visit": "0", "outside_lineage": "0",
    "cell_check": "passed", "approved_by": "officer", "peers": "10", "deid": "safe_harbor", "deid_of": "same",
    "deid_until": "2027-12-31",
    # the recipient itself
    "about": "self", "requester": "verified", "terms_accepted": "yes", "request": "open",
    # public
    "sent_on": "2026-05-01", "b_sent_on": "", "confirmed": "yes", "b_confirmed": "", "returned_on": "none",
    "b_returned_on": "", "zone": ZONE, "b_zone": "", "asked_at": "", "told_on": "2026-06-15", "b_told_on": "",
    "told_public_on": "2026-07-01", "shown": "same", "b_shown": "", "request_on": "none", "request_state": "open",
    "posted": "yes",
    # authorized users
    "user": "recorded", "nonprofit": "yes", "majority": "yes", "executive": "yes", "scope": "state",
    "qe_dua": "signed", "analyses_agreement": "signed", "qe_dua_expires_on": "2027-12-31",
    "agreement_expires_on": "2027-12-31", "qe_dua_ended_on": "none", "agreement_ended_on": "none",
    "qe_dua_lacks": "none", "agreement_lacks": "none", "redisclosure": "none", "agreement_redisclosure": "none",
    "purpose": "quality_improvement", "fee": "0",
    # naming
    "names": "nobody", "a_noticed_on": "none", "b_noticed_on": "none", "c_noticed_on": "none",
    "release_told": "2026-07-01", "notice_user": "same", "notice_measures": "all", "b_notice_returned_on": "none",
    "b_opted_in_on": "none", "b_extract_on": "none", "a_waived_on": "none", "b_waived_on": "none",
    "c_waived_on": "none", "b_waiver_revoked_on": "none", "requests_told": "yes",
    # issuers
    "lives_total": "1000", "lives_supplied": "700", "lives_from": "2025-01-01", "lives_to": "2025-12-31",
    "lives_area": "NY", "lives_method": "actual_count", "supplied_by": "issuer", "areas": "NY",
    # others
    "qsoa": "signed", "contractor_dua": "yes", "appeal_posting": "yes",
}  # fmt: skip


def words(facts: str) -> dict[str, str]:
    """The facts that a row changes: `name=value; name=value`."""
    changed = dict(part.strip().split("=", 1) for part in facts.split(";") if part.strip())
    if unknown := sorted(changed.keys() - BASELINE.keys()):
        raise ValueError(f"no such facts: {', '.join(unknown)}")
    return changed


@dataclass
class Scene:
    """One row: what its facts make of the ledger, the artefact and the recipient."""

    artefact: ArtefactKind
    recipient: RecipientKind
    on: date
    changed: Mapping[str, str]
    story: Story = field(default_factory=Story)

    def decide(self) -> Decision:
        self.story.rehearsal = False
        for tell in (
            self._standing, self._changes, self._measures, self._run, self._review, self._user, self._analysis,
            self._bytes,
        ):  # fmt: skip
            tell()
        self.story.recorded_on_their_days()
        asked_at = self.get("asked_at")
        return may_disclose(
            self._artefact(),
            self._recipient(),
            on=self.on,
            ledger=self.story.facts(self.on),
            at=datetime.fromisoformat(asked_at.replace("Z", "+00:00")).astimezone(UTC) if asked_at else None,
            entity_zone=ZONE,
        )

    def get(self, name: str) -> str:
        if name in self.changed:
            return self.changed[name]
        if name == "persons" and self.artefact in PERSONS:
            return "40"
        if name == "purpose" and self.recipient is RecipientKind.EMPLOYER:
            return "health_insurance"
        if name.startswith("b_") and BASELINE[name] == "":
            return self.get(name.removeprefix("b_"))  # both the same unless the row says otherwise
        return BASELINE[name]

    def day(self, name: str) -> date | None:
        text = self.get(name)
        return None if text in ("none", "unknown", "") else date.fromisoformat(text)

    def tell(self, kind: str, on: date | None, /, *, actor: str = "officer", **payload: Any) -> str:
        assert on is not None
        return self.story.tell(kind, on, actor=actor, **payload).event_id

    def _standing(self) -> None:
        if approved := self.day("approved_on"):
            self.tell("entity_approved", approved, approved_on=approved.isoformat())
        if submitted := self.day("renewal_submitted_on"):
            self.tell("entity_applied", submitted, route="renewal", submitted_on=submitted.isoformat())
        if decided := self.day("renewal_decided_on"):
            decision = self.get("renewal_decision")
            self.tell("cms_decision", decided, about="renewal", decision=decision, decided_on=decided.isoformat())
            if decision == "approved":
                self.tell("entity_approved", decided, approved_on=decided.isoformat())
        for name, kind in (("terminated_on", "termination_notified"), ("exit_on", "voluntary_exit")):
            if ended := self.day(name):
                self.tell(kind, ended, notified_on=ended.isoformat())
        if expires := self.day("dua_expires_on"):
            party = ENTITY if self.get("dua_party") == "own" else "Another Organisation"
            self.tell("dua_signed", date(2025, 1, 15), party=party, dua_no="D-1", expires_on=expires.isoformat())
        if ended := self.day("dua_ended_on"):
            self.tell("dua_ended", ended, dua_no="D-1")
        if self.get("contractor_dua") == "yes":
            until = "2027-12-31"
            self.tell("dua_signed", date(2025, 1, 15), party="Contractor", dua_no="D-2", expires_on=until)
        if self.get("qsoa") == "signed":
            self.tell(
                "part2_qsoa", date(2025, 1, 15), program="program-1", signed_on="2025-01-15",
                bound_by_part2=True, resists_in_court=True, services="data_processing", agents=["agent-1"],
            )  # fmt: skip
        if decrease := self.day("decrease_on"):
            self.tell(
                "decrease_detected", decrease, decrease_id="d-1", source_id="plan_a", detected_on=decrease.isoformat()
            )
        outcome, settled = self.get("decrease_outcome"), self.day("decrease_outcome_on")
        if outcome == "not_a_decrease":
            self.tell("decrease_classified", settled, decrease_id="d-1", reason="run_out")
        elif outcome != "none":
            assert settled is not None
            self.tell(
                "cms_sufficiency_decision", settled, decrease_id="d-1", decision=outcome, decided_on=settled.isoformat()
            )

    def _changes(self) -> None:
        if self.get("plan_on_record") == "yes":
            self.tell("plan_approved", date(2025, 1, 15), approved_on="2025-01-15")
        self.tell("prototype_approved", date(2025, 1, 15), template_sha256=APPROVED_LAYOUT, approved_on="2025-01-15")
        if self.get("template") == "classified":
            self.tell(
                "template_change_classified", date(2026, 1, 15), template_sha256=OTHER_LAYOUT, reason="a wider margin"
            )
        if submitted := self.day("change_on"):
            what = self.get("change_what")
            self.tell("change_submitted", submitted, change_id="c-1", what=what, submitted_on=submitted.isoformat())
        if extended := self.day("change_extended_on"):
            self.tell("cms_extension_requested", extended, change_id="c-1", requested_on=extended.isoformat())
        if decided := self.day("change_decided_on"):
            self.tell(
                "cms_decision", decided, about="change", decision=self.get("change_decision"),
                decided_on=decided.isoformat(), change_id="c-1",
            )  # fmt: skip

    def _measures(self) -> None:
        if (route := self.get("measure_route")) != "none":
            approved = self.day("measure_approved_on")
            assert approved is not None
            self.tell(
                "measure_approved", min(approved, self.on), measure_id="hwr",
                version=self.get("measure_approved_version"), level=self.get("measure_approved_level"), route=route,
                approved_on=approved.isoformat(),
            )  # fmt: skip
        if stopped := self.day("measure_disapproved_on"):
            self.tell("measure_disapproved", stopped, measure_id="hwr", version="1.0.0", level="facility")

    def _run(self) -> None:
        lacking = self.get("lacking_right")
        for source_id, expires in (("medicare", "2099-12-31"), ("plan_a", self.get("rights_expire_on"))):
            own = (
                lacking.removeprefix("medicare:")
                if lacking.startswith("medicare:") == (source_id == "medicare")
                else ""
            )
            rights = [right for right in ("measures", "public", "analyses", "data") if right != own]
            self.tell(
                "source_registered", date(2025, 1, 15), source_id=source_id, rights=";".join(rights), expires_on=expires
            )
        if ended := self.day("source_ended_on"):
            self.tell("source_ended", ended, source_id="plan_a")
        label = "" if self.get("label") == "none" else f"+{self.get('label')}"
        sources = {
            "medicare+commercial": ["medicare:medicare", f"plan_a:commercial{label}"],
            "medicare": ["medicare:medicare"],
            "commercial": [f"plan_a:commercial{label}"],
            "unknown": ["medicare:medicare"],
        }[self.get("sources")]
        self.tell(
            "run_completed", date(2026, 4, 15), actor="analyst", run_id="run1", period="2025Q4",
            manifest_sha256="4" * 64, results_sha256="5" * 64, sources=sources, measures=["hwr@1.0.0@facility"],
            alternatives=["hwr@1.0.0@facility"] if self.get("measure_ran_as") == "alternative" else [],
        )  # fmt: skip

    def _review(self) -> None:
        for unit_id, prefix in ((A, ""), (B, "b_")):
            if sent := self.day(f"{prefix}sent_on"):
                self._send(unit_id, prefix, sent)
        match self.artefact:
            case ArtefactKind.PROVIDER_DATA_EXTRACT if self.get("request") != "none":
                received = date(2026, 7, 1) if self.get("request") == "late" else date(2026, 6, 1)
                self._ask(A, received, "claims_data", resolved=self.get("request") == "resolved")
            case ArtefactKind.PUBLIC_REPORT if asked := self.day("request_on"):
                self._ask(A, asked, "correction", resolved=self.get("request_state") == "resolved")
            case ArtefactKind.APPEALS_POSTING:
                self._ask(A, date(2026, 6, 1), "correction", resolved=False)
        for unit_id, prefix in ((A, ""), (B, "b_")):
            if told := self.day(f"{prefix}told_on"):
                self.tell(
                    "status_notice_sent", told, cycle=CYCLE, unit_id=unit_id, public_on=self.get("told_public_on"),
                    open_requests=0, letter_sha256="3" * 64,
                )  # fmt: skip
        if self.get("requester") == "verified":
            self.tell("requester_verified", date(2026, 6, 1), unit_id=A, how="called_back")
        if self.get("terms_accepted") == "yes":
            self.tell("extract_terms_signed", date(2026, 6, 1), unit_id=A, signed_on="2026-06-01")

    def _send(self, unit_id: str, prefix: str, sent_on: date) -> None:
        event_id = self.tell(
            "report_sent", sent_on, actor="analyst", cycle=CYCLE, run_id="run1", unit_id=unit_id, level="facility",
            report_id=f"{CYCLE}-{unit_id}", channel="mail", pdf_sha256="1" * 64, csv_sha256="2" * 64,
            result_sha256=SHOWN, sent_on=sent_on.isoformat(),
            last_request_day=(sent_on + timedelta(days=60)).isoformat(),
            public_from=(sent_on + timedelta(days=61)).isoformat(), zone=self.get(f"{prefix}zone"),
            day_count="conservative",
        )  # fmt: skip
        if self.get(f"{prefix}confirmed") == "yes":
            self.tell(
                "send_confirmed", sent_on, actor="analyst", cycle=CYCLE, run_id="run1", unit_id=unit_id, sent=event_id,
                handed_over_on=sent_on.isoformat(),
            )  # fmt: skip
        if returned := self.day(f"{prefix}returned_on"):
            self.tell("delivery_failed", returned, cycle=CYCLE, unit_id=unit_id, sent=event_id, reason="returned")

    def _ask(self, unit_id: str, on: date, kind: str, *, resolved: bool, cycle: str = CYCLE) -> None:
        category = "data" if kind == "claims_data" else "calculation"
        self.tell(
            "request_received", on, cycle=cycle, unit_id=unit_id, request_id="r-1", kind=kind, category=category,
            received_on=on.isoformat(),
        )  # fmt: skip
        if resolved:
            self.tell("request_resolved", on, request_id="r-1", outcome="denied")

    def _user(self) -> None:
        if self.artefact not in USERS:
            return
        kind = str(self.recipient)
        if self.get("user") == "other_kind":
            kind = "employer" if self.recipient is not RecipientKind.EMPLOYER else "issuer"
        if self.get("user") != "none" and kind in {str(one) for one in RECORDABLE}:
            flags: dict[str, Any] = {name: self.get(name) == "yes" for name in ("nonprofit", "majority", "executive")}
            self.tell(
                "user_authorised", date(2026, 1, 15), party_id=USER, kind=kind, name="The User",
                scope=self.get("scope"), **flags,
            )  # fmt: skip
        if self.get("user") == "revoked":
            self.tell("user_revoked", date(2026, 2, 1), party_id=USER, reason="ended")
        self._agree("qe_dua", f"{QE_DUA} binds_contractors", "qe_dua", "qe_dua", "redisclosure")
        self._agree(
            "analyses", f"{AGREEMENT} binds_contractors", "agreement", "analyses_agreement", "agreement_redisclosure"
        )
        if self.get("lives_total") != "unknown" and self.get("lives_supplied") != "unknown":
            self._issuer()

    def _agree(self, kind: str, terms: str, prefix: str, signed: str, redisclosure: str) -> None:
        if self.get(signed) != "signed":
            return
        kept = [term for term in terms.split() if term != self.get(f"{prefix}_lacks")]
        options = {} if self.get(redisclosure) == "none" else {"redisclosure": self.get(redisclosure)}
        self.tell(
            "agreement_signed", date(2026, 1, 15), agreement_id=f"{prefix}-1", kind=kind, party_id=USER,
            terms=";".join(kept), signed_on="2026-01-15", expires_on=self.get(f"{prefix}_expires_on"), **options,
        )  # fmt: skip
        if ended := self.day(f"{prefix}_ended_on"):
            self.tell("agreement_ended", ended, agreement_id=f"{prefix}-1", reason="ended")

    def _issuer(self) -> None:
        if self.get("lives_method") == "other":
            return  # no such method can be recorded
        self.tell(
            "issuer_coverage", date(2026, 1, 15), party_id=USER, area=self.get("lives_area"),
            period_start=self.get("lives_from"), period_end=self.get("lives_to"), method=self.get("lives_method"),
            total_lives=int(self.get("lives_total")), supplied_lives=int(self.get("lives_supplied")),
            supplied_by=self.get("supplied_by"),
        )  # fmt: skip

    def _analysis(self) -> None:
        if self.artefact not in USERS:
            return
        self._define()
        for unit_id, prefix in ((A, "a"), (B, "b"), (C, "c")):
            if noticed := self.day(f"{prefix}_noticed_on"):
                self._notice(unit_id, noticed)
            if waived := self.day(f"{prefix}_waived_on"):
                self.tell(
                    "waiver_received", waived, analysis_id=ANALYSIS, unit_id=unit_id, party_id=USER,
                    waived_on=waived.isoformat(),
                )  # fmt: skip
        if revoked := self.day("b_waiver_revoked_on"):
            self.tell("waiver_revoked", revoked, analysis_id=ANALYSIS, unit_id=B, revoked_on=revoked.isoformat())
        if opted := self.day("b_opted_in_on"):
            self.tell("optin_received", opted, analysis_id=ANALYSIS, unit_id=B, opted_in_on=opted.isoformat())
        if extract := self.day("b_extract_on"):
            sent = self.tell(
                "npa_extract_sent", extract, analysis_id=ANALYSIS, unit_id=B, channel="mail",
                extract_sha256="6" * 64, result_sha256=SHOWN,
            )  # fmt: skip
            self._hand_over(B, sent, extract)
        if self.get("requests_told") == "no":
            self._ask(B, date(2026, 5, 1), "correction", resolved=False, cycle=ANALYSIS)

    def _define(self) -> None:
        known: dict[str, Any] = {}
        if self.get("purpose") != "none":
            known["purpose"] = self.get("purpose")
        if self.get("fee") != "unknown":
            known["fee_dollars"] = int(self.get("fee"))
        self.tell(
            "npa_defined", date(2026, 1, 15), analysis_id=ANALYSIS, kind=str(self.artefact), run_id="run1",
            party_id=USER, topic="readmissions", measures=["hwr"], areas=sorted(self._areas()),
            period_start="2025-01-01", period_end="2025-12-31", **known,
        )  # fmt: skip

    def _notice(self, unit_id: str, noticed: date) -> None:
        sent = self.tell(
            "npa_notice_sent", noticed, analysis_id=ANALYSIS, unit_id=unit_id,
            party_id=USER if self.get("notice_user") == "same" else "user-2",
            measures=["hwr"] if self.get("notice_measures") == "all" else ["pdc_statins"],
            release_on=self.get("release_told"), channel="mail", letter_sha256="6" * 64, zone=ZONE,
        )  # fmt: skip
        self._hand_over(unit_id, sent, noticed)
        if unit_id == B and (returned := self.day("b_notice_returned_on")):
            self.tell("npa_delivery_failed", returned, analysis_id=ANALYSIS, unit_id=B, sent=sent, reason="returned")

    def _hand_over(self, unit_id: str, sent: str, on: date) -> None:
        self.tell("npa_confirmed", on, analysis_id=ANALYSIS, unit_id=unit_id, sent=sent, handed_over_on=on.isoformat())

    def _bytes(self) -> None:
        check, bytes_checked = self.get("cell_check"), BUNDLE
        if check == "other_bytes":
            bytes_checked = OTHER_BYTES
        bound = {"release_id": CYCLE, "bundle_sha256": bytes_checked}
        if check != "none":
            found = 2 if check == "findings" else 0
            self.tell("sdc_checked", date(2026, 4, 21), **bound, cells_checked=40, cells_hidden=2, findings=found)
        if (person := self.get("approved_by")) != "nobody":
            self.tell("release_approved", date(2026, 4, 21), actor=person, **bound)
        if (method := self.get("deid")) != "none":
            self.tell(
                "deid_recorded", date(2026, 4, 21), method=method, determined_on="2026-04-21",
                artefact_sha256=BUNDLE if self.get("deid_of") == "same" else OTHER_BYTES,
                valid_until=self.get("deid_until"), no_actual_knowledge=True,
            )  # fmt: skip

    def _areas(self) -> frozenset[str]:
        return frozenset(self.get("areas").split("+"))

    def _identified(self) -> frozenset[str] | None:
        if self.artefact is ArtefactKind.PUBLIC_REPORT:
            return frozenset({A, B})
        if self.artefact in USERS:
            named = {"nobody": "", "A": "A", "B": "B", "B+C": "BC", "A+B": "AB", "unknown": None}[self.get("names")]
        else:
            named = {"self": "A", "other": "B", "self+other": "AB", "nobody": ""}[self.get("about")]
        return None if named is None else frozenset({"A": A, "B": B, "C": C}[one] for one in named)

    def _posting(self) -> frozenset[tuple[str, str]] | None:
        name = {ArtefactKind.APPEALS_POSTING: "appeal_posting"}.get(self.artefact, "posted")
        if self.artefact in USERS:
            return {"yes": frozenset[tuple[str, str]](), "no": frozenset[tuple[str, str]](), "unknown": None}[
                self.get("requests_told")
            ]
        if self.get(name) == "unknown":
            return None
        is_open = self.artefact is ArtefactKind.APPEALS_POSTING or (
            self.day("request_on") is not None and self.get("request_state") == "open"
        )
        right = frozenset({(A, "calculation")} if is_open else set[tuple[str, str]]())
        wrong = frozenset() if is_open else frozenset({(A, "calculation")})
        return right if self.get(name) == "yes" else wrong

    def _artefact(self) -> Artefact:
        run = next(event for event in self.story.events if event.kind == "run_completed")
        lineage = lineage_of(run)
        if self.get("sources") == "unknown":
            lineage = replace(lineage, sources=tuple[LineageSource, ...]())
        shown = {A: self.get("shown"), B: self.get("b_shown")}
        persons, outside = self.get("persons"), self.get("outside_lineage")
        return Artefact(
            kind=self.artefact,
            sha256=BUNDLE,
            operator=ENTITY,
            lineage=lineage,
            cycle="" if self.artefact in USERS else CYCLE,
            release_id=CYCLE,
            units={unit_id: SHOWN if result == "same" else "9" * 64 for unit_id, result in shown.items()},
            posting=self._posting(),
            peer_minimum=None if self.get("peers") == "unknown" else int(self.get("peers")),
            analysis_id=ANALYSIS if self.artefact in USERS else "",
            request_id="r-1",
            identified=self._identified(),
            areas=self._areas(),
            covers=(date(2025, 1, 1), date(2025, 12, 31)),
            persons=(
                None
                if persons == "unknown"
                else Persons(
                    identified=int(persons),
                    without_visit=int(self.get("without_visit")),
                    outside_lineage=None if outside == "unknown" else int(outside),
                )
            ),
            identifiers_found={"clean": 0, "found": 3, "not_done": None}[self.get("scan")],
            template_sha256={"approved": APPROVED_LAYOUT, "unknown": ""}.get(self.get("template"), OTHER_LAYOUT),
            channel="" if self.get("channel") == "unknown" else self.get("channel"),
        )

    def _recipient(self) -> Recipient:
        unit_id = A if self.recipient in (RecipientKind.PROVIDER, RecipientKind.SUPPLIER) else ""
        party_id = {
            RecipientKind.QE_CONTRACTOR: "Contractor",
            RecipientKind.PART2_PROGRAM: "program-1",
            RecipientKind.QSO_AGENT: "agent-1",
        }.get(self.recipient, USER if self.artefact in USERS else "")
        return Recipient(kind=self.recipient, unit_id=unit_id, party_id=party_id)


RECORDABLE: Final = (
    RecipientKind.PROVIDER, RecipientKind.SUPPLIER, RecipientKind.MEDICAL_SOCIETY, RecipientKind.HOSPITAL_ASSOCIATION,
    RecipientKind.EMPLOYER, RecipientKind.ISSUER, RecipientKind.PROVIDER_ASSOCIATION, RecipientKind.STATE_ENTITY,
    RecipientKind.FEDERAL_AGENCY,
)  # fmt: skip


def told_facts() -> set[str]:
    """The names of facts that the vocabulary tells."""
    rows = re.findall(
        r"^\| ([a-z_, 0-9]+) \|", FACTS.read_text(encoding="utf-8").split("## Standing")[1], flags=re.MULTILINE
    )
    return {name.strip() for row in rows for name in row.split(",")} - {"fact"}
