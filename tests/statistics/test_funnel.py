"""Oracles: formulas written out in base R (tests/golden/statistics/funnel.R), and results of FunnelPlotR where they are at hand."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qe.errors import CannotFit
from qe.statistics import funnel

GOLDEN = Path(__file__).parents[1] / "golden" / "statistics"
REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "stats"
LIMITS = [
    f"{part}{end}{level}" for part in ("", "overdispersed_") for end in ("low", "high") for level in ("95", "998")
]

Floats = NDArray[np.float64]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name]) for row in rows])


def fitted(variant: dict[str, str]) -> funnel.Funnel:
    rows = rows_of(GOLDEN / "funnel_input.csv")
    over, under = {
        "ratio": ("observed", "expected"),
        "proportion": ("events", "cases"),
        "ratio_of_counts": ("observed", "other"),
    }[variant["kind"]]
    return funnel.fit(
        column(rows, over),
        column(rows, under),
        kind=variant["kind"],  # type: ignore[arg-type]
        trim=float(variant["trim"]),
        transform=variant["transform"] or None,  # type: ignore[arg-type]
        compat="funnelplotr" if variant["compat"] == "TRUE" else None,
    )


@pytest.mark.parametrize("variant", rows_of(GOLDEN / "funnel_summary.csv"), ids=lambda row: row["variant"])
def test_spread_and_limits_equal_the_formulas_written_out_in_r(variant: dict[str, str]) -> None:
    found = fitted(variant)
    np.testing.assert_allclose(
        [found.phi, found.tau2, found.target, found.is_used.sum()],
        [float(variant[name]) for name in ("phi", "tau2", "target", "n")],
        atol=1e-10,
    )
    limits = [row for row in rows_of(GOLDEN / "funnel_limits.csv") if row["variant"] == variant["variant"]]
    for name in LIMITS:
        np.testing.assert_allclose(getattr(found, name), column(limits, name), atol=1e-8, err_msg=name)


SIX = ([100, 150, 180, 80, 120, 225], [108, 112, 165, 95, 100, 220])  # the example of FunnelPlotR's own tests
CASES = [
    ("six_SHMI", "ratio", "log", None),
    ("six_CQC", "ratio", "sqrt", None),
    ("sim_SHMI", "ratio", "log", ("obs", "exp")),
    ("sim_CQC", "ratio", "sqrt", ("obs", "exp")),
    ("sim_PR", "proportion", None, ("y", "n")),
    ("sim_RC", "ratio_of_counts", None, ("obs", "exp")),
]


@pytest.mark.needs_reference
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference results of FunnelPlotR are not beside the project")
@pytest.mark.parametrize(("name", "kind", "transform", "columns"), CASES)
def test_phi_tau2_and_target_equal_those_of_funnelplotr(
    name: str, kind: funnel.Kind, transform: funnel.Transform | None, columns: tuple[str, str] | None
) -> None:
    expected = next(row for row in rows_of(REFERENCE / "funnel_summary.csv") if row["case"] == name)
    rows = rows_of(REFERENCE / "funnel_input.csv")
    over, under = SIX if columns is None else (column(rows, columns[0]), column(rows, columns[1]))
    found = funnel.fit(over, under, kind=kind, trim=float(expected["trim"]), transform=transform, compat="funnelplotr")
    assert found.is_used.sum() == int(expected["n"])
    np.testing.assert_allclose(
        [found.phi, found.tau2, found.target], [float(expected[key]) for key in ("phi", "tau2", "target")], atol=1e-8
    )


def test_two_providers_by_hand() -> None:
    # E = 4 and 16, O = 9 and 16: Y = 1.5 and 1, s = 1/4 and 1/8, z = 2 and 0, phi = 4/2
    # w = 16 and 64: tau2 = (4 - 1) / (80 - (256 + 4096) / 80) = 3 / 25.6
    found = funnel.fit([9, 16], [4, 16], kind="ratio", trim=0, transform="sqrt")
    assert (found.phi, found.target) == (2.0, 1.0)
    assert found.tau2 == pytest.approx(3 / 25.6, rel=1e-14)
    sd = np.sqrt(np.array([1 / 16, 1 / 64]) + 3 / 25.6)
    np.testing.assert_allclose(found.overdispersed_high95, (1 + 1.959963984540054 * sd) ** 2, rtol=1e-12)
    np.testing.assert_allclose(found.overdispersed_low998, np.maximum(1 - 3.090232306167813 * sd, 0) ** 2, atol=1e-12)
    np.testing.assert_allclose(found.z_overdispersed, [0.5 / sd[0], 0], rtol=1e-12)


def test_what_funnelplotr_leaves_unsquared_stays_so_only_when_asked_for() -> None:
    over, under = [9, 16], [4, 16]
    right = funnel.fit(over, under, kind="ratio", trim=0, transform="sqrt")
    literal = funnel.fit(over, under, kind="ratio", trim=0, transform="sqrt", compat="funnelplotr")
    sd = np.sqrt(np.array([1 / 16, 1 / 64]) + 3 / 25.6)
    np.testing.assert_allclose(literal.overdispersed_high95, 1 + 1.959964 * sd, rtol=1e-12)
    assert (literal.overdispersed_high95 < right.overdispersed_high95).all()
    assert (literal.phi, literal.tau2) == (right.phi, right.tau2)


def test_spread_that_is_all_chance_leaves_the_limits_of_chance() -> None:
    random = np.random.default_rng(8)
    expected = random.uniform(30, 300, 400)
    tau2 = [
        funnel.fit(random.poisson(expected), expected, kind="ratio", trim=0.0, transform="sqrt").tau2 for _ in range(40)
    ]
    # chance alone: about half of the runs find none at all, and the rest next to none (variance of one z is 1/(4E) > .0008)
    assert 0.3 < np.mean(np.array(tau2) == 0) < 0.75
    assert max(tau2) < 0.0005


def test_spread_beyond_chance_is_recovered() -> None:
    random = np.random.default_rng(9)
    expected = random.uniform(50, 500, 3000)
    observed = random.poisson(expected * np.exp(random.normal(0, 0.2, 3000)))
    found = funnel.fit(observed, expected, kind="ratio", trim=0.0, transform="sqrt")
    # sd of the square root of a ratio with sd 0.2 of its logarithm is about 0.2 / 2; its Monte Carlo error is below 2 %
    assert np.sqrt(found.tau2) == pytest.approx(0.1, rel=0.04)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 80)), min_size=4, max_size=12), st.floats(0, 0.3))
def test_limits_hold_the_target_and_the_wider_hold_the_narrower(
    providers: list[tuple[int, float]], trim: float
) -> None:
    o, e = np.array(providers, dtype=float).T
    o[0] = max(o[0], 1)
    found = funnel.fit(o, e, kind="ratio", trim=trim, transform="sqrt")
    assert (found.low998 <= found.low95).all() and (found.high95 <= found.high998).all()
    assert (found.low95 <= 1).all() and (found.high95 >= 1).all()
    assert (found.overdispersed_low998 <= found.overdispersed_low95).all()
    assert (found.overdispersed_low95 <= 1).all() and (found.overdispersed_high95 >= 1).all()


@pytest.mark.parametrize(
    ("observed", "expected", "options", "said"),
    [
        ([1, 2], [1, 0], {"kind": "ratio", "transform": "sqrt"}, "impossible in 1 of 2"),
        ([1, -2], [1, 1], {"kind": "ratio", "transform": "sqrt"}, "impossible in 1 of 2"),
        ([1, np.nan], [1, 1], {"kind": "ratio", "transform": "sqrt"}, "missing"),
        ([1, 3], [2, 2], {"kind": "proportion"}, "impossible in 1 of 2"),
        ([1], [1], {"kind": "proportion"}, "at least two"),
        ([0, 0], [1, 1], {"kind": "ratio_of_counts"}, "no provider has an event"),
        ([1, 2], [1, 1], {"kind": "ratio"}, "to name its transform"),
        ([1, 1], [1, 1], {"kind": "proportion", "transform": "log"}, "no transform"),
        ([1, 1], [1, 1], {"kind": "mean"}, "no funnel of"),
        ([1, 1], [1, 1], {"kind": "proportion", "compat": "sas"}, "no compatibility"),
        ([1, 0, 2], [1, 1, 1], {"kind": "ratio", "transform": "log", "trim": 0.1}, "logarithm of nothing"),
        ([1, 1], [1, 1], {"kind": "proportion", "trim": 0.5}, "below 0.5"),
    ],
)
def test_what_cannot_be_a_funnel_is_refused_by_what_is_wrong(
    observed: list[float], expected: list[float], options: dict[str, object], said: str
) -> None:
    with pytest.raises(CannotFit, match=said):
        funnel.fit(observed, expected, **{"trim": 0.0, **options})  # type: ignore[arg-type]
