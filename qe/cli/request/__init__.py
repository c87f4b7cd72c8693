"""`qe request add | verify | list | open | acknowledge | respond | release-data | resolve`: requests for data and corrections."""

import typer

from qe.cli.request import answers, data_release, intake, shown

app = typer.Typer(
    no_args_is_help=True,
    help="Requests of providers: add, verify, list, open, acknowledge, respond, release-data, resolve.",
)
app.command("add")(intake.add)
app.command("verify")(intake.verify)
app.command("list")(shown.list_requests)
app.command("open")(shown.open_attachment)
app.command("acknowledge")(answers.acknowledge)
app.command("respond")(answers.respond)
app.command("release-data")(data_release.release_data)
app.command("resolve")(answers.resolve)
