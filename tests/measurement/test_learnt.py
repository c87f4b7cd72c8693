"""What a module takes from everybody (reference prices, caps) is kept with the run, and a correction is worked out by it."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from qe import bundled, store
from qe.claims.events import derive_events
from qe.errors import MeasureError
from qe.measurement import cases, check, detail
from qe.measurement.cases import Case, CaseModel
from qe.measurement.compute import MeasureEvents, compute_on_lists, lay_out_population
from qe.measurement.measure import Module, load
from qe.periods import MeasurePeriod

LEARNT = dict[str, pl.DataFrame]


@pytest.fixture
def module() -> Module:
    return load(bundled.folder("measures") / "total_cost_index")


@pytest.fixture
def case(module: Module) -> Case:
    """The worked case of P1, P2 and P3, whose eleven visits make the reference price 120 and whose use makes the cap 360."""
    return next(case for case in cases.read(module.folder / "cases.toml") if case.id == "cap_of_resource_use")


@pytest.fixture
def claims(module: Module, case: Case) -> Iterator[CaseModel]:
    opened = CaseModel.opened()
    cases.lay_out(opened.db, case)
    derive_events(opened.db)
    opened.lay_out_lists(module, case)
    yield opened
    opened.db.connection.close()


@pytest.fixture
def computed(module: Module, case: Case, claims: CaseModel) -> Callable[..., MeasureEvents]:
    def of(learnt: LEARNT | None = None) -> MeasureEvents:
        period = cases.period_of(case)
        return compute_on_lists(
            claims.db, module, period=period, parameters=case.parameters, attribution=None, learnt=learnt
        )

    return of


def value(found: MeasureEvents, measure_id: str, person_id: str) -> Decimal:
    row = found.events.filter((pl.col("measure_id") == measure_id) & (pl.col("person_id") == person_id))
    return Decimal(row["value"].item())


def later(claims: CaseModel, case: Case) -> None:
    """Corrected claims of P1 and P2 come in: the same visits cost 130 and 1,000 each."""
    given = copy.deepcopy(case.given)
    for claim, price in ((given["claim"][0], 130), (given["claim"][1], 1000)):
        claim["allowed_amount"] = 3 * price
    for line in given["claim_line"]:
        line["allowed_amount"] = {"C1": 130, "C2": 1000}.get(line["claim_id"], line["allowed_amount"])
    claims.empty()
    cases.lay_out(claims.db, case.model_copy(update={"given": given}))
    derive_events(claims.db)


def test_a_person_is_worked_out_by_what_the_run_learnt_whatever_others_cost_later(claims, case, computed):
    """Anew, the 6th of eleven prices is 130: P3's five visits are 650 in six months, cut at 390 a year: 195. As sent: 360 / 2."""
    sent = computed()
    later(claims, case)
    assert value(computed(), "resource_use_index", "P3") == Decimal(195)
    corrected = computed(sent.learnt)
    assert value(corrected, "resource_use_index", "P3") == Decimal(180)
    assert value(corrected, "resource_use_index", "P2") == Decimal(360), "three visits at 120, whatever they cost"
    assert value(corrected, "total_cost_index", "P2") == Decimal(1200), "3,000 a year is cut to the cap that was sent"


def test_by_what_it_learnt_itself_a_run_says_the_same(computed):
    sent = computed()
    again = computed(sent.learnt)
    assert_frame_equal(again.events, sent.events)
    for part, rows in sent.learnt.items():
        assert_frame_equal(again.learnt[part], rows)


def test_a_payer_line_of_which_the_run_learnt_no_cap_is_not_cut(claims, computed):
    """Nobody had Medicare when the run was sent; P2's months turn out to be Medicare's."""
    sent = computed()
    claims.db.execute(
        "update person_month set payer_type = 'medicare', payer_id = 'M', is_ffs = true where person_id = 'P2'"
    )
    assert value(computed(sent.learnt), "total_cost_index", "P2") == Decimal(1500)


def test_what_was_learnt_is_kept_with_the_detail_and_read_back_as_it_was(tmp_path: Path, module, computed):
    key, engine, path = (
        store.new_key(),
        store.Engine(spill_folder=tmp_path / "spill"),
        tmp_path / "total_cost_index.duckdb",
    )
    sent = computed()
    detail.write(sent, path, key=key, engine=engine)
    kept = detail.read_learnt(path, module, key=key, engine=engine)
    assert kept["reference_price"].rows() == [
        ("service", "code|G0110||professional|2024", 120_000_000),
        ("wider", "code|G0110|professional|2024", 120_000_000),
    ]
    caps = kept["cost_cap"].select("measure_id", "payer_type", "cap_cents").rows()
    assert caps == [("resource_use_index", "commercial", 36_000), ("total_cost_index", "commercial", 120_000)]
    for part, rows in sent.learnt.items():
        assert_frame_equal(kept[part], rows)


def test_a_run_that_kept_less_than_the_module_learns_is_refused(tmp_path: Path, module, computed):
    """As a run did before its module learnt anything."""
    key, engine, path = (
        store.new_key(),
        store.Engine(spill_folder=tmp_path / "spill"),
        tmp_path / "total_cost_index.duckdb",
    )
    detail.write(replace(computed(), learnt={}), path, key=key, engine=engine)
    assert detail.read_learnt(path, module, key=key, engine=engine) == {}
    with pytest.raises(MeasureError, match="total_cost_index: the run that was sent kept no reference_price"):
        computed({"cost_cap": pl.DataFrame()})
    kept = dict(computed().learnt)
    with pytest.raises(MeasureError, match="total_cost_index: the run that was sent kept other columns of cost_cap"):
        computed({**kept, "cost_cap": kept["cost_cap"].drop("cap_cents")})


def test_only_a_part_can_be_learnt(tmp_path: Path, second_stay):
    toml = load(second_stay()).folder / "measure.toml"
    text = toml.read_text().replace("[[measures]]", 'learnt = ["cap"]\n[[measures]]', 1)
    with pytest.raises(MeasureError, match="learnt names cap, which is not among parts"):
        load(second_stay(measure=text))


def test_a_part_that_reads_a_part_after_the_population_stands_after_it(second_stay):
    module = load(second_stay())
    facts = module.facts.model_copy(update={"parts": ("first", "late", "cap")})
    sql = {
        **module.sql,
        "first": "select 1 as one",
        "late": "select event_id from population",
        "cap": "select count(*) as events from late",
    }
    assert replace(module, facts=facts, sql=sql).laid_out() == ["first", "population", "late", "cap"]


def test_kept_rows_take_the_types_of_computed_ones(tmp_path: Path, module, claims, computed):
    """A sum of whole numbers is a HUGEINT, which is kept as a decimal: 100 // 12 must not become 100 / 12."""
    key, engine, path = (
        store.new_key(),
        store.Engine(spill_folder=tmp_path / "spill"),
        tmp_path / "total_cost_index.duckdb",
    )
    summed = replace(
        module,
        facts=module.facts.model_copy(update={"learnt": ("cost_cap",)}),
        sql={**module.sql, "cost_cap": "select sum(yearly_cents) as cents from person_cost"},
    )
    period, values = MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31)), module.with_parameters({})
    divided = "select typeof(cents // 12) as kind, cents // 12 as divided from cost_cap"
    found = computed()
    lay_out_population(claims.db, summed, period, values)
    first, learnt = claims.db.query(divided), {"cost_cap": claims.db.query("select * from cost_cap")}
    detail.write(replace(found, learnt=learnt), path, key=key, engine=engine)
    kept = detail.read_learnt(path, summed, key=key, engine=engine)
    lay_out_population(claims.db, summed, period, values, learnt=kept)
    assert first["kind"].item() == "HUGEINT"
    assert_frame_equal(claims.db.query(divided), first)


def test_a_learnt_part_may_hold_only_what_comes_back_as_it_was(second_stay):
    toml = (load(second_stay()).folder / "measure.toml").read_text()
    folder = second_stay(measure=toml.replace("[[measures]]", 'parts = ["span"]\nlearnt = ["span"]\n[[measures]]', 1))
    (folder / "span.sql").write_text(
        "-- Grain: one row.\nselect interval 1 day as days, [1, 2] as list, count(*) as stays from stay\n"
    )
    faults = [fault for fault in check.check(load(folder)) if fault.code == "learnt-column"]
    assert [fault.place for fault in faults] == ["days", "list"]
