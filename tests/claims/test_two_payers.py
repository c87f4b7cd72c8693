"""A service that two payers saw counts once; the primary payer's claim is kept."""

from datetime import date
from decimal import Decimal
from typing import Any

DAY = date(2025, 3, 5)
NAME = {"last_name": "Okafor", "first_name": "Ada", "birth_date": date(1950, 3, 1), "sex": "2", "zip5": "02118"}


def one_person(yard: Any) -> None:
    """B1 of Medicare and M1 of payer A are one person."""
    yard.put("medicare", "crosswalk", [{"native_person_id": "B1", **NAME}])
    yard.put(
        "payer_a",
        "eligibility",
        [
            {
                "native_person_id": "M1",
                "product": "SP",
                "year": 2025,
                "month": 3,
                "medical": "Y",
                "pharmacy": "N",
                "is_primary": "2",
            }
        ],
        identities=[{"native_person_id": "M1", "year": 2025, "month": 3, **NAME}],
    )


def carrier(claim: str, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": "B1",
        "native_claim_id": claim,
        "claim_type": "professional",
        "from_date": DAY,
        "thru_date": DAY,
        "payment_denial_code": "1",
        "line_number": 1,
        "hcpcs": "99213",
        "rendering_npi": "9999900002",
        "rendering_tin": "001234567",
        "rendering_specialty": "11",
        "line_processing_code": "A",
        "line_paid_amount": Decimal(80),
        "line_allowed_amount": Decimal(100),
        "claim_paid_amount": Decimal(80),
        **changes,
    }


def copy(claim: str, **changes: Any) -> dict[str, Any]:
    return {
        "payor": "P",
        "native_person_id": "M1",
        "native_claim_id": claim,
        "line_number": 1,
        "version": 1,
        "from_date": DAY,
        "hcpcs": "99213",
        "place_of_service": "11",
        "rendering_npi": "9999900002",
        "billing_tin": "001234567",
        "charge_amount": Decimal(100),
        "allowed_amount": Decimal(100),
        "paid_amount": Decimal(20),
        "claim_status": "02",
        **changes,
    }


def stay(claim: str, **changes: Any) -> dict[str, Any]:
    return {
        "native_person_id": "B1",
        "native_claim_id": claim,
        "claim_type": "inpatient",
        "from_date": DAY,
        "thru_date": date(2025, 3, 9),
        "admit_date": DAY,
        "discharge_date": date(2025, 3, 9),
        "facility_ccn": "220001",
        "billing_npi": "9999900001",
        "facility_code": "1",
        "service_code": "1",
        "frequency_code": "1",
        "discharge_status": "01",
        "claim_paid_amount": Decimal(9000),
        "deductible_amount": Decimal(1600),
        "line_number": 1,
        "revenue_code": "0120",
        **changes,
    }


def test_a_secondary_payers_copy_names_the_claim_that_is_kept_and_costs_nothing_more(yard: Any) -> None:
    one_person(yard)
    yard.put("medicare", "professional", [carrier("C1"), carrier("C2", hcpcs="G0403")])
    yard.put("payer_a", "medical", [copy("A1"), copy("A2", hcpcs="G0444", claim_status="01")])
    with yard.opened() as db:
        claims = db.query("select source_id, duplicate_of from claim order by claim_id").rows()
        lines = db.query("select duplicate_of from claim_line order by claim_id").rows()
        visits = db.query("select payer_type, hcpcs from visit order by hcpcs").rows()
        costs = db.query("select allowed_amount, paid_amount from cost_event order by claim_id").rows()
        before = db.query("select source_id, claims from source_claims").rows()
    assert claims == [("medicare", None), ("medicare", None), ("payer_a", "1"), ("payer_a", None)]
    assert lines == [(None,), (None,), ("1",), (None,)]
    assert visits == [("medicare", "99213"), ("medicare", "G0403"), ("commercial", "G0444")]
    # the kept claim: Medicare's allowed 100; 80 of Medicare + 20 of the supplement
    assert costs == [
        (Decimal("100.00"), Decimal("100.00")),
        (Decimal("100.00"), Decimal("80.00")),
        (Decimal("100.00"), Decimal("20.00")),
    ]
    assert before == [("medicare", 2), ("payer_a", 2)]


def test_a_cost_avoided_medicare_claim_gives_way_to_the_employers_plan(yard: Any) -> None:
    one_person(yard)
    avoided = carrier(
        "C1",
        payment_denial_code="12",
        line_paid_amount=Decimal(0),
        line_primary_payer_code="A",
        claim_paid_amount=Decimal(0),
    )
    yard.put("medicare", "professional", [avoided])
    yard.put(
        "payer_a", "medical", [copy("A1", claim_status="01", allowed_amount=Decimal(150), paid_amount=Decimal(130))]
    )
    with yard.opened() as db:
        assert db.query("select source_id, duplicate_of from claim order by source_id").rows() == [
            ("medicare", "2"),
            ("payer_a", None),
        ]
        assert db.query("select allowed_amount, paid_amount from cost_event").rows() == [
            (Decimal("150.00"), Decimal("130.00"))
        ]


def test_another_day_another_code_another_clinician_or_more_services_make_no_copy(yard: Any) -> None:
    one_person(yard)
    yard.put("medicare", "professional", [carrier("C1")])
    yard.put(
        "payer_a",
        "medical",
        [
            copy("1", from_date=date(2025, 3, 6)),
            copy("2", hcpcs="99214"),
            copy("3", rendering_npi="9999900009"),
            copy("4"),
            copy("4", line_number=2, hcpcs="G0444"),
        ],
    )
    assert yard.rows("select count(*) from claim where duplicate_of is not null") == [(0,)]


def test_a_stay_billed_under_ccn_to_one_payer_and_npi_to_another_is_one_stay_at_one_facility(yard: Any) -> None:
    one_person(yard)
    other_npi = {"npi": "9999900003", "ccn": "220001", "name": "Harbor Hospital", "role": "provider"}
    yard.put("roster", "roster", [other_npi])
    yard.put("medicare", "institutional", [stay("S1")])
    both = {"bill_type": "111", "hcpcs": None, "revenue_code": "0120", "admit_date": DAY, "rendering_npi": None}
    yard.put("payer_a", "medical", [copy("A1", billing_npi="9999900003", paid_amount=Decimal(1600), **both)])
    with yard.opened() as db:
        assert db.query("select payer_type, allowed_amount from stay").rows() == [("medicare", Decimal("10600.00"))]
        assert db.query("select distinct facility_id from claim").height == 1
        assert db.query("select paid_amount from cost_event").rows() == [(Decimal("10600.00"),)]


def clinic(claim: str, **changes: Any) -> dict[str, Any]:
    """An outpatient claim of Medicare."""
    facts = {
        "claim_type": "outpatient",
        "thru_date": DAY,
        "admit_date": None,
        "discharge_date": None,
        "service_code": "3",
        "revenue_code": "0300",
        "deductible_amount": Decimal(0),
        "claim_paid_amount": Decimal(80),
        "coinsurance_amount": Decimal(20),
    }
    return stay(claim, **facts | changes)


def clinic_copy(claim: str, **changes: Any) -> dict[str, Any]:
    facility = {"bill_type": "131", "revenue_code": "0300", "billing_npi": "9999900001", "rendering_npi": None}
    return copy(claim, **facility, thru_date=DAY, place_of_service=None, **changes)


def test_each_copy_names_the_claim_that_is_most_like_it_and_equal_ones_are_taken_in_turn(yard: Any) -> None:
    """Five claims of one hospital and day: two of one code with different charges, two equal ones, a late charge."""
    one_person(yard)
    codes = {"1": ("G0444", 100), "2": ("G0444", 300), "3": ("G0403", 50), "4": ("G0403", 50), "5": (None, 10)}
    yard.put(
        "medicare",
        "institutional",
        [clinic(name, hcpcs=code, claim_charge_amount=Decimal(charge)) for name, (code, charge) in codes.items()],
    )
    yard.put(
        "payer_a",
        "medical",
        [
            clinic_copy(name, hcpcs=codes[name][0], charge_amount=Decimal(codes[name][1]), paid_amount=Decimal(20))
            for name in ("5", "2", "4", "1", "3")
        ],
    )
    pairs = dict(yard.rows("select claim_id, duplicate_of from claim where duplicate_of is not null"))
    names = {str(number): native.removeprefix("P:") for native, number in yard.claims().items()}
    assert {names[claim]: names[kept] for claim, kept in pairs.items()} == {name: name for name in codes}
    # each of them costs what its two payers paid, none of them twice
    assert yard.rows("select paid_amount from cost_event") == [(Decimal("100.00"),)] * 5


def test_of_equal_services_the_second_payment_goes_with_the_claim_that_left_it_open(yard: Any) -> None:
    """A visit before the deductible was met and one after it: Medicare left 110.40 and 25.80 of 129.00 to the second payer."""
    one_person(yard)
    charged = {"hcpcs": "99214", "claim_charge_amount": Decimal("335.40")}
    before = {"claim_paid_amount": Decimal("18.60"), "deductible_amount": Decimal("105.75")}
    after = {"claim_paid_amount": Decimal("103.20"), "coinsurance_amount": Decimal("25.80")}
    first = clinic("1", **charged, **before, coinsurance_amount=Decimal("4.65"))
    yard.put("medicare", "institutional", [first, clinic("2", **charged, **after)])
    beside = {"8": "25.80", "9": "110.40"}
    yard.put(
        "payer_a",
        "medical",
        [
            clinic_copy(name, hcpcs="99214", charge_amount=Decimal("335.40"), paid_amount=Decimal(paid))
            for name, paid in beside.items()
        ],
    )
    pairs = dict(yard.rows("select claim_id, duplicate_of from claim where duplicate_of is not null"))
    names = {str(number): native.removeprefix("P:") for native, number in yard.claims().items()}
    assert {names[claim]: names[kept] for claim, kept in pairs.items()} == {"9": "1", "8": "2"}
    assert yard.rows("select paid_amount from cost_event") == [(Decimal("129.00"),)] * 2


def test_of_equal_services_a_copy_goes_with_the_claim_whose_payment_it_states(yard: Any) -> None:
    """Two visits of one charge, paid 70 and 90 of other prices; the copies tell the first payer's payment, and paid 5 both."""
    one_person(yard)
    charged = {"hcpcs": "99214", "claim_charge_amount": Decimal(300)}
    paid = {"1": ("90", "30"), "2": ("70", "10")}
    yard.put(
        "medicare",
        "institutional",
        [
            clinic(name, **charged, claim_paid_amount=Decimal(amount), coinsurance_amount=Decimal(rest))
            for name, (amount, rest) in paid.items()
        ],
    )
    stated = {"7": "90", "8": "70"}
    yard.put(
        "payer_a",
        "medical",
        [
            clinic_copy(
                name,
                hcpcs="99214",
                charge_amount=Decimal(300),
                paid_amount=Decimal(5),
                other_payer_amount=Decimal(amount),
            )
            for name, amount in stated.items()
        ],
    )
    pairs = dict(yard.rows("select claim_id, duplicate_of from claim where duplicate_of is not null"))
    names = {str(number): native.removeprefix("P:") for native, number in yard.claims().items()}
    assert {names[claim]: names[kept] for claim, kept in pairs.items()} == {"7": "1", "8": "2"}


def test_a_payer_that_takes_over_within_a_stay_bills_days_of_its_own(yard: Any) -> None:
    one_person(yard)
    both = {"claim_type": "snf", "facility_code": "2", "facility_ccn": "225001", "billing_npi": "9999900007"}
    first = stay(
        "S1", **both, frequency_code="2", discharge_status="30", thru_date=date(2025, 3, 31), discharge_date=None
    )
    yard.put("medicare", "institutional", [first])
    own = {"bill_type": "214", "hcpcs": None, "revenue_code": "0120", "admit_date": DAY, "rendering_npi": None}
    april = {"from_date": date(2025, 4, 1), "thru_date": date(2025, 4, 9), "discharge_date": date(2025, 4, 9)}
    yard.put("payer_a", "medical", [copy("A1", billing_npi="9999900007", claim_status="01", **own, **april)])
    with yard.opened() as db:
        assert db.query("select count(*) from claim where duplicate_of is not null").item() == 0
        assert db.query("select admit_date, discharge_date from stay").rows() == [(DAY, date(2025, 4, 9))]
        assert db.query("select count(*) from cost_event").item() == 2


def test_a_copy_of_a_copy_names_the_claim_that_counts(yard: Any) -> None:
    """Payer B's days overlap payer A's, and these Medicare's: A's claim is Medicare's copy, so B's is, too."""
    one_person(yard)
    member = {"native_person_id": "N1", "product": "SP", "year": 2025, "month": 3, "medical": "Y", "pharmacy": "N"}
    known = [{"native_person_id": "N1", "year": 2025, "month": 3, **NAME}]
    yard.put("payer_b", "eligibility", [{**member, "is_primary": "2"}], identities=known)
    both = {"claim_type": "snf", "facility_code": "2", "facility_ccn": "225001", "billing_npi": "9999900007"}
    yard.put("medicare", "institutional", [stay("S1", **both)])  # to 9 March
    own = {"bill_type": "211", "hcpcs": None, "revenue_code": "0120", "admit_date": DAY, "rendering_npi": None}
    for source_id, person, first, last in (("payer_a", "M1", DAY, 20), ("payer_b", "N1", date(2025, 3, 15), 31)):
        days = {"from_date": first, "thru_date": date(2025, 3, last), "discharge_date": date(2025, 3, last)}
        bill = copy(source_id, billing_npi="9999900007", **own, **days) | {"native_person_id": person}
        yard.put(source_id, "medical", [bill])
    kept = (
        "select copied.source_id, kept.source_id as kept_source from claim as copied "
        "join claim as kept on kept.claim_id = copied.duplicate_of"
    )
    with yard.opened() as db:
        assert db.query(f"{kept} order by 1").rows() == [("payer_a", "medicare"), ("payer_b", "medicare")]
        assert db.query("select count(*) from cost_event").item() == 1


def test_the_same_fill_from_two_payers_is_one_fill(yard: Any) -> None:
    one_person(yard)
    yard.put(
        "medicare",
        "part_d_event",
        [
            {
                "native_person_id": "B1",
                "native_claim_id": "P1",
                "fill_date": DAY,
                "ndc": "00000000001",
                "days_supply": 30,
                "total_cost_amount": Decimal(40),
                "plan_paid_amount": Decimal(30),
            }
        ],
    )
    fill = {
        "payor": "P",
        "native_person_id": "M1",
        "line_number": 1,
        "version": 1,
        "ndc": "00000000001",
        "days_supply": 30,
        "allowed_amount": Decimal(40),
        "paid_amount": Decimal(10),
        "other_payer_amount": Decimal(30),
    }
    yard.put(
        "payer_a",
        "pharmacy",
        [
            {**fill, "native_claim_id": "A", "fill_date": DAY},
            {**fill, "native_claim_id": "B", "fill_date": date(2025, 3, 6)},
        ],
    )
    with yard.opened() as db:
        assert db.query("select payer_type, fill_date from fill order by fill_date").rows() == [
            ("medicare", DAY),
            ("commercial", date(2025, 3, 6)),
        ]
        assert db.query("select allowed_amount, paid_amount from cost_event order by service_date").rows() == [
            (Decimal("40.00"), Decimal("40.00")),
            (Decimal("40.00"), Decimal("10.00")),
        ]


def test_a_supplement_is_never_the_primary_product_of_a_medicare_month(yard: Any) -> None:
    one_person(yard)
    year = {
        "native_person_id": "B1",
        "reference_year": 2025,
        "birth_date": date(1950, 3, 1),
        "sex": "2",
        "buy_in": [None, None, "3"] + [None] * 9,
        "hmo": ["0"] * 12,
        "part_c_contract": [None] * 12,
        "part_d_contract": [None] * 12,
        "dual_status": [None] * 12,
    }
    yard.put("medicare", "beneficiary", [year])
    with yard.opened() as db:
        assert db.query("select payer_type, medical, is_ffs, pharmacy from person_month").rows() == [
            ("medicare", True, True, False)
        ]
        assert db.query("select payer_id, is_primary from member_month order by payer_id").rows() == [
            ("a", False),
            ("medicare", True),
        ]


PAIRS = (
    "select kind, kept_id, copy_id, kept_payer_id, copy_payer_id, kept_allowed_amount, copy_paid_amount, "
    "combined_paid_amount from coordination_pair order by all"
)


def test_each_pair_of_two_payers_stands_in_the_audit_with_what_was_kept_and_what_it_cost(yard: Any) -> None:
    one_person(yard)
    yard.put("medicare", "professional", [carrier("C1")])
    yard.put("medicare", "institutional", [stay("S1")])
    facility = {"bill_type": "111", "revenue_code": "0120", "admit_date": DAY, "billing_npi": "9999900001"}
    own = {"hcpcs": None, "rendering_npi": None, "thru_date": date(2025, 3, 9), "allowed_amount": Decimal(10600)}
    yard.put(
        "payer_a",
        "medical",
        [copy("A1", paid_amount=Decimal(30)), copy("A2", **facility, **own, paid_amount=Decimal(1600))],
    )
    # the stay: Medicare pays 9,000 and allows 9,000 + 1,600 deductible; the supplement pays 1,600: 10,600 in all
    # the visit: 80 + 30 of an allowed 100, capped
    assert yard.rows(PAIRS) == [
        ("service", "2", "3", "medicare", "a", Decimal("100.00"), Decimal("30.00"), Decimal("100.00")),
        ("stay", "1", "4", "medicare", "a", Decimal("10600.00"), Decimal("1600.00"), Decimal("10600.00")),
    ]


def test_a_month_of_two_medical_products_counts_once_and_stands_in_the_audit(yard: Any) -> None:
    one_person(yard)
    employer = {"native_person_id": "M1", "year": 2025, "month": 4, "product": "PR", "medical": "Y", "pharmacy": "N"}
    supplement = {**employer, "month": 3, "product": "SP", "is_primary": "2"}
    yard.put("payer_a", "eligibility", [employer, supplement])
    year = {
        "native_person_id": "B1",
        "reference_year": 2025,
        "buy_in": [None, None, "3", "3"] + [None] * 8,
        "hmo": ["0"] * 12,
    }
    yard.put("medicare", "beneficiary", [year])
    with yard.opened() as db:
        months = db.query("select month(month), payer_id from person_month order by 1").rows()
        pairs = db.query("select kind, month(day), kept_payer_id, copy_payer_id from coordination_pair").rows()
    assert months == [(3, "medicare"), (4, "a")]  # a primary employer's plan comes before Medicare
    assert pairs == [("person_month", 4, "a", "medicare")]  # a supplement's month is no medical month: no pair


def test_what_medicare_only_informs_of_is_no_cost_and_gives_way_to_the_plans_own_claim(yard: Any) -> None:
    """A managed-care plan's stay arrives from Medicare as information and from the plan as its claim."""
    one_person(yard)
    informed = {"mco_paid": "1", "claim_paid_amount": Decimal(0), "deductible_amount": Decimal(0)}
    yard.put("medicare", "institutional", [stay("S1", **informed), stay("S2", native_person_id="B9", **informed)])
    facility = {"bill_type": "111", "revenue_code": "0120", "admit_date": DAY, "billing_npi": "9999900001"}
    plan = {"hcpcs": None, "rendering_npi": None, "thru_date": date(2025, 3, 9), "allowed_amount": Decimal(8000)}
    yard.put("payer_a", "medical", [copy("A1", **facility, **plan, claim_status="01", paid_amount=Decimal(7500))])
    with yard.opened() as db:
        claims = db.query("select source_id, mco_paid, duplicate_of from claim order by claim_id").rows()
        costs = db.query("select payer_id, allowed_amount, paid_amount from cost_event").rows()
        stays = db.query("select payer_id, allowed_amount from stay order by payer_id").rows()
    assert claims == [("medicare", True, "3"), ("medicare", True, None), ("payer_a", False, None)]
    assert costs == [("a", Decimal("8000.00"), Decimal("7500.00"))]
    assert stays == [("a", Decimal("8000.00")), ("medicare", Decimal("0.00"))]  # the stay itself took place, once
