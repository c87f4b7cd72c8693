"""Modules are found in what ships, in installed catalogues and in the site's folders; no id twice."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qe import bundled
from qe.errors import MeasureError
from qe.measurement import catalogue, show
from qe.measurement.measure import load

Write = Callable[..., Path]


@pytest.fixture
def only_the_site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No shipped modules."""
    (tmp_path / "shipped").mkdir()
    monkeypatch.setattr(bundled, "folder", lambda name: tmp_path / "shipped")


def test_the_shipped_modules_load() -> None:
    assert {"hwr", "pdc_statins"} <= {module.id for module in catalogue.catalogue()}


@pytest.mark.usefixtures("only_the_site")
def test_a_folder_of_modules_and_a_single_module_are_both_found_in_order(second_stay: Write, tmp_path: Path) -> None:
    second_stay("zeta"), second_stay("alpha")
    (tmp_path / "measures" / "_lists").mkdir()
    found = catalogue.catalogue([tmp_path / "measures"])
    assert [module.id for module in found] == ["alpha", "zeta"]
    assert [module.id for module in catalogue.catalogue([tmp_path / "measures" / "zeta"])] == ["zeta"]


def install(folder: Path, measures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a package on the path as pip would: its module, and the metadata that names its entry point."""
    about = folder / "example_measures-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: example-measures\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[qe.measures]\nexample = example_measures:folder\n")
    (folder / "example_measures.py").write_text(f"def folder():\n    return {str(measures)!r}\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "example_measures", raising=False)


@pytest.mark.usefixtures("only_the_site")
def test_an_installed_package_adds_its_modules(
    second_stay: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_stay("alpha")
    install(tmp_path / "packages", tmp_path / "measures", monkeypatch)
    assert [module.id for module in catalogue.catalogue()] == ["alpha"]


def test_an_installed_measure_with_the_id_of_a_shipped_one_is_an_error_that_names_both(
    second_stay: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_stay("hwr")
    install(tmp_path / "packages", tmp_path / "measures", monkeypatch)
    with pytest.raises(MeasureError, match='the measure id "hwr" is used by two folders') as caught:
        catalogue.catalogue()
    assert str(tmp_path / "measures" / "hwr") in str(caught.value)
    assert str(bundled.folder("measures") / "hwr") in str(caught.value)


@pytest.mark.usefixtures("only_the_site")
def test_the_same_id_twice_names_both_folders(second_stay: Write, tmp_path: Path) -> None:
    second_stay("alpha")
    (tmp_path / "more").mkdir()
    (tmp_path / "measures" / "alpha").rename(tmp_path / "more" / "alpha")
    second_stay("alpha")
    with pytest.raises(MeasureError) as caught:
        catalogue.catalogue([tmp_path / "measures", tmp_path / "more"])
    message = str(caught.value)
    assert str(tmp_path / "measures" / "alpha") in message
    assert str(tmp_path / "more" / "alpha") in message


@pytest.mark.usefixtures("only_the_site")
def test_faults_of_all_folders_are_told_at_once(second_stay: Write, tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        (second_stay(name) / "method.md").unlink()
    with pytest.raises(MeasureError) as caught:
        catalogue.catalogue([tmp_path / "measures"])
    assert [fault.message for fault in caught.value.faults] == [
        "measures/alpha: method.md is missing",
        "measures/beta: method.md is missing",
    ]


def test_a_missing_folder_of_the_site_is_told(tmp_path: Path) -> None:
    with pytest.raises(MeasureError, match="the measure folder own is missing"):
        catalogue.catalogue([tmp_path / "own"])


@pytest.mark.usefixtures("only_the_site")
def test_a_measure_is_found_by_its_own_id_or_its_modules_and_a_misspelt_one_is_suggested(
    second_stay: Write, tmp_path: Path
) -> None:
    toml = (
        (second_stay() / "measure.toml")
        .read_text()
        .replace('[[measures]]\nid = "second_stay"', '[[measures]]\nid = "second_a"')
    )
    modules = [load(second_stay(measure=toml))]
    assert catalogue.find(modules, "second_a") is catalogue.find(modules, "second_stay")
    assert catalogue.chosen(modules, ["all"]) == catalogue.chosen(modules, ["second_a", "second_stay"]) == modules
    with pytest.raises(MeasureError, match='there is no measure "secnd_a"; did you mean "second_a"'):
        catalogue.find(modules, "secnd_a")


def test_the_listing_has_one_entry_a_measure_with_its_levels_and_kind(second_stay: Write) -> None:
    [entry] = catalogue.listing([load(second_stay())])
    wanted = {
        "id": "second_stay",
        "module": "second_stay",
        "version": "1.0.0",
        "levels": ["facility"],
        "kind": "standard",
    }
    assert {name: entry[name] for name in wanted} == wanted


def test_a_measure_is_shown_rule_by_rule_as_text_sql_and_cases(second_stay: Write) -> None:
    method = "- **R1** stays.\n- **R2** adults,\n  by the calendar.\n- R3 no heart stay.\n- R4 a second stay.\n"
    text = show.show(load(second_stay(method=method)))
    assert "R2\n  spec  R2 adults, by the calendar.\n  sql   exclusions.sql:1" in text
    assert "  case  all_rules: a second stay counts" in text
    assert "-- measures/second_stay/population.sql\n-- Grain: one row a person with a stay in the period (R1)" in text


def test_the_tables_that_sql_may_read_are_listed_with_types_and_macros() -> None:
    text = show.tables_text()
    assert "\nstay\n  stay_id                  varchar\n" in text
    assert "value_set\n  name varchar, code varchar, system varchar" in text
    assert "  months_between(earlier, later)" in text
