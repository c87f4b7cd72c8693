"""A small generated folder, read back without the generator's own code; and a simulated crowd for shares and rates."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from qe.sample.adjudicate import Bills, Desk
from qe.sample.blocks import streams
from qe.sample.calendar import Calendar
from qe.sample.claims import stack_claims
from qe.sample.fills import Fills, make_fills
from qe.sample.generate import generate
from qe.sample.identity import Identities, make_identities
from qe.sample.inpatient import stay_claims
from qe.sample.late_charges import with_late_charges
from qe.sample.parameters import Parameters, load
from qe.sample.people import Persons, close_at_death, make_persons
from qe.sample.providers import Providers, make_providers
from qe.sample.services import Services, make_services
from qe.sample.stays import Stays, simulate

Row = dict[str, str]


@dataclass(frozen=True)
class Folder:
    """A generated folder. Rows of delivered files carry their physical line as "line"; malformed rows are left out."""

    root: Path

    def truth(self, name: str) -> list[Row]:
        with (self.root / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @cached_property
    def malformed(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for row in self.truth("dirt"):
            if row["kind"].startswith("malformed"):
                found.setdefault(row["source"], set()).add(int(row["record"]))
        return found

    def lines(self, name: str) -> list[str]:
        data = (self.root / "inbox" / name).read_bytes().removeprefix(b"\xef\xbb\xbf")
        return data.decode("utf-8", errors="replace").split("\n")[:-1]

    def header(self, name: str) -> list[str]:
        lines = self.lines(name)
        return lines[1 if lines[0].startswith("HD|") else 0].split("," if name.count("roster") else "|")

    @cached_property
    def _read(self) -> dict[str, list[Row]]:
        return {}

    def rows(self, name: str) -> list[Row]:
        """Well-formed rows of a pipe-delimited file, read once."""
        if name not in self._read:
            self._read[name] = self._rows(name)
        return self._read[name]

    def _rows(self, name: str) -> list[Row]:
        lines = self.lines(name)
        is_cdl = lines[0].startswith("HD|")
        first = 2 if is_cdl else 1
        header = self.header(name)
        spoiled = self.malformed.get(name, set())
        return [
            {**dict(zip(header, line.split("|"), strict=True)), "line": str(number)}
            for number, line in enumerate(lines[first : len(lines) - is_cdl], start=first + 1)
            if number not in spoiled
        ]


@dataclass(frozen=True)
class Crowd:
    """20,000 persons simulated in two blocks and billed, nothing written."""

    parameters: Parameters
    calendar: Calendar
    providers: Providers
    blocks: list[tuple[Persons, Stays, Services, Fills]]
    professional: list[dict[str, Bills]]
    institutional: list[dict[str, Bills]]
    identities: list[Identities]

    def share(self, flags: Callable[[Persons], np.ndarray]) -> tuple[float, int]:
        """Share of the persons for whom a flag is true, and how many persons have one (nan = not asked)."""
        values = np.concatenate([np.asarray(flags(block[0]), dtype=float) for block in self.blocks])
        asked = values[~np.isnan(values)]
        return float(asked.mean()), len(asked)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    root = tmp_path_factory.mktemp("sample")
    generate(root, persons=1200, seed=7, settings={"hospitals": "4", "services": "1"})
    return Folder(root)


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The same persons in five deliveries; more clinicians change their group, so that some do."""
    root = tmp_path_factory.mktemp("delivered")
    settings = {"hospitals": "4", "providers.changes_tin": "0.2"}
    generate(root, persons=1200, seed=7, settings=settings, deliveries=5)
    return Folder(root)


@pytest.fixture(scope="session")
def crowd() -> Crowd:
    parameters, calendar = load({}), Calendar(first=2024, last=2025)
    providers = make_providers(parameters, persons=20_000, seed=11)
    found = Crowd(parameters, calendar, providers, [], [], [], [])
    for index in (1, 2):
        rng = streams(11, index)
        shared = (providers, parameters, calendar)
        persons = make_persons(rng["people"], *shared, first=(index - 1) * 10_000, count=10_000)
        stays = simulate(rng["stays"], persons, *shared)
        close_at_death(persons, calendar)
        services = make_services(rng["services"], persons, *shared)
        at_hospital, in_stays, _ = stay_claims(rng["inpatient"], persons, stays, services, *shared)
        found.blocks.append((persons, stays, services, make_fills(rng["fills"], persons, *shared)))
        claims, lines = stack_claims([services.professional, *in_stays])
        found.professional.append(Desk(rng["professional"], persons, *shared).professional(claims, lines))
        claims, lines = stack_claims([at_hospital, services.institutional])
        bills = Desk(rng["institutional"], persons, *shared).institutional(claims, lines)
        late = Desk(rng["late"], persons, *shared)
        found.institutional.append(with_late_charges(late, bills, claims, parameters.dirt.late_charges))
        found.identities.append(
            make_identities(rng["identity"], persons, parameters, seed=11, zips=len(providers.zips), crosswalks=1)
        )
    return found
