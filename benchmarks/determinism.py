"""Are the outputs the same bytes whatever the threads, time zone, hash seed and order of rows? (docs/decisions/0002)

Three sites over one set of files:
  first     1 thread, UTC
  second    2 threads, another time zone and hash seed, the rows of every staged database shuffled
  third     the rows of every received file shuffled: other bytes, so another run; its result tables must still be the same
            (it goes no further than those)
Each runs in a process of its own, with its environment set before Python starts.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.site import SENT_ON, generated, run_quarter, score, site_over
from qe import store
from qe.progress import Progress, Silent
from qe.runs import run_of
from qe.site import Site, open_site
from qe.sources.receive import receive
from qe.workflow import build_public

SHUFFLED = "--shuffle-staged="  # and the seed
RESULTS_ONLY = "--results-only"
FIRST = "first"  # the folder of the first site
RESULT_TABLES = ("measure_results", "waterfall", "model", "unit", "unit_count", "source_claims")


@dataclass(frozen=True, kw_only=True)
class Determinism:
    """How many files were compared, and which differ (empty: none)."""

    persons: int
    seed: int
    claim_lines: int
    files_compared: int
    differing: tuple[str, ...]
    tables_compared_with_shuffled_files: int
    tables_differing_with_shuffled_files: tuple[str, ...]


def check(
    folder: Path,
    *,
    persons: int,
    seed: int,
    settings: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Determinism:
    """Generate, run thrice, compare every byte of results, reports and the staged public site.

    settings  of the sample process; few providers make few reports
    """
    bar = progress or Silent()
    files = generated(folder / f"sample-{persons}-{seed}", persons=persons, seed=seed, settings=settings, progress=bar)
    first = _run(folder / FIRST, files / "inbox", threads=1, zone="UTC", hash_seed="1", options=[])
    second = _run(
        folder / "second",
        files / "inbox",
        threads=2,
        zone="Asia/Kathmandu",
        hash_seed="77",
        options=[f"{SHUFFLED}{seed}"],
    )
    other_order = folder / "shuffled-inbox"
    if not other_order.exists():
        shuffle_files(files / "inbox", other_order, seed=seed)
    third = _run(folder / "third", other_order, threads=2, zone="UTC", hash_seed="5", options=[RESULTS_ONLY])
    one, two, three = digests(first), digests(second), digests(third)
    tables = [f"results/{name}.parquet" for name in RESULT_TABLES]
    by_table = {name: _table_of(one, name) for name in tables}
    return Determinism(
        persons=persons,
        seed=seed,
        claim_lines=claim_lines(first),
        files_compared=len(one),
        differing=tuple(sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))),
        tables_compared_with_shuffled_files=len(by_table),
        tables_differing_with_shuffled_files=tuple(
            name for name, digest in by_table.items() if _table_of(three, name) != digest
        ),
    )


def _table_of(files: dict[str, str], name: str) -> str:
    return next(digest for path, digest in files.items() if path.endswith(name))


def _run(folder: Path, inbox: Path, *, threads: int, zone: str, hash_seed: str, options: list[str]) -> Site:
    """One site, run in a process of its own."""
    site = site_over(folder, inbox, threads=threads)
    if not (folder / ".whole").exists():
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-m", "benchmarks.determinism", str(folder), *options]
        subprocess.run(command, env=environment, check=True)
        (folder / ".whole").touch()
    return site


def run_one(folder: Path, options: list[str]) -> None:
    """The child process: stage (and shuffle what is staged), run the quarter, build the public bundle."""
    site = open_site(folder)
    if RESULTS_ONLY in options:
        score(site, measures=())
        return
    for option in options:
        shuffle_staged(site, int(option.removeprefix(SHUFFLED)))
    made = run_quarter(site)
    units = frozenset(report.unit_id for report in made.reports)
    _, public = build_public(site, run_id=made.run_id, cycle=made.cycle, units=units, published_on=SENT_ON, posting=())
    bundle = run_of(site, made.run_id).folder / "public-bundle"
    for name, content in public.items():
        path = bundle / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def shuffle_staged(site: Site, seed: int) -> None:
    """Rewrite every staged table in another physical order; its rows stay the same."""
    staged = receive(site, store_key=site.store_key(), vault_key=site.vault_key(), progress=Silent())
    databases = {one.database: site.vault_key() if one.in_vault else site.store_key() for one in staged}
    databases |= {one.vault_database: site.vault_key() for one in staged if one.vault_database is not None}
    for path, key in sorted(databases.items()):
        with store.open_encrypted(path, key, engine=site.engine(), read_only=False) as connection:
            tables = [name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
            for table in tables:
                if table in ("staged_row", "identity_row"):
                    connection.execute(
                        f"create table other_order as select * from {table} order by hash(row_number + {seed})"
                    )
                    connection.execute(f"drop table {table}")
                    connection.execute(f"alter table other_order rename to {table}")
            connection.execute("checkpoint main_store")


def shuffle_files(inbox: Path, target: Path, *, seed: int) -> None:
    """Copy received files with their data rows in another order; header and trailer records stay where they are."""
    for path in sorted(inbox.rglob("*")):
        copy = target / path.relative_to(inbox)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
            continue
        lines = path.read_bytes().splitlines(keepends=True)
        has_envelope = lines[0].startswith((b"HD|", b"\xef\xbb\xbfHD|"))
        head, tail = (2, 1) if has_envelope else (1, 0)
        body = lines[head : len(lines) - tail]
        if body and not body[-1].endswith(b"\n"):
            shutil.copyfile(path, copy)
            continue
        random.Random(f"{seed}-{path.name}").shuffle(body)
        copy.write_bytes(b"".join([*lines[:head], *body, *lines[len(lines) - tail :]]))


def digests(site: Site) -> dict[str, str]:
    """sha256 of every file under runs/ but the encrypted detail, which differs each time it is written."""
    return {
        path.relative_to(site.runs).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.runs.rglob("*"))
        if path.is_file() and "detail" not in path.parts
    }


def claim_lines(site: Site) -> int:
    staged = receive(site, store_key=site.store_key(), vault_key=site.vault_key(), progress=Silent())
    return sum(one.rows_accepted for one in staged if one.claims is not None)


def as_result(found: Determinism) -> dict[str, object]:
    return asdict(found)


if __name__ == "__main__":
    run_one(Path(sys.argv[1]), sys.argv[2:])
