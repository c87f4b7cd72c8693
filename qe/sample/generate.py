"""`qe sample`: seeded source files with planted truth, block by block, in flat memory (sample_data.md)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from qe.errors import InputError
from qe.progress import Progress, Silent
from qe.sample import parameters as parameter_file
from qe.sample.adjudicate import Desk
from qe.sample.calendar import Calendar
from qe.sample.cdl import Submitter, submitters, write_eligibility, write_medical, write_pharmacy
from qe.sample.claims import stack_claims
from qe.sample.delimited import DelimitedFile, columns_of
from qe.sample.fills import make_fills, ndc_numbers
from qe.sample.identity import make_identities
from qe.sample.inpatient import stay_claims
from qe.sample.malformed import Target, write_malformed
from qe.sample.parameters import Parameters
from qe.sample.people import close_at_death, make_persons
from qe.sample.providers import Providers, make_providers
from qe.sample.reference_files import write_contacts, write_drugs, write_roster
from qe.sample.rif import HEADERS, Block, write_institutional, write_part_d, write_professional
from qe.sample.rif_people import CROSSWALK, write_beneficiaries, write_crosswalk
from qe.sample.services import make_services
from qe.sample.stays import simulate
from qe.sample.truth import Truth, write_provider_effects

CLAIM_FILES = ("inpatient", "outpatient", "snf", "hospice", "carrier", "dme", "pde")


@dataclass(frozen=True, kw_only=True)
class SampleSummary:
    """What was written. rows by file name below inbox/; claim_lines counts the rows of claim and pharmacy files."""

    files: tuple[Path, ...]
    rows: Mapping[str, int]
    claim_lines: int
    persons: int


class _Inbox:
    """All delivered files of one run, open."""

    def __init__(self, folder: Path, calendar: Calendar, submitting: tuple[Submitter, ...], *, compress: bool) -> None:
        medicare = folder / "medicare"
        self.calendar = calendar
        self.medicare = {
            name: DelimitedFile(medicare / f"{name}.csv", HEADERS[name], compress=compress, bom=name == "carrier")
            for name in CLAIM_FILES
        }
        self.beneficiaries = {
            year: DelimitedFile(medicare / f"mbsf_abcd_{year}.csv", columns_of("mbsf_abcd"), compress=compress)
            for year in range(calendar.first, calendar.last + 2)
        }
        self.crosswalk = DelimitedFile(medicare / "crosswalk.csv", CROSSWALK, compress=compress)
        first, last = f"{calendar.first}01", f"{calendar.last + 1}03"
        self.payers = {
            submitter.letter: {
                kind: DelimitedFile(
                    folder / f"payer_{submitter.letter}" / f"{name}.txt",
                    columns_of(f"cdl_{name}"),
                    compress=compress,
                    before=submitter.head(kind, first, last),
                )
                for kind, name in (("ME", "eligibility"), ("MC", "medical"), ("PC", "pharmacy"))
            }
            for submitter in submitting
        }
        self.submitting = submitting

    def all(self) -> list[DelimitedFile]:
        files = [*self.medicare.values(), *self.beneficiaries.values(), self.crosswalk]
        return files + [file for payer in self.payers.values() for file in payer.values()]

    def targets(self) -> list[Target]:
        """Files that get malformed rows."""
        rif = {"impossible": f"31-Feb-{self.calendar.last}", "date": "CLM_THRU_DT"}
        found = [
            Target(file=self.medicare["carrier"], person="BENE_ID", claim="CLM_ID", line="LINE_NUM",
                   amount="LINE_NCH_PMT_AMT", **rif),
            Target(file=self.medicare["outpatient"], person="BENE_ID", claim="CLM_ID", line="CLM_LINE_NUM",
                   amount="CLM_PMT_AMT", **rif),
        ]  # fmt: skip
        found += [
            Target(file=payer["MC"], person="CDLMC161", claim="CDLMC005", line="CDLMC006", date="CDLMC119",
                   amount="CDLMC125", impossible=f"{self.calendar.last}0231")
            for payer in self.payers.values()
        ]  # fmt: skip
        return found

    def close(self) -> None:
        """Close the files; one without any row is not delivered."""
        for file in (*self.medicare.values(), *self.beneficiaries.values(), self.crosswalk):
            file.close()
        made_on = f"{self.calendar.last + 1}0430"
        for submitter in self.submitting:
            for kind, file in self.payers[submitter.letter].items():
                file.close(after=submitter.trailer(kind, made_on, file.rows))
        for file in self.all():
            if not file.rows:
                file.path.unlink()


def generate(
    folder: Path,
    *,
    persons: int,
    seed: int,
    years: tuple[int, int] = (2024, 2025),
    payers: int = 2,
    settings: Mapping[str, str] | None = None,
    compress: bool = False,
    progress: Progress | None = None,
) -> SampleSummary:
    """Write `folder`/inbox and `folder`/truth for `persons` persons; the same arguments give the same bytes.

    years     look-back year and measurement year; services run on to 31 March of the year after
    settings  `--set` values: section.key of parameters.toml, or a key of its [switches]
    """
    progress = progress or Silent()
    p = parameter_file.load(settings or {})
    _refuse(folder, p, persons=persons, seed=seed, years=years, payers=payers)
    calendar = Calendar(first=years[0], last=years[1])
    providers = make_providers(p, persons=persons, seed=seed)
    ndcs, _ = ndc_numbers(unmapped=p.fills.unmapped)
    inbox = _Inbox(folder / "inbox", calendar, submitters(payers), compress=compress)
    truth = Truth(folder / "truth", calendar)
    size = p.switches.block_persons
    blocks = -(-persons // size)
    progress.start("writing sample files", blocks)
    for index in range(1, blocks + 1):
        first = (index - 1) * size
        _write_block(
            inbox,
            truth,
            providers,
            p,
            calendar,
            index=index,
            first=first,
            count=min(size, persons - first),
            seed=seed,
            ndcs=ndcs,
        )
        if index == 1:
            bad = write_malformed(inbox.targets(), round(p.dirt.malformed_rows * p.switches.noise))
            for row in bad:
                truth.dirt(f"malformed_{row.kind}", row.file, [str(row.line)], row.column)
        progress.advance()
    progress.finish()
    inbox.close()
    truth.close()
    root = folder / "inbox"
    others = [
        write_roster(root / "roster" / "roster.csv", providers, calendar, compress=compress),
        write_contacts(root / "contacts" / "contacts.csv", providers, compress=compress),
        write_drugs(root / "drugs" / "drugs.csv", p, compress=compress),
    ]
    write_provider_effects(folder / "truth" / "provider_effects.csv", providers)
    files = [file for file in inbox.all() if file.rows]
    rows = {file.path.relative_to(root).as_posix(): file.rows for file in (*files, *others)}
    _write_json(folder / "truth" / "totals.json", _totals(root, files))
    model = {
        "persons": persons, "seed": seed, "years": list(years), "payers": payers, "parameters": p.model_dump()
    }  # fmt: skip
    _write_json(folder / "truth" / "model.json", model)
    claim_files = [*inbox.medicare.values(), *(payer[kind] for payer in inbox.payers.values() for kind in ("MC", "PC"))]
    return SampleSummary(
        files=tuple(file.path for file in (*files, *others)),
        rows=rows,
        claim_lines=sum(file.rows for file in claim_files),
        persons=persons,
    )


def _refuse(folder: Path, p: Parameters, *, persons: int, seed: int, years: tuple[int, int], payers: int) -> None:
    wrong = []
    if persons < 1:
        wrong.append("persons must be at least 1")
    if seed < 0:
        wrong.append("the seed must not be negative")
    if not 2015 <= years[0] < years[1] <= 2035:
        wrong.append("years must be two in order, from 2015 to 2035")
    if payers not in (2, 3):
        wrong.append("payers must be 2 or 3")
    if p.switches.hospitals < 0 or p.switches.hospitals == 1:
        wrong.append("hospitals must be at least 2, or 0 for as many as the persons ask for")
    if p.switches.groups < 0 or 0 < p.switches.groups < 4:
        wrong.append("groups must be at least 4, or 0 for as many as the persons ask for")
    if p.switches.block_persons < 1 or not 0 <= p.switches.confounding <= 1 or p.switches.noise < 0:
        wrong.append("block_persons must be at least 1, confounding from 0 to 1, noise not negative")
    if (folder / "inbox").exists() and any((folder / "inbox").iterdir()):
        wrong.append("the folder holds an inbox already")
    if wrong:
        raise InputError(f"no sample files: {'; '.join(wrong)}")


def _streams(seed: int, index: int) -> dict[str, np.random.Generator]:
    """One stream a stage, all from the block's seed, so that a change in one stage leaves the others as they are."""
    stages = ("people", "stays", "services", "inpatient", "fills", "identity", "professional", "institutional")
    children = np.random.SeedSequence([seed, index]).spawn(len(stages))
    return {stage: np.random.Generator(np.random.PCG64(child)) for stage, child in zip(stages, children, strict=True)}


def _write_block(
    inbox: _Inbox,
    truth: Truth,
    providers: Providers,
    p: Parameters,
    calendar: Calendar,
    *,
    index: int,
    first: int,
    count: int,
    seed: int,
    ndcs: list[str],
) -> None:
    """Simulate and write one block of persons."""
    rng = _streams(seed, index)
    persons = make_persons(rng["people"], providers, p, calendar, first=first, count=count)
    stays = simulate(rng["stays"], persons, providers, p, calendar)
    close_at_death(persons, calendar)
    services = make_services(rng["services"], persons, providers, p, calendar)
    at_hospital, in_stays, price = stay_claims(rng["inpatient"], persons, stays, services, providers, p, calendar)
    fills = make_fills(rng["fills"], persons, providers, p, calendar)
    identities = make_identities(rng["identity"], persons, p, calendar, seed=seed, zips=len(providers.zips))
    block = Block(
        index=index, persons=persons, identities=identities, providers=providers, parameters=p, calendar=calendar
    )
    professional = Desk(rng["professional"], persons, providers, p, calendar).professional(
        *stack_claims([services.professional, *in_stays])
    )
    institutional = Desk(rng["institutional"], persons, providers, p, calendar).institutional(
        *stack_claims([at_hospital, services.institutional])
    )
    write_crosswalk(block, inbox.crosswalk)
    for year, file in inbox.beneficiaries.items():
        write_beneficiaries(block, year, file)
    written = {
        "professional": write_professional(block, professional["medicare"], inbox.medicare),
        "institutional": write_institutional(block, institutional["medicare"], inbox.medicare),
    }
    events = write_part_d(block, fills, ndcs, inbox.medicare["pde"])
    truth.persons(block)
    truth.stays(block, stays, price)
    truth.fills(block, fills, ndcs)
    returned = np.flatnonzero((fills.returned == 1) & (events >= 0))
    truth.dirt("reversed_fill", "medicare", pl.Series(events[returned]).cast(pl.String))
    for kind, bills in (("professional", professional), ("institutional", institutional)):
        everything = np.arange(len(written[kind]))
        truth.claims("medicare", bills["medicare"], everything, pl.Series(written[kind]))
        for submitter in inbox.submitting:
            own = bills["a" if submitter.letter == "a" else "b"]
            places, controls = write_medical(block, submitter, kind, own, inbox.payers[submitter.letter]["MC"])
            truth.claims(f"payer_{submitter.letter}", own, places, controls)
            if submitter.letter == "a":
                truth.duplicates(block, bills["medicare"], written[kind], own, places, controls)
    for submitter in inbox.submitting:
        own_files = inbox.payers[submitter.letter]
        write_eligibility(block, submitter, own_files["ME"])
        chosen, controls = write_pharmacy(block, submitter, fills, ndcs, own_files["PC"])
        back = np.flatnonzero(fills.returned[chosen] == 1)
        truth.dirt("reversed_fill", f"payer_{submitter.letter}", controls.gather(pl.Series(back)))


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


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
