"""One block of persons, simulated and written as parts of all files; and several blocks at once in processes of their own."""

import multiprocessing
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from qe.processes import without_main_module
from qe.sample.adjudicate import Bills, Desk
from qe.sample.calendar import Calendar
from qe.sample.cdl import submitters, write_eligibility, write_medical, write_pharmacy
from qe.sample.claims import stack_claims, take
from qe.sample.codes import Ints
from qe.sample.delimited import Counts, DelimitedFile
from qe.sample.deliveries import Delivery, Schedule, adjusted, paid_until, schedule
from qe.sample.edge_tables import ToldDesk, clean, told
from qe.sample.fills import Fills, make_fills, ndc_numbers
from qe.sample.identity import make_identities
from qe.sample.inbox import FileShape, Inbox
from qe.sample.inpatient import stay_claims
from qe.sample.late_charges import with_late_charges
from qe.sample.malformed import write_malformed
from qe.sample.parameters import Parameters
from qe.sample.people import Persons, close_at_death, make_persons
from qe.sample.providers import Providers, make_providers
from qe.sample.rif import Block, write_institutional, write_part_d, write_professional
from qe.sample.rif_people import write_beneficiaries, write_crosswalk
from qe.sample.service_truth import standing_numbers
from qe.sample.services import make_services
from qe.sample.stays import Stays, simulate
from qe.sample.tally import Tally, distinct_services, person_months
from qe.sample.truth import Truth

_STAGES = ("people", "stays", "services", "inpatient", "fills", "identity", "professional", "institutional",
           "deliveries", "late")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is written: equal runs give equal bytes, in whatever number of processes."""

    folder: Path
    persons: int
    seed: int
    payers: int
    compress: bool
    deliveries: int
    parameters: Parameters
    calendar: Calendar

    @property
    def plan(self) -> Schedule:
        return schedule(self.calendar, self.deliveries)

    @property
    def random_blocks(self) -> int:
        return -(-self.persons // self.parameters.switches.block_persons)

    @property
    def blocks(self) -> int:
        """The blocks of random persons, and the edge cases where they are wanted."""
        return self.random_blocks + (1 if self.parameters.switches.edge_cases else 0)

    def parts(self, block: int) -> Path:
        """The folder of one block's parts, removed once they stand in their files."""
        return self.folder / ".parts" / str(block)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One block's rows of one file: its shape, where the rows are, what they hold."""

    shape: FileShape
    rows: Path
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Written:
    """One block: its parts of all files, and what it holds."""

    parts: list[Part]
    tally: Tally


@cache
def providers_of(run: Run) -> Providers:
    """The run's provider table, the same in every process."""
    return make_providers(run.parameters, persons=run.persons, seed=run.seed)


def streams(seed: int, index: int) -> dict[str, np.random.Generator]:
    """One stream a stage, all from the block's seed, so that a change in one stage leaves the others as they are."""
    children = np.random.SeedSequence([seed, index]).spawn(len(_STAGES))
    return {stage: np.random.Generator(np.random.PCG64(child)) for stage, child in zip(_STAGES, children, strict=True)}


def write_block(run: Run, index: int) -> Written:
    """Simulate block `index` (from 1; the last one may be the edge cases) and write its rows below run.parts(index)."""
    opened: list[tuple[FileShape, DelimitedFile]] = []

    def part(shape: FileShape) -> DelimitedFile:
        opened.append((shape, shape.open(run.parts(index), is_part=True)))
        return opened[-1][1]

    inbox = Inbox(run.calendar, run.plan, submitters(run.payers), part, compress=run.compress)
    switches = run.parameters.switches
    truth = Truth(
        run.calendar,
        run.plan,
        part,
        has_services=switches.services == 1,
        has_edge_cases=switches.edge_cases > 0,
    )
    tally = _simulate(run, index, inbox, truth) if index <= run.random_blocks else _told(run, index, inbox, truth)
    if index == 1:
        p = run.parameters
        for row in write_malformed(inbox.targets(), round(p.dirt.malformed_rows * p.switches.noise)):
            truth.dirt(f"malformed_{row.kind}", row.file, [str(row.line)], row.column)
    for _, file in opened:
        file.close()
    parts = [Part(shape=shape, rows=file.path, counts=file.counts) for shape, file in opened]
    return Written(parts=parts, tally=tally)


def _simulate(run: Run, index: int, inbox: Inbox, truth: Truth) -> Tally:
    p, calendar, providers = run.parameters, run.calendar, providers_of(run)
    size = p.switches.block_persons
    first = (index - 1) * size
    rng = streams(run.seed, index)
    persons = make_persons(rng["people"], providers, p, calendar, first=first, count=min(size, run.persons - first))
    stays = simulate(rng["stays"], persons, providers, p, calendar)
    close_at_death(persons, calendar)
    services = make_services(rng["services"], persons, providers, p, calendar)
    at_hospital, in_stays, price = stay_claims(rng["inpatient"], persons, stays, services, providers, p, calendar)
    fills = make_fills(rng["fills"], persons, providers, p, calendar)
    block = _block(run, index, persons, rng["identity"], p)
    professional = Desk(rng["professional"], persons, providers, p, calendar).professional(
        *stack_claims([services.professional, *in_stays])
    )
    facilities = stack_claims([at_hospital, services.institutional])
    institutional = Desk(rng["institutional"], persons, providers, p, calendar).institutional(*facilities)
    institutional = with_late_charges(
        Desk(rng["late"], persons, providers, p, calendar),
        institutional,
        facilities[0],
        p.dirt.late_charges * p.switches.noise,
    )
    made = _Made(stays=stays, price=price, fills=fills, professional=professional, institutional=institutional)
    return _write(run, block, made, inbox, truth, rng["deliveries"])


def _told(run: Run, index: int, inbox: Inbox, truth: Truth) -> Tally:
    """The edge cases as the block after the last; nobody where the run has too few hospitals for them."""
    providers, calendar, p = providers_of(run), run.calendar, clean(run.parameters)
    cases = told(providers, p, calendar, first=run.persons)
    if cases is None:
        return Tally(services=Counter(), person_months=Counter())
    rng, persons = streams(run.seed, index), cases.persons
    close_at_death(persons, calendar)
    block = _block(run, index, persons, rng["identity"], p)
    made = _Made(
        stays=cases.stays,
        price=cases.price,
        fills=cases.fills,
        professional=ToldDesk(rng["professional"], persons, providers, p, calendar).professional(*cases.professional),
        institutional=ToldDesk(rng["institutional"], persons, providers, p, calendar).institutional(
            *cases.institutional
        ),
    )
    truth.edge_cases(block, cases.cases, cases.billers)
    return _write(run, block, made, inbox, truth, rng["deliveries"])


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What happened to a block's persons, and the bills of it by receiver."""

    stays: Stays
    price: Ints
    fills: Fills
    professional: dict[str, Bills]
    institutional: dict[str, Bills]


def _block(run: Run, index: int, persons: Persons, rng: np.random.Generator, p: Parameters) -> Block:
    providers = providers_of(run)
    identities = make_identities(
        rng, persons, p, seed=run.seed, zips=len(providers.zips), crosswalks=len(run.plan.yearly)
    )
    return Block(
        index=index, persons=persons, identities=identities, providers=providers, parameters=p, calendar=run.calendar
    )


def _write(run: Run, block: Block, made: _Made, inbox: Inbox, truth: Truth, rng: np.random.Generator) -> Tally:
    """Write a block's persons and bills to all files, with their truth."""
    persons, stays, fills = block.persons, made.stays, made.fills
    professional, institutional = _paid(made.professional, run), _paid(made.institutional, run)
    ndcs, _ = ndc_numbers(unmapped=run.parameters.fills.unmapped)
    tally = Tally(services=distinct_services(professional, institutional), person_months=person_months(persons))
    if not run.plan.is_single:
        rate = block.parameters.dirt.adjusted * block.parameters.switches.noise
        professional = _adjusted(rng, professional, run, rate)
        institutional = _adjusted(rng, institutional, run, rate)
    for version, (delivery, file) in enumerate(zip(run.plan.yearly, inbox.crosswalks, strict=True)):
        write_crosswalk(block, file, version, delivery.months[1])
    for year, (file, version) in inbox.beneficiaries.items():
        write_beneficiaries(block, year, file, version)
    written = {
        "professional": write_professional(block, professional["medicare"], inbox.medicare),
        "institutional": write_institutional(block, institutional["medicare"], inbox.medicare),
    }
    covered, events = write_part_d(block, fills, ndcs, inbox.medicare["pde"])
    truth.persons(block)
    truth.stays(block, stays, made.price)
    truth.fills(block, fills, ndcs)
    truth.fills_of(block, "medicare", covered, pl.Series(events).cast(pl.String))
    for kind, bills in (("professional", professional), ("institutional", institutional)):
        everything = np.arange(len(written[kind]))
        truth.claims("medicare", bills["medicare"], everything, pl.Series(written[kind]))
        truth.services.claims(block, "medicare", bills["medicare"], everything, pl.Series(written[kind]))
        for submitter in inbox.submitting:
            own = bills["a" if submitter.letter == "a" else "b"]
            places, controls = write_medical(block, submitter, kind, own, inbox.payers[submitter.letter]["MC"])
            truth.claims(f"payer_{submitter.letter}", own, places, controls)
            standing = standing_numbers(own.claims, places, controls)
            truth.services.claims(block, f"payer_{submitter.letter}", own, places, standing)
            if submitter.letter == "a":
                truth.duplicates(block, bills["medicare"], written[kind], own, places, controls)
            elif submitter.letter == "b":
                chosen_bills = Bills(claims=take(own.claims, places), lines=own.lines)
                truth.information_only(
                    block, submitter.letter, bills["medicare"], written[kind], chosen_bills, controls
                )
    for submitter in inbox.submitting:
        own_files = inbox.payers[submitter.letter]
        write_eligibility(block, submitter, own_files["ME"])
        covered, controls = write_pharmacy(block, submitter, fills, ndcs, own_files["PC"])
        truth.fills_of(block, f"payer_{submitter.letter}", covered, controls)
    return tally


def _deliveries_to(receiver: str, run: Run) -> tuple[Delivery, ...]:
    return run.plan.yearly if receiver == "medicare" else run.plan.quarterly


def _paid(bills: dict[str, Bills], run: Run) -> dict[str, Bills]:
    """The bills of each receiver that were paid when its last delivery came."""
    return {receiver: paid_until(own, _deliveries_to(receiver, run)[-1]) for receiver, own in bills.items()}


def _adjusted(rng: np.random.Generator, bills: dict[str, Bills], run: Run, rate: float) -> dict[str, Bills]:
    """The bills of each receiver with the claims marked that come again in a later delivery."""
    return {receiver: adjusted(rng, own, _deliveries_to(receiver, run), rate) for receiver, own in bills.items()}


def gathered(parts: list[Part], files: Mapping[str, DelimitedFile]) -> None:
    """Append one block's parts to their files, by path."""
    for part in parts:
        files[part.shape.path].append(part.rows, part.counts)
    if parts:
        block = parts[0].rows
        while block.parent.name != ".parts":
            block = block.parent
        shutil.rmtree(block)


def written_blocks(run: Run, processes: int) -> Iterator[Written]:
    """What every block holds, in order, written by `processes` processes; by this one if it is one."""
    if processes == 1:
        for index in range(1, run.blocks + 1):
            yield write_block(run, index)
        return
    with _one_thread_each(), without_main_module():
        # spawned, as a forked process with polars hangs
        pool = multiprocessing.get_context("spawn").Pool(processes, initializer=_leave_interrupts_to_the_parent)
    with pool:
        yield from pool.imap(_Task(run), range(1, run.blocks + 1))


@dataclass(frozen=True)
class _Task:
    run: Run

    def __call__(self, index: int) -> Written:
        return write_block(self.run, index)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """New processes compute with one thread; polars reads the setting when it is loaded."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["POLARS_MAX_THREADS"]
        else:
            os.environ["POLARS_MAX_THREADS"] = before
