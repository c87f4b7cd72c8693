"""The sentence of every rule, as the officer reads it: what fails, with the fact and the remedy, and what holds."""

from datetime import date
from typing import Final

import pytest

from qe.errors import Reason
from qe.release.artefact import ArtefactKind, RecipientKind
from tests.rules.scene import Scene, words

ON: Final = date(2026, 7, 1)


def said(artefact: str, recipient: str, facts: str, rule: str, on: date = ON) -> Reason:
    scene = Scene(artefact=ArtefactKind(artefact), recipient=RecipientKind(recipient), on=on, changed=words(facts))
    return next(one for one in scene.decide().reasons if one.rule == rule)


FAILING: Final = [  # artefact, recipient, what is otherwise, rule, the whole sentence
    ("public_report", "public", "terminated_on=2026-06-01", "G2",
     "CMS ended the agreement on 2026-06-01: only returns, certificates and filings may leave"),
    ("public_report", "public", "exit_on=2026-06-02; terminated_on=2026-06-05", "G2",
     "the entity ended its participation on 2026-06-02: only returns, certificates and filings may leave"),
    ("public_report", "public", "decrease_on=2026-06-01", "G3",
     "claims of plan_a decreased, seen on 2026-06-01, and CMS has not found the rest sufficient"),
    ("public_report", "public", "plan_on_record=no", "G6",
     "no plan for public sharing approved by CMS is on record"),
    ("confidential_report", "provider", "template=unknown", "G6",
     "it is not known from which templates the report was rendered"),
    ("confidential_report", "provider", "template=changed", "G6",
     "the report's templates are not those of the approved prototype (qe filing prototype)"),
    ("public_report", "public", "change_on=2026-06-20; change_what=sharing_plan", "G6",
     "the change of the sharing plan was submitted on 2026-06-20: it may be used from 2026-07-21"),
    ("confidential_report", "provider", "change_on=2026-05-01; change_what=measures; change_extended_on=2026-05-20",
     "G6", "CMS asked for more days on the change of the measures: it is not deemed approved"),
    ("confidential_report", "provider",
     "change_on=2026-05-01; change_what=prototype; change_decision=denied; change_decided_on=2026-06-20", "G6",
     "CMS refused the change of the prototype submitted on 2026-05-01"),
    ("data_deid", "issuer", "", "G9", "no row of the decision table lets a data_deid go to issuer"),
    ("confidential_report", "provider", "about=other", "G9",
     "it is not about the provider or supplier that would receive it"),
    ("provider_data_extract", "provider", "requester=unverified", "G9",
     "nobody was verified to ask for this provider or supplier (qe request verify)"),
    ("npa_deid", "employer", "user=none", "G9",
     "the recipient is not on record as an authorized user (qe record user_authorised)"),
    ("npa_deid", "employer", "user=revoked", "G9",
     "the recipient is not on record as an authorized user (qe record user_authorised)"),
    ("npa_deid", "employer", "user=other_kind", "G9", "the recipient is on record as issuer, not as employer"),
    ("npa_deid", "medical_society", "nonprofit=no; majority=no; scope=local", "G9",
     "of a medical_society it is not on record: nonprofit, a majority of members of its kind, "
     "representation at the level national or state (401.703(m) to (o))"),
    ("npa_deid", "state_entity", "executive=no", "G9",
     "a state entity stands within the executive branch (401.703(p)): not on record"),
    ("agent_share", "qe_contractor", "contractor_dua=no", "G9",
     "the contractor has no data use agreement with CMS of its own (401.709(b), 401.713(a))"),
    ("part2_return", "part2_program", "qsoa=none", "G9",
     "no qualified service organisation agreement with both promises names the recipient (2.11)"),
    ("provider_data_extract", "provider", "request=none", "G10",
     "no open request of the recipient for these data is recorded"),
    ("provider_data_extract", "provider", "request=late", "G10",
     "asked on 2026-07-01, after the last day 2026-06-30"),
    ("provider_data_extract", "provider", "confirmed=no", "G10",
     "the recipient was not sent the report that the request is about"),
    ("npa_deid", "employer", "names=unknown", "G12",
     "it is not known which providers and suppliers it identifies"),
    ("confidential_report", "provider", "about=self+other", "G12",
     "it identifies 1 providers or suppliers other than the recipient"),
    ("npa_deid", "employer", "names=B", "G12",
     "1 named: not noticed of this analysis, user and measures; 1 have not waived"),
    ("npa_deid", "employer", "names=B; b_noticed_on=2026-06-01", "G12",
     "1 named: noticed on 2026-06-01, release from 2026-08-06; 1 have not waived"),
    ("npa_deid", "employer", "names=B; b_noticed_on=2026-04-01; b_opted_in_on=2026-05-01", "G12",
     "1 named: opted in, and its own extract of these results is not handed over; 1 have not waived"),
    ("npa_deid", "employer", "names=B+C; b_noticed_on=2026-06-01; c_waived_on=2026-05-01", "G12",
     "1 named: not noticed of this analysis, user and measures; 1 named: noticed on 2026-06-01, release from "
     "2026-08-06; 1 have not waived"),
    ("npa_deid", "employer",
     "names=B; b_noticed_on=2026-04-01; release_told=2026-07-01; asked_at=2026-07-01T03:59Z", "G12",
     "1 named: the day before 2026-07-01 is not over where it is; 1 have not waived"),
    ("data_deid", "medical_society", "qe_dua=none", "G13",
     "no QE data use agreement with the recipient is in force (qe agreement add)"),
    ("data_deid", "medical_society", "qe_dua_lacks=no_linking", "G13",
     "the QE data use agreement lacks no_linking (401.713(d)(6))"),
    ("data_deid", "medical_society", "redisclosure=164.506(c)(2)", "G13",
     "the QE data use agreement permits redisclosure, which only a provider or supplier may be permitted"),
    ("provider_data_extract", "provider", "terms_accepted=no", "G13",
     "the terms of an extract, with the duties of 401.713(d), are not signed"),
    ("npa_deid", "employer", "agreement_ended_on=2026-06-01", "G14",
     "no non-public analyses agreement with the recipient is in force (qe agreement add)"),
    ("npa_deid", "employer", "agreement_lacks=employer_use", "G14",
     "the non-public analyses agreement lacks employer_use (401.716(c)(2))"),
    ("npa_deid", "supplier", "agreement_redisclosure=164.506(c)(2)", "G14",
     "the non-public analyses agreement permits redisclosure by 45 CFR 164.506(c)(2), which it may not"),
    ("npa_deid", "issuer", "lives_total=unknown", "G15",
     "NY: no count of covered lives for 2025-01-01 to 2025-12-31 is on record"),
    ("npa_deid", "issuer", "supplied_by=state_database", "G15",
     "NY: the claims did not come from the issuer, its business associate, or on its behalf"),
    ("npa_deid", "issuer", "lives_total=0; lives_supplied=0", "G15",
     "NY: the issuer has no covered lives there"),
    ("npa_deid", "issuer", "lives_total=2000; lives_supplied=1000", "G15",
     "NY: claims of 1,000 of 2,000 lives are no majority"),
    ("npa_deid", "issuer", "lives_supplied=500; areas=NY+CT", "G15",
     "CT: no count of covered lives for 2025-01-01 to 2025-12-31 is on record; "
     "NY: claims of 500 of 1,000 lives are no majority"),
    ("public_report", "public", "persons=unknown", "G16", "it is not known how many persons it identifies"),
    ("public_report", "public", "persons=1200", "G16", "it identifies 1,200 persons"),
    ("provider_data_extract", "provider", "outside_lineage=unknown", "G16",
     "it is not known whether all rows are behind the result under appeal"),
    ("provider_data_extract", "provider", "outside_lineage=1200", "G16",
     "1,200 rows are not behind the result under appeal"),
    ("npa_patient_identifiable", "provider", "persons=1500; without_visit=1200", "G16",
     "1,200 of 1,500 persons have no visit with the recipient in the 24 months before"),
    ("public_report", "public", "persons=3", "G17", "it is not known to hold aggregates alone"),
    ("data_deid", "provider", "deid=none", "G17",
     "no determination that exactly these bytes are de-identified is on record"),
    ("data_deid", "provider", "deid_until=2026-06-30", "G17", "the determination ended on 2026-06-30"),
    ("npa_deid", "employer", "fee=unknown", "G19", "the price asked is not on record"),
    ("data_deid", "provider", "sources=medicare; fee=1500", "G19",
     "$1,500 for data of Medicare alone, or of unknown sources: those go at no cost"),
    ("npa_deid", "medical_society", "purpose=none", "G21", "the purpose of the recipient is not on record"),
    ("npa_deid", "medical_society", "purpose=marketing", "G21", "marketing is a forbidden purpose"),
    ("npa_deid", "employer", "purpose=quality_improvement", "G21",
     "an employer may use it to provide health insurance to its own only, not for quality improvement"),
    ("data_deid", "provider", "purpose=other_lawful", "G21",
     "other lawful is none of the purposes of 401.713(d)(1)(i)"),
    ("annual_report", "cms", "channel=ftp", "G22", "it would not go by portal, age file, tracked mail or courier"),
    ("prototype", "cms", "scan=not_done", "G23",
     "the rendered bytes were not searched for identifiers of persons"),
    ("public_report", "public", "approved_on=none", "G1", "no approval of the entity by CMS is recorded"),
    ("public_report", "public", "approved_on=2023-07-01", "G1",
     "the approval ended before 2026-07-01 and no re-application by 2026-01-01 is recorded"),
    ("public_report", "public",
     "approved_on=2023-06-01; renewal_submitted_on=2025-11-01; renewal_decision=denied; renewal_decided_on=2026-06-20",
     "G1", "CMS denied the re-application on 2026-06-20"),
    ("public_report", "public", "dua_expires_on=none", "G4",
     "no data use agreement of the operating organisation with CMS is recorded"),
    ("public_report", "public", "dua_expires_on=2026-06-30", "G4", "the data use agreement ended on 2026-06-30"),
    ("public_report", "public", "measure_route=none", "G5", "hwr 1.0.0 at level facility is not approved"),
    ("public_report", "public", "measure_approved_on=2026-07-09", "G5",
     "hwr 1.0.0 at level facility is approved from 2026-07-09 only"),
    ("public_report", "public", "measure_ran_as=alternative", "G5",
     "hwr 1.0.0 at level facility ran as an alternative measure, and is approved as a standard one only "
     "(401.715(b)(1))"),
    ("public_report", "public", "sources=unknown", "G7", "the run's sources are not known"),
    ("public_report", "public", "lacking_right=public", "G7", 'source plan_a lacks the right "public"'),
    ("npa_deid", "employer", "lacking_right=analyses", "G7", 'source plan_a lacks the right "analyses"'),
    ("npa_patient_identifiable", "provider", "lacking_right=medicare:analyses; rights_expire_on=2026-06-30", "G7",
     'source medicare lacks the right "analyses"; the rights in source plan_a have ended'),
    ("data_deid", "provider", "lacking_right=data", "G7", 'source plan_a lacks the right "data"'),
    ("data_patient_identifiable", "provider", "source_ended_on=2026-06-01; lacking_right=medicare:data", "G7",
     'source medicare lacks the right "data"; the rights in source plan_a have ended'),
    ("confidential_report", "provider", "lacking_right=measures", "G7", 'source plan_a lacks the right "measures"'),
    ("public_report", "public", "sources=commercial", "G8", "the run holds no Medicare claims"),
    ("public_report", "public", "sources=medicare", "G8",
     "the run holds Medicare claims only: no other payer's claims are combined"),
    ("public_report", "public", "sent_on=none", "G10", "U000001, U000002: not sent its report"),
    ("public_report", "public", "b_returned_on=2026-06-01", "G10", "U000002: report came back undelivered"),
    ("public_report", "public", "confirmed=no; b_confirmed=yes", "G10",
     "U000001: hand-over of the report not confirmed"),
    ("public_report", "public", "shown=other; b_shown=same", "G10",
     "U000001: report shows other results than would be published"),
    ("public_report", "public", "b_sent_on=2026-05-02", "G10",
     "U000002: report sent on 2026-05-02, public after 2026-07-01, from 2026-07-02"),
    ("public_report", "public", "b_zone=Pacific/Honolulu; asked_at=2026-07-01T09:59Z", "G10",
     "U000002: the last day to ask is over at 2026-07-01 10:00 UTC, in the recipient's zone"),
    ("public_report", "public", "b_sent_on=none; returned_on=2026-06-01; b_returned_on=none", "G10",
     "U000002: not sent its report; U000001: report came back undelivered"),
    ("public_report", "public", "posted=unknown", "G11", "it is not known which open requests are posted with it"),
    ("public_report", "public", "request_on=2026-06-10; posted=no", "G11",
     "1 requests are open but 0 are posted: the requests changed since the files were staged; plan again"),
    ("public_report", "public", "cell_check=none", "G18",
     "the cell check of exactly these files is not recorded (qe release approve)"),
    ("public_report", "public", "cell_check=findings", "G18", "2 cells could be narrowed down to 1 to 10 persons"),
    ("public_report", "public", "approved_by=nobody", "G18", "nobody approved exactly these files (qe release approve)"),
    ("public_report", "public", "approved_by=analyst", "G18",
     "the person who made the run also approved it: a second person must"),
    ("confidential_report", "provider", "peers=2", "G18", "peer aggregates may stand for fewer than 3 peers"),
    ("public_report", "public", "label=part2", "G20",
     "the run's sources hold records of substance use disorder treatment"),
    ("public_report", "public", "label=pswp", "G20", "the run's sources hold patient safety work product"),
    ("public_report", "public", "label=cms_5pct", "G20",
     "the run's sources hold the 5 percent national sample, which may reach benchmarks only"),
    ("public_report", "public", "sources=unknown", "G20", "the run's sources are not known"),
    ("public_report", "public", "b_confirmed=no", "G24", "U000002: not told a public date"),
    ("public_report", "public", "told_public_on=2026-07-10", "G24", "U000001, U000002: told the public date 2026-07-10"),
    ("public_report", "public", "b_told_on=none", "G24",
     "U000002: not sent the notice of the status of its requests (qe review notice)"),
    ("prototype", "cms", "scan=found", "G23", "the rendered bytes hold 3 of what looks like identifiers"),
]  # fmt: skip
HOLDING: Final = [
    ("public_report", "public", "", "G1", "the entity is approved from 2025-01-15 to 2028-01-14"),
    ("public_report", "public", "approved_on=2023-06-01; renewal_submitted_on=2025-12-01", "G1",
     "the approval continues until CMS decides on the re-application"),
    ("public_report", "public", "", "G2", "the participation has not ended"),
    ("public_report", "public", "", "G4", "the data use agreement runs to 2027-12-31"),
    ("public_report", "public", "", "G5", "1 measures approved at their version and level"),
    ("public_report", "public", "", "G7", '2 sources with the right "public"'),
    ("provider_data_extract", "provider", "", "G7", '1 sources with the right "measures"'),
    ("public_report", "public", "", "G10", "the 60 days of all 2 providers and suppliers are over"),
    ("public_report", "public", "request_on=2026-06-10", "G11", "1 open requests are posted"),
    ("public_report", "public", "", "G18", "40 cells checked, none can be narrowed down"),
    ("confidential_report", "provider", "peers=3", "G18", "peer aggregates stand for at least 3 peers"),
    ("public_report", "public", "", "G20", "no source carries a label that forbids it"),
    ("public_report", "public", "", "G24", "all 2 were told the date and their requests' status"),
    ("public_report", "public", "", "G3", "no decrease of claims data is unsettled"),
    ("public_report", "public", "", "G6", "the plan for public sharing is approved, and no change of it is pending"),
    ("confidential_report", "provider", "", "G6",
     "the templates are those of the approved prototype, and no change is pending"),
    ("public_report", "public", "", "G9", "public_report goes to public"),
    ("confidential_report", "provider", "", "G9", "it is about the provider or supplier that receives it"),
    ("npa_deid", "employer", "", "G9", "the recipient is on record as employer"),
    ("npa_deid", "medical_society", "", "G9", "the recipient is on record as medical_society, nonprofit, of such members"),
    ("agent_share", "qe_contractor", "", "G9", "the contractor has its own data use agreement with CMS"),
    ("part2_return", "qso_agent", "", "G9",
     "a qualified service organisation agreement with both promises is on record"),
    ("provider_data_extract", "provider", "", "G10", "asked on 2026-06-01, within the 60 days"),
    ("confidential_report", "provider", "", "G12", "it identifies nobody but the recipient"),
    ("npa_deid", "employer", "", "G12", "it identifies no provider or supplier"),
    ("npa_deid", "provider", "names=A", "G12", "it identifies the recipient alone (401.716(b)(4)(i))"),
    ("npa_deid", "employer", "names=B+C; b_waived_on=2026-05-01; c_waived_on=2026-05-02", "G12",
     "all 2 named waived in writing (401.716(b)(4)(iii))"),
    ("npa_deid", "employer", "names=B; b_noticed_on=2026-04-01", "G12",
     "the 65 days of all 1 named are over (401.717(f))"),
    ("data_deid", "provider", "", "G8", "Medicare claims are combined with those of 1 other sources"),
    ("data_deid", "provider", "sources=medicare", "G8", "Medicare data alone, which go at no cost (401.718(a))"),
    ("data_deid", "provider", "", "G13", "a QE data use agreement with all terms runs to 2027-12-31"),
    ("provider_data_extract", "provider", "", "G13", "the terms of an extract are signed"),
    ("npa_deid", "employer", "", "G14", "a non-public analyses agreement with all terms runs to 2027-12-31"),
    ("npa_deid", "issuer", "", "G15", "the issuer supplied claims of a majority of its lives in 1 areas"),
    ("public_report", "public", "", "G16", "it identifies no person"),
    ("provider_data_extract", "provider", "persons=1500", "G16",
     "all rows, of 1,500 persons, are behind the result under appeal"),
    ("npa_patient_identifiable", "provider", "persons=1500", "G16",
     "all 1,500 persons visited it in the 24 months before"),
    ("public_report", "public", "", "G17", "aggregates alone; their cells are judged by G18"),
    ("data_deid", "provider", "", "G17", "de-identified by safe harbor, on record until 2027-12-31"),
    ("npa_deid", "employer", "", "G19", "no fee"),
    ("npa_deid", "employer", "fee=1500", "G19", "$1,500"),
    ("npa_deid", "employer", "", "G21", "the purpose is health insurance"),
    ("annual_report", "cms", "channel=courier", "G22", "goes by courier"),
    ("annual_report", "cms", "", "G23", "the rendered bytes hold no identifier of a person"),
]  # fmt: skip


@pytest.mark.parametrize(("artefact", "recipient", "facts", "rule", "sentence"), FAILING)
def test_what_fails_is_said(artefact: str, recipient: str, facts: str, rule: str, sentence: str) -> None:
    reason = said(artefact, recipient, facts, rule)
    assert (reason.verdict, reason.fact) == ("fail", sentence)


@pytest.mark.parametrize(("artefact", "recipient", "facts", "rule", "sentence"), HOLDING)
def test_what_holds_is_said(artefact: str, recipient: str, facts: str, rule: str, sentence: str) -> None:
    reason = said(artefact, recipient, facts, rule)
    assert (reason.verdict, reason.fact, reason.earliest) == ("pass", sentence, None)


NOT_ASKED: Final = [  # a rule that does not apply to the artefact says what it would ask
    ("letter", "provider", "G1", "entity approved or continuing"),
    ("annual_report", "cms", "G10", "60 days of each provider over; published as shown; an extract asked for in time"),
]


@pytest.mark.parametrize(("artefact", "recipient", "rule", "sentence"), NOT_ASKED)
def test_a_rule_that_does_not_apply_says_so(artefact: str, recipient: str, rule: str, sentence: str) -> None:
    reason = said(artefact, recipient, "", rule)
    assert (reason.verdict, reason.fact, reason.earliest) == ("not_applicable", sentence, None)


def test_each_rule_that_a_day_cures_names_it() -> None:
    change = "change_on=2026-06-20; change_what=sharing_plan"
    assert said("public_report", "public", change, "G6").earliest == "2026-07-21"
    noticed = "names=B; b_noticed_on=2026-06-01"
    assert said("npa_deid", "employer", noticed, "G12").earliest == "2026-08-06"
    assert said("npa_deid", "employer", "names=B", "G12").earliest == "2026-09-05"  # if noticed today: 1 July + 66
    assert said("public_report", "public", "sent_on=none", "G10").earliest == "2026-08-31"  # if sent today: 1 July + 61
    assert said("public_report", "public", "b_sent_on=2026-05-02", "G10").earliest == "2026-07-02"
    assert said("public_report", "public", "b_confirmed=no", "G24").earliest == "2026-08-31"
    assert said("public_report", "public", "told_public_on=2026-07-10", "G24").earliest == "2026-07-10"
    assert said("public_report", "public", "b_told_on=none", "G24").earliest == "2026-07-01"
    assert said("public_report", "public", "measure_approved_on=2026-07-09", "G5").earliest == "2026-07-09"
    unsent = "names=B+C; b_noticed_on=2026-06-01; c_noticed_on=2026-04-01; b_opted_in_on=2026-06-02"
    assert said("npa_deid", "employer", unsent, "G12").earliest is None
