"""The long checks of bin/long at a small size, over samples of a fresh seed: it is named when one of them fails."""

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.stats import binom

from benchmarks import (
    determinism,
    generator,
    linkage,
    measures,
    oracles,
    recovery,
    sample_stays,
    statistics_coverage,
    statistics_promises,
    truth,
)
from benchmarks.planted import Planted
from benchmarks.site import generated, modelled, score
from benchmarks.statistics_coverage import Setting
from benchmarks.statistics_promises import Task
from qe import quarter, run_record
from qe.measurement import detail
from qe.measurement.catalogue import catalogue
from qe.site import Site, open_site
from qe.statistics.rescore import rescore
from qe.workspace import Workspace

PERSONS = 3_000
STREWN = 600
ASKED = {"hospitals": "2", "groups": "4", "services": "1"}  # few reports to render; truth/ with every service


@dataclass(frozen=True)
class Runs:
    """What bin/long determinism makes: a sample of a fresh seed, three sites run on it, and their comparison."""

    folder: Path
    seed: int
    found: determinism.Determinism

    @property
    def first(self) -> Site:
        return open_site(self.folder / determinism.FIRST)

    @property
    def truth(self) -> Path:
        return generated(self.folder / f"sample-{PERSONS}-{self.seed}", persons=PERSONS, seed=self.seed) / "truth"


def fresh_seed() -> int:
    return int.from_bytes(os.urandom(4), "big") % 1_000_000_000


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    seed = fresh_seed()
    return Runs(folder, seed, determinism.check(folder, persons=PERSONS, seed=seed, settings=ASKED))


def is_worse_than(share: float, *, failures: int, of: int) -> bool:
    """Whether so many failures would be a surprise (1 in 1,000) at this share of successes.

    A few hundred pairs of a fresh seed scatter around the share that bin/long recovery holds exactly at 100,000 persons.
    """
    return bool(binom.sf(failures - 1, of, 1 - share) < 0.001)


def test_outputs_are_the_same_bytes_whatever_threads_time_zone_hash_seed_and_row_order(runs):
    said = determinism.as_result(runs.found)
    assert runs.found.differing == (), said
    assert runs.found.tables_differing_with_shuffled_files == (), said
    assert runs.found.files_compared > 20, said
    assert runs.found.claim_lines > 1_000, said


def test_the_claims_model_holds_exactly_what_was_planted(runs):
    found = truth.compare(runs.first, runs.truth, persons=PERSONS, seed=runs.seed)
    said = truth.as_result(found)
    assert found.inexact == (), said
    assert sum(one.found for one in found.distinct_services.values()) > 50_000, said
    assert sum(one.found for one in found.duplicates.values()) > 1_000, said
    assert found.transfer_chains["several_stays"].found > 0, said
    assert all(found.dirt[kind].found > 0 for kind in ("denied_claim", "reversed_and_replaced", "malformed")), said


def test_linkage_finds_the_planted_persons_again(runs):
    found = recovery.found_again(runs.first, runs.truth, persons=PERSONS, seed=runs.seed)
    said = recovery.as_result(found)
    assert found.pairs_true > 20, said
    missed = round(found.pairs_true * (1 - found.recall))
    wrong = round(found.pairs_linked * (1 - found.precision))
    assert not is_worse_than(0.99, failures=missed, of=found.pairs_true), said
    assert not is_worse_than(0.99, failures=wrong, of=found.pairs_linked), said
    assert found.index_stays > 0, said


def test_the_waterfall_of_every_measure_reconciles_with_its_detail_and_results(runs):
    """After the comparisons above: it adds a run of all modules to the first site."""
    measures.fill_slots(runs.first)
    seconds = score(runs.first, measures=("all",))
    found = measures.counted(runs.first, seconds, persons=PERSONS, seed=runs.seed)
    said = measures.as_result(found)
    assert found.modules.keys() == {module.id for module in catalogue()}, said
    assert [
        one for module in found.modules.values() for each in module.measures.values() for one in each.differences
    ] == []
    assert sum(each.denominator for module in found.modules.values() for each in module.measures.values()) > 10_000, (
        said
    )


def test_the_run_that_is_kept_scores_each_of_its_providers_again(runs):
    """By the frozen reference alone: one provider's events, and what the run has left of all others."""
    _, model = modelled(runs.first)
    run, period = Workspace(runs.first).run(), runs.first.period()
    modules = [module for module in catalogue() if module.id in ("ahrq_pqi", "hwr", "pdc_statins", "total_cost_index")]
    key, engine = runs.first.store_key(), runs.first.engine()
    kept = {
        module.id: detail.read_learnt(run.detail / f"{module.id}.duckdb", module, key=key, engine=engine)
        for module in modules
    }
    sent = run_record.sent_run(run, kept)
    compared = 0
    with oracles.opened(runs.first, model) as db:
        for module in modules:
            days = quarter.measure_period(module, period)
            events = quarter.events_of(runs.first, db, module, days, learnt=kept[module.id])
            for provider in sorted(events.attributed["provider_id"].unique())[::5]:
                published = sent.results.filter(
                    (pl.col("provider_id") == provider) & pl.col("measure_id").is_in(module.measure_ids)
                )
                again = rescore(events, sent, provider)
                assert_frame_equal(again, published, rel_tol=1e-9)
                compared += again.height
    assert compared > 100, f"seed {runs.seed}"


def test_every_measure_says_what_an_independent_reading_of_its_method_says(runs):
    _, model = modelled(runs.first)
    with oracles.opened(runs.first, model) as db:
        period = oracles.period_of(runs.first)
        with oracles.changed(db, period, persons=STREWN, seed=runs.seed) as other:
            found = oracles.over(other, period, readings=oracles.PLAIN)
    said = {"seed": runs.seed, **{name: asdict(one) for name, one in found.items()}}
    assert {name: one.disagreements for name, one in found.items() if one.disagreements} == {}, said
    assert all(one.rows > 0 for one in found.values()), said


def test_linkage_of_two_sources_finds_the_persons_of_both(tmp_path):
    seed = fresh_seed()
    medicare, payer = linkage.kept_sources(tmp_path, persons=5_000, seed=seed)
    again = linkage.kept_sources(tmp_path, persons=5_000, seed=seed)
    assert medicare.equals(again[0]) and payer.equals(again[1])
    found = linkage.cascade(tmp_path, medicare, payer, runs=2)
    said = {"seed": seed, **asdict(found)}
    assert found.pairs_true == 1_500, said
    assert len(found.seconds) == 2, said
    missed = round(found.pairs_true * (1 - found.recall))
    wrong = round(found.pairs_linked * (1 - found.precision))
    assert not is_worse_than(linkage.LEAST, failures=missed, of=found.pairs_true), said
    assert not is_worse_than(linkage.LEAST, failures=wrong, of=found.pairs_linked), said


def test_a_linkage_that_misses_a_threshold_is_told_which():
    good = linkage.Found(
        method="cascade",
        persons_a_source=1_000,
        pairs_true=300,
        pairs_linked=300,
        precision=0.995,
        recall=0.995,
        seconds=(11.0, 10.0),
        best_seconds=10.0,
    )
    held = linkage.Linkage(cascade=good, compared=(), left_out=())
    assert held.shortfalls == []
    for worse in (replace(good, precision=0.9949), replace(good, recall=0.9949)):
        assert replace(held, cascade=worse).shortfalls == ["precision or recall below 0.995"]
    assert replace(held, cascade=replace(good, best_seconds=10.01)).shortfalls == ["more than 10 seconds"]


def test_the_generators_speed_and_memory_are_measured_in_processes_of_their_own(tmp_path):
    small, large = generator.check(tmp_path, sizes=(1_500, 3_000), seed=fresh_seed())
    assert (small.persons, large.persons) == (1_500, 3_000)
    assert 1.5 < large.claim_lines / small.claim_lines < 2.5  # 1.96, scattering by .07; of 300 and 600 persons by .15
    assert min(one.lines_per_second for one in (small, large)) > 0
    assert min(one.peak_mib for one in (small, large)) > 20
    assert list(tmp_path.iterdir()) == []


def test_intervals_hold_drawn_providers_and_few_equal_ones_are_labelled(tmp_path):
    """Wide thresholds: the 600 intervals of 10 draws scatter by 1 %, and more as a draw's providers share one sigma; of 300 labels
    2.5 % are 7.5, and 18 a surprise of 1 in 1,000. bin/long statistics_coverage holds the narrow ones over 60,000 and 30,000."""
    seed, small = fresh_seed(), Setting(providers=60, cases=5_000)
    tasks = [
        Task(part="analytic", seed=seed, setting=small, replications=10),
        Task(part="null", seed=seed, setting=replace(small, sigma=0.0), replications=5),
    ]
    found = statistics_promises.check(tmp_path, tasks, processes=1)
    said = {"seed": seed, **statistics_promises.as_result(found)}
    (covered,) = found.coverage.values()
    assert covered.intervals == 600, said
    assert 0.88 <= covered.overall <= 0.99, said
    for method in statistics_coverage.METHODS:
        labels = found.false_labels[f"null: {method}"]
        assert labels.labels == 300, said
        assert max(labels.worse, labels.better) < 18 / 300, said


def test_the_true_stays_of_a_sample_hold_every_readmission_that_was_drawn_at_a_hospital(runs):
    drawn = sample_stays.readmissions(Planted(runs.truth))
    said = {"seed": runs.seed, "stays": len(drawn.y)}
    assert drawn.cases.sum() == len(drawn.y) > 150, said
    assert drawn.cases.min() >= sample_stays.LEAST_STAYS, said
    assert 0.05 < drawn.y.mean() < 0.25, said  # planted: .13; 150 stays scatter by .03
