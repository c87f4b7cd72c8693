"""releases.sql judged on ledgers made by hand: an allowed release of each kind, and each violation alone."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.check_releases import violations

RUN, BYTES = "run-1", "b" * 64
DUA_TERMS = (
    "permitted_uses;no_other_use;no_marketing;safeguards;survival;no_redisclosure;no_linking;notify;cooperate;"
    "binds_contractors"
)
NPA_TERMS = "no_marketing;no_harm;no_fraud;no_redisclosure;no_linking;notify;cooperate;binds_contractors"


@dataclass(frozen=True)
class Event:
    name: str
    kind: str
    day: str
    payload: dict[str, Any] = field(default_factory=dict)
    actor: str = "ann"
    retracts: str | None = None


class Ledger:
    """A list of events with names, to change before it is written."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events

    def _at(self, name: str) -> int:
        return next(i for i, event in enumerate(self.events) if event.name == name)

    def drop(self, name: str) -> None:
        del self.events[self._at(name)]

    def put(self, name: str, **payload: Any) -> None:
        event = self.events[self._at(name)]
        self.events[self._at(name)] = replace(event, payload=event.payload | payload)

    def move(self, name: str, day: str) -> None:
        self.events[self._at(name)] = replace(self.events[self._at(name)], day=day)

    def act_as(self, name: str, actor: str) -> None:
        self.events[self._at(name)] = replace(self.events[self._at(name)], actor=actor)

    def add(self, kind: str, day: str, *, name: str = "", retracts: str | None = None, **payload: Any) -> None:
        """Put an event before the release, which is the last."""
        event = Event(name or f"{kind}-{len(self.events)}", kind, day, payload, retracts=retracts)
        self.events.insert(len(self.events) - 1, event)

    def after(self, kind: str, day: str, *, retracts: str | None = None, **payload: Any) -> None:
        self.events.append(Event(f"{kind}-{len(self.events)}", kind, day, payload, retracts=retracts))

    def rules(self, folder: Path) -> set[str]:
        path = folder / "ledger.sqlite"
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(
                "create table event(seq integer primary key, event_id text, at text, effective_on text, zone text, "
                "kind text, subject text, payload text, actor text, evidence_sha256 text, retracts text, prev text, "
                "hash text)"
            )
            for seq, event in enumerate(self.events, start=1):
                file.execute(
                    "insert into event values (?, ?, ?, ?, 'America/New_York', ?, '', ?, ?, null, ?, '', '')",
                    (
                        seq,
                        event.name,
                        f"{event.day}T12:00:00.000000Z",
                        event.day,
                        event.kind,
                        json.dumps(event.payload, sort_keys=True),
                        event.actor,
                        event.retracts,
                    ),
                )
        return {rule for _, _, rule, _ in violations(path, operator="Health Data Trust")}


def standing(*, measures: list[str] | None = None) -> list[Event]:
    rights = "measures;public;analyses;data"
    return [
        Event("approved", "entity_approved", "2025-03-01", {"approved_on": "2025-03-01"}),
        Event("dua", "dua_signed", "2025-03-02",
              {"party": "health data TRUST", "dua_no": "D1", "expires_on": "2027-12-31"}),
        Event("cms", "source_registered", "2025-03-03",
              {"source_id": "cms", "rights": rights, "expires_on": "2027-12-31"}),
        Event("acme", "source_registered", "2025-03-03",
              {"source_id": "acme", "rights": rights, "expires_on": "2027-12-31"}),
        Event("run", "run_completed", "2026-01-02",
              {"run_id": RUN, "sources": ["cms:medicare", "acme:commercial+hmo"],
               "measures": measures or ["hwr@1@group", "tci@2@group"], "alternatives": ["tci@2@group"]}, actor="rob"),
    ]  # fmt: skip


def checked(day: str) -> list[Event]:
    return [
        Event("checked", "sdc_checked", day, {"release_id": "r", "bundle_sha256": BYTES, "findings": 0}),
        Event("signed", "release_approved", day, {"release_id": "r", "bundle_sha256": BYTES}),
    ]


def public() -> Ledger:
    """Sent on 5 January 2026 and handed over that day: requests to 6 March, public on 7 March."""
    events = standing()
    for measure, version, route in (("hwr", "1", "standard"), ("tci", "2", "stakeholder")):
        events.append(Event(measure, "measure_approved", "2025-04-01",
                            {"measure_id": measure, "version": version, "level": "group", "route": route,
                             "approved_on": "2025-04-01"}))  # fmt: skip
    events.append(Event("plan", "plan_approved", "2025-03-01", {"approved_on": "2025-03-01"}))
    for unit in ("u1", "u2"):
        events += [
            Event(f"send-{unit}", "report_sent", "2026-01-05",
                  {"cycle": "c", "run_id": RUN, "unit_id": unit, "sent_on": "2026-01-05",
                   "public_from": "2026-03-07"}),
            Event(f"hand-{unit}", "send_confirmed", "2026-01-05",
                  {"cycle": "c", "run_id": RUN, "unit_id": unit, "sent": f"send-{unit}",
                   "handed_over_on": "2026-01-05"}),
        ]  # fmt: skip
    events.append(Event("ask", "request_received", "2026-02-01",
                        {"cycle": "c", "unit_id": "u1", "request_id": "q1", "category": "data"}))  # fmt: skip
    for unit in ("u1", "u2"):
        events.append(Event(f"notice-{unit}", "status_notice_sent", "2026-03-01",
                            {"cycle": "c", "unit_id": unit, "public_on": "2026-03-07"}))  # fmt: skip
    release = {"cycle": "c", "run_id": RUN, "bundle_sha256": BYTES, "units": ["u1", "u2"], "open_requests": 1}
    return Ledger([*events, *checked("2026-03-06"), Event("release", "public_released", "2026-03-07", release)])


def user(kind: str = "medical_society") -> list[Event]:
    who = {"party_id": "p", "kind": kind, "nonprofit": True, "majority": True, "scope": "state", "executive": True}
    if kind in ("provider", "supplier"):
        who["unit_id"] = "own"
    return [
        Event("user", "user_authorised", "2025-06-01", who),
        Event("qe_dua", "agreement_signed", "2025-06-02",
              {"agreement_id": "a1", "kind": "qe_dua", "party_id": "p", "terms": DUA_TERMS,
               "signed_on": "2025-06-02", "expires_on": "2027-06-01"}),
        Event("npa_agreement", "agreement_signed", "2025-06-02",
              {"agreement_id": "a2", "kind": "analyses", "party_id": "p", "terms": NPA_TERMS,
               "signed_on": "2025-06-02", "expires_on": "2027-06-01"}),
    ]  # fmt: skip


def defined(kind: str, fee: int = 500) -> list[Event]:
    what = {"analysis_id": "n", "kind": kind, "run_id": RUN, "party_id": "p", "purpose": "quality_improvement",
            "measures": ["hwr"], "areas": ["MD"], "period_start": "2025-01-01", "period_end": "2025-12-31",
            "fee_dollars": fee}  # fmt: skip
    deid = {"artefact_sha256": BYTES, "method": "expert", "determined_on": "2026-01-10", "valid_until": "2026-12-31"}
    return [Event("defined", "npa_defined", "2026-01-03", what), Event("deid", "deid_recorded", "2026-01-10", deid)]


def analysis(kind: str = "medical_society", *, units: tuple[str, ...] = ("u1", "u2")) -> Ledger:
    """Noticed on 5 January 2026: released on 12 March, day 66."""
    events = [*standing(), *user(kind), *defined("npa_deid")]
    for unit in units:
        events += [
            Event(f"tell-{unit}", "npa_notice_sent", "2026-01-05",
                  {"analysis_id": "n", "unit_id": unit, "party_id": "p", "measures": ["hwr", "tci@2@group"],
                   "release_on": "2026-03-12"}),
            Event(f"told-{unit}", "npa_confirmed", "2026-01-05",
                  {"analysis_id": "n", "unit_id": unit, "sent": f"tell-{unit}", "handed_over_on": "2026-01-05"}),
        ]  # fmt: skip
    release = {"analysis_id": "n", "party_id": "p", "artefact_sha256": BYTES, "units": list(units),
               "alternative": "notice", "persons": 0, "unresolved": 0}  # fmt: skip
    return Ledger([*events, *checked("2026-03-11"), Event("release", "npa_disclosed", "2026-03-12", release)])


def data(kind: str = "medical_society", what: str = "data_deid") -> Ledger:
    release = {"analysis_id": "n", "party_id": "p", "artefact_sha256": BYTES, "basis": "combined",
               "persons": 0 if what == "data_deid" else 20, "rows": 9}  # fmt: skip
    events = [*standing(), *user(kind), *defined(what), *checked("2026-02-01")]
    return Ledger([*events, Event("release", "data_disclosed", "2026-02-02", release)])


def optin(ledger: Ledger, opted_in_on: str, extract_on: str | None) -> None:
    """u1 opts in; its extract is handed over on a day, or not at all."""
    ledger.add("optin_received", opted_in_on, analysis_id="n", unit_id="u1", opted_in_on=opted_in_on)
    if extract_on is not None:
        ledger.add("npa_extract_sent", extract_on, name="extract", analysis_id="n", unit_id="u1")
        ledger.add(
            "npa_confirmed", extract_on, analysis_id="n", unit_id="u1", sent="extract", handed_over_on=extract_on
        )


def tell_again(ledger: Ledger, day: str, release_on: str) -> None:
    for unit in ("u1", "u2"):
        ledger.add("npa_notice_sent", day, name=f"again-{unit}", analysis_id="n", unit_id=unit, party_id="p",
                   measures=["hwr", "tci"], release_on=release_on)  # fmt: skip
        ledger.add("npa_confirmed", day, analysis_id="n", unit_id=unit, sent=f"again-{unit}", handed_over_on=day)


def waive(ledger: Ledger, *units: str, on: str = "2026-02-01", party: str = "p") -> None:
    for unit in units:
        ledger.add("waiver_received", on, analysis_id="n", unit_id=unit, party_id=party, waived_on=on)


def untold(ledger: Ledger) -> None:
    ledger.drop("tell-u1")
    ledger.drop("tell-u2")


def revoke(ledger: Ledger, unit: str) -> None:
    ledger.add("waiver_revoked", "2026-02-02", analysis_id="n", unit_id=unit, revoked_on="2026-02-02")


def covers(ledger: Ledger, supplied: int, **change: Any) -> None:
    count: dict[str, Any] = {"party_id": "p", "area": "MD", "period_start": "2025-01-01", "period_end": "2025-12-31",
             "total_lives": 100, "supplied_lives": supplied, "supplied_by": "issuer"}  # fmt: skip
    ledger.add("issuer_coverage", "2026-01-04", **(count | change))


def renewal(ledger: Ledger, submitted_on: str, decision: str | None = None) -> None:
    """The approval ends on 7 March 2026, the day of release; 7 September 2025 is six months before."""
    ledger.events.insert(0, Event("old", "entity_approved", "2023-03-07", {"approved_on": "2023-03-07"}))
    ledger.drop("approved")
    ledger.add("entity_applied", submitted_on, route="renewal", submitted_on=submitted_on)
    if decision is not None:
        ledger.add("cms_decision", "2026-03-01", about="renewal", decision=decision, decided_on="2026-03-01")


def change_plan(ledger: Ledger, submitted_on: str, *events: tuple[str, str, dict[str, str]]) -> None:
    ledger.add("change_submitted", submitted_on, change_id="x", what="sharing_plan", submitted_on=submitted_on)
    for kind, day, payload in events:
        ledger.add(kind, day, change_id="x", **payload)


DECREASE = {"decrease_id": "d1"}
APPROVED = ("cms_decision", "2026-02-10", {"about": "change", "decision": "approved"})
DENIED = ("cms_decision", "2026-02-10", {"about": "change", "decision": "denied"})
MORE_TIME = ("cms_extension_requested", "2026-02-09", {"requested_on": "2026-02-09"})
Change = Callable[[Ledger], object]


def both(*changes: Change) -> Change:
    def run(ledger: Ledger) -> None:
        for change in changes:
            change(ledger)

    return run


def released_before(
    x: Ledger, *, cycle: str = "c", units: tuple[str, ...] | list[str] = ("u1", "u2"), open_requests: int = 1
) -> None:
    """An earlier release of the day, r0, of results that were sent as "1" * 64."""
    for event in list(x.events):
        if event.kind == "report_sent":
            x.put(event.name, result_sha256="1" * 64)
    x.add(
        "public_released", "2026-03-07", release_id="r0", cycle=cycle, run_id=RUN, bundle_sha256=BYTES,
        units=list(units), open_requests=open_requests,
    )  # fmt: skip


def withdrawn(x: Ledger, *, reason: str = "error_found", **part: Any) -> None:
    x.add("public_withdrawn", "2026-03-07", release_id="r0", reason=reason, **part)


def given_back(x: Ledger, **part: Any) -> None:
    x.add("withdrawal_ended", "2026-03-07", release_id="r0", reason="order_lifted", **part)


def sent_again(x: Ledger) -> None:
    """u1's report came back and was put out anew, with the same dates, after its notice."""
    x.add("delivery_failed", "2026-03-01", cycle="c", unit_id="u1", sent="send-u1")
    x.add(
        "report_sent", "2026-03-01", name="again-u1", cycle="c", run_id=RUN, unit_id="u1", sent_on="2026-01-05",
        public_from="2026-03-07",
    )  # fmt: skip
    x.add(
        "send_confirmed",
        "2026-03-01",
        cycle="c",
        run_id=RUN,
        unit_id="u1",
        sent="again-u1",
        handed_over_on="2026-01-05",
    )


def issued_from(x: Ledger, cycle: str, new_cycle: str = "c") -> None:
    """Another cycle with reports like this one's, whose release r0 shows u1 and u2, and which is issued again."""
    for event in list(x.events):
        if event.payload.get("cycle") == "c" and event.kind in ("report_sent", "send_confirmed", "status_notice_sent"):
            sent = {"sent": f"old-{event.payload['sent']}"} if "sent" in event.payload else {}
            x.add(event.kind, event.day, name=f"old-{event.name}", **{**event.payload, **sent, "cycle": cycle})
    x.add(
        "public_released", "2026-03-07", release_id="r0", cycle=cycle, run_id=RUN, bundle_sha256=BYTES,
        units=["u1", "u2"], open_requests=0,
    )  # fmt: skip
    x.add("cycle_reissued", "2026-03-07", cycle=cycle, new_cycle=new_cycle, run_id=RUN, units=["u1", "u2"])


def plan_change(x: Ledger, **decision: Any) -> None:
    """A change of the plan for sharing, old enough, and a decision that names no change."""
    x.add("change_submitted", "2026-01-05", change_id="ch", what="sharing_plan", submitted_on="2026-01-05")
    x.add("cms_decision", "2026-01-20", about="change", decided_on="2026-01-20", **decision)


def corrected(x: Ledger, *, after: str = "9" * 64) -> None:
    """A correction of u1, of hwr, and the page that shows it with the dates of the report before it."""
    x.add(
        "correction_applied", "2026-03-07", cycle="c", unit_id="u1", correction_id="corr-1", request_id="q1",
        measures=["hwr"], before_sha256="1" * 64, after_sha256=after,
    )  # fmt: skip
    x.add(
        "report_sent", "2026-03-07", name="page-u1", cycle="c", run_id=RUN, unit_id="u1", sent_on="2026-01-05",
        public_from="2026-03-07", result_sha256=after, correction_id="corr-1",
    )  # fmt: skip
    x.add(
        "send_confirmed", "2026-01-05", cycle="c", run_id=RUN, unit_id="u1", sent="page-u1", handed_over_on="2026-01-05"
    )


PUBLIC: list[tuple[str, Change, str]] = [
    ("allowed", lambda x: None, ""),
    ("no approval", lambda x: x.drop("approved"), "G1"),
    ("day before the anniversary", lambda x: x.put("approved", approved_on="2023-03-08"), ""),
    ("the anniversary", lambda x: x.put("approved", approved_on="2023-03-07"), "G1"),
    ("re-applied in time", lambda x: renewal(x, "2025-09-07"), ""),
    ("re-applied a day late", lambda x: renewal(x, "2025-09-08"), "G1"),
    ("renewal denied", lambda x: renewal(x, "2025-09-07", "denied"), "G1"),
    ("renewal approved", lambda x: renewal(x, "2025-09-07", "approved"), ""),
    ("terminated", lambda x: x.add("termination_notified", "2026-03-07", notified_on="2026-03-07"), "G2"),
    ("exit, approved again", both(
        lambda x: x.add("voluntary_exit", "2026-02-01", notified_on="2026-02-01"),
        lambda x: x.add("entity_approved", "2026-02-20", approved_on="2026-02-20")), ""),
    ("decrease", lambda x: x.add("decrease_detected", "2026-03-01", **DECREASE), "G3"),
    ("decrease classified", both(
        lambda x: x.add("decrease_detected", "2026-03-01", **DECREASE),
        lambda x: x.add("decrease_classified", "2026-03-02", **DECREASE, reason="run_out")), ""),
    ("sufficient, then not", both(
        lambda x: x.add("decrease_detected", "2026-03-01", **DECREASE),
        lambda x: x.add("cms_sufficiency_decision", "2026-03-02", **DECREASE, decision="sufficient"),
        lambda x: x.add("cms_sufficiency_decision", "2026-03-03", **DECREASE, decision="insufficient")), "G3"),
    ("not sufficient, then so", both(
        lambda x: x.add("decrease_detected", "2026-03-01", **DECREASE),
        lambda x: x.add("cms_sufficiency_decision", "2026-03-02", **DECREASE, decision="insufficient"),
        lambda x: x.add("cms_sufficiency_decision", "2026-03-03", **DECREASE, decision="sufficient")), ""),
    ("agreement's last day", lambda x: x.put("dua", expires_on="2026-03-07"), ""),
    ("agreement expired", lambda x: x.put("dua", expires_on="2026-03-06"), "G4"),
    ("agreement of another", lambda x: x.put("dua", party="Contractor"), "G4"),
    ("agreement ended", lambda x: x.add("dua_ended", "2026-03-07", dua_no="D1"), "G4"),
    ("measure not approved yet", lambda x: x.put("hwr", approved_on="2026-03-08"), "G5"),
    ("approval of a rehearsal", lambda x: x.put("hwr", route="rehearsal"), "G5"),
    ("alternative by a standard's route", lambda x: x.put("tci", route="standard"), "G5"),
    ("measure disapproved", lambda x: x.add(
        "measure_disapproved", "2026-03-01", measure_id="tci", version="2", level="group"), "G5"),
    ("no plan", lambda x: x.drop("plan"), "G6"),
    ("change of plan waits", lambda x: change_plan(x, "2026-02-05", APPROVED), "G6"),
    ("change of plan deemed", lambda x: change_plan(x, "2026-02-04"), ""),
    ("change of plan denied", lambda x: change_plan(x, "2026-02-04", DENIED), "G6"),
    ("change of plan extended", lambda x: change_plan(x, "2026-01-20", MORE_TIME), "G6"),
    ("extended and approved", lambda x: change_plan(x, "2026-01-20", MORE_TIME, APPROVED), ""),
    ("change given up", lambda x: change_plan(x, "2026-01-20", DENIED, ("change_withdrawn", "2026-02-12", {})), ""),
    ("no right to publish", lambda x: x.put("acme", rights="measures;analyses;data"), "G7"),
    ("contract expired", lambda x: x.put("acme", expires_on="2026-03-06"), "G7"),
    ("source ended", lambda x: x.add("source_ended", "2026-03-01", source_id="acme"), "G7"),
    ("Medicare alone", lambda x: x.put("run", sources=["cms:medicare"]), "G8"),
    ("with Medicare Advantage", lambda x: x.put("run", sources=["cms:medicare", "acme:medicare_advantage"]), ""),
    ("never confirmed", lambda x: x.drop("hand-u1"), "G10 G24"),
    ("came back, sent again with the same dates, not noticed anew", lambda x: sent_again(x), "G24"),
    ("came back, sent again with the same dates, noticed anew", both(
        lambda x: sent_again(x),
        lambda x: x.add("status_notice_sent", "2026-03-02", cycle="c", unit_id="u1", public_on="2026-03-07")), ""),
    ("issued again, old figures public", lambda x: issued_from(x, "c0"), "G10"),
    ("issued again, old figures taken down", both(lambda x: issued_from(x, "c0"), withdrawn), ""),
    ("another cycle's figures are issued again", lambda x: issued_from(x, "c0", new_cycle="c1"), ""),
    ("refused without naming a change", lambda x: plan_change(x, decision="denied"), "G6"),
    ("came back", lambda x: x.add("delivery_failed", "2026-03-01", cycle="c", unit_id="u1", sent="send-u1"), "G10 G24"),
    ("day 60", lambda x: x.move("release", "2026-03-06"), "G10 G24"),
    ("handed over a day later", lambda x: x.put("hand-u1", handed_over_on="2026-01-06"), "G10"),
    ("a later day told", lambda x: x.put("notice-u2", public_on="2026-03-08"), "G10"),
    ("withdrawn and published again", both(released_before, withdrawn), "G10"),
    ("withdrawn of another", both(released_before, lambda x: withdrawn(x, units=["u9"])), ""),
    ("withdrawn of one", both(released_before, lambda x: withdrawn(x, units=["u2"])), "G10"),
    ("withdrawn in another cycle", both(
        lambda x: released_before(x, cycle="c0", units=[], open_requests=0), lambda x: withdrawn(x, units=["u1"])), ""),
    ("withdrawn and given back", both(released_before, lambda x: withdrawn(x, reason="order"), given_back), ""),
    ("given back before", both(released_before, given_back, lambda x: withdrawn(x, reason="order")), "G10"),
    ("a measure withdrawn", both(released_before, lambda x: withdrawn(x, units=["u1"], measures=["hwr"])), "G10"),
    ("a measure withdrawn and left out", both(
        released_before, lambda x: withdrawn(x, units=["u1"], measures=["hwr"]),
        lambda x: x.put("release", withheld=["u1:hwr"])), ""),
    ("another measure left out", both(
        released_before, lambda x: withdrawn(x, units=["u1"], measures=["hwr"]),
        lambda x: x.put("release", withheld=["u1:tci"])), "G10"),
    ("corrected since an error", both(released_before, lambda x: withdrawn(x, units=["u1"]), corrected), ""),
    ("corrected before the error was found", both(
        released_before, corrected, lambda x: withdrawn(x, units=["u1"])), "G10"),
    ("a correction that moves nothing", both(
        released_before, lambda x: withdrawn(x, units=["u1"]), lambda x: corrected(x, after="1" * 64)), "G10"),
    ("corrected since an order", both(
        released_before, lambda x: withdrawn(x, units=["u1"], reason="order"), corrected), "G10"),
    ("another's correction", both(
        released_before, lambda x: withdrawn(x, units=["u2"]), corrected), "G10"),
    ("the request's own correction", both(
        released_before, corrected, lambda x: withdrawn(x, units=["u1"], reason="request_upheld", request_id="q1")), ""),
    ("another request's correction", both(
        released_before, corrected, lambda x: withdrawn(x, units=["u1"], reason="request_upheld", request_id="q2")), "G10"),
    ("a name put right as asked", both(
        released_before, lambda x: withdrawn(x, units=["u1"], reason="request_upheld", request_id="q1"),
        lambda x: corrected(x, after="1" * 64)), ""),
    ("the measure corrected", both(
        released_before, lambda x: withdrawn(x, units=["u1"], measures=["hwr"]), corrected), ""),
    ("another measure corrected", both(
        released_before, lambda x: withdrawn(x, units=["u1"], measures=["tci"]), corrected), "G10"),
    ("ended for another reason", both(
        released_before, lambda x: withdrawn(x, reason="error_found"), given_back), "G10"),
    ("ended for another provider", both(
        released_before, lambda x: withdrawn(x, units=["u1"], reason="order"), lambda x: given_back(x, units=["u2"])), "G10"),
    ("ended for it", both(
        released_before, lambda x: withdrawn(x, units=["u1"], reason="order"), lambda x: given_back(x, units=["u1"])), ""),
    ("superseded", both(released_before, lambda x: withdrawn(x, reason="superseded")), ""),
    ("never public", both(released_before, lambda x: withdrawn(x, reason="never_public")), ""),
    ("ordered down in an earlier cycle", both(
        lambda x: released_before(x, cycle="c0", units=[], open_requests=0),
        lambda x: withdrawn(x, units=["u1"], reason="order")), "G10"),
    ("ordered down in another period", both(
        lambda x: released_before(x, cycle="d", units=[], open_requests=0),
        lambda x: withdrawn(x, units=["u1"], reason="order")), ""),
    ("another run sent", lambda x: x.put("send-u1", run_id="run-0"), "G10"),
    ("sent again since", lambda x: x.add("report_sent", "2026-02-01", cycle="c", run_id=RUN, unit_id="u1",
        sent_on="2026-02-01", public_from="2026-04-05"), "G10 G24"),
    ("open requests miscounted", lambda x: x.put("release", open_requests=0), "G11"),
    ("not to be posted", lambda x: x.add("posting_infeasible", "2026-03-02", request_id="q1", reason="order"), "G11"),
    ("not to be posted, and not", both(
        lambda x: x.add("posting_infeasible", "2026-03-02", request_id="q1", reason="order"),
        lambda x: x.put("release", open_requests=0)), ""),
    ("another is not to be posted", lambda x: x.add(
        "posting_infeasible", "2026-03-02", request_id="q9", reason="order"), ""),
    ("request resolved", lambda x: x.add("request_resolved", "2026-03-02", request_id="q1", outcome="denied"), "G11"),
    ("cells found", lambda x: x.put("checked", findings=1), "G18"),
    ("other bytes checked", lambda x: x.put("checked", bundle_sha256="c" * 64), "G18"),
    ("not approved", lambda x: x.drop("signed"), "G18"),
    ("approved by who ran it", lambda x: x.act_as("signed", "rob"), "G18"),
    ("checked by who ran it", lambda x: x.act_as("checked", "rob"), "G18"),
    ("part 2", lambda x: x.put("run", sources=["cms:medicare", "acme:commercial+hmo+part2"]), "G20"),
    ("a label like it", lambda x: x.put("run", sources=["cms:medicare", "acme:commercial+part2free"]), ""),
    ("no status told", lambda x: x.drop("notice-u2"), "G24"),
    ("asked after the letter", both(
        lambda x: x.add("request_received", "2026-03-02", cycle="c", unit_id="u2", request_id="q2", category="data"),
        lambda x: x.put("release", open_requests=2)), "G24"),
    ("run unknown", lambda x: x.drop("run"), "G5 G7 G8 G18 G20"),
    ("taken back before", lambda x: x.add("fact_retracted", "2026-03-07", retracts="dua"), "G4"),
    ("taken back after", lambda x: x.after("fact_retracted", "2026-03-08", retracts="dua"), ""),
    ("in effect later", lambda x: x.move("dua", "2026-03-08"), "G4"),
]  # fmt: skip

ANALYSES: list[tuple[str, Change, str]] = [
    ("allowed", lambda x: None, ""),
    ("day 65", lambda x: x.move("release", "2026-03-11"), "G12"),
    ("no approval", lambda x: x.drop("approved"), "G1"),
    ("no right", lambda x: x.put("acme", rights="measures;public;data"), "G7"),
    ("Medicare alone", lambda x: x.put("run", sources=["cms:medicare"]), "G8"),
    ("unknown user", lambda x: x.drop("user"), "G9"),
    ("user revoked", lambda x: x.add("user_revoked", "2026-03-01", party_id="p", reason="ended"), "G9"),
    ("a local society", lambda x: x.put("user", scope="local"), "G9"),
    ("not of the majority", lambda x: x.put("user", majority=False), "G9"),
    ("notice for another", lambda x: x.put("tell-u1", party_id="q"), "G12"),
    ("a measure untold", lambda x: x.put("tell-u1", measures=["hwr"]), "G12"),
    ("notice not confirmed", lambda x: x.drop("told-u1"), "G12"),
    ("notice came back", lambda x: x.add("npa_delivery_failed", "2026-03-01", sent="tell-u1"), "G12"),
    ("later date told", lambda x: tell_again(x, "2026-02-01", "2026-03-13"), "G12"),
    ("date repeated", lambda x: tell_again(x, "2026-02-01", "2026-03-12"), ""),
    ("earlier date told", lambda x: tell_again(x, "2026-02-01", "2026-03-11"), "G12"),
    ("opt-in on day 5 unanswered", lambda x: optin(x, "2026-01-10", None), "G12"),
    ("opt-in on day 5 answered", lambda x: optin(x, "2026-01-10", "2026-01-10"), ""),
    ("opt-in on day 5 answered late", lambda x: optin(x, "2026-01-10", "2026-01-11"), "G12"),
    ("opt-in on day 6 answered late", lambda x: optin(x, "2026-01-11", "2026-03-11"), ""),
    ("opt-in on day 6 answered on the day", lambda x: optin(x, "2026-01-11", "2026-03-12"), "G12"),
    ("opt-in on day 65 unanswered", lambda x: optin(x, "2026-03-11", None), "G12"),
    ("opt-in on day 66 unanswered", lambda x: optin(x, "2026-03-12", None), ""),
    ("all waived", both(untold, lambda x: waive(x, "u1", "u2")), ""),
    ("waived for another", both(untold, lambda x: waive(x, "u1", "u2", party="q")), "G12"),
    ("waived that day", both(untold, lambda x: waive(x, "u1", "u2", on="2026-03-12")), "G12"),
    ("waiver revoked", both(untold, lambda x: waive(x, "u1", "u2"), lambda x: revoke(x, "u2")), "G12"),
    ("mixed", both(lambda x: x.drop("tell-u1"), lambda x: waive(x, "u1")), "G12"),
    ("nobody named", both(untold, lambda x: x.put("release", units=[])), ""),
    ("persons, to a society", lambda x: x.put("release", persons=3), "G9"),
    ("analyses agreement expired", lambda x: x.put("npa_agreement", expires_on="2026-03-11"), "G14"),
    ("a term missing", lambda x: x.put("npa_agreement", terms=NPA_TERMS.replace("no_harm;", "")), "G14"),
    ("agreement ended", lambda x: x.add("agreement_ended", "2026-03-01", agreement_id="a2", reason="ended"), "G14"),
    ("redisclosure by a society", lambda x: x.put("npa_agreement", redisclosure="164.502(e)(1)"), "G14"),
    ("not de-identified", lambda x: x.drop("deid"), "G17"),
    ("determination lapsed", lambda x: x.put("deid", valid_until="2026-03-11"), "G17"),
    ("safe harbour, knowledge unknown", lambda x: x.put("deid", method="safe_harbor"), "G17"),
    ("safe harbour", lambda x: x.put("deid", method="safe_harbor", no_actual_knowledge=True), ""),
    ("not checked", lambda x: x.drop("checked"), "G18"),
    ("no price", lambda x: x.put("defined", fee_dollars=None), "G19"),
    ("cms sample", lambda x: x.put("run", sources=["cms:medicare+cms_5pct", "acme:commercial"]), "G20"),
    ("marketing", lambda x: x.put("defined", purpose="marketing"), "G21"),
    ("other lawful", lambda x: x.put("defined", purpose="other_lawful"), ""),
    ("for another user", lambda x: x.put("defined", party_id="q"), "G9"),
]  # fmt: skip

KINDS: list[tuple[str, Ledger, Change, str]] = [
    ("provider alone", analysis("provider", units=("own",)), lambda x: x.drop("tell-own"), ""),
    ("provider and another", analysis("provider", units=("own", "u2")), lambda x: x.drop("tell-own"), "G12"),
    ("provider, persons", analysis("provider"), lambda x: x.put("defined", kind="npa_patient_identifiable"), ""),
    ("provider, persons, no DUA", analysis("provider"), both(
        lambda x: x.drop("qe_dua"), lambda x: x.put("release", persons=1)), "G13"),
    ("provider, persons, health insurance", analysis("provider"), both(
        lambda x: x.put("release", persons=1), lambda x: x.put("defined", purpose="health_insurance")), "G21"),
    ("provider, redisclosure", analysis("provider"),
        lambda x: x.put("npa_agreement", redisclosure="164.506(c)(4)(i);164.502(e)(1)"), ""),
    ("provider, redisclosure by (c)(2)", analysis("provider"),
        lambda x: x.put("npa_agreement", redisclosure="164.506(c)(2)"), "G14"),
    ("employer without its term", analysis("employer"), lambda x: x.put("defined", purpose="health_insurance"), "G14"),
    ("employer for quality", analysis("employer"),
        lambda x: x.put("npa_agreement", terms=NPA_TERMS + ";employer_use"), "G21"),
    ("state entity", analysis("state_entity"), lambda x: None, ""),
    ("state entity, not executive", analysis("state_entity"), lambda x: x.put("user", executive=False), "G9"),
    ("local hospital association", analysis("hospital_association"), lambda x: x.put("user", scope="local"), ""),
    ("issuer, 51 of 100", analysis("issuer"), lambda x: covers(x, 51), ""),
    ("issuer, half", analysis("issuer"), lambda x: covers(x, 50), "G15"),
    ("issuer, none", analysis("issuer"), lambda x: None, "G15"),
    ("issuer, shorter period", analysis("issuer"), lambda x: covers(x, 51, period_end="2025-12-30"), "G15"),
    ("issuer, state's data", analysis("issuer"), lambda x: covers(x, 51, supplied_by="state_database"), "G15"),
    ("issuer, newest count", analysis("issuer"), both(lambda x: covers(x, 51), lambda x: covers(x, 40)), "G15"),
    ("data", data(), lambda x: None, ""),
    ("data to an association", data("provider_association"), lambda x: None, "G9"),
    ("data, no right", data(), lambda x: x.put("acme", rights="public;analyses"), "G7"),
    ("data without Medicare", data(), lambda x: x.put("run", sources=["acme:commercial"]), "G8"),
    ("data of Medicare alone, sold", data(), lambda x: x.put("run", sources=["cms:medicare"]), "G19"),
    ("data of Medicare alone, free", data(), both(
        lambda x: x.put("run", sources=["cms:medicare"]), lambda x: x.put("defined", fee_dollars=0)), ""),
    ("data of Medicare alone, paid", data(), both(
        lambda x: x.put("run", sources=["cms:medicare"]), lambda x: x.put("defined", fee_dollars=0),
        lambda x: x.add("fee_received", "2026-02-01", about="n", party_id="p", dollars=5)), "G19"),
    ("data, no DUA", data(), lambda x: x.drop("qe_dua"), "G13"),
    ("data, may be linked", data(), lambda x: x.put("qe_dua", terms=DUA_TERMS.replace("no_linking;", "")), "G13"),
    ("data, not de-identified", data(), lambda x: x.drop("deid"), "G17"),
    ("data, not checked", data(), lambda x: x.drop("checked"), "G18"),
    ("data, other purpose", data(), lambda x: x.put("defined", purpose="other_lawful"), "G21"),
    ("persons' data", data("supplier", "data_patient_identifiable"),
        both(lambda x: x.drop("checked"), lambda x: x.drop("deid")), ""),
    ("persons' data to a society", data("medical_society", "data_patient_identifiable"), lambda x: None, "G9"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rules"), [case[1:] for case in PUBLIC], ids=[case[0] for case in PUBLIC])
def test_a_public_release(tmp_path: Path, change: Change, rules: str):
    ledger = public()
    change(ledger)
    assert ledger.rules(tmp_path) == set(rules.split())


@pytest.mark.parametrize(("change", "rules"), [case[1:] for case in ANALYSES], ids=[case[0] for case in ANALYSES])
def test_an_analysis(tmp_path: Path, change: Change, rules: str):
    ledger = analysis()
    change(ledger)
    assert ledger.rules(tmp_path) == set(rules.split())


@pytest.mark.parametrize(("ledger", "change", "rules"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS])
def test_each_kind_of_user_and_data(tmp_path: Path, ledger: Ledger, change: Change, rules: str):
    change(ledger)
    assert ledger.rules(tmp_path) == set(rules.split())


def test_a_leap_day_is_clipped_back(tmp_path: Path):
    for day, rules in (("2027-02-27", set[str]()), ("2027-02-28", {"G1"})):
        ledger = public()
        ledger.put("approved", approved_on="2024-02-29")
        ledger.move("release", day)
        folder = tmp_path / day
        folder.mkdir()
        assert ledger.rules(folder) == rules
