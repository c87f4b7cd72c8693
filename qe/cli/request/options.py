"""Options that the commands on one request share."""

from pathlib import Path
from typing import Annotated

import typer

RequestArgument = Annotated[str, typer.Argument(metavar="REQUEST", help="The request, like 2025Q4-1-U000012-1.")]
CorrectionOption = Annotated[
    Path | None, typer.Option("--correction", help="What was wrong, as a CSV (docs/how-to/corrections.md).")
]
