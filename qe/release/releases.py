"""What plan, approval and publication of a release share: its id, its moment, its run's results, the gate's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from qe import store
from qe.corrections.in_force import corrected_results
from qe.disclosure.identifiers import identifiers_found
from qe.errors import Findings
from qe.ledger.event import LedgerEvent
from qe.ledger.fold import Facts
from qe.release import reissue
from qe.release.appeals import owed_now
from qe.release.artefact import NOBODY, PUBLIC, Artefact, ArtefactKind, Decision
from qe.release.held_back import figures_held_back, public_releases
from qe.release.lineage import RunLineage
from qe.release.outgoing import decide
from qe.release.reports_on_disk import read_reports, send_days
from qe.release.review import start_of_day
from qe.release.sends import UnitReview
from qe.release.staged import StagedRelease
from qe.runs import Run, file_sha256
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class When:
    """The moment of an act.

    on       the entity's day: today, or the as-of day of a rehearsal
    at       now, as recorded in the ledger
    instant  now, or the end of the as-of day for the entity: what the recipients' midnights are compared with
    """

    on: date
    at: datetime
    instant: datetime


def moment(site: Site, *, on: date, at: datetime, is_as_of: bool) -> When:
    """The moment of an act on the day `on`."""
    end = start_of_day(on + timedelta(days=1), site.settings.site.zone)
    return When(on=on, at=at, instant=end if is_as_of else at)


NOTE: Final = "WITHDRAWN.txt"  # what stands in the place of a release that was taken down


def staged_folder(site: Site) -> Path:
    return site.store / store.STAGED


def next_release_id(facts: Facts, cycle: str) -> str:
    """The id of the cycle's next release: the cycle itself, later parts and re-issues with -2, -3."""
    published = len(facts.of("public_released", cycle=cycle))
    return cycle if published == 0 else f"{cycle}-{published + 1}"


def unfinished_release(site: Site, facts: Facts, cycle: str) -> str | None:
    """A release that the ledger knows, that stands, but whose folder is not there: a publication that was stopped in between."""
    ids = [event.text("release_id") for event in public_releases(facts, cycle)]
    return next((one for one in ids if not (site.public / one).exists()), None)


def stopped_withdrawals(site: Site, facts: Facts, cycle: str) -> tuple[str, ...]:
    """Releases of the cycle that the ledger says are down, and of which files still lie in the public folder."""
    standing = {one.event_id for one in public_releases(facts, cycle)}
    down = [one for one in facts.of("public_released", cycle=cycle) if one.event_id not in standing]
    folders = [site.public / one.text("release_id") for one in down]
    return tuple(folder.name for folder in folders if folder.exists() and not is_note_alone(folder))


def is_note_alone(folder: Path) -> bool:
    """Nothing stands in the release's place but the note of its withdrawal."""
    return folder.is_dir() and [path.name for path in folder.iterdir()] == [NOTE]


def released_units(facts: Facts, cycle: str) -> frozenset[str]:
    """Units whose results of this cycle are public and not withdrawn."""
    return frozenset(standing_releases(facts, cycle))


def standing_releases(facts: Facts, cycle: str) -> Mapping[str, LedgerEvent]:
    """By unit the release in which its results of this cycle are public and not withdrawn."""
    return {unit_id: event for event in public_releases(facts, cycle) for unit_id in event.texts("units")}


def figures_to_return(facts: Facts, cycle: str) -> Mapping[str, frozenset[tuple[str, str]]]:
    """By standing release of the cycle the (unit_id, measure_id) that it leaves out and nothing holds back any more."""
    held = figures_held_back(facts, cycle)
    found: dict[str, frozenset[tuple[str, str]]] = {}
    for released in public_releases(facts, cycle):
        pairs = (one.partition(":") for one in released.texts("withheld"))
        if left_out := frozenset((unit_id, measure_id) for unit_id, _, measure_id in pairs) - held:
            found[released.text("release_id")] = left_out
    return found


def shown_results(run: Run, facts: Facts, cycle: str) -> Mapping[str, str]:
    """Of each unit with a report of this cycle in the run's folder: the sha256 of the results that are to be published.

    They are those that the report shows, or those of the unit's own recorded correction, which its new page shows. A unit
    whose figures are issued again in another cycle has none here.
    """
    shown: dict[str, str] = {}
    for day in send_days(run):
        for report in read_reports(run.reports(day)):
            if report.report_id != f"{cycle}-{report.unit_id}":
                continue
            if shown.setdefault(report.unit_id, report.result_sha256) != report.result_sha256:
                raise Findings(
                    f"{report.stem}: reports of one run show different results", remedy="Run `qe run` again."
                )
    corrected, its_own = corrected_results(facts, cycle), reissue.of_cycle(facts, cycle, shown)
    return {
        unit_id: corrected.get(unit_id, result_sha256) for unit_id, result_sha256 in shown.items() if unit_id in its_own
    }


def require_run_unchanged(run: Run, lineage: RunLineage) -> None:
    """The run's folder still holds the results that were recorded: later files never touch a frozen run."""
    results = run.results / "measure_results.parquet"
    if not results.is_file() or file_sha256(results) != lineage.results_sha256:
        raise Findings(
            f"the results of run {run.run_id} are not those recorded in the ledger",
            remedy="Restore the run's folder from its backup.",
        )


def sent_or_all(unit_ids: Sequence[str], standing: Mapping[str, UnitReview]) -> Sequence[str]:
    """Whom the gate speaks of while nothing is staged: those whose reports were put out, else everybody."""
    return [unit_id for unit_id in unit_ids if unit_id in standing] or unit_ids


def decide_release(
    site: Site,
    facts: Facts,
    lineage: RunLineage,
    *,
    when: When,
    cycle: str,
    release_id: str,
    staged: StagedRelease | None,
    units: Mapping[str, str],
) -> Decision:
    """The gate's answer on publishing `staged`, or, with nothing staged, on publishing `units` at all."""
    artefact = Artefact(
        kind=ArtefactKind.PUBLIC_REPORT,
        sha256=staged.sha256 if staged else "",
        operator=site.settings.entity.organisation,
        lineage=lineage,
        cycle=cycle,
        release_id=release_id,
        units=staged.units if staged else units,
        posting=frozenset(staged.posting) if staged else owed_now(facts, cycle).posted,
        withheld=frozenset(staged.withheld) if staged else figures_held_back(facts, cycle),
        public_on=staged.public_on if staged else None,
        identified=frozenset(staged.units if staged else units),
        persons=NOBODY,  # its rows are about providers, suppliers and areas: PublicRelease has no other
        identifiers_found=identifiers_found(staged.files) if staged else None,
    )
    return decide(site, facts, artefact, PUBLIC, at=when.instant)
