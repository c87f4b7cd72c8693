"""How a command opens: the site, the day, and for an act the site's lock and the one person that this account acts as."""

import getpass
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from qe import runs
from qe.cli.output import Outcome, acting_day, acting_person, command, utc_now
from qe.ledger.book import Ledger
from qe.release.actors import one_actor
from qe.release.releases import When, moment
from qe.site import Site


@dataclass(frozen=True, kw_only=True)
class Look:
    """An opened command: what it answers with, the site it looks at, and the moment from which it does.

    on  today in the site's zone, or the as-of day of a rehearsal
    at  the clock when the command was opened
    """

    outcome: Outcome
    site: Site
    on: date
    at: datetime
    is_as_of: bool

    @property
    def ledger(self) -> Ledger:
        """The site's ledger."""
        return self.site.open_ledger()

    @property
    def when(self) -> When:
        """The moment that the recipients' midnights are compared with."""
        return moment(self.site, on=self.on, at=self.at, is_as_of=self.is_as_of)


@dataclass(frozen=True, kw_only=True)
class Act(Look):
    """A command that acts: the person who does, or who rehearses it."""

    person: str
    dry_run: bool


@contextmanager
def looking(name: str, *, site: Path, as_of: datetime | None, json: bool) -> Iterator[Look]:
    """Open a command on a site; its errors become sentences and exit codes. InputError where --as-of is not for this site."""
    with command(name, json=json) as outcome:
        opened = outcome.open_site(site)
        on = acting_day(opened, as_of)
        yield Look(outcome=outcome, site=opened, on=on, at=utc_now(), is_as_of=as_of is not None)


@contextmanager
def acting(
    name: str,
    *,
    site: Path,
    actor: str | None,
    as_of: datetime | None,
    dry_run: bool,
    json: bool,
    hold: bool = True,
) -> Iterator[Act]:
    """Open a command that acts at once; one that reads its options first looks, then is `acting_on` what it saw."""
    with (
        looking(name, site=site, as_of=as_of, json=json) as look,
        acting_on(look, actor, dry_run=dry_run, hold=hold) as act,
    ):
        yield act


@contextmanager
def acting_on(look: Look, actor: str | None, *, dry_run: bool, hold: bool = True) -> Iterator[Act]:
    """Hold the site and check that this account acts as nobody else; an act that fails leaves no trace in the ledger.

    hold  False for an act that is one event alone, or where the site is held already

    SiteHeld where another process writes; Refused where the account acts under another name.
    """
    site, person = look.site, acting_person(actor)
    with (
        held(site) if hold else nullcontext(),
        one_actor(
            look.ledger,
            account=getpass.getuser(),
            actor=person,
            on=look.on,
            at=utc_now(),
            rehearsal=site.settings.site.rehearsal,
            dry_run=dry_run,
        ),
    ):
        yield Act(
            outcome=look.outcome,
            site=site,
            on=look.on,
            at=look.at,
            is_as_of=look.is_as_of,
            person=person,
            dry_run=dry_run,
        )


def held(site: Site) -> AbstractContextManager[None]:
    """The site, held for this process alone; another one is told since when."""
    return runs.hold(site, since=utc_now().strftime("%Y-%m-%d %H:%M UTC"))
