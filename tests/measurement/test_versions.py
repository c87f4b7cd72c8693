"""What decides a measure changes only together with its version; what decides nothing may change freely."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qe.measurement import catalogue, check, versions
from qe.measurement.measure import Module, load

Write = Callable[..., Path]
METHOD = "# Second stays\n\nSome words.\n\n- **R1** stays.\n- **R2** adults.\n- **R3** no heart stay.\n- **R4** a second stay.\n"

DECIDES = {
    "population.sql": ("max(admit_date)", "min(admit_date)"),
    "exclusions.sql": ("'R2' as rule_id", "'R3' as rule_id"),  # a rule number in quotes is a result
    "numerator.sql": ("len(claim_ids) > 1", "len(claim_ids) > 2"),
    "method.md": ("a second stay", "a third stay"),
    "measure.toml": ("default = 18", "default = 21"),
    "value_sets/heart.csv": ("I110", "I119"),
}
DECIDES_NOTHING = {
    "population.sql": ("-- Grain: one row a person with a stay in the period (R1)", "-- Grain: one row a person (R1)"),
    "exclusions.sql": ("select population.event_id", "select\n    population.event_id"),
    "method.md": ("Some words", "Other words"),
    "cases.toml": ("two stays", "a stay, and another"),
    "measure.toml": ('why_it_matters = "A made-up', 'why_it_matters = "An invented'),
}


@pytest.fixture
def recorded(second_stay: Write) -> Path:
    """The module, recorded at 1.0.0."""
    folder = second_stay(method=METHOD)
    versions.record(load(folder))
    return folder


def change(folder: Path, name: str, before: str, after: str) -> None:
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after, 1))


def said(folder: Path) -> list[str]:
    return [fault.message for fault in versions.faults(load(folder))]


@pytest.mark.parametrize("name", sorted(DECIDES))
def test_a_change_of_what_decides_is_a_fault_that_names_the_file_until_the_version_changes(
    recorded: Path, name: str
) -> None:
    change(recorded, name, *DECIDES[name])
    named = f"measures/second_stay/{name}"
    assert said(recorded) == [f"{named}: it has changed since version 1.0.0 of second_stay was recorded"]
    change(recorded, "measure.toml", 'version = "1.0.0"', 'version = "1.1.0"')
    assert said(recorded) == []


@pytest.mark.parametrize("name", sorted(DECIDES_NOTHING))
def test_a_change_of_what_decides_nothing_is_none(recorded: Path, name: str) -> None:
    change(recorded, name, *DECIDES_NOTHING[name])
    assert said(recorded) == []


def test_dashes_in_quotes_are_no_comment(recorded: Path, second_stay: Write) -> None:
    change(recorded, "numerator.sql", "['R4']", "['R4--a']")
    assert len(said(recorded)) == 1


def test_a_file_that_comes_to_the_measure_is_told(recorded: Path) -> None:
    (recorded / "covariates.sql").write_text("select event_id, 'x' as factor, 1 as value from population\n")
    assert said(recorded) == [
        "measures/second_stay/covariates.sql: it has come to the measure since version 1.0.0 of second_stay was recorded"
    ]


def test_the_check_of_a_module_tells_it_with_what_to_do(recorded: Path) -> None:
    change(recorded, "numerator.sql", *DECIDES["numerator.sql"])
    (fault,) = [one for one in check.check(load(recorded)) if one.code == "version"]
    assert fault.file == "measures/second_stay/numerator.sql"
    assert fault.remedy == (
        "Raise version in measure.toml of second_stay and record it (qe measures check --record), or take the change back."
    )


def test_a_version_is_recorded_once_and_stays_as_it_was(recorded: Path) -> None:
    change(recorded, "numerator.sql", *DECIDES["numerator.sql"])
    assert versions.record(load(recorded)) is None
    assert len(said(recorded)) == 1
    change(recorded, "measure.toml", 'version = "1.0.0"', 'version = "1.0.1"')
    versions.record(load(recorded))
    change(recorded, "numerator.sql", *reversed(DECIDES["numerator.sql"]))
    change(recorded, "measure.toml", 'version = "1.0.1"', 'version = "1.0.0"')
    assert said(recorded) == []  # the first version, as it was


def test_a_module_that_nobody_recorded_is_free(second_stay: Write) -> None:
    module = load(second_stay())
    assert not versions.is_recorded(module)
    assert versions.faults(module) == []


@pytest.mark.parametrize("module", catalogue.catalogue(), ids=lambda module: str(module.id))
def test_each_shipped_version_is_recorded_and_as_it_was(module: Module) -> None:
    assert versions.is_recorded(module), "qe measures check --record"
    assert [fault.sentence() for fault in versions.faults(module)] == []
