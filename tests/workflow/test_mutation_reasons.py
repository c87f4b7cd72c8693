"""The mutants that survive with a reason: each names a line that stands in its function still."""

import inspect
from importlib import import_module

import pytest

from benchmarks.mutation import REASONS, Survivor, read_reasons


@pytest.mark.parametrize("survivor", read_reasons(REASONS), ids=lambda one: one.function)
def test_the_line_that_a_reason_speaks_of_stands_in_its_function(survivor: Survivor) -> None:
    module, _, name = survivor.function.rpartition(".")
    lines = [line.strip() for line in inspect.getsource(getattr(import_module(module), name)).splitlines()]
    assert survivor.was in lines
    assert survivor.becomes not in lines
