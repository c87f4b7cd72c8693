"""Linkage of persons across sources: a deterministic cascade, each link with its method, and a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from qe.claims.model import FOLDER
from qe.warehouse import Warehouse

FILES = FOLDER / "link"
OWN = "own"

# What is no identity. Real facts stay far below these; what is typed in for an unknown fact stands in thousands of rows.
MOST_IDS = 5  # ids of one source that one person may have: a number or a whole identity of more is nobody's
LEAST_PERSONS = 100  # a name or a birth date that fewer persons share is none too common in the smallest source
NAME_SHARE = 0.01  # of a source; the commonest full names of a state are a tenth of it
TIMES_COMMON_DATE = 20  # the persons of an ordinary birth date; guessed first days of January stay below
DATE_SHARE = 0.05  # of a source, where few dates stand; a source that knows years alone stays below
MOST_CANDIDATES = 5  # that an analyst can choose from


@dataclass(frozen=True, kw_only=True)
class SourceLinkage:
    """How one source's persons were linked to those of the sources before it.

    persons   distinct persons of the source (two ids of one person count once)
    methods   persons by the pass that linked them; "own" for those without a link
    to_review pairs' members by the reason why an analyst should look
    left_out  ids whose fact is a placeholder, by fact; "same_source": ids whose whole identity is nobody's
    crowded   persons whom a pass left alone because too many fitted, by pass
    crosswalk beneficiary ids by what showed whose they are, where several crosswalks have been met
    two_ids   native ids beyond the first of a person
    """

    source_id: str
    persons: int
    methods: dict[str, int]
    to_review: dict[str, int]
    left_out: dict[str, int]
    crowded: dict[str, int]
    crosswalk: dict[str, int]
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
    """The report from its table: source_id, kind (method, review, left_out, crowded, crosswalk, two_ids), name, persons."""
    sources = []
    for source_id in frame["source_id"].unique().sort():
        rows = frame.filter(pl.col("source_id") == source_id)
        counts = {
            kind: dict(rows.filter(pl.col("kind") == kind).sort("name").select("name", "persons").iter_rows())
            for kind in ("method", "review", "left_out", "crowded", "crosswalk", "two_ids")
        }
        sources.append(
            SourceLinkage(
                source_id=source_id,
                persons=sum(counts["method"].values()),
                methods=counts["method"],
                to_review=counts["review"],
                left_out=counts["left_out"],
                crowded=counts["crowded"],
                crosswalk=counts["crosswalk"],
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
        "stated",
    ):
        db.run(FILES / f"{name}.sql")
    forget_placeholders(db, FILES / "forget_placeholder.sql")
    for name in ("party", "decision"):
        db.run(FILES / f"{name}.sql")
    _join_ids_of_one_person(db)
    has_decisions = bool(db.scalar("select count(*) from decision"))
    populations = db.query("select distinct population from party_row order by population")["population"].to_list()
    for population in populations[1:]:
        _cascade(db, population, passes=passes, to_review=to_review, has_decisions=has_decisions)
    for name in ("pair_for_review", "pair_party", "left_out", "known_key", "person_id", "kept_key"):
        db.run(FILES / f"{name}.sql")
    with db.transaction():
        for name in ("forget", "remember", "pair_number", "forget_review", "review_kept"):
            db.run(FILES / f"{name}.sql")
    return db.frame(FILES / "report.sql")


def forget_placeholders(db: Warehouse, forget: Path) -> None:
    """Make facts unknown that stand for nobody: the table `placeholder` of the view `stated`, then the update `forget`."""
    db.run(FILES / "shared_number.sql")
    db.run(
        FILES / "placeholder.sql",
        most_ids=MOST_IDS,
        least_persons=LEAST_PERSONS,
        name_share=NAME_SHARE,
        times_common=TIMES_COMMON_DATE,
        date_share=DATE_SHARE,
    )
    db.run(FILES / "is_placeholder.sql")
    if db.scalar("select count(*) from placeholder"):
        db.run(forget)


def _cascade(
    db: Warehouse, population: int, *, passes: Sequence[str], to_review: Sequence[str], has_decisions: bool
) -> None:
    """Link the persons of one source to those of the sources before it, pass by pass."""
    db.run(FILES / "member.sql", population=population)
    db.run(FILES / "pool.sql", population=population)
    if has_decisions:
        db.run(FILES / "parted.sql")
    for method in ("analyst", *passes) if has_decisions else passes:
        if not _candidates(db, method, has_decisions=has_decisions):
            continue
        for name in ("accept", "link", "leave_member", "leave_pool", "doubtful", "crowded"):
            db.run(FILES / f"{name}.sql", population=population, method=method, most_candidates=MOST_CANDIDATES)
    for method in to_review:
        if _candidates(db, method, has_decisions=has_decisions):
            db.run(FILES / "review.sql", population=population, method=method)


def _candidates(db: Warehouse, method: str, *, has_decisions: bool) -> int:
    """How many members and persons fit by this pass; the working table `candidate` holds them."""
    db.run(FILES / f"pass_{method}.sql")
    if has_decisions:
        db.run(FILES / "exclude.sql")
    db.run(FILES / "candidate.sql")
    return int(db.scalar("select count(*) from candidate"))


def _join_ids_of_one_person(db: Warehouse) -> None:
    """Several ids of one person within a source get the smallest of their party numbers as their group."""
    db.run(FILES / "same_name.sql", most_ids=MOST_IDS)
    db.run(FILES / "same_source.sql")
    while True:
        db.run(FILES / "smaller_group.sql")
        if not db.scalar("select count(*) from smaller_group"):
            return
        db.run(FILES / "group.sql")
