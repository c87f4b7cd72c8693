"""Linkage of persons across sources: a deterministic cascade, each link with its method, and a report."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from qe.claims.model import FOLDER
from qe.warehouse import Warehouse

FILES = FOLDER / "link"
OWN = "own"


@dataclass(frozen=True, kw_only=True)
class SourceLinkage:
    """How one source's persons were linked to those of the sources before it.

    persons   distinct persons of the source (two ids of one person count once)
    methods   persons by the pass that linked them; "own" for those without a link
    to_review pairs' members by the reason why an analyst should look
    two_ids   native ids beyond the first of a person
    """

    source_id: str
    persons: int
    methods: dict[str, int]
    to_review: dict[str, int]
    two_ids: int

    @property
    def linked(self) -> int:
        return self.persons - self.methods.get(OWN, 0)


@dataclass(frozen=True, kw_only=True)
class LinkageReport:
    """Counts of the linkage by source, in the order in which sources were linked. Holds no identifier."""

    sources: tuple[SourceLinkage, ...]

    @property
    def by_method(self) -> dict[str, int]:
        """Persons linked, by pass, over all sources."""
        methods = sorted({method for source in self.sources for method in source.methods})
        return {method: sum(source.methods.get(method, 0) for source in self.sources) for method in methods}

    @property
    def to_review(self) -> int:
        return sum(sum(source.to_review.values()) for source in self.sources)


def report_of(frame: pl.DataFrame) -> LinkageReport:
    """The report from its table: source_id, kind (method, review, two_ids), name, persons."""
    sources = []
    for source_id in frame["source_id"].unique().sort():
        rows = frame.filter(pl.col("source_id") == source_id)
        counts = {
            kind: dict(rows.filter(pl.col("kind") == kind).sort("name").select("name", "persons").iter_rows())
            for kind in ("method", "review", "two_ids")
        }
        sources.append(
            SourceLinkage(
                source_id=source_id,
                persons=sum(counts["method"].values()),
                methods=counts["method"],
                to_review=counts["review"],
                two_ids=sum(counts["two_ids"].values()),
            )
        )
    return LinkageReport(sources=tuple(sources))


def link_persons(db: Warehouse, *, passes: Sequence[str], to_review: Sequence[str]) -> pl.DataFrame:
    """Give every native person id of this run its person_id in the vault; the rows of the report.

    Needs the working tables person_seen, population and delivery, and the vault attached. Sources are linked one after
    the other, Medicare first: in each pass a member and a person are linked when each is the other's only candidate;
    the rest carry on to the next pass. A pass in `to_review` links nothing.
    """
    for name in (
        "said",
        "spelling",
        "name",
        "not_stated_once",
        "fact_stated_once",
        "fact_of_several",
        "party_row",
        "party",
        "decision",
    ):
        db.run(FILES / f"{name}.sql")
    _join_ids_of_one_person(db)
    has_decisions = bool(db.scalar("select count(*) from decision"))
    populations = db.query("select distinct population from party order by population")["population"].to_list()
    for population in populations[1:]:
        _cascade(db, population, passes=passes, to_review=to_review, has_decisions=has_decisions)
    for name in ("pair_for_review", "person_id", "key"):
        db.run(FILES / f"{name}.sql")
    with db.transaction():
        for name in ("forget", "remember", "pair_number", "forget_review", "review_kept"):
            db.run(FILES / f"{name}.sql")
    return db.frame(FILES / "report.sql")


def _cascade(
    db: Warehouse, population: int, *, passes: Sequence[str], to_review: Sequence[str], has_decisions: bool
) -> None:
    """Link the persons of one source to those of the sources before it, pass by pass."""
    db.run(FILES / "member.sql", population=population)
    db.run(FILES / "pool.sql", population=population)
    if has_decisions:
        db.run(FILES / "parted.sql")
    for method in ("analyst", *passes) if has_decisions else passes:
        _candidates(db, method, has_decisions=has_decisions)
        for name in ("accept", "link", "leave_member", "leave_pool", "doubtful"):
            db.run(FILES / f"{name}.sql", method=method)
    for method in to_review:
        _candidates(db, method, has_decisions=has_decisions)
        db.run(FILES / "review.sql", method=method)


def _candidates(db: Warehouse, method: str, *, has_decisions: bool) -> None:
    db.run(FILES / f"pass_{method}.sql")
    if has_decisions:
        db.run(FILES / "exclude.sql")
    db.run(FILES / "candidate.sql")


def _join_ids_of_one_person(db: Warehouse) -> None:
    """Several ids of one person within a source get the smallest of their party numbers as their group."""
    db.run(FILES / "same_source.sql")
    while True:
        db.run(FILES / "smaller_group.sql")
        if not db.scalar("select count(*) from smaller_group"):
            return
        db.run(FILES / "group.sql")
