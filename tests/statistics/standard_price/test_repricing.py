"""Lines repriced by hand: the chain, its floors, netting, and what the figures are called."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe.errors import InputError
from qe.statistics.standard_price import reference, repricing

LINE_SCHEMA: Any = repricing.LINE


def _line(line_id: str = "x", allowed: str | None = "100.00", **said: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"line_id": line_id, "setting": "professional_office", "code": "G0438", "modifier": ""}
    usual |= {
        "family": None,
        "drg_weight": None,
        "service_date": date(2026, 3, 1),
        "units": Decimal(1),
        "is_paid": True,
    }
    return usual | {"payer_id": "a", "provider_id": "p", "allowed_amount": Decimal(allowed) if allowed else None} | said


def _prices(price: str = "80.00", **said: Any) -> pl.DataFrame:
    usual: dict[str, Any] = {
        "setting": "professional_office",
        "code": "G0438",
        "modifier": "",
        "eff_from": date(2026, 1, 1),
    }
    usual |= {"eff_to": date(2026, 12, 31), "price": Decimal(price), "source": "CMS PFS", "version": "2026A"}
    return pl.DataFrame([usual | said], schema=reference.SCHEMA)


NONE = _prices().clear()


def _repriced(
    *lines: dict[str, Any], prices: pl.DataFrame = NONE, base: dict[int, Decimal] | None = None
) -> dict[str, tuple[str, Decimal]]:
    frame = pl.DataFrame(lines, schema=LINE_SCHEMA)
    found = repricing.reprice(frame, prices, drg_base=base or {})
    return {row[0]: (row[1], row[2]) for row in found.lines.select("line_id", "method", "std_cost").iter_rows()}


def _crowd(count: int, *, payers: int = 3, providers: int = 3, **said: Any) -> list[dict[str, Any]]:
    """Lines that allow 10, 20, 30, ... dollars, of so many payers and providers."""
    return [
        _line(
            f"c{place:02}", f"{10 * (place + 1)}.00", payer_id=f"a{place % payers}", provider_id=f"p{place % providers}"
        )
        | said
        for place in range(count)
    ]


def test_a_reference_price_is_paid_for_each_unit_whatever_was_allowed():
    lines = (_line("a", "500.00"), _line("b", "40.00", units=Decimal("2.5")))
    assert _repriced(*lines, prices=_prices("80.01")) == {
        "a": ("reference", Decimal("80.01")),
        "b": ("reference", Decimal("200.03")),  # 80.01 x 2.5 = 200.025, half a cent up
    }


@pytest.mark.parametrize(
    "other",
    [{"service_date": date(2027, 1, 1)}, {"modifier": "26"}, {"setting": "professional_facility"}, {"code": "G0439"}],
)
def test_a_reference_price_holds_for_its_days_modifier_and_setting_only(other: dict[str, Any]):
    assert _repriced(_line() | other, prices=_prices()) == {"x": ("unstandardised", Decimal("100.00"))}


def test_eleven_lines_of_three_payers_and_providers_have_their_median():
    found = _repriced(*_crowd(11))  # 10 to 110: the sixth is 60
    assert set(found.values()) == {("median", Decimal("60.00"))}


def test_of_an_even_number_the_two_middle_prices_are_averaged():
    assert set(_repriced(*_crowd(12)).values()) == {("median", Decimal("65.00"))}


@pytest.mark.parametrize("crowd", [_crowd(10), _crowd(11, payers=2), _crowd(11, providers=2)])
def test_fewer_lines_payers_or_providers_have_no_median_and_keep_their_own_amount(crowd: list[dict[str, Any]]):
    assert {method for method, _ in _repriced(*crowd).values()} == {"unstandardised"}


def test_a_median_is_told_a_unit_and_of_one_year():
    # 11 lines of 2 units: 5 to 55 dollars a unit, median 30; the line of 2025 stands alone
    lines = [*_crowd(11, units=Decimal(2)), _line("old", "77.00", service_date=date(2025, 3, 1))]
    found = _repriced(*lines)
    assert (found["c00"], found["old"]) == (("median", Decimal("60.00")), ("unstandardised", Decimal("77.00")))


def test_a_rare_code_has_the_median_of_its_family_and_then_the_weight_of_its_group():
    rare = _line("rare", "999.00", code="G0500", family="visits")
    found = _repriced(*_crowd(11, family="visits"), rare)
    # with itself 12 lines: 60 and 70
    assert found["rare"] == ("family", Decimal("65.00"))
    stay = _line("stay", "20000.00", setting="inpatient", code="470", drg_weight=Decimal("1.9"))
    base = {2026: Decimal("7000.00")}
    assert _repriced(stay, base=base)["stay"] == ("drg", Decimal("13300.00"))
    assert _repriced(stay, base={2025: Decimal("7000.00")})["stay"] == ("unstandardised", Decimal("20000.00"))


def test_denied_lines_and_lines_that_net_to_nothing_cost_nothing():
    lines = (
        _line("denied", "100.00", is_paid=False),
        _line("zero", "0.00"),
        _line("taken", "100.00"),
        _line("taken", "-100.00", units=Decimal(-1)),
        _line("below", "-5.00"),
    )
    assert _repriced(*lines, prices=_prices()) == dict.fromkeys(
        ("denied", "zero", "taken", "below"), ("zero", Decimal("0.00"))
    )


def test_an_adjustment_is_netted_before_a_line_is_priced():
    # two units, one taken back: one unit of 80
    lines = (_line("a", "200.00", units=Decimal(2)), _line("a", "-100.00", units=Decimal(-1)))
    assert _repriced(*lines, prices=_prices()) == {"a": ("reference", Decimal("80.00"))}


def test_a_capitated_line_has_a_price_or_is_counted_as_unpriced():
    assert _repriced(_line(allowed=None), prices=_prices()) == {"x": ("reference", Decimal("80.00"))}
    assert _repriced(_line(allowed=None)) == {"x": ("unpriced", Decimal("0.00"))}


def test_medians_of_a_reference_population_do_not_move_with_the_lines():
    population = pl.DataFrame(_crowd(11), schema=LINE_SCHEMA)
    one = pl.DataFrame([_line("x", "9999.00")], schema=LINE_SCHEMA)
    found = repricing.reprice(one, NONE, drg_base={}, population=population)
    assert found.lines["std_cost"].to_list() == [Decimal("60.00")]


def test_the_share_of_dollars_by_method_is_of_what_was_allowed():
    lines = pl.DataFrame(
        [_line("a", "300.00"), _line("b", "100.00", code="G0500"), _line("c", "0.00")], schema=LINE_SCHEMA
    )
    found = repricing.reprice(lines, _prices(), drg_base={})
    assert found.coverage.rows() == [
        ("reference", 1, Decimal("300.00"), 0.75, Decimal("80.00")),
        ("unstandardised", 1, Decimal("100.00"), 0.25, Decimal("100.00")),
        ("zero", 1, Decimal("0.00"), 0.0, Decimal("0.00")),
    ]


def test_the_figures_are_never_called_standardised_by_cms():
    found = repricing.reprice(pl.DataFrame(schema=LINE_SCHEMA), NONE, drg_base={})
    assert found.label == "repriced to reference price"
    assert found.lines.is_empty()
    assert found.coverage.is_empty()


@given(st.permutations(list(range(24))), st.integers(1, 9))
@settings(max_examples=15, deadline=None)
def test_neither_the_order_of_lines_nor_a_payers_price_level_moves_a_reference_price(order: list[int], level: int):
    lines = [*_crowd(12), *({**line, "line_id": f"d{line['line_id']}", "code": "G0439"} for line in _crowd(12))]
    dearer = [{**line, "allowed_amount": line["allowed_amount"] * level} for line in lines if line["code"] == "G0438"]
    plain = _repriced(*lines, prices=_prices())
    assert _repriced(*(lines[place] for place in order), prices=_prices()) == plain
    assert _repriced(*dearer, prices=_prices()) == {key: value for key, value in plain.items() if key[0] == "c"}


def test_a_line_without_a_day_and_an_adjustment_of_another_service_are_refused():
    with pytest.raises(InputError, match="missing in 1 of 1 lines"):
        _repriced(_line(service_date=None))
    with pytest.raises(InputError, match="1 of 1 lines have adjustments for another service"):
        _repriced(_line(), _line(code="G0439"))
    with pytest.raises(InputError, match="no column family"):
        repricing.reprice(pl.DataFrame(schema=LINE_SCHEMA).drop("family"), NONE, drg_base={})
