from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from qe import runs
from qe.errors import SiteHeld
from qe.periods import quarter
from qe.upkeep import new_site

INPUTS = runs.RunInputs(
    inputs=(("medicare", "a" * 64), ("payer_a", "b" * 64)),
    measures=(("hwr", "1.0.0", "c" * 64),),
    measure_ids=("hwr",),
    decisions="",
    period=quarter("2025Q4", end=date(2025, 12, 31), run_out_days=90),
    settings={"peers": {"by": ["area"], "min_peers": 10}},
)


def test_the_same_inputs_in_another_order_are_the_same_run():
    assert INPUTS.run_id() == replace(INPUTS, inputs=tuple(reversed(INPUTS.inputs))).run_id()
    assert len(INPUTS.run_id()) == 16


@pytest.mark.parametrize(
    "changed",
    [
        replace(INPUTS, inputs=(("medicare", "a" * 64), ("payer_a", "d" * 64))),
        replace(INPUTS, measures=(("hwr", "1.0.0", "e" * 64),)),
        replace(INPUTS, settings={"peers": {"by": ["area"], "min_peers": 11}}),
        replace(INPUTS, period=quarter("2025Q4", end=date(2025, 12, 31), run_out_days=60)),
    ],
)
def test_whatever_decides_a_number_changes_the_run(changed: runs.RunInputs):
    assert changed.run_id() != INPUTS.run_id()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path):
    runs.write_aside(tmp_path / "deep" / "manifest.json", b"{}")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["manifest.json"]


def test_a_second_process_is_told_who_holds_the_site(tmp_path: Path):
    site = new_site.create(tmp_path / "clinic", sample=False, configuration=tmp_path / "config").site
    with (
        runs.hold(site, since="2026-01-05 09:00"),
        pytest.raises(SiteHeld, match="since 2026-01-05 09:00"),
        runs.hold(site, since="later"),
    ):
        pass
    with runs.hold(site, since="later"):
        pass
