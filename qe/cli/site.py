"""`qe init` and `qe sample`: a new site, and synthetic source files."""

import os
from pathlib import Path
from typing import Annotated

import typer

from qe.cli.output import ActorOption, DryRunOption, JsonOption, TerminalProgress, acting_person, command, utc_now
from qe.errors import InputError
from qe.sample import generate
from qe.sample.deliveries import MOST_DELIVERIES
from qe.upkeep import new_site, rehearsal


def configuration_folder() -> Path:
    """Where keys are kept: $XDG_CONFIG_HOME, or ~/.config."""
    given = os.environ.get("XDG_CONFIG_HOME")
    return Path(given) if given else Path.home() / ".config"


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The new site's folder.")],
    sample: Annotated[bool, typer.Option("--sample", help="A rehearsal site with the sample files and facts.")] = False,
    actor: ActorOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """A new site: qe.toml with every required key filled, folders, and four keys outside the site."""
    with command("init", json=json) as outcome:
        outcome.data = {"site": str(folder), "rehearsal": sample}
        if dry_run:
            if folder.exists() and any(folder.iterdir()):
                raise InputError(f"{folder.name}/ is not empty", remedy="Name a new folder: `qe init DIR`.")
            outcome.say(f"would make the site {folder}/")
            return
        made = new_site.create(folder, sample=sample, configuration=configuration_folder())
        outcome.site = made.site
        outcome.data |= {
            "key_file": str(made.store_key_file),
            "vault_key_file": str(made.vault_key_file),
            "signing_key_file": str(made.signing_key_file),
            "sealing_key_file": str(made.sealing_key_file),
        }
        outcome.say(f"Made the site {folder}/")
        outcome.say(f"Keys (keep them apart from the site, and back them up): {made.store_key_file}")
        outcome.say(f"                                                       {made.vault_key_file}")
        outcome.say(f"                                                       {made.signing_key_file}")
        outcome.say(f"For the officer who reviews sealed attachments alone:  {made.sealing_key_file}")
        if sample:
            events = rehearsal.record_facts(made.site, actor=acting_person(actor), at=utc_now())
            outcome.data["events"] = events
            outcome.say(f"Recorded {events} rehearsal facts (approval, data use agreement, rights, measure approvals).")
            outcome.say(f"Next: qe run --site {folder}")
        else:
            outcome.say(f"Next: fill in {folder}/qe.toml, put files under {folder}/inbox/, then `qe check`.")


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go: DIR/inbox and DIR/truth.")],
    persons: Annotated[int, typer.Option("--persons", min=100, help="How many persons.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")],
    years: Annotated[str, typer.Option("--years", help="Look-back year and measurement year.")] = "2024-2025",
    payers: Annotated[int, typer.Option("--payers", min=2, max=3)] = 2,
    deliveries: Annotated[
        int,
        typer.Option(
            "--deliveries", min=1, max=MOST_DELIVERIES, help="How often the payers deliver; Medicare does by the year."
        ),
    ] = 1,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="k=v", help="A parameter of the process.")
    ] = None,
    compress: Annotated[bool, typer.Option("--gzip", help="Write the inbox files gzip-compressed.")] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Synthetic source files of Medicare and other payers, with their planted truth."""
    with command("sample", json=json) as outcome:
        first, _, last = years.partition("-")
        if not (first.isdigit() and last.isdigit() and len(first) == len(last) == 4 and int(last) == int(first) + 1):
            raise InputError(f'--years "{years}" is not two years in a row', remedy="Write them like 2024-2025.")
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder.name}/ is not empty", remedy="Name a new folder.")
        outcome.data = {"folder": str(folder), "persons": persons, "seed": seed}
        if dry_run:
            outcome.say(f"would write {persons:,} persons to {folder}/")
            return
        summary = generate.generate(
            folder,
            persons=persons,
            seed=seed,
            years=(int(first), int(last)),
            payers=payers,
            deliveries=deliveries,
            settings=_pairs(settings or []),
            compress=compress,
            progress=TerminalProgress(),
        )
        files = [path.relative_to(folder).as_posix() for path in summary.files]
        outcome.data |= {"claim_lines": summary.claim_lines, "files": files}
        outcome.say(
            f"Wrote {summary.claim_lines:,} claim lines of {persons:,} persons in {len(files)} files to {folder}/"
        )


def _pairs(settings: list[str]) -> dict[str, str]:
    pairs = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f'--set "{setting}" is not k=v')
        pairs[key] = value
    return pairs
