"""`qe link review list | accept | reject`: pairs of persons that linkage left to an analyst."""

import csv
import os
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from qe.claims import review_queue
from qe.claims.review_queue import Decision
from qe.cli.acting import Look, acting_on, held, looking
from qe.cli.output import ActorOption, AsOfOption, DryRunOption, JsonOption, Outcome, SiteOption, command, utc_now
from qe.errors import InputError, Refused
from qe.reports import linkage_words

app = typer.Typer(no_args_is_help=True, help="Linkage of persons: the pairs left to an analyst.")
review = typer.Typer(no_args_is_help=True, help="Pairs that may be one person: list, accept, reject.")
app.add_typer(review, name="review")

HERE = Path()
PairsArgument = Annotated[list[int], typer.Argument(metavar="PAIR...", help="Numbers of pairs, from the list.")]


@review.command("list")
def list_pairs(
    decided: Annotated[bool, typer.Option("--decided", help="What was decided, by whom and when, instead.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Also write who they are, in the clear, to this new CSV; not in a site."),
    ] = None,
    site: SiteOption = HERE,
    json: JsonOption = False,
) -> None:
    """Pairs that wait for a decision, by number: why, and which facts agree and differ. No names on the screen."""
    with command("link review list", json=json) as outcome:
        opened = outcome.open_site(site)
        if out is not None and decided:
            raise InputError("--out lists who waits; it does not go with --decided")
        with held(opened), review_queue.opened(opened) as queue:
            if decided:
                _tell_decisions(outcome, queue.decisions())
                return
            pairs = queue.open_pairs()
            _tell_pairs(outcome, pairs)
            if out is not None:
                _write_identities(out, pairs, queue.identities(pairs["pair_number"].to_list()))
                outcome.data |= {"out": str(out)}
                outcome.say(f"Wrote names and identifiers in the clear to {out}; delete it when the pairs are decided.")


def _tell_pairs(outcome: Outcome, pairs: pl.DataFrame) -> None:
    outcome.data = {"pairs": pairs.to_dicts()}
    if pairs.is_empty():
        outcome.say("No pair waits for a decision.")
        return
    outcome.table(
        "Pairs that may be one person",
        ["pair", "sources", "why", "agrees", "differs"],
        [
            (
                row["pair_number"],
                f"{row['source_id']}, {row['other_source_id']}",
                linkage_words.reason(row["reason"]),
                row["agrees"],
                row["differs"],
            )
            for row in pairs.iter_rows(named=True)
        ],
    )
    outcome.say("Decide with `qe link review accept PAIR` (one person) or `qe link review reject PAIR` (two).")


def _tell_decisions(outcome: Outcome, decisions: pl.DataFrame) -> None:
    said = decisions.with_columns(pl.col("decided_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    outcome.data = {"decisions": said.to_dicts()}
    if decisions.is_empty():
        outcome.say("Nothing has been decided yet.")
        return
    words = {"same": "one person", "different": "two persons"}
    outcome.table(
        "Decisions, the last one on a pair in force",
        ["pair", "sources", "decision", "by", "at", "in force"],
        [
            (
                row["pair_number"],
                f"{row['source_id']}, {row['other_source_id']}",
                words[row["decision"]],
                row["decided_by"],
                row["decided_at"],
                "yes" if row["is_in_force"] else "no",
            )
            for row in said.iter_rows(named=True)
        ],
    )


def _write_identities(path: Path, pairs: pl.DataFrame, identities: pl.DataFrame) -> None:
    """A new file that only its owner may read: two rows a pair."""
    if any((parent / "qe.toml").is_file() for parent in path.resolve().parents):
        raise Refused(
            f"{path.name} lies inside a site, where names are kept encrypted", remedy="Give a path outside the site."
        )
    rows = identities.join(pairs.select("pair_number", "reason"), on="pair_number").sort("pair_number", "side")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{path.name} is there already", remedy="Give a new file.") from None
    except FileNotFoundError:
        raise InputError(f"the folder of {path.name} is missing") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows.columns)
        writer.writerows(rows.iter_rows())


@review.command("accept")
def accept(
    pairs: PairsArgument,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """These pairs are one person each; the next `qe run` links them."""
    with looking("link review accept", site=site, as_of=as_of, json=json) as look:
        _decide(look, pairs, "same", actor=actor, dry_run=dry_run)


@review.command("reject")
def reject(
    pairs: PairsArgument,
    site: SiteOption = HERE,
    actor: ActorOption = None,
    as_of: AsOfOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """These pairs are two persons each; no run links them."""
    with looking("link review reject", site=site, as_of=as_of, json=json) as look:
        _decide(look, pairs, "different", actor=actor, dry_run=dry_run)


def _decide(look: Look, pairs: list[int], decision: Decision, *, actor: str | None, dry_run: bool) -> None:
    """Which pairs are decided is found before the person is asked for: what was decided before is no act."""
    outcome = look.outcome
    with held(look.site), review_queue.opened(look.site) as queue:
        fresh = queue.undecided(pairs, decision)
        outcome.data = {"decision": decision, "pairs": list(fresh), "recorded": bool(fresh) and not dry_run}
        if not fresh:
            outcome.say("That was decided before; nothing is recorded.")
            return
        words = "one person" if decision == "same" else "two persons"
        with acting_on(look, actor, dry_run=dry_run, hold=False) as act:
            if dry_run:
                outcome.say(f"would record {len(fresh)} pairs as {words}, by {act.person}")
                return
            queue.decide(fresh, decision, by=act.person, at=utc_now())
        outcome.say(f"Recorded {len(fresh)} pairs as {words}, by {act.person}. The next `qe run` follows it.")
