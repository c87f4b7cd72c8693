"""A hypothesis state machine over the events of a ledger: whatever happens in whatever order, nothing leaves that may not.

Its rules record what persons and machines record: approvals, agreements, sends, notices, requests, retractions, in any order and
with wrong values too. Between them it asks the gate for a public release, for an analysis or for data, and records what the gate
allows, as `qe release go` and `qe npa release` do. At the end an oracle in SQL over the ledger file, written from the text of the
rule by someone who had not seen the gate (tests/oracles/releases.sql), says of each release whether its preconditions held.
The other way round: of each refusal the oracle must find a violation too, unless a rule refused that no ledger can know.
"""

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from qe.errors import QeError
from qe.ledger.book import Ledger
from qe.ledger.event import NewEvent
from qe.ledger.fold import state_as_of
from qe.ledger.schema import kind_of
from qe.release.appeals import owed_now
from qe.release.artefact import NOBODY, PUBLIC, Artefact, ArtefactKind, Decision, Persons, Recipient, RecipientKind
from qe.release.gate import may_disclose
from qe.release.held_back import figures_held_back
from qe.release.lineage import lineage_of
from qe.release.sends import open_requests, reviews
from tests.oracles.check_releases import violations

ENTITY: Final = "Example Quality"
ZONE: Final = "America/New_York"
CYCLE, RUN, ANALYSIS, USER = "2025Q4-1", "run1", "analysis-1", "user-1"
UNITS: Final = ("U000001", "U000002", "U000003")
START: Final = date(2026, 1, 5)
BUNDLE, LETTER, RESULT, LAYOUT = "b" * 64, "c" * 64, "d" * 64, "7" * 64
QE_DUA_TERMS: Final = (
    "permitted_uses", "no_other_use", "no_marketing", "safeguards", "survival", "no_redisclosure", "no_linking", "notify",
    "cooperate", "binds_contractors",
)  # fmt: skip
ANALYSES_TERMS: Final = (
    "no_marketing", "no_harm", "no_fraud", "employer_use", "no_redisclosure", "no_linking", "notify", "cooperate",
    "binds_contractors",
)  # fmt: skip
KINDS: Final = {
    ArtefactKind.NPA_DEID: tuple(RecipientKind(one) for one in (
        "provider", "medical_society", "hospital_association", "employer", "issuer", "provider_association", "state_entity",
    )),
    ArtefactKind.NPA_PATIENT_IDENTIFIABLE: (RecipientKind.PROVIDER, RecipientKind.SUPPLIER),
    ArtefactKind.DATA_DEID: (RecipientKind.PROVIDER, RecipientKind.MEDICAL_SOCIETY, RecipientKind.HOSPITAL_ASSOCIATION),
    ArtefactKind.DATA_PATIENT_IDENTIFIABLE: (RecipientKind.SUPPLIER,),
}  # fmt: skip
UNKNOWABLE: Final = frozenset({"G16", "G22", "G23"})  # rules about bytes and their way, which a ledger does not hold
mostly = st.sampled_from([True] * 39 + [False])


class Releases(RuleBasedStateMachine):
    """One ledger, from January 2026 on. counts: over all machines, what was asked and allowed, by kind of artefact."""

    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="qe-sequences-"))
        self.ledger = Ledger(self.folder / "ledger.sqlite", zone=ZONE)
        self.day = START
        self.clock = datetime(2026, 1, 5, 12, tzinfo=UTC)
        self.sent: dict[str, str] = {}
        self.noticed: dict[str, str] = {}
        self.extracts: dict[str, str] = {}
        self.released = 0
        self.asked = 0
        self.user = (ArtefactKind.NPA_DEID, RecipientKind.MEDICAL_SOCIETY)

    def tell(self, kind: str, on: date | None = None, /, *, actor: str = "officer", **payload: Any) -> str:
        """Record an event; one that the ledger refuses (a fact recorded before in other words) changes nothing."""
        self.clock += timedelta(seconds=1)
        key = f"{kind}:{self.clock.isoformat()}"
        event = NewEvent(kind=kind, effective_on=on or self.day, payload=payload, key=key)
        return self.ledger.append([event], at=self.clock, actor=actor)[0].event_id

    # --- what stands, mostly right

    @initialize(data=st.data())
    def stands(self, data: st.DataObject) -> None:
        """Most of what is needed, each thing left out or wrong once in ten times."""

        def ok() -> bool:
            return data.draw(mostly)

        if ok():
            self.tell("entity_approved", date(2025, 1, 15), approved_on="2025-01-15")
        if ok():
            self.tell(
                "dua_signed", START, party=ENTITY, dua_no="D-1", expires_on="2026-12-31" if ok() else "2026-03-31"
            )
        if ok():
            self.tell("plan_approved", START, approved_on="2025-01-15")
        rights = "measures;public;analyses;data" if ok() else "measures"
        for source_id in ("medicare", "plan_a"):
            if ok():
                self.tell("source_registered", START, source_id=source_id, rights=rights, expires_on="2026-12-31")
        alternative = not ok()
        if ok():
            route = data.draw(st.sampled_from(["standard", "stakeholder", "rulemaking"]))
            self.tell(
                "measure_approved", START, measure_id="hwr", version="1.0.0" if ok() else "2.0.0", level="facility",
                route=route, approved_on="2026-01-01",
            )  # fmt: skip
        sources = ["medicare:medicare", "plan_a:commercial"]
        if not ok():
            sources = data.draw(
                st.sampled_from(
                    [["medicare:medicare"], ["plan_a:commercial"], ["medicare:medicare", "plan_a:commercial+part2"]]
                )
            )
        self.tell(
            "run_completed", START, actor="analyst", run_id=RUN, period="2025Q4", manifest_sha256="4" * 64,
            results_sha256="5" * 64, sources=sources, measures=["hwr@1.0.0@facility"],
            alternatives=["hwr@1.0.0@facility"] if alternative else [],
        )  # fmt: skip
        self._checked(data, findings=0 if ok() else 1)
        self._user_stands(data, ok)
        for unit_id in UNITS:
            if ok():
                self._send(unit_id, self.day)
                if ok():
                    self._confirm(unit_id, self.day)
            if ok():
                self._notice_analysis(unit_id, USER, ["hwr"], self.day + timedelta(days=66))
                if ok():
                    self._hand_over(unit_id, self.noticed[unit_id])

    def _user_stands(self, data: st.DataObject, ok: Callable[[], bool]) -> None:
        kind = data.draw(st.sampled_from([*KINDS, ArtefactKind.NPA_DEID, ArtefactKind.NPA_DEID]))
        recipient = data.draw(st.sampled_from(KINDS[kind]))
        self.user = (kind, recipient)
        is_self = recipient in (RecipientKind.PROVIDER, RecipientKind.SUPPLIER)
        self.tell(
            "user_authorised", START, party_id=USER, kind=str(recipient), name="The User", nonprofit=ok(), majority=ok(),
            executive=ok(), scope=data.draw(st.sampled_from(["national", "state", "state", "state", "state", "local"])),
            **({"unit_id": UNITS[0]} if is_self else {}),
        )  # fmt: skip
        for which, terms in (("qe_dua", QE_DUA_TERMS), ("analyses", ANALYSES_TERMS)):
            if ok():
                kept = terms if ok() else tuple(one for one in terms if one != data.draw(st.sampled_from(terms)))
                options = (
                    {} if ok() else {"redisclosure": data.draw(st.sampled_from(["164.506(c)(4)(i)", "164.506(c)(2)"]))}
                )
                self.tell(
                    "agreement_signed", START, agreement_id=f"{which}-1", kind=which, party_id=USER, terms=";".join(kept),
                    signed_on="2026-01-05", expires_on="2026-12-31" if ok() else "2026-03-20", **options,
                )  # fmt: skip
        purpose = "health_insurance" if recipient is RecipientKind.EMPLOYER else "quality_improvement"
        if not ok():
            purpose = data.draw(st.sampled_from(["marketing", "other_lawful", "health_insurance", "treatment"]))
        self.tell(
            "npa_defined", START, analysis_id=ANALYSIS, kind=str(kind), run_id=RUN, party_id=USER, topic="readmissions",
            purpose=purpose, measures=["hwr"], areas=["NY"], period_start="2025-01-01", period_end="2025-12-31",
            fee_dollars=0 if ok() else 500,
        )  # fmt: skip
        if ok():
            method = data.draw(st.sampled_from(["safe_harbor", "expert"]))
            self.tell(
                "deid_recorded", START, artefact_sha256=BUNDLE, method=method, determined_on="2026-01-05",
                valid_until="2026-12-31" if ok() else "2026-03-15", no_actual_knowledge=ok(),
            )  # fmt: skip
        if ok():
            self._coverage(data.draw(st.sampled_from([700, 700, 501, 500])))

    def _coverage(self, supplied: int) -> None:
        self.tell(
            "issuer_coverage", START, party_id=USER, area="NY", period_start="2025-01-01", period_end="2025-12-31",
            method="snapshot", total_lives=1000, supplied_lives=supplied, supplied_by="issuer",
        )  # fmt: skip

    def _checked(self, data: st.DataObject, *, findings: int) -> None:
        bound = {"release_id": CYCLE, "bundle_sha256": BUNDLE}
        self.tell("sdc_checked", **bound, cells_checked=40, cells_hidden=0, findings=findings)
        if data.draw(mostly):
            self.tell("release_approved", actor="officer" if data.draw(mostly) else "analyst", **bound)

    # --- what happens

    @rule(days=st.sampled_from([1, 1, 5, 14, 30, 61, 66]))
    def time_passes(self, days: int) -> None:
        self.day += timedelta(days=days)
        self.clock += timedelta(days=days)

    @rule(unit_id=st.sampled_from(UNITS), confirmed=mostly)
    def a_report_is_sent(self, unit_id: str, confirmed: bool) -> None:
        self._send(unit_id, self.day)
        if confirmed:
            self._confirm(unit_id, self.day)

    def _send(self, unit_id: str, on: date) -> None:
        self.sent[unit_id] = self.tell(
            "report_sent", on, actor="analyst", cycle=CYCLE, run_id=RUN, unit_id=unit_id, level="facility",
            report_id=f"{CYCLE}-{unit_id}", channel="mail", pdf_sha256="1" * 64, csv_sha256="2" * 64, result_sha256=RESULT,
            sent_on=on.isoformat(), last_request_day=(on + timedelta(days=60)).isoformat(),
            public_from=(on + timedelta(days=61)).isoformat(), zone=ZONE, day_count="conservative",
        )  # fmt: skip

    def _confirm(self, unit_id: str, on: date) -> None:
        self.tell(
            "send_confirmed", on, actor="analyst", cycle=CYCLE, run_id=RUN, unit_id=unit_id, sent=self.sent[unit_id],
            handed_over_on=on.isoformat(),
        )  # fmt: skip

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def a_report_comes_back(self, data: st.DataObject) -> None:
        unit_id = data.draw(st.sampled_from(sorted(self.sent)))
        self.tell("delivery_failed", cycle=CYCLE, unit_id=unit_id, sent=self.sent[unit_id], reason="returned")

    @rule(later=st.sampled_from([0, 0, 0, 3, 90]))
    def everybody_is_told_the_status(self, later: int) -> None:
        for unit_id in UNITS:
            self.tell(
                "status_notice_sent", cycle=CYCLE, unit_id=unit_id, letter_sha256=LETTER, open_requests=0,
                public_on=(self.day + timedelta(days=later)).isoformat(),
            )  # fmt: skip

    @rule(later=st.sampled_from([1, 20, 70]), told=mostly)
    def the_public_date_moves(self, later: int, told: bool) -> None:
        day = (self.day + timedelta(days=later)).isoformat()
        self.tell("public_date_set", cycle=CYCLE, public_on=day, reason="hold")
        if told:
            self.everybody_is_told_the_status(later)

    @rule(
        units=st.sampled_from([UNITS[:1], UNITS[1:2], UNITS[1:]]), really=st.sampled_from([True, False, False, False])
    )
    def the_cycle_is_issued_again(self, units: Sequence[str], really: bool) -> None:
        if really:
            self.tell(
                "cycle_reissued",
                cycle=CYCLE,
                new_cycle="2025Q4-2",
                run_id="run2",
                units=list(units),
                reason="error_found",
            )

    @precondition(lambda self: self.released)
    @rule(
        units=st.sampled_from([(), UNITS[:1], UNITS[:2]]),
        measures=st.sampled_from([(), (), ("hwr",)]),
        reason=st.sampled_from(["error_found", "cell_disclosed", "order", "superseded", "never_public"]),
    )
    def a_release_is_withdrawn(self, units: Sequence[str], measures: Sequence[str], reason: str) -> None:
        part: dict[str, Any] = {name: list(ids) for name, ids in (("units", units), ("measures", measures)) if ids}
        self.tell("public_withdrawn", release_id=f"{CYCLE}-{self.released}", reason=reason, **part)

    @precondition(lambda self: self.released)
    @rule(
        units=st.sampled_from([(), UNITS[:1], UNITS[1:]]),
        reason=st.sampled_from(["figures_right", "cell_protected", "order_lifted"]),
    )
    def a_withdrawal_is_ended(self, units: Sequence[str], reason: str) -> None:
        part: dict[str, Any] = {"units": list(units)} if units else {}
        self.tell("withdrawal_ended", release_id=f"{CYCLE}-{self.released}", reason=reason, **part)

    @rule(
        unit_id=st.sampled_from(UNITS),
        cycle=st.sampled_from([CYCLE, ANALYSIS]),
        resolved=st.booleans(),
        infeasible=st.booleans(),
    )
    def somebody_asks(self, unit_id: str, cycle: str, resolved: bool, infeasible: bool) -> None:
        self.asked += 1
        request_id = f"r-{self.asked}"
        self.tell(
            "request_received", cycle=cycle, unit_id=unit_id, request_id=request_id, kind="correction",
            category="calculation", received_on=self.day.isoformat(),
        )  # fmt: skip
        if resolved:
            self.tell("request_resolved", request_id=request_id, outcome="denied")
        if infeasible:
            self.tell("posting_infeasible", request_id=request_id, reason="order")

    @rule(
        what=st.sampled_from(
            ["terminated", "exit", "again", "dua", "source", "measure", "user", "agreement", "decrease"]
        ),
    )
    def something_ends(self, what: str) -> None:
        on = self.day.isoformat()
        match what:
            case "terminated":
                self.tell("termination_notified", notified_on=on)
            case "exit":
                self.tell("voluntary_exit", notified_on=on)
            case "again":
                self.tell("entity_approved", approved_on=on)
            case "dua":
                self.tell("dua_ended", dua_no="D-1")
            case "source":
                self.tell("source_ended", source_id="plan_a")
            case "measure":
                self.tell("measure_disapproved", measure_id="hwr", version="1.0.0", level="facility")
            case "user":
                self.tell("user_revoked", party_id=USER, reason="ended")
            case "agreement":
                self.tell("agreement_ended", agreement_id="qe_dua-1", reason="ended")
            case "nothing":
                return
            case _:
                self.tell("decrease_detected", decrease_id="d-1", source_id="plan_a", detected_on=on)

    @rule(outcome=st.sampled_from(["classified", "sufficient", "insufficient"]))
    def a_decrease_is_settled(self, outcome: str) -> None:
        if outcome == "classified":
            self.tell("decrease_classified", decrease_id="d-1", reason="run_out")
        else:
            on = self.day.isoformat()
            self.tell("cms_sufficiency_decision", decrease_id="d-1", decision=outcome, decided_on=on)

    @rule(step=st.sampled_from(["submitted", "extended", "approved", "denied", "given up"]))
    def the_plan_changes(self, step: str) -> None:
        on = self.day.isoformat()
        match step:
            case "submitted":
                self.tell("change_submitted", change_id="c-1", what="sharing_plan", submitted_on=on)
            case "extended":
                self.tell("cms_extension_requested", change_id="c-1", requested_on=on)
            case "given up":
                self.tell("change_withdrawn", change_id="c-1")
            case decision:
                self.tell("cms_decision", about="change", decision=decision, decided_on=on, change_id="c-1")

    @rule(data=st.data(), findings=st.sampled_from([0, 0, 2]))
    def the_bytes_are_checked_again(self, data: st.DataObject, findings: int) -> None:
        self._checked(data, findings=findings)

    @rule(data=st.data(), really=st.sampled_from([False, False, True]))
    def a_fact_is_taken_back(self, data: st.DataObject, really: bool) -> None:
        events = [one for one in self.ledger.events() if not kind_of(one.kind).instead_of_taking_back]
        taken = {one.retracts for one in self.ledger.events()}
        left = [one for one in events if one.event_id not in taken]
        if left and really:
            one = data.draw(st.sampled_from(left))
            self.clock += timedelta(seconds=1)
            event = NewEvent(kind="fact_retracted", effective_on=self.day, payload={}, retracts=one.event_id)
            self.ledger.append([event], at=self.clock, actor="officer")

    # --- analyses

    @rule(
        unit_id=st.sampled_from(UNITS), same_user=mostly, same_measures=mostly, ahead=st.sampled_from([66, 66, 67, 90])
    )
    def a_notice_is_sent(self, unit_id: str, same_user: bool, same_measures: bool, ahead: int) -> None:
        measures = ["hwr"] if same_measures else ["pdc_statins"]
        self._notice_analysis(unit_id, USER if same_user else "user-2", measures, self.day + timedelta(days=ahead))

    def _notice_analysis(self, unit_id: str, party_id: str, measures: Sequence[str], release_on: date) -> None:
        self.noticed[unit_id] = self.tell(
            "npa_notice_sent", analysis_id=ANALYSIS, unit_id=unit_id, party_id=party_id, measures=list(measures),
            release_on=release_on.isoformat(), channel="mail", letter_sha256=LETTER, zone=ZONE,
        )  # fmt: skip

    @precondition(lambda self: self.noticed or self.extracts)
    @rule(data=st.data(), returned=st.sampled_from([False, False, True]))
    def something_is_handed_over_or_comes_back(self, data: st.DataObject, returned: bool) -> None:
        under_way = [*self.noticed.items(), *self.extracts.items()]
        unit_id, sent = data.draw(st.sampled_from(under_way))
        if returned:
            self.tell("npa_delivery_failed", analysis_id=ANALYSIS, unit_id=unit_id, sent=sent, reason="returned")
        else:
            self._hand_over(unit_id, sent)

    def _hand_over(self, unit_id: str, sent: str) -> None:
        self.tell(
            "npa_confirmed", analysis_id=ANALYSIS, unit_id=unit_id, sent=sent, handed_over_on=self.day.isoformat()
        )

    @rule(unit_id=st.sampled_from(UNITS), answered=st.booleans())
    def somebody_opts_in(self, unit_id: str, answered: bool) -> None:
        self.tell("optin_received", analysis_id=ANALYSIS, unit_id=unit_id, opted_in_on=self.day.isoformat())
        if answered:
            self.extracts[unit_id] = self.tell(
                "npa_extract_sent", analysis_id=ANALYSIS, unit_id=unit_id, channel="mail", extract_sha256=LETTER,
                result_sha256=RESULT,
            )  # fmt: skip
            self._hand_over(unit_id, self.extracts[unit_id])

    @rule(units=st.sampled_from([UNITS, UNITS[:1], UNITS[1:]]), revoked=st.sampled_from([False, False, True]))
    def some_waive(self, units: Sequence[str], revoked: bool) -> None:
        on = self.day.isoformat()
        for unit_id in units:
            if revoked:
                self.tell("waiver_revoked", analysis_id=ANALYSIS, unit_id=unit_id, revoked_on=on)
            else:
                self.tell("waiver_received", analysis_id=ANALYSIS, unit_id=unit_id, party_id=USER, waived_on=on)

    @rule(dollars=st.sampled_from([100, 2000]))
    def a_fee_is_received(self, dollars: int) -> None:
        self.tell("fee_received", about=ANALYSIS, party_id=USER, dollars=dollars)

    # --- what would leave

    @rule(
        units=st.sampled_from([UNITS, UNITS[:1], UNITS[1:], UNITS[:2]]),
        later=st.sampled_from([0, 0, 61, 66]),
        leaves_out=mostly,
    )
    def publish(self, units: Sequence[str], later: int, leaves_out: bool) -> None:
        """Ask for a public release, perhaps after waiting with everybody told."""
        if later:
            self.time_passes(later)
            self.everybody_is_told_the_status(0)
        facts = state_as_of(self.ledger, self.day)
        run = next((one for one in facts.of("run_completed")), None)
        posting = owed_now(facts, CYCLE).posted
        standing = reviews(facts, CYCLE)
        withheld = figures_held_back(facts, CYCLE) if leaves_out else frozenset()
        artefact = Artefact(
            kind=ArtefactKind.PUBLIC_REPORT, sha256=BUNDLE, operator=ENTITY, lineage=lineage_of(run) if run else None,
            cycle=CYCLE, release_id=CYCLE, units=dict.fromkeys(units, RESULT), posting=posting,
            withheld=withheld,
            identified=frozenset(units), persons=NOBODY, identifiers_found=0,
        )  # fmt: skip
        assert not standing.keys() - set(UNITS)
        decision = may_disclose(artefact, PUBLIC, on=self.day, ledger=facts, entity_zone=ZONE)
        self._judge(
            decision, "public_released", release_id=f"{CYCLE}-{self.released + 1}", cycle=CYCLE, run_id=RUN,
            bundle_sha256=BUNDLE, units=sorted(units), open_requests=len(posting),
            withheld=sorted(f"{unit_id}:{measure_id}" for unit_id, measure_id in withheld),
        )  # fmt: skip

    @rule(units=st.sampled_from([(), UNITS[:1], UNITS[1:], UNITS]), later=st.sampled_from([0, 0, 7, 66, 68]))
    def disclose(self, units: Sequence[str], later: int) -> None:
        """Ask for the analysis or the data that were defined, perhaps after waiting."""
        if later:
            self.time_passes(later)
        kind, recipient_kind = self.user
        is_data = kind in (ArtefactKind.DATA_DEID, ArtefactKind.DATA_PATIENT_IDENTIFIABLE)
        facts = state_as_of(self.ledger, self.day)
        run = next((one for one in facts.of("run_completed")), None)
        persons = 0 if kind in (ArtefactKind.NPA_DEID, ArtefactKind.DATA_DEID) else 40
        named = () if is_data else units
        open_ones = open_requests(facts, ANALYSIS)
        artefact = Artefact(
            kind=kind, sha256=BUNDLE, operator=ENTITY, lineage=lineage_of(run) if run else None, analysis_id=ANALYSIS,
            posting=frozenset((one.text("unit_id"), one.text("category")) for one in open_ones),
            units=dict.fromkeys(named, RESULT),
            identified=frozenset(named), areas=frozenset({"NY"}), covers=(date(2025, 1, 1), date(2025, 12, 31)),
            persons=replace(NOBODY, identified=persons) if persons else Persons(identified=0), identifiers_found=0,
            channel="age",
        )  # fmt: skip
        is_self = recipient_kind in (RecipientKind.PROVIDER, RecipientKind.SUPPLIER)
        recipient = Recipient(kind=recipient_kind, unit_id=UNITS[0] if is_self else "", party_id=USER)
        decision = may_disclose(artefact, recipient, on=self.day, ledger=facts, entity_zone=ZONE)
        if is_data:
            payers = {one.payer_type for one in artefact.lineage.sources} if artefact.lineage else set()
            basis = "medicare_free" if payers == {"medicare"} else "combined"
            payload: dict[str, Any] = {"basis": basis, "persons": persons, "rows": 100}
        else:
            alternative = "nobody_named" if not named else "notice"
            payload = {
                "units": sorted(named), "alternative": alternative, "persons": persons, "unresolved": len(open_ones)
            }  # fmt: skip
        self._judge(
            decision, "data_disclosed" if is_data else "npa_disclosed", analysis_id=ANALYSIS, party_id=USER,
            artefact_sha256=BUNDLE, **payload,
        )  # fmt: skip

    def _judge(self, decision: Decision, event: str, **payload: Any) -> None:
        """Record what was allowed; of what was refused, the oracle must refuse it too had it been recorded."""
        kind = str(decision.artefact.kind)
        self.counts[f"{kind} asked"] += 1
        failing = {one.rule for one in decision.reasons if one.verdict == "fail"}
        if decision.allowed:
            self.released += 1
            self.counts[f"{kind} allowed"] += 1
            self.tell(event, **payload)
            self._require_right()
        elif not failing & UNKNOWABLE:
            aside = self.folder / "refused.sqlite"
            shutil.copyfile(self.ledger.path, aside)
            _record_aside(aside, event, payload, on=self.day, at=self.clock)
            found = {rule for _, _, rule, _ in self._violations(aside)}
            assert found, f"the gate refuses by {sorted(failing)}, the oracle finds nothing against it"

    def _require_right(self) -> None:
        wrong = self._violations(self.ledger.path)
        assert not wrong, f"the gate let go what the oracle finds wrong: {wrong}"

    def _violations(self, path: Path) -> list[tuple[int, str, str, str]]:
        return violations(path, operator=ENTITY)

    def teardown(self) -> None:
        try:
            self._require_right()
            self.counts["sequences"] += 1
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def check(*, sequences: int, steps: int, seed_of_all: int) -> Counter[str]:
    """Play `sequences` ledgers; AssertionError with the steps of the first that goes wrong. Gives what was asked and allowed."""
    before = Counter(Releases.counts)
    played = seed(seed_of_all)(Releases)
    settings_of_play = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # shrinking a sequence takes minutes; its steps are told as they are
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    run_state_machine_as_test(played, settings=settings_of_play)
    return Counter(Releases.counts) - before


def _record_aside(path: Path, kind: str, payload: dict[str, Any], *, on: date, at: datetime) -> None:
    """A copy of the ledger with one event more, straight into the table: what the gate refused, as if it had happened."""
    other = Ledger(path, zone=ZONE)
    path.with_suffix(".anchor").unlink(missing_ok=True)
    with sqlite3.connect(path) as connection:
        seq, last = connection.execute("select seq, hash from event order by seq desc limit 1").fetchone()
    other.anchor.write_text(f"{seq} {last}\n")
    try:
        event = NewEvent(kind=kind, effective_on=on, payload=payload, key=f"refused:{at.isoformat()}")
        other.append([event], at=at + timedelta(seconds=1), actor="officer")
    except QeError as error:  # pragma: no cover
        raise AssertionError("the event of a refused release could not be told to the oracle") from error
