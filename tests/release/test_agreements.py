"""Agreements as they are recorded and listed: what each lacks by paragraph, when it ends, and that the two lists are apart."""

from datetime import date, timedelta

import pytest

from qe.errors import InputError
from qe.ledger.fold import state_as_of
from qe.release import agreements
from qe.release.agreements import CHECKLISTS, MEANINGS, AgreementKind, Signed, Standing
from qe.release.rules.agreements import agreement_in_force
from tests.release.conftest import EVIDENCE, Office

SIGNED_ON, LAST_DAY = date(2026, 1, 15), date(2026, 12, 31)
ALL_OF_401_716_C = {
    "no_marketing": "401.716(c)(1)(i)", "no_harm": "401.716(c)(1)(ii)", "no_fraud": "401.716(c)(1)(iii)",
    "employer_use": "401.716(c)(2)", "no_redisclosure": "401.716(c)(3), (4)", "no_linking": "401.716(c)(5)",
    "notify": "401.716(c)(6)", "cooperate": "401.716(c)(6)", "binds_contractors": "401.716(c)",
}  # fmt: skip


def sign(
    office: Office,
    kind: AgreementKind,
    *terms: str,
    party_kind: str = "employer",
    redisclosure: tuple[str, ...] = (),
    today: date = SIGNED_ON,
) -> tuple[Standing, bool]:
    office.record("user_authorised", SIGNED_ON, party_id="user-1", kind=party_kind, name="The User")
    signed = Signed(
        agreement_id=f"{kind}-1", kind=kind, party_id="user-1", terms=terms, redisclosure=redisclosure,
        signed_on=SIGNED_ON, expires_on=LAST_DAY, evidence_sha256=EVIDENCE,
    )  # fmt: skip
    facts = state_as_of(office.ledger, today)
    return agreements.add(office.ledger, facts, signed, at=office.at(), actor="officer", dry_run=False)


@pytest.mark.parametrize("left_out", sorted(ALL_OF_401_716_C))
def test_a_term_left_out_is_told_by_its_paragraph(office: Office, left_out: str) -> None:
    kept = [term for term in ALL_OF_401_716_C if term != left_out]
    standing, is_new = sign(office, "analyses", *kept)
    assert is_new
    assert standing.lacking == {left_out: ALL_OF_401_716_C[left_out]}


def test_only_an_employer_needs_the_term_for_employers(office: Office) -> None:
    kept = [term for term in ALL_OF_401_716_C if term != "employer_use"]
    standing, _ = sign(office, "analyses", *kept, party_kind="issuer")
    assert standing.lacking == {}


def test_the_two_lists_are_apart(office: Office) -> None:
    assert {"safeguards", "survival", "permitted_uses"} <= CHECKLISTS["qe_dua"].keys() - CHECKLISTS["analyses"].keys()
    assert {"no_harm", "no_fraud", "employer_use"} == CHECKLISTS["analyses"].keys() - CHECKLISTS["qe_dua"].keys()
    with pytest.raises(InputError, match="1 of the terms are not of this checklist"):
        sign(office, "qe_dua", "no_marketing", "employer_use")


def test_redisclosure_by_506_c_2_goes_under_a_qe_dua_and_not_under_the_other(office: Office) -> None:
    option = ("164.506(c)(2)",)
    under_dua, _ = sign(office, "qe_dua", "no_marketing", party_kind="provider", redisclosure=option)
    assert under_dua.fault is None
    under_other, _ = sign(office, "analyses", "no_marketing", party_kind="provider", redisclosure=option)
    assert under_other.fault is not None and "164.506(c)(2)" in under_other.fault


def test_an_agreement_is_recorded_once_and_another_paper_under_its_id_is_refused(office: Office) -> None:
    sign(office, "analyses", "no_harm")
    assert sign(office, "analyses", "no_harm")[1] is False
    with pytest.raises(InputError, match="another agreement_signed"):
        sign(office, "analyses", "no_harm", "no_fraud")


def test_its_last_day_counts_and_its_end_is_told_90_days_ahead(office: Office) -> None:
    sign(office, "analyses", *ALL_OF_401_716_C)
    told = {}
    for day in (date(2026, 10, 1), date(2026, 10, 2), LAST_DAY, LAST_DAY + timedelta(days=1)):
        facts = state_as_of(office.ledger, day)
        (one,) = agreements.agreements(facts)
        told[day] = (one.state, one.ends_soon, one.days_left)
        assert (agreement_in_force(facts, "user-1", "analyses") is not None) == (one.state == "in_force")
    assert list(told.values()) == [
        ("in_force", False, 91),  # 31 December - 1 October = 91 days
        ("in_force", True, 90),
        ("in_force", True, 0),
        ("expired", False, 0),
    ]


def test_a_party_that_is_not_on_record_has_no_agreement(office: Office) -> None:
    signed = Signed(
        agreement_id="x", kind="analyses", party_id="nobody", terms=(), redisclosure=(), signed_on=SIGNED_ON,
        expires_on=LAST_DAY, evidence_sha256=EVIDENCE,
    )  # fmt: skip
    with pytest.raises(InputError, match="not on record"):
        agreements.add(
            office.ledger, state_as_of(office.ledger, SIGNED_ON), signed, at=office.at(), actor="officer", dry_run=True
        )


def test_every_term_of_both_lists_is_explained() -> None:
    assert {term for terms in CHECKLISTS.values() for term in terms} == MEANINGS.keys()
