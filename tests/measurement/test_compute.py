"""A module's run: every event considered has one row, all its reasons, its rules and the claims that decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from qe import store, warehouse
from qe.errors import Findings, InputError, MeasureError
from qe.measurement import compute, detail, events, tables
from qe.measurement.compute import MeasureEvents
from qe.measurement.measure import load
from qe.periods import MeasurePeriod
from qe.warehouse import Warehouse

Write = Callable[..., Path]
YEAR = MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 12, 31))


@pytest.fixture
def run(model_db: Warehouse, second_stay: Write, stays: None) -> Callable[..., MeasureEvents]:
    """Compute second_stay on the three people, with files and options replaced as given."""

    def computed(
        *,
        period: MeasurePeriod = YEAR,
        attribution: str | None = None,
        parameters: dict[str, object] | None = None,
        **files: str,
    ) -> MeasureEvents:
        module = load(second_stay(**files))
        return compute.compute(
            model_db, module, period=period, parameters=parameters or {}, attribution=attribution, lists=None
        )

    return computed


def test_each_event_has_one_row_with_all_reasons_rules_and_driving_claims(run: Callable[..., MeasureEvents]) -> None:
    found = run().events
    shown = found.select(
        "event_id", "in_denominator", "exclusion_reasons", "in_numerator", "value", "rule_ids", "driving_claim_ids"
    )
    assert shown.rows() == [
        ("P1", True, [], True, Decimal("1.000000"), ["R1", "R4"], ["C1", "C2"]),
        (
            "P2",
            False,
            ["R2", "R3"],
            False,
            Decimal("0.000000"),
            ["R1", "R2", "R3"],
            ["C3"],
        ),  # 17 on 1 January, and heart failure
        ("P3", True, [], False, Decimal("0.000000"), ["R1", "R4"], ["C4"]),  # 18 on 1 January; admitted on the last day
    ]
    assert found.columns[:15] == list(events.COLUMNS)
    assert found.columns[15:] == ["stays"]


def test_the_payer_is_that_of_the_month_of_the_index_date(run: Callable[..., MeasureEvents]) -> None:
    assert run().events["payer_type"].to_list() == ["medicare", "medicare", "commercial"]


def test_without_a_method_an_events_own_facility_is_its_provider(run: Callable[..., MeasureEvents]) -> None:
    assert run().attributed.rows() == [
        ("second_stay", "P1", "facility", "U000002"),
        ("second_stay", "P2", "facility", "U000001"),
        ("second_stay", "P3", "facility", "U000002"),
    ]


def test_a_waterfall_steps_down_from_eligible_to_denominator(run: Callable[..., MeasureEvents]) -> None:
    assert run().waterfall.rows() == [
        ("second_stay", "eligible", 3, 3),
        ("second_stay", "R2", 1, 1),  # P2 has R2 and R3 and is counted once, at the first
        ("second_stay", "denominator", 2, 2),
        ("second_stay", "numerator", 1, 1),
    ]


def test_totals_count_every_reason_of_an_event(run: Callable[..., MeasureEvents]) -> None:
    found = run()
    assert events.totals(found.module, found.events) == [
        {
            "measure_id": "second_stay",
            "denominator": 2,
            "excluded": {"R2": 1, "R3": 1},
            "numerator": 1,
            "observed": 0.5,
            "exposure": Decimal("2.000000"),
        }
    ]


def test_a_parameter_changes_the_result_and_its_deviation_is_named(run: Callable[..., MeasureEvents]) -> None:
    standard, older = run(), run(parameters={"min_age": "19"})
    assert (standard.kind, standard.deviations) == ("standard", ())
    assert (older.kind, older.deviations) == ("alternative", ("min_age=19",))
    assert older.events.filter("in_denominator")["event_id"].to_list() == ["P1"]


def test_a_period_of_other_months_or_without_its_run_out_deviates(run: Callable[..., MeasureEvents]) -> None:
    half = run(period=MeasurePeriod(start=date(2024, 1, 1), end=date(2024, 6, 30)))
    late = run(period=MeasurePeriod(start=date(2024, 3, 1), end=date(2025, 2, 28)))
    assert half.deviations == ("period",)
    assert late.deviations == ("period",)
    assert late.warnings == ("second_stay needs 30 days after the period, to 2025-03-30; the data end with 2025-01-31",)
    assert run().warnings == ()


def test_services_after_the_last_month_of_coverage_show_that_the_data_run_on(
    run: Callable[..., MeasureEvents], put: Callable[..., None]
) -> None:
    late = MeasurePeriod(start=date(2024, 3, 1), end=date(2025, 2, 28))
    put("cost_event", {"person_id": "P1", "service_date": date(2025, 3, 29), "claim_id": "C9"})
    assert run(period=late).deviations == ("period",)  # 28 February + 30 days is 30 March
    put("cost_event", {"person_id": "P1", "service_date": date(2025, 3, 30), "claim_id": "C10"})
    assert run(period=late).deviations == ()


def test_a_site_run_refuses_a_module_whose_days_the_data_do_not_hold(
    run: Callable[..., MeasureEvents], model_db: Warehouse, second_stay: Write
) -> None:
    toml = (second_stay() / "measure.toml").read_text().replace("look_back_months = 0", "look_back_months = 12")
    module = load(second_stay(measure=toml))
    with pytest.raises(
        Findings, match="second_stay looks back 12 months, to 2023-01-01; the data begin with 2024-01-01"
    ):
        compute.require_window(model_db, module, YEAR)


def test_the_engine_gives_age_sex_and_payer_line_and_the_module_the_rest(
    run: Callable[..., MeasureEvents], second_stay: Write
) -> None:
    toml = (second_stay() / "measure.toml").read_text()
    toml = toml.replace(
        'reason_if_none = "tests"',
        'reason_if_none = "tests"\ncovariates = ["age|spline", "sex", "payer_line", "stays"]',
    )
    own = "select event_id, 'stays' as factor, len(claim_ids) as value from population -- R1"
    found = run(measure=toml, covariates=own).covariates
    assert found.filter(pl.col("event_id") == "P1").rows() == [
        ("P1", "age", 74.0), ("P1", "payer_line:medicare", 1.0), ("P1", "sex", 1.0), ("P1", "stays", 2.0),
    ]  # fmt: skip
    assert found.filter(pl.col("event_id") == "P3")["factor"].to_list() == [
        "age",
        "payer_line:commercial",
        "sex:unknown",
        "stays",
    ]


def test_a_covariate_that_nobody_gives_is_refused(run: Callable[..., MeasureEvents], second_stay: Write) -> None:
    toml = (second_stay() / "measure.toml").read_text()
    toml = toml.replace('reason_if_none = "tests"', 'reason_if_none = "tests"\ncovariates = ["frailty"]')
    with pytest.raises(MeasureError, match='nothing gives the covariate "frailty"'):
        run(measure=toml)


@pytest.mark.parametrize(
    ("stem", "old", "new", "message"),
    [
        ("population", "group by person_id", "group by person_id, stay_id", "1 rows repeat an event"),
        ("numerator", "event_id,", "'nobody' as event_id,", "3 rows name an event that population.sql does not return"),
        ("numerator", "then 1 else 0", "then 0.5 else 0", "the value of a proportion must be 0 or 1"),
        ("exclusions", "'R2' as rule_id", "'young' as rule_id", "a rule_id is not a rule number like R5"),
        ("population", "max(admit_date)", "cast(null as date)", "index_date is NULL in 3 rows"),
    ],
)
def test_rows_that_cannot_be_one_event_each_are_refused_without_naming_a_person(
    run: Callable[..., MeasureEvents], second_stay: Write, stem: str, old: str, new: str, message: str
) -> None:
    text = (second_stay() / f"{stem}.sql").read_text()
    with pytest.raises(MeasureError, match=message) as caught:
        run(**{stem: text.replace(old, new)})
    assert "P1" not in str(caught.value)


def test_a_failing_cast_tells_the_file_and_no_value(run: Callable[..., MeasureEvents], second_stay: Write) -> None:
    text = (
        (second_stay() / "numerator.sql")
        .read_text()
        .replace("len(claim_ids) as stays", "cast(event_id as integer) as stays")
    )
    with pytest.raises(MeasureError, match=r"numerator.sql failed while running \(ConversionException\)") as caught:
        run(numerator=text)
    assert "P1" not in str(caught.value)


def test_refused_sql_never_reaches_the_connection(run: Callable[..., MeasureEvents]) -> None:
    with pytest.raises(MeasureError, match="the table function read_csv is not allowed"):
        run(population="select * from read_csv('/etc/passwd')")


def test_an_unknown_attribution_method_is_refused_with_the_known_ones(run: Callable[..., MeasureEvents]) -> None:
    with pytest.raises(InputError, match='there is no attribution method "mssp"'):
        run(attribution="mssp")


def test_index_facility_is_the_last_hospital_of_the_chain(
    run: Callable[..., MeasureEvents], put: Callable[..., None], second_stay: Write
) -> None:
    put("transfer_chain", {"chain_id": "C2", "stay_id": "C1", "position": 1, "is_last": False, "person_id": "P1"})
    put("transfer_chain", {"chain_id": "C2", "stay_id": "C2", "position": 2, "is_last": True, "person_id": "P1"})
    by_stay = """select
        stay_id as event_id, person_id, admit_date as index_date, facility_id, ['R1'] as rule_ids, claim_ids
    from stay where admit_date between $period_start and $period_end"""
    found = run(population=by_stay, attribution="index_facility")
    assert found.attributed.select("event_id", "provider_id").rows() == [
        ("C1", "U000002"), ("C2", "U000002"), ("C3", "U000001"), ("C4", "U000002"),
    ]  # fmt: skip


def test_threads_and_row_order_change_no_byte(second_stay: Write, stays: None, model_db: Warehouse) -> None:
    contents = []
    for threads, order in ((1, "stay_id"), (2, "stay_id desc"), (4, "md5(stay_id)")):
        with duckdb.connect(":memory:", config={"threads": str(threads)}) as connection:
            db = Warehouse(connection)
            connection.execute("set preserve_insertion_order = false")
            tables.create(db)
            for table in ("person", "person_month", "stay"):
                frame = model_db.query(f"select * from {table}")
                db.insert(
                    table, frame.sort("stay_id", descending="desc" in order) if table == "stay" else frame.reverse()
                )
            found = compute.compute(
                db, load(second_stay()), period=YEAR, parameters={}, attribution="index_facility", lists=None
            )
            contents.append(detail.content_sha256({"detail": detail.rows(found), "waterfall": found.waterfall}))
    assert len(set(contents)) == 1


def test_a_module_runs_on_the_encrypted_model_read_only_and_locked_and_its_detail_is_read_back(
    second_stay: Write, stays: None, model_db: Warehouse, tmp_path: Path
) -> None:
    key, engine = store.new_key(), store.Engine(spill_folder=tmp_path / "spill")
    path = tmp_path / "store" / "model" / "abc.duckdb"
    with warehouse.build(path, key, engine=engine) as built:
        tables.create(built)
        for table in ("person", "person_month", "stay"):
            built.insert(table, model_db.query(f"select * from {table}"))
    module = load(second_stay())
    with warehouse.open_read_only(path, key, engine=engine, lock=True) as db:
        found = compute.compute(db, module, period=YEAR, parameters={}, attribution="index_facility", lists=None)
        again = compute.compute(db, module, period=YEAR, parameters={}, attribution="mssp_step", lists=None)
    assert again.attribution.is_empty()  # nobody has a visit
    kept = tmp_path / "runs" / "r1" / "detail" / "second_stay.duckdb"
    content = detail.write(found, kept, key=key, engine=engine)
    rows = detail.read_detail(kept, key=key, engine=engine, measure_id="second_stay", provider_id="U000002")
    assert rows["person_id"].to_list() == ["P1", "P3"]
    assert rows.columns[:14] == list(detail.CONTRACT_COLUMNS)
    assert rows["attribution_step"].to_list() == [1, 1]
    assert detail.read_attribution(kept, key=key, engine=engine, person_id="P2")["unit_id"].to_list() == ["U000001"]
    assert b"U000002" not in kept.read_bytes()
    other = tmp_path / "runs" / "r2" / "detail" / "second_stay.duckdb"
    assert detail.write(found, other, key=key, engine=engine) == content
    changed = replace(found, events=found.events.with_columns(value=pl.lit(Decimal(0), dtype=pl.Decimal(18, 6))))
    assert detail.write(changed, other, key=key, engine=engine) != content


def test_missing_detail_is_told_in_one_sentence(tmp_path: Path) -> None:
    engine = store.Engine(spill_folder=tmp_path)
    with pytest.raises(InputError, match="the detail of hwr is missing"):
        detail.read_detail(tmp_path / "hwr.duckdb", key=store.new_key(), engine=engine)
