"""Rehearsal sites for the long checks: generated files, keys beside the site, and the quarter run on them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from qe import quarter, workflow
from qe.claims.load import ClaimsModel, build_model
from qe.ledger.book import Ledger
from qe.progress import Progress, Silent
from qe.release.lineage import record_run
from qe.run_record import lineage
from qe.sample.generate import generate
from qe.site import Site, open_site
from qe.sources.manifest import StagedFile
from qe.sources.receive import receive
from qe.upkeep import new_site, rehearsal
from qe.warehouse import Warehouse

SENT_ON = date(2026, 5, 1)
ACTOR = "check"
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


def generated(
    folder: Path,
    *,
    persons: int,
    seed: int,
    settings: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Sample files of `persons` persons in `folder`; those of an earlier, interrupted check are used again when whole."""
    finished = folder / ".whole"
    if not finished.exists():
        if folder.exists():
            raise SystemExit(f"{folder} is half-made: remove it and run again")
        generate(folder, persons=persons, seed=seed, settings=settings, progress=progress or Silent())
        finished.touch()
    return folder


def site_over(folder: Path, inbox: Path, *, threads: int = 2) -> Site:
    """A rehearsal site in `folder` over the files in `inbox`; one that is there already is opened again."""
    if not (folder / "qe.toml").exists():
        new_site.create(folder, sample=True, configuration=folder.parent / "config", inbox=inbox)
        settings = (folder / "qe.toml").read_text(encoding="utf-8")
        (folder / "qe.toml").write_text(settings.replace("threads = 2", f"threads = {threads}"), encoding="utf-8")
        rehearsal.record_facts(open_site(folder), actor=ACTOR, at=datetime.now(UTC))
    return open_site(folder)


def run_quarter(site: Site, *, measures: tuple[str, ...] = (), progress: Progress | None = None) -> workflow.RunRecord:
    """The site's only period, reports to be sent on SENT_ON."""
    return workflow.prepare_confidential_reports(
        site,
        site.period(),
        send_on=SENT_ON,
        measures=measures,
        on=SENT_ON,
        at=datetime.now(UTC),
        actor=ACTOR,
        progress=progress or Silent(),
        reissue=False,
    )


def modelled(site: Site, *, progress: Progress | None = None) -> tuple[list[StagedFile], ClaimsModel]:
    """The same quarter as far as its claims model: what was received, and the model built of it."""
    bar, keys = progress or Silent(), _keys(site)
    staged = receive(site, store_key=keys.store, vault_key=keys.vault, progress=bar)
    return staged, build_model(site, staged, store_key=keys.store, vault_key=keys.vault, progress=bar)


def _keys(site: Site) -> quarter.Keys:
    return quarter.Keys(store=site.store_key(), vault=site.vault_key())


@contextmanager
def opened_model(site: Site, *, progress: Progress | None = None) -> Iterator[Warehouse]:
    """The site's claims model as measures see it; built where it is not there."""
    bar = progress or Silent()
    _, model = modelled(site, progress=bar)
    with quarter.fit_model(site, model, _keys(site), bar) as (db, _, _):
        yield db


def score(site: Site, *, measures: tuple[str, ...], progress: Progress | None = None) -> dict[str, float]:
    """The same quarter as far as its results, without the reports: what a check of figures needs.

    Gives the seconds that each module took; nothing where the run is finished already.
    """
    bar = progress or Silent()
    staged, model = modelled(site, progress=bar)
    keys, seconds = _keys(site), dict[str, float]()
    with quarter.fit_model(site, model, keys, bar) as (db, report, _):
        modules, _told = quarter.modules(site, db, site.period(), measures)
        run, inputs, _ = quarter.start_run(site, staged, modules, site.period(), model, (), ())
        if not run.is_finished:
            scored = []
            for module in modules:
                start = time.monotonic()
                scored.append(quarter.score_module(site, run, db, module, site.period(), keys, bar, corrections=()))
                seconds[module.id] = time.monotonic() - start
            quarter.finish_run(site, run, inputs, staged, scored, model, db, report, corrections=())
    ledger = Ledger(site.ledger, zone=site.settings.site.zone)
    record_run(ledger, lineage(site, run, site.period()), on=SENT_ON, at=datetime.now(UTC), actor=ACTOR)
    return seconds
