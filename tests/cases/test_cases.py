"""Every worked case of every shipped measure, one test each, named by its sentence."""

import pytest

from qe import bundled
from qe.measurement import check, run_cases
from qe.measurement.cases import Case, CaseModel, read
from qe.measurement.measure import load

FOLDERS = [folder for folder in sorted(bundled.folder("measures").iterdir()) if (folder / "measure.toml").is_file()]
MODULES = {folder.name: load(folder) for folder in FOLDERS}
CASES = [
    pytest.param(module.id, case, id=f"{module.id}: {case.title}")
    for module in MODULES.values()
    for case in read(module.folder / "cases.toml")
]


@pytest.mark.parametrize(("module_id", "case"), CASES)
def test_case(module_id: str, case: Case, claims: CaseModel) -> None:
    mismatches = run_cases.failures(MODULES[module_id], case, claims=claims)
    assert not mismatches, "\n".join(
        [f"{case.id} ({', '.join(case.rules)}): {case.why}", *(m.sentence() for m in mismatches)]
    )


@pytest.mark.parametrize("module_id", MODULES)
def test_the_module_passes_its_check(module_id: str) -> None:
    faults = check.check(MODULES[module_id])
    assert not faults, "\n".join(fault.sentence() for fault in faults)
