"""`qe sample`: seeded source files with planted truth, block by block, in flat memory (sample_data.md)."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qe.errors import InputError
from qe.progress import Progress, Silent
from qe.sample import parameters as parameter_file
from qe.sample.blocks import Run, gathered, providers_of, written_blocks
from qe.sample.calendar import Calendar
from qe.sample.cdl import submitters
from qe.sample.delimited import DelimitedFile
from qe.sample.deliveries import MOST_DELIVERIES
from qe.sample.inbox import FileShape, Inbox
from qe.sample.manifests import write_manifests
from qe.sample.parameters import Parameters
from qe.sample.reference_files import deliveries_with_news, write_contacts, write_drugs, write_roster
from qe.sample.tally import Tally
from qe.sample.truth import Truth, write_provider_effects
from qe.sample.wrong_trailer import write_wrong_trailer

FEW_PERSONS = 20_000
MOST_PROCESSES = 4
LEAST_FOR_A_TRAILER = 100  # so that payer B covers somebody, whose rows a wrong trailer can miscount


@dataclass(frozen=True, kw_only=True)
class SampleSummary:
    """What was written. rows by file name below inbox/; claim_lines counts the rows of claim and pharmacy files."""

    files: tuple[Path, ...]
    rows: Mapping[str, int]
    claim_lines: int
    persons: int


def generate(
    folder: Path,
    *,
    persons: int,
    seed: int,
    years: tuple[int, int] = (2024, 2025),
    payers: int = 2,
    deliveries: int = 1,
    settings: Mapping[str, str] | None = None,
    compress: bool = False,
    processes: int | None = None,
    progress: Progress | None = None,
) -> SampleSummary:
    """Write `folder`/inbox and `folder`/truth for `persons` persons; the same arguments give the same bytes.

    years       look-back year and measurement year; services run on to 31 March of the year after
    deliveries  how often the payers deliver, by quarter up to the last; Medicare delivers with those of its years
    settings    `--set` values: section.key of parameters.toml, or a key of its [switches]
    processes   how many blocks are made at once; the bytes do not depend on it
    """
    progress = progress or Silent()
    p = parameter_file.load(settings or {})
    _refuse(folder, p, persons=persons, seed=seed, years=years, payers=payers, deliveries=deliveries)
    run = Run(
        folder=folder,
        persons=persons,
        seed=seed,
        payers=payers,
        compress=compress,
        deliveries=deliveries,
        parameters=p,
        calendar=Calendar(first=years[0], last=years[1]),
    )
    files: dict[str, DelimitedFile] = {}

    def whole(shape: FileShape) -> DelimitedFile:
        files[shape.path] = shape.open(folder)
        return files[shape.path]

    inbox = Inbox(run.calendar, run.plan, submitters(payers), whole, compress=compress)
    truth = Truth(
        run.calendar,
        run.plan,
        whole,
        has_services=p.switches.services == 1,
        has_edge_cases=p.switches.edge_cases > 0,
    )
    progress.start("writing sample files", run.blocks)
    tally = Tally(services=Counter(), person_months=Counter())
    for block in written_blocks(run, processes or _processes(run)):
        gathered(block.parts, files)
        tally += block.tally
        progress.advance()
    progress.finish()
    inbox.close()
    if p.dirt.trailer_off_by_one:
        path = write_wrong_trailer(folder / "inbox", inbox)
        truth.dirt("trailer_off_by_one", path, ["1"])
    truth.close()
    (folder / ".parts").rmdir()
    root = folder / "inbox"
    providers = providers_of(run)
    rosters = deliveries_with_news(run.plan.quarterly, providers, run.calendar)
    others = [
        *(
            write_roster(root / "roster" / delivery.folder / "roster.csv", providers, run.calendar,
                         known_on=delivery.delivered_on, compress=compress)
            for delivery in rosters
        ),
        write_contacts(root / "contacts" / "contacts.csv", providers, compress=compress),
        write_drugs(root / "drugs" / "drugs.csv", p, compress=compress),
    ]  # fmt: skip
    write_provider_effects(folder / "truth" / "provider_effects.csv", providers)
    delivered = [file for file in inbox.all() if file.rows]
    if not run.plan.is_single:
        write_manifests(folder, run.plan, inbox, rosters=list(zip(rosters, others, strict=False)))
    rows = {file.path.relative_to(root).as_posix(): file.rows for file in (*delivered, *others)}
    _write_json(folder / "truth" / "totals.json", {"files": _totals(root, delivered)} | _tallied(tally))
    model = {
        "persons": persons, "seed": seed, "years": list(years), "payers": payers, "deliveries": deliveries,
        "parameters": p.model_dump(),
    }  # fmt: skip
    _write_json(folder / "truth" / "model.json", model)
    return SampleSummary(
        files=tuple(file.path for file in (*delivered, *others)),
        rows=rows,
        claim_lines=sum(file.rows for file in inbox.claim_files()),
        persons=persons,
    )


def _processes(run: Run) -> int:
    """One for a few persons, as starting more takes seconds; else as many as there are cores, at most four."""
    return 1 if run.persons <= FEW_PERSONS else min(len(os.sched_getaffinity(0)), run.blocks, MOST_PROCESSES)


def _refuse(
    folder: Path, p: Parameters, *, persons: int, seed: int, years: tuple[int, int], payers: int, deliveries: int
) -> None:
    wrong = []
    if persons < 1:
        wrong.append("persons must be at least 1")
    if seed < 0:
        wrong.append("the seed must not be negative")
    if not 2015 <= years[0] < years[1] <= 2035:
        wrong.append("years must be two in order, from 2015 to 2035")
    if payers not in (2, 3):
        wrong.append("payers must be 2 or 3")
    if not 1 <= deliveries <= MOST_DELIVERIES:
        wrong.append(f"deliveries must be from 1 to {MOST_DELIVERIES}")
    if p.switches.hospitals < 0 or p.switches.hospitals == 1:
        wrong.append("hospitals must be at least 2, or 0 for as many as the persons ask for")
    if p.switches.groups < 0 or 0 < p.switches.groups < 4:
        wrong.append("groups must be at least 4, or 0 for as many as the persons ask for")
    if p.switches.block_persons < 1 or not 0 <= p.switches.confounding <= 1 or p.switches.noise < 0:
        wrong.append("block_persons must be at least 1, confounding from 0 to 1, noise not negative")
    if p.switches.edge_cases not in (0, 1):
        wrong.append("edge_cases must be 0 or 1")
    if p.dirt.trailer_off_by_one and persons < LEAST_FOR_A_TRAILER:
        wrong.append(f"dirt.trailer_off_by_one asks for at least {LEAST_FOR_A_TRAILER} persons")
    if (folder / "inbox").exists() and any((folder / "inbox").iterdir()):
        wrong.append("the folder holds an inbox already")
    if wrong:
        raise InputError(f"no sample files: {'; '.join(wrong)}")


def _totals(root: Path, files: list[DelimitedFile]) -> dict[str, dict[str, str | int]]:
    """What each file holds: all data rows, those of them that are malformed, claims, dollars paid."""
    return {
        file.path.relative_to(root).as_posix(): {
            "rows": file.rows,
            "malformed_rows": file.malformed,
            "claims": file.claims,
            "paid_amount": f"{file.paid_cents / 100:.2f}",
        }
        for file in files
    }


def _tallied(tally: Tally) -> dict[str, dict[str, str | int]]:
    return {"distinct_services": dict(tally.services), "person_months": dict(tally.person_months)}


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
