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
     "1 named: opted in, and its own extract is not handed over; 1 have not waived"),
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
    ("prototype", "cms", "scan=found", "G23", "the rendered bytes hold 3 of what looks like identifiers"),
]  # fmt: skip
HOLDING: Final = [
    ("public_report", "public", "", "G2", "the participation has not ended"),
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


def test_each_rule_that_a_day_cures_names_it() -> None:
    change = "change_on=2026-06-20; change_what=sharing_plan"
    assert said("public_report", "public", change, "G6").earliest == "2026-07-21"
    noticed = "names=B; b_noticed_on=2026-06-01"
    assert said("npa_deid", "employer", noticed, "G12").earliest == "2026-08-06"
    assert said("npa_deid", "employer", "names=B", "G12").earliest == "2026-09-05"  # if noticed today: 1 July + 66
    unsent = "names=B+C; b_noticed_on=2026-06-01; c_noticed_on=2026-04-01; b_opted_in_on=2026-06-02"
    assert said("npa_deid", "employer", unsent, "G12").earliest is None
