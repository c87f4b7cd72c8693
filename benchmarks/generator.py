"""How fast the sample generator writes, and whether its memory stays flat: two sizes, two processes each."""

import json
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from qe.sample.generate import generate

PROCESSES = 2


@dataclass(frozen=True, kw_only=True)
class Written:
    """One run, the start of its processes included. peak_mib: of the largest single process."""

    persons: int
    claim_lines: int
    seconds: float
    cpu_seconds: float
    lines_per_second: int
    peak_mib: int


def write(folder: Path, *, persons: int, seed: int) -> Written:
    """Write `persons` persons into `folder` and remove them again."""
    begin = time.monotonic()
    summary = generate(folder, persons=persons, seed=seed, processes=PROCESSES)
    seconds = time.monotonic() - begin
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    shutil.rmtree(folder)
    return Written(
        persons=persons,
        claim_lines=summary.claim_lines,
        seconds=round(seconds, 1),
        cpu_seconds=round(sum(usage.ru_utime + usage.ru_stime for usage in used), 1),
        lines_per_second=round(summary.claim_lines / seconds),
        peak_mib=max(usage.ru_maxrss for usage in used) // 1024,
    )


def check(folder: Path, *, sizes: tuple[int, int], seed: int) -> list[Written]:
    """Each size in a fresh process, so that its peak of memory is its own."""
    found = []
    for persons in sizes:
        command = [sys.executable, "-m", "benchmarks.generator", str(folder / str(persons)), str(persons), str(seed)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(Written(**json.loads(done.stdout)))
    return found


if __name__ == "__main__":
    print(json.dumps(asdict(write(Path(sys.argv[1]), persons=int(sys.argv[2]), seed=int(sys.argv[3])))))
