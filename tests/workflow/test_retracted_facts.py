"""Each rehearsal fact taken back in turn: on day 61, with everything else in place, the release is refused for that reason."""

import pytest

FACTS = [
    ("G1", "entity_approved", {}),
    ("G4", "dua_signed", {}),
    ("G7", "source_registered", {"source_id": "medicare"}),
    ("G7", "source_registered", {"source_id": "payer_a"}),
    ("G7", "source_registered", {"source_id": "payer_b"}),
    ("G5", "measure_approved", {"measure_id": "hwr"}),
    ("G5", "measure_approved", {"measure_id": "pdc_statins", "level": "group"}),
    ("G5", "measure_approved", {"measure_id": "total_cost_index", "level": "group"}),
]


@pytest.mark.parametrize(
    ("rule", "kind", "which"), FACTS, ids=[f"{kind}-{'-'.join(which.values())}" for _, kind, which in FACTS]
)
def test_a_fact_taken_back_refuses_the_release_by_its_rule(ready, rule, kind, which):
    fact = next(one for one in ready.events(kind) if which.items() <= one["payload"].items())
    ready.done("record", "fact_retracted", f"retracts={fact['event_id']}", on=ready.day(60))

    refused = ready.go(ready.day(61))

    assert refused.exit_code == 3
    assert set(refused.failing()) == {rule}
    assert refused.failing()[rule]["citation"].startswith("42 CFR 401.")
    assert all(named in refused.failing()[rule]["fact"] for named in which.values())
    assert ready.files("public") == {}


def test_with_no_fact_taken_back_the_same_release_goes_out(ready):
    assert ready.go(ready.day(61), "--dry-run").exit_code == 0
