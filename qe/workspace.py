"""A site opened for reading: its results as frames, its detail, and why a person is in or out (`qe.open_site`)."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from qe.errors import InputError
from qe.measurement import detail
from qe.measurement.catalogue import catalogue, find
from qe.runs import Run, recorded_runs
from qe.site import Site
from qe.site import open_site as read_site


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

    def detail(self, measure_id: str, *, period: str | None = None) -> pl.DataFrame:
        """One row an event and the provider it is attributed to, with rule numbers and driving claims."""
        module = find(catalogue(self.site.measure_folders), measure_id)
        return detail.read_detail(
            self.run(period).detail / f"{module.id}.duckdb",
            key=self.site.store_key(),
            engine=self.site.engine(),
            measure_id=measure_id if measure_id in module.measure_ids else None,
        )

    def explain(
        self, measure_id: str, provider_id: str, *, person_id: str | None = None, period: str | None = None
    ) -> pl.DataFrame:
        """The detail rows of one provider (and person): why attributed, why in or out, by which claims."""
        rows = self.detail(measure_id, period=period).filter(pl.col("provider_id") == provider_id)
        if person_id is not None:
            rows = rows.filter(pl.col("person_id") == person_id)
        if rows.is_empty():
            whose = "this person" if person_id else "this provider"
            raise InputError(f"{measure_id} has no event of {whose}", remedy="`qe run` writes unit ids into results/.")
        return rows

    def attribution(self, measure_id: str, provider_id: str, *, period: str | None = None) -> pl.DataFrame:
        """The attribution rows of one provider: step, amounts, visits, share, runner-up."""
        module = find(catalogue(self.site.measure_folders), measure_id)
        return detail.read_attribution(
            self.run(period).detail / f"{module.id}.duckdb",
            key=self.site.store_key(),
            engine=self.site.engine(),
            unit_id=provider_id,
        )

    def unit_id(self, name_or_id: str, *, period: str | None = None) -> str:
        """The unit that an analyst names by unit id, NPI or CCN."""
        units = pl.read_parquet(self.run(period).results / "unit.parquet")
        found = units.filter((pl.col("unit_id") == name_or_id) | (pl.col("identifier") == name_or_id))
        if found["unit_id"].n_unique() != 1:
            raise InputError("no unit of the last run has this id", remedy="Use a unit_id, NPI or CCN of results/.")
        return str(found["unit_id"][0])


def open_site(path: str | Path = "qe.toml") -> Workspace:
    """Open the site at `path` (qe.toml or its folder)."""
    return Workspace(read_site(Path(path)))
