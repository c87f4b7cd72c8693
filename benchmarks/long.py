"""`bin/long NAME`: one long check, resumable; its result is written to benchmarks/results/NAME.json, to be committed."""

import json
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmarks import (
    branch_coverage,
    confounded,
    determinism,
    disclosure,
    generator,
    ledger_interleavings,
    linkage,
    measures,
    mutation,
    oracles,
    recovery,
    recovery_table,
    release_sequences,
    statistics,
    statistics_promises,
    truth,
)
from qe.cli.output import TerminalProgress

ROOT = Path(__file__).parent.parent
SEED = 20240101


def run_recovery(folder: Path) -> tuple[dict[str, object], list[str]]:
    """100,000 persons: linkage >= 99 % both ways; planted effects found by five measures; confounded samples of 20,000."""
    found = recovery.check(
        folder,
        persons=100_000,
        seed=SEED,
        confounded_seeds=range(1000, 1012),  # not those by which the check was written
        confounded_persons=20_000,
        progress=TerminalProgress(),
    )
    failed = []
    if min(found.precision, found.recall) < 0.99:
        failed.append("linkage precision or recall below 0.99")
    if found.rank_correlation is None or found.rank_correlation < 0.65:
        failed.append("rank correlation of readmission effects below 0.65")
    failed += recovery_table.shortfalls(found.table)
    if found.of_confounded is not None:
        failed += confounded.shortfalls(found.of_confounded)
    return recovery.as_result(found), failed


def run_determinism(folder: Path) -> tuple[dict[str, object], list[str]]:
    """At least 2,000,000 claim lines: byte-identical results, reports and site."""
    persons = int(os.environ.get("QE_DETERMINISM_PERSONS", "50000"))
    found = determinism.check(folder, persons=persons, seed=SEED, progress=TerminalProgress())
    failed = []
    if found.claim_lines < 2_000_000:
        failed.append(f"only {found.claim_lines:,} claim lines")
    if found.differing:
        failed.append(f"{len(found.differing)} files differ")
    if found.tables_differing_with_shuffled_files:
        failed.append("result tables differ when the rows of the files are shuffled")
    return determinism.as_result(found), failed


def run_generator(folder: Path) -> tuple[dict[str, object], list[str]]:
    """150,000 claim lines a second on two cores, in memory that does not grow with the persons."""
    small, large = generator.check(folder, sizes=(20_000, 200_000), seed=SEED)
    failed = []
    if large.lines_per_second < 150_000:
        failed.append("fewer than 150,000 claim lines a second")
    if large.peak_mib > 1.25 * small.peak_mib:
        failed.append("memory grows with the persons")
    return {"small": asdict(small), "large": asdict(large)}, failed


def run_mutation(folder: Path) -> tuple[dict[str, object], list[str]]:
    """Gate, review and requests: at least 95 % of the mutants killed, the survivors named with their reasons."""
    found = mutation.check(folder)
    return mutation.as_result(found), found.shortfalls


def run_branch_coverage(folder: Path) -> tuple[dict[str, object], list[str]]:
    """Gate, review and requests: every branch is taken by a test."""
    found = branch_coverage.check(folder)
    failed = [f"{module}: {', '.join(one.missed)} is not reached" for module, one in found.items() if one.missed]
    return {module: asdict(one) for module, one in found.items()}, failed


def run_release_sequences(folder: Path) -> tuple[dict[str, object], list[str]]:
    """2,000 sequences of events: no release whose preconditions do not hold, judged in SQL; no refusal without a violation."""
    done = folder / "release_sequences.jsonl"  # one line a hundred sequences, so that a stopped check goes on
    folder.mkdir(parents=True, exist_ok=True)
    lines = done.read_text().splitlines() if done.exists() else []
    for chunk in range(len(lines), 20):
        counts = release_sequences.check(sequences=100, steps=30, seed_of_all=SEED + chunk)
        with done.open("a") as file:
            file.write(json.dumps(dict(sorted(counts.items()))) + "\n")
    total: Counter[str] = Counter()
    for line in done.read_text().splitlines():
        total.update(json.loads(line))
    kinds = {name.split()[0] for name in total if name.endswith("asked")}
    failed = [f"no {kind} was ever allowed" for kind in sorted(kinds) if not total[f"{kind} allowed"]]
    if total["sequences"] < 2_000:
        failed.append(f"only {total['sequences']:,} sequences")
    return dict(sorted(total.items())), failed


def run_linkage(folder: Path) -> tuple[dict[str, object], list[str]]:
    """1,000,000 x 1,000,000 persons: precision and recall at least 99.5 %, the best of three runs at most ten seconds."""
    found = linkage.check(folder, persons=1_000_000, persons_compared=100_000, seed=SEED, runs=3)
    return linkage.as_result(found, seed=SEED), found.shortfalls


def run_truth(folder: Path) -> tuple[dict[str, object], list[str]]:
    """100,000 persons: services, stays, chains, months, dollars, copies and dirty rows are exactly those planted."""
    found = truth.check(folder, persons=100_000, seed=SEED, progress=TerminalProgress())
    return truth.as_result(found), [f"{name} differ" for name in found.inexact]


def run_measures(folder: Path) -> tuple[dict[str, object], list[str]]:
    """100,000 persons: all modules in one run, the time of each, and waterfalls that reconcile with detail and results."""
    found = measures.check(folder, persons=100_000, seed=SEED, progress=TerminalProgress())
    return measures.as_result(found), found.shortfalls


def run_oracles(folder: Path) -> tuple[dict[str, object], list[str]]:
    """5,000 persons: every module agrees with an independent reading of its method, row by row."""
    found = oracles.check(folder, persons=5_000, persons_strewn=2_500, seed=SEED, progress=TerminalProgress())
    return oracles.as_result(found), list(found.disagreements)


def run_statistics_speed(folder: Path) -> tuple[dict[str, object], list[str]]:
    """A state's cases on one BLAS thread: 300,000 x 60 x 3,000 in 3 s and 1 GB, 3,000,000 x 40 x 20,000 in 30 s and 5 GB."""
    small = statistics.Size(rows=300_000, factors=60, providers=3_000)
    large = statistics.Size(rows=3_000_000, factors=40, providers=20_000)
    limits = (statistics.Limit(size=small, seconds=3, gib=1), statistics.Limit(size=large, seconds=30, gib=5))
    found, failed = statistics.check(limits=limits, beside=small, seed=SEED, runs=3)
    return {"fits": [asdict(one) for one in found]}, failed


def run_statistics_coverage(folder: Path) -> tuple[dict[str, object], list[str]]:
    """Providers drawn from the model: 95 % intervals hold 93 to 97 %; null runs, 40 seeds: at most 2.5 % false labels a side."""
    tasks = statistics_promises.coverage_tasks(seeds=40, bootstrap_seeds=20)
    found = statistics_promises.check(folder, tasks, progress=TerminalProgress())
    return statistics_promises.as_result(found), found.shortfalls


def run_statistics_null(folder: Path) -> tuple[dict[str, object], list[str]]:
    """Samples of 20,000 persons without planted effects: at most 2.5 % of hospitals labelled a side.

    40 seeds, and these among 200: one label in 480 is 0.2 %, so that 40 alone tell a true 2.5 % from 4 % only by luck.
    """
    few, many = (
        statistics_promises.check(
            folder,
            statistics_promises.sample_tasks(seeds=seeds, persons=20_000),
            progress=TerminalProgress(),
        )
        for seeds in (40, 200)
    )
    figures: dict[str, object] = {
        "seeds_40": statistics_promises.as_result(few),
        "seeds_200": statistics_promises.as_result(many),
    }
    return figures, [*few.shortfalls, *many.shortfalls]


def run_ledger_interleavings(folder: Path) -> tuple[dict[str, object], list[str]]:
    """1,000 interleavings of two writers with kill -9: nothing acknowledged is lost, and every change of the files is found."""
    found = ledger_interleavings.check(folder, interleavings=1000, seed=SEED, progress=TerminalProgress())
    return {"seed": SEED, **vars(found)}, ledger_interleavings.shortfalls(found)


def run_disclosure(folder: Path) -> tuple[dict[str, object], list[str]]:
    """200 planted leaks, 500 clean releases, 300 protected ones attacked by other code, every rate of up to 5,000 inverted."""
    found = disclosure.check(
        planted=200, clean=500, attacked=300, largest=5_000, tables=100, seed=SEED, progress=TerminalProgress()
    )
    return disclosure.as_result(found), found.shortfalls


CHECKS: dict[str, Callable[[Path], tuple[dict[str, object], list[str]]]] = {
    "recovery": run_recovery,
    "determinism": run_determinism,
    "disclosure": run_disclosure,
    "generator": run_generator,
    "linkage": run_linkage,
    "truth": run_truth,
    "measures": run_measures,
    "oracles": run_oracles,
    "statistics_speed": run_statistics_speed,
    "statistics_coverage": run_statistics_coverage,
    "statistics_null": run_statistics_null,
    "ledger_interleavings": run_ledger_interleavings,
    "release_sequences": run_release_sequences,
    "branch_coverage": run_branch_coverage,
    "mutation": run_mutation,
}


def main() -> None:
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in CHECKS:
        sys.exit(f"usage: bin/long {'|'.join(CHECKS)}")
    run_check(names[0])


def run_check(name: str) -> None:
    """Run one check, write and print its result; ends the process, with 1 when a threshold does not hold."""
    folder = Path(os.environ.get("QE_LONG_FOLDER", ROOT / ".long")) / name
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    figures, failed = CHECKS[name](folder)
    result = {
        "check": name,
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip(),
        "machine": {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.system()},
        "seconds_of_last_go": round(time.monotonic() - start),  # a resumed check finds its earlier stages done
        "figures": figures,
        "failed": failed,
    }
    target = ROOT / "benchmarks" / "results" / f"{name}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
