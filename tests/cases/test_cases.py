"""Every worked case of every shipped measure, one test each, named by its sentence."""

import pytest

from qe import bundled
from qe.measurement import check, run_cases
from qe.measurement.cases import Case, CaseModel, Mismatch, read
from qe.measurement.measure import load

FOLDERS = [folder for folder in sorted(bundled.folder("measures").iterdir()) if (folder / "measure.toml").is_file()]
MODULES = {folder.name: load(folder) for folder in FOLDERS}
CASES = {folder.name: read(folder / "cases.toml") for folder in FOLDERS}
NAMED = [
    pytest.param(module_id, case, id=f"{module_id}: {case.title}")
    for module_id, cases in CASES.items()
    for case in cases
]


@pytest.fixture(scope="session")
def mismatches(claims: CaseModel) -> dict[str, dict[str, list[Mismatch]]]:
    """What came out otherwise than worked, by module and case: a module's cases are run when its first is asked for."""

    class ByModule(dict[str, dict[str, list[Mismatch]]]):
        def __missing__(self, module_id: str) -> dict[str, list[Mismatch]]:
            self[module_id] = run_cases.failures_of(MODULES[module_id], CASES[module_id], claims=claims)
            return self[module_id]

    return ByModule()


@pytest.mark.parametrize(("module_id", "case"), NAMED)
def test_case(module_id: str, case: Case, mismatches: dict[str, dict[str, list[Mismatch]]]) -> None:
    found = mismatches[module_id][case.id]
    assert not found, "\n".join(
        [f"{case.id} ({', '.join(case.rules)}): {case.why}", *(one.sentence() for one in found)]
    )


@pytest.mark.parametrize("module_id", MODULES)
def test_a_case_comes_out_the_same_alone_as_among_the_others(module_id: str, claims: CaseModel) -> None:
    case = CASES[module_id][-1]
    assert run_cases.failures(MODULES[module_id], case, claims=claims) == []


@pytest.mark.parametrize("module_id", MODULES)
def test_the_module_passes_its_check(module_id: str) -> None:
    faults = check.check(MODULES[module_id])
    assert not faults, "\n".join(fault.sentence() for fault in faults)
