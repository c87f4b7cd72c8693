"""Elixhauser comorbidities against the package elixhauser-ahrq (tests/golden/statistics/elixhauser.py) and against the SQL."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from qe import bundled
from qe.errors import InputError
from qe.statistics.risk_scores import elixhauser

GOLDEN = Path(__file__).parents[2] / "golden" / "statistics" / "elixhauser.csv"
NO_HISTORY = pl.DataFrame(schema={"event_id": pl.String, "code": pl.String})
DIFFERS = {  # AHRQ's own rule, which the measures follow, is not the package's
    "CBVD",  # the package asks a mark of sequelae, which AHRQ's table does not
    "CANCER_LEUK",  # the package drops leukemia and lymphoma beside metastases
    "CANCER_LYMPH",
    "CANCER_NSITU",  # the package keeps in-situ cancer beside metastases
}


def _sets() -> pl.DataFrame:
    return pl.read_csv(GOLDEN, infer_schema=False)


def _stay(sets: pl.DataFrame) -> pl.DataFrame:
    pairs = sets.select(
        "event", pl.col("codes").str.split(" "), present_on_admission=pl.col("marks").str.extract_all(".")
    )
    return pairs.explode("codes", "present_on_admission").select(
        "present_on_admission", event_id="event", code="codes", facility_id=pl.lit("h1"), kind=pl.lit("other")
    )


def test_three_hundred_random_stays_have_the_comorbidities_of_the_independent_package():
    sets = _sets()
    found = elixhauser.comorbidities(NO_HISTORY, _stay(sets), elixhauser.lists())
    named = found.select("event_id", name=pl.col("factor").str.strip_prefix("comorbidity:"))
    ours = {(event, name) for event, name in named.iter_rows() if name not in DIFFERS}
    theirs = {
        (event, name)
        for event, names in sets.select("event", pl.col("comorbidities").fill_null("")).iter_rows()
        for name in names.split()
        if name not in DIFFERS
    }
    assert sets.height == 300
    assert len(theirs) > 1000
    assert ours == theirs


def test_the_frames_give_what_the_sql_of_the_measures_gives():
    sets = _sets()
    stay = _stay(sets)
    history = stay.filter(pl.int_range(pl.len()) % 3 == 0).select("event_id", "code")
    rest = stay.filter(pl.int_range(pl.len()) % 3 != 0)
    lists = elixhauser.lists()
    maps = pl.concat(
        [
            lists.categories.select("code", "category", name=pl.lit("elixhauser")),
            lists.hierarchy.select(code="milder", category="graver", name=pl.lit("elixhauser_hierarchy")),
        ]
    )
    tables = {
        "population": sets.select(
            event_id="event", person_id="event", facility_id=pl.lit("h1"), admit_date=pl.date(2025, 6, 1)
        ),
        "diagnosis_event": history.select(
            "code",
            person_id="event_id",
            event_date=pl.date(2025, 5, 31),
            icd_version=pl.lit(10),
            claim_type=pl.lit("inpatient"),
        ),
        "stay_diagnosis": rest.select(
            "code", "kind", "present_on_admission", stay_id="event_id", icd_version=pl.lit(10)
        ),
        "code_map": maps,
        "value_set": lists.neutral.select(code="category", name=pl.lit("elixhauser_poa_neutral")),
    }
    with duckdb.connect() as db:
        for name, rows in tables.items():
            db.register(name, rows.to_arrow())
        sql = (bundled.folder("measures") / "_shared" / "stay_comorbidity.sql").read_text(encoding="utf-8")
        wanted = db.execute(sql).fetchall()
    found = elixhauser.comorbidities(history, rest, lists)
    assert {(event, f"comorbidity:{name}") for event, name in wanted} == set(
        found.select("event_id", "factor").iter_rows()
    )


def test_the_graver_of_two_counts_alone_and_a_history_needs_no_mark():
    history = pl.DataFrame({"event_id": ["s1"] * 3, "code": ["E119", "E1122", "I5022"]})
    found = elixhauser.comorbidities(history, _stay(_sets()).clear(), elixhauser.lists())
    assert found["factor"].to_list() == ["comorbidity:DIAB_CX", "comorbidity:HF"]


def test_a_list_that_was_changed_by_hand_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    folder = tmp_path / "_lists"
    folder.mkdir()
    for name in ("index.toml", "elixhauser.csv"):
        (folder / name).write_bytes((bundled.folder("measures") / "_lists" / name).read_bytes() + b"\n")
    monkeypatch.setattr(bundled, "folder", lambda _: tmp_path)
    with pytest.raises(InputError, match=r"_lists/elixhauser\.csv is not the file"):
        elixhauser.lists()
