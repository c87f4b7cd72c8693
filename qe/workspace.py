"""A site opened for reading: its results as frames, its detail, and why a person is in or out (`qe.open_site`)."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from qe.closed_toml import suggestion
from qe.errors import InputError
from qe.measurement import detail
from qe.measurement.catalogue import catalogue, find
from qe.measurement.measure import Module
from qe.runs import Run, recorded_runs
from qe.site import Site
from qe.site import open_site as read_site
from qe.trace import Page, Trail, follow


@dataclass(frozen=True)
class Workspace:
    """What an analyst asks of a site, in Python. Frames are polars frames with the columns of the reference."""

    site: Site

    def run(self, period: str | None = None) -> Run:
        """The last finished run of `period` (of the only period when None), by the ledger's order."""
        label = self.site.period(period).label
        for run in recorded_runs(self.site):
            if run.manifest()["period"]["label"] == label:
                return run
        raise InputError(f"there is no finished run of {label}", remedy="Run `qe run` first.")

    def results(self, period: str | None = None) -> pl.DataFrame:
        """results/measure_results.parquet of the last run: one row a measure, level, provider and payer scope."""
        return pl.read_parquet(self.run(period).results / "measure_results.parquet")

    def module(self, measure_id: str) -> Module:
        """The module that has or publishes this id."""
        return find(catalogue(self.site.measure_folders), measure_id)

    def detail(self, measure_id: str, *, period: str | None = None) -> pl.DataFrame:
        """One row an event and the provider it is attributed to, with rule numbers and driving claims."""
        module = self.module(measure_id)
        return detail.read_detail(
            self.run(period).detail / f"{module.id}.duckdb",
            key=self.site.store_key(),
            engine=self.site.engine(),
            measure_id=measure_id if measure_id in module.measure_ids else None,
        )

    def explain(
        self,
        measure_id: str,
        provider_id: str,
        *,
        person_id: str | None = None,
        event_id: str | None = None,
        period: str | None = None,
    ) -> pl.DataFrame:
        """The detail rows of one provider (person, event): why attributed, why in or out, by which claims."""
        rows = self.detail(measure_id, period=period).filter(pl.col("provider_id") == provider_id)
        if rows.is_empty():
            raise InputError(
                f"{measure_id} has no event of this provider", remedy="`qe run` writes unit ids into results/."
            )
        for column, value in (("person_id", person_id), ("event_id", event_id)):
            if value is not None:
                rows = rows.filter(pl.col(column) == value)
        if rows.is_empty():
            self._require_not_corrected(measure_id, provider_id, person_id, event_id, period)
            whose = "of this person" if event_id is None else "with this id"
            raise InputError(
                f"{measure_id} has no event {whose} at this provider",
                remedy=f"qe explain {measure_id} {provider_id} lists its events.",
            )
        return rows

    def _require_not_corrected(
        self, measure_id: str, provider_id: str, person_id: str | None, event_id: str | None, period: str | None
    ) -> None:
        """InputError naming the correction where an upheld one took the events asked about from the provider."""
        found = self.corrections(measure_id, provider_id, period=period)
        for column, value in (("person_id", person_id), ("event_id", event_id)):
            if value is not None and not found.is_empty():
                found = found.filter(pl.col(column) == value)
        if not found.is_empty():
            correction_id, line = found.select("correction_id", "line").row(0)
            raise InputError(
                f"{measure_id} has no event of it at this provider: correction {correction_id}, line {line}, was upheld",
                remedy=f"qe explain {measure_id} {provider_id} lists what corrections decided.",
            )

    def follow(
        self,
        measure_id: str,
        events: pl.DataFrame,
        *,
        claim_id: str | None = None,
        page: Page | None = None,
        period: str | None = None,
    ) -> Trail:
        """The claims behind `events` (rows of `explain`), their versions and copies, and the lines of received files."""
        return follow(self.site, self.run(period), self.module(measure_id), events, claim_id=claim_id, page=page)

    def attribution(self, measure_id: str, provider_id: str, *, period: str | None = None) -> pl.DataFrame:
        """The attribution rows of one provider: step, amounts, visits, share, runner-up."""
        module = self.module(measure_id)
        return detail.read_attribution(
            self.run(period).detail / f"{module.id}.duckdb",
            key=self.site.store_key(),
            engine=self.site.engine(),
            unit_id=provider_id,
        )

    def corrections(self, measure_id: str, provider_id: str, *, period: str | None = None) -> pl.DataFrame:
        """What recorded corrections decided of one provider's events: correction_id, line, kind, event, rule, outcome."""
        module = self.module(measure_id)
        found = detail.read_corrections(
            self.run(period).detail / f"{module.id}.duckdb",
            key=self.site.store_key(),
            engine=self.site.engine(),
            unit_id=provider_id,
        )
        is_measure = measure_id in module.measure_ids and not found.is_empty()
        return found.filter(pl.col("measure_id") == measure_id) if is_measure else found

    def unit_id(self, name_or_id: str, *, period: str | None = None) -> str:
        """The unit that an analyst names by unit id, NPI or CCN."""
        units = pl.read_parquet(self.run(period).results / "unit.parquet")
        found = units.filter((pl.col("unit_id") == name_or_id) | (pl.col("identifier") == name_or_id))
        if found["unit_id"].n_unique() != 1:
            near = suggestion(name_or_id, units["unit_id"].unique().sort())
            raise InputError(
                f"no unit of the last run has this id{near}", remedy="Use a unit_id, NPI or CCN of results/."
            )
        return str(found["unit_id"][0])


def open_site(path: str | Path = "qe.toml") -> Workspace:
    """Open the site at `path` (qe.toml or its folder)."""
    return Workspace(read_site(Path(path)))
