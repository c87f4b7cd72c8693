"""Lists that others license are slots: who owns them, where the file goes, and what a run without them says."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from qe import quarter
from qe.errors import Findings, MeasureError
from qe.measurement import check, value_sets
from qe.measurement.list_coverage import ListCoverage, open_slots
from qe.measurement.measure import load
from qe.measurement.standalone import compute_on_files
from qe.site import Site, open_site
from qe.upkeep import new_site
from qe.warehouse import Warehouse

Write = Callable[..., Path]
HEADER = "code,label,effective_from,effective_to\n"
SENTENCE = (
    "list knee_replacement is licensed by the AMA (AMA-CPT) and does not ship with qe: place your knee_replacement.csv"
    " (code,label,effective_from,effective_to) in the folder that [measures] lists of qe.toml or --lists names"
)
INVENTED = HEADER + "X0001,invented,,\n"


@pytest.fixture
def with_slot(second_stay: Write) -> Callable[[str], Path]:
    """The module `second_stay` with a slot that its SQL asks for: without = refuse or partial."""

    def write(without: str) -> Path:
        folder = second_stay()
        facts = 'system = "HCPCS"\nversion = "2024"\nsource = "s"\nlicence = "AMA-CPT"\nowner = "the AMA"\n'
        toml = (folder / "measure.toml").read_text()
        (folder / "measure.toml").write_text(f'{toml}\n[lists.knee_replacement]\n{facts}without = "{without}"\n')
        sql = (folder / "exclusions.sql").read_text()
        (folder / "exclusions.sql").write_text(
            sql.replace("value_set.name = 'heart'", "value_set.name in ('heart', 'knee_replacement')")
        )
        stand_ins = folder.parent / "_stand_ins"
        stand_ins.mkdir(exist_ok=True)
        (stand_ins / "knee_replacement.csv").write_text(INVENTED)
        return folder

    return write


def test_a_slot_that_nobody_filled_is_no_fault_of_the_module_but_bars_its_run(with_slot: Callable[[str], Path]) -> None:
    module = load(with_slot("refuse"))
    assert check.check(module) == []
    with pytest.raises(MeasureError) as caught:
        check.require(module)
    assert [fault.message for fault in caught.value.faults] == [f"measures/second_stay: {SENTENCE}"]
    assert open_slots(module, licensed=None) == [f"second_stay refuses to run: its {SENTENCE}"]


def test_where_the_specification_allows_the_run_goes_on_without_the_list_and_says_so(
    with_slot: Callable[[str], Path], tmp_path: Path
) -> None:
    module = load(with_slot("partial"))
    check.require(module)
    (tmp_path / "model").mkdir()
    written = compute_on_files(
        module,
        model=tmp_path / "model",
        start=date(2024, 1, 1),
        end=date(2024, 12, 31),
        out=tmp_path / "out",
        parameters={},
    )
    [told] = json.loads(written.summary.read_text())["measures"]
    assert (told["coverage"]["value_sets"], told["coverage"]["missing_lists"]) == ("partial", ["knee_replacement"])
    assert told["kind"] == "alternative"
    assert "partial_lists" in told["deviations"]
    assert f"second_stay runs with coverage: partial, as its {SENTENCE}" in written.warnings


def test_invented_codes_are_known_wherever_they_were_put_and_make_the_run_alternative(
    with_slot: Callable[[str], Path], tmp_path: Path
) -> None:
    module = load(with_slot("refuse"))
    (tmp_path / "knee_replacement.csv").write_text(INVENTED)
    covered = ListCoverage.of(value_sets.read(module, licensed=tmp_path))
    assert covered.as_facts() == {"value_sets": "invented", "missing_lists": []}
    assert covered.deviations() == ("invented_lists",)
    assert covered.messages(module) == [
        "second_stay runs on invented codes in place of knee_replacement: its results mean nothing"
    ]
    (tmp_path / "knee_replacement.csv").write_text(HEADER + "X0002,the site's own,,\n")
    assert ListCoverage.of(value_sets.read(module, licensed=tmp_path)).as_facts()["value_sets"] == "whole"


def test_a_case_runs_on_invented_codes_and_may_leave_a_slot_open(with_slot: Callable[[str], Path]) -> None:
    module = load(with_slot("partial"))
    filled = value_sets.read(module, licensed=value_sets.stand_ins(module))
    emptied = value_sets.read(module, licensed=value_sets.stand_ins(module), left_open=["knee_replacement"])
    assert [one.rows["code"].to_list() for one in filled if one.name == "knee_replacement"] == [["X0001"]]
    assert [(one.rows["code"].to_list(), one.filled_by) for one in emptied if one.name == "knee_replacement"] == [
        ([], "nobody")
    ]


def test_a_file_without_a_code_fills_no_slot(with_slot: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "knee_replacement.csv").write_text(HEADER)
    with pytest.raises(MeasureError, match="the file holds no code"):
        value_sets.read(load(with_slot("refuse")), licensed=tmp_path)


def test_a_list_that_ships_cannot_say_what_happens_without_it(second_stay: Write) -> None:
    folder = second_stay()
    toml = (folder / "measure.toml").read_text().replace("rows = 2", 'rows = 2\nwithout = "partial"')
    (folder / "measure.toml").write_text(toml)
    with pytest.raises(MeasureError, match="without is said of a list that the site fills"):
        load(folder)


@pytest.fixture
def rehearsal(tmp_path: Path, with_slot: Callable[[str], Path]) -> Site:
    """A rehearsal site for the year 2024 with the module `second_stay` and its slot."""
    (tmp_path / "received").mkdir()
    made = new_site.create(tmp_path / "site", sample=True, configuration=tmp_path / "keys", inbox=tmp_path / "received")
    settings = made.site.root / "qe.toml"
    text = settings.read_text().replace("2025Q4", "2024Q4").replace("end = 2025-12-31", "end = 2024-12-31", 1)
    settings.write_text(f'{text}\n[measures]\nfolders = ["{with_slot("refuse")}"]\n')
    return open_site(made.site.root)


def test_of_all_measures_those_that_cannot_run_are_left_out_by_name_and_one_asked_for_stops_the_run(
    rehearsal: Site, model_db: Warehouse, stays: None
) -> None:
    found, told = quarter.modules(rehearsal, model_db, rehearsal.period("2024Q4"), ["all"])
    assert "pdc_statins" in [module.id for module in found]
    assert f"left out: measures/second_stay: {SENTENCE}" in [fault.message for fault in told]
    with pytest.raises(Findings) as caught:
        quarter.modules(rehearsal, model_db, rehearsal.period("2024Q4"), ["second_stay", "pdc_statins"])
    assert [fault.message for fault in caught.value.faults] == [f"measures/second_stay: {SENTENCE}"]


def test_invented_codes_make_figures_in_a_rehearsal_and_nowhere_else(
    rehearsal: Site, model_db: Warehouse, stays: None
) -> None:
    (rehearsal.licensed_lists / "knee_replacement.csv").write_text(INVENTED)
    found, told = quarter.modules(rehearsal, model_db, rehearsal.period("2024Q4"), ["second_stay"])
    assert [module.id for module in found] == ["second_stay"]
    assert [fault.message for fault in told] == [
        "second_stay runs on invented codes in place of knee_replacement: its results mean nothing"
    ]
    settings = rehearsal.root / "qe.toml"
    settings.write_text(settings.read_text().replace("rehearsal = true", "rehearsal = false"))
    with pytest.raises(MeasureError, match=r"knee_replacement of licensed/ hold invented codes"):
        quarter.modules(open_site(rehearsal.root), model_db, rehearsal.period("2024Q4"), ["second_stay"])
