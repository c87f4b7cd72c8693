"""The `qe` command: one module per command group, mounted here."""

import json as json_module
import sys
from functools import cache

import typer
from typer.core import TyperGroup

from qe.cli import (
    agreement,
    data,
    explain,
    filing,
    ledger,
    link,
    measures,
    npa,
    record,
    release,
    request,
    review,
    run,
    site,
    upkeep,
)
from qe.errors import InputError, Interrupted

app = typer.Typer(
    name="qe",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The whole job of a Medicare qualified entity: from encrypted claims to reports and public results.",
)
app.command("init")(site.init)
app.command("sample")(site.sample)
app.command("check")(run.check)
app.command("run")(run.run)
app.command("explain")(explain.explain)
app.add_typer(measures.app, name="measures")
app.add_typer(link.app, name="link")
app.add_typer(review.app, name="review")
app.add_typer(request.app, name="request")
app.add_typer(release.app, name="release")
app.add_typer(npa.app, name="npa")
app.add_typer(data.app, name="data")
app.add_typer(agreement.app, name="agreement")
app.add_typer(filing.app, name="filing")
app.command("record")(record.record)
app.add_typer(ledger.app, name="ledger")
app.command("status")(upkeep.status)
app.command("doctor")(upkeep.doctor)


# typer brings its own copy of click and names only some of its exceptions: the base of all wrong usage is found through one.
WrongUsage: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


@cache
def _command() -> TyperGroup:
    """The commands with their options, made of their functions' signatures once a process."""
    made = typer.main.get_command(app)
    assert isinstance(made, TyperGroup)
    return made


def main(arguments: list[str] | None = None) -> None:
    """Run `qe`; wrong usage is exit 2, as one JSON object when --json was asked for."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = _command().main(args=given, standalone_mode=False)
    except typer.Exit as stop:
        code = stop.exit_code
    except typer.Abort:
        code = Interrupted.exit_code
    except WrongUsage as error:
        _say_wrong_usage(error.format_message(), as_json="--json" in given)  # type: ignore[attr-defined]
        code = InputError.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _say_wrong_usage(message: str, *, as_json: bool) -> None:
    if not as_json:
        remedy = "" if "Usage:" in message else "\n  See `qe --help`."
        sys.stderr.write(f"{message}{remedy}\n")
        return
    fault = {"code": "usage", "file": None, "place": None, "count": 1, "remedy": "See `qe --help`.", "message": message}
    answer = {"command": "qe", "exit_code": InputError.exit_code, "data": {}, "faults": [fault], "reasons": []}
    sys.stdout.write(json_module.dumps(answer, indent=2) + "\n")


if __name__ == "__main__":
    main()
