"""`qe npa define | notify | send | opt-in | waive | release | status`: non-public analyses (401.716, 401.717(f))."""

import typer

from qe.cli.npa import answers, define, letters, release

app = typer.Typer(
    no_args_is_help=True,
    help="Non-public analyses: define, notify those named, their answers and own extracts, release, status.",
)
app.command("define")(define.define)
app.command("notify")(letters.notify)
app.command("send")(letters.send)
app.command("opt-in")(answers.opt_in)
app.command("waive")(answers.waive)
app.command("release")(release.release)
app.command("status")(release.status)
