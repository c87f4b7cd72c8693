"""`qe npa status`: where each analysis stands, which alternative of 401.716(b)(4) holds or could, and from which day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qe.ledger.fold import Facts
from qe.release.analyses.answers import still_to_waive, subject_of
from qe.release.analyses.definition import Analysis, user_of
from qe.release.analyses.sends import send_of
from qe.release.artefact import Artefact, Recipient, RecipientKind
from qe.release.lineage import lineage_of, narrowed, run_of
from qe.release.review import Clock, DayCount
from qe.release.rules.agreements import agreement_in_force, purpose_allowed
from qe.release.rules.naming import named_as_allowed, notice_of, opt_in_of
from qe.release.rules.recipients import authorized_user
from qe.release.sends import open_requests

State = Literal["defined", "approved", "noticed", "released"]


@dataclass(frozen=True, kw_only=True)
class NamedStatus:
    """One identified unit. earliest: the first day of release as far as its notice goes; None while that is not known."""

    unit_id: str
    notice: str
    noticed_on: date | None
    release_on: date | None
    opted_in_on: date | None
    extract: str
    has_waived: bool
    earliest: date | None


@dataclass(frozen=True, kw_only=True)
class AnalysisStatus:
    """One analysis on a day.

    holds      the alternative of 401.716(b)(4) that holds today, or None
    could      the alternatives that could still hold, with what each needs
    earliest   the first day on which a day alone would let it be named so; None while something else is needed
    against    what stands against it, as far as the ledger shows it without the staged bytes
    """

    analysis_id: str
    state: State
    party_id: str
    kind: str
    named: tuple[NamedStatus, ...]
    holds: str | None
    could: Mapping[str, str]
    earliest: date | None
    against: tuple[str, ...]
    open_requests: int
    released_on: date | None

    @property
    def next_act(self) -> str:
        """What comes next before its release: a command, or the first of what else stands against it; "" once it is released."""
        if self.state == "released":
            return ""
        if self.state == "defined":
            return f"qe npa release {self.analysis_id} --approve"
        if self.holds is None and (verb := self._to_tell()):
            return f"qe npa {verb}"
        lacking = self.against if self.holds else self.against[1:]  # the first is that nothing of 401.716(b)(4) holds
        return lacking[0] if lacking else f"qe npa release {self.analysis_id}"

    def _to_tell(self) -> str:
        """The words of `qe npa` for notices, then extracts of those who opted in, that are unsent or not confirmed."""
        notices = {one.notice for one in self.named}
        extracts = {one.extract for one in self.named if one.opted_in_on is not None}
        for verb, states in (("notify", notices), ("send", extracts)):
            if states & {"not_sent", "failed"}:
                return f"{verb} {self.analysis_id}"
            if "sent" in states:
                return f"{verb} {self.analysis_id} --confirm"
        return ""


def status_of(facts: Facts, analysis: Analysis, *, clock: Clock) -> AnalysisStatus:
    """The analysis on the day of `facts`, by the ledger alone."""
    event = authorized_user(facts, analysis.party_id)
    recipient = user_of(facts, analysis.party_id).recipient if event else Recipient(kind=RecipientKind.OTHER)
    lineage = narrowed(lineage_of(run_of(facts, analysis.run_id)), analysis.measures)
    artefact = subject_of(facts, analysis, lineage)
    waiting = still_to_waive(facts, artefact, recipient)
    naming = named_as_allowed(facts, artefact, recipient, clock)
    named = tuple(
        _named(facts, artefact, recipient, unit_id, has_waived=unit_id not in waiting, day_count=clock.day_count)
        for unit_id in sorted(analysis.units)
    )
    holds = _holding(analysis, recipient, waiting) if naming.verdict == "pass" else None
    return AnalysisStatus(
        analysis_id=analysis.analysis_id,
        state=_state(facts, analysis, named),
        party_id=analysis.party_id,
        kind=analysis.kind,
        named=named,
        holds=holds,
        could={} if holds or analysis.disclosed else _could(named),
        earliest=_earliest(facts.on, named) if holds is None else facts.on,
        against=() if analysis.disclosed else tuple(_against(facts, analysis, artefact, recipient, naming.fact, holds)),
        open_requests=len(open_requests(facts, analysis.analysis_id)),
        released_on=analysis.disclosed.effective_on if analysis.disclosed else None,
    )


def _named(
    facts: Facts, artefact: Artefact, recipient: Recipient, unit_id: str, *, has_waived: bool, day_count: DayCount
) -> NamedStatus:
    noticed, analysis_id = notice_of(facts, artefact, recipient, unit_id, day_count=day_count), artefact.analysis_id
    return NamedStatus(
        unit_id=unit_id,
        notice=send_of(facts, analysis_id, unit_id, "notice").state,
        noticed_on=noticed.period.notified_on if noticed else None,
        release_on=noticed.period.release_on if noticed else None,
        opted_in_on=opt_in_of(facts, analysis_id, unit_id),
        extract=send_of(facts, analysis_id, unit_id, "extract").state,
        has_waived=has_waived,
        earliest=noticed.earliest if noticed else None,
    )


def _state(facts: Facts, analysis: Analysis, named: tuple[NamedStatus, ...]) -> State:
    if analysis.disclosed:
        return "released"
    if named and all(one.notice == "confirmed" for one in named):
        return "noticed"
    approved = facts.of("release_approved", bundle_sha256=analysis.artefact_sha256)
    return "approved" if approved else "defined"


def _holding(analysis: Analysis, recipient: Recipient, waiting: frozenset[str]) -> str:
    if not analysis.units:
        return "nobody_named"
    if analysis.units <= {recipient.unit_id}:
        return "recipient_alone"
    return "notice" if waiting else "waiver"


def _could(named: tuple[NamedStatus, ...]) -> dict[str, str]:
    """Notices and waivers are not mixed: what each of the two still needs of everybody named."""
    unnoticed = sum(one.noticed_on is None for one in named)
    unsent = sum(one.noticed_on is not None and one.earliest is None for one in named)
    days = [one.earliest for one in named if one.earliest is not None]
    needs = [
        said
        for said in (
            f"{unnoticed} notices" if unnoticed else "",
            f"{unsent} extracts" if unsent else "",
            f"the day {max(days)}" if days else "",
        )
        if said
    ]
    waiting = sum(not one.has_waived for one in named)
    return {"notice": ", ".join(needs) or "nothing", "waiver": f"{waiting} waivers in writing" if waiting else "a day"}


def _earliest(on: date, named: tuple[NamedStatus, ...]) -> date | None:
    days = [one.earliest for one in named]
    if not days or any(day is None for day in days):
        return None
    return max(on, *(day for day in days if day is not None))


def _against(
    facts: Facts, analysis: Analysis, artefact: Artefact, recipient: Recipient, naming: str, holds: str | None
) -> list[str]:
    """What the ledger alone shows; `qe npa release --dry-run` asks the whole gate."""
    found = [] if holds else [naming]
    if not recipient.party_id:
        found.append("the user is not on record as an authorized user")
    if not facts.of("release_approved", bundle_sha256=analysis.artefact_sha256):
        found.append("exactly these bytes are not approved (qe npa release --approve)")
    if analysis.kind == "npa_deid":
        if agreement_in_force(facts, analysis.party_id, "analyses") is None:
            found.append("no non-public analyses agreement is in force (qe agreement add)")
        if not facts.of("deid_recorded", artefact_sha256=analysis.artefact_sha256):
            found.append("no determination of these bytes as de-identified (qe record deid_recorded)")
    elif agreement_in_force(facts, analysis.party_id, "qe_dua") is None:
        found.append("no QE data use agreement is in force (qe agreement add)")
    purpose = purpose_allowed(facts, artefact, recipient)
    if purpose.verdict == "fail":
        found.append(purpose.fact)
    return found
