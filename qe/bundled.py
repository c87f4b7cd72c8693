"""Where the folders that ship with qe are: measures, templates and sample_data."""

from pathlib import Path
from typing import Literal

from qe.errors import InputError


def folder(name: Literal["measures", "templates", "sample_data"]) -> Path:
    """The shipped folder `name`: qe/_bundled/ in a wheel, the checkout's root in an editable install."""
    package = Path(__file__).parent
    for candidate in (package / "_bundled" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise InputError(f"the folder {name}/ that ships with qe is missing", remedy="Install qe again.")


def lock_file() -> Path:
    """The locked requirements, with hashes."""
    package = Path(__file__).parent
    for candidate in (package / "_bundled" / "requirements.txt", package.parent / "requirements" / "run.txt"):
        if candidate.is_file():
            return candidate
    raise InputError("the locked requirements that ship with qe are missing", remedy="Install qe again.")
