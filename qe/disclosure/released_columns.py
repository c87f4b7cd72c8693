"""Which columns of the claims model may leave in de-identified data, and as what (released_columns.toml; 45 CFR 164.514(b)(2))."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

Treatment = Literal["keep", "year", "code", "age", "state"]
CodeKind = Literal["person", "claim", "fill", "provider"]
FILE: Final = Path(__file__).with_name("released_columns.toml")


@dataclass(frozen=True, kw_only=True)
class ReleasedColumn:
    """One column that may leave.

    column   in the claims model; name: in the release
    pattern  what every value that is not empty must match, whole
    kind     of a code: codes of one kind are the same for the same person, claim or provider
    meaning  of the column in the claims model
    """

    column: str
    name: str
    treatment: Treatment
    pattern: re.Pattern[str]
    kind: CodeKind | None
    meaning: str


@cache
def released_columns() -> Mapping[str, tuple[ReleasedColumn, ...]]:
    """By table of the claims model, the columns that may leave, in their order there."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        table: tuple(_column(table, name, facts) for name, facts in columns.items())
        for table, columns in tables.items()
    }


def _column(table: str, column: str, facts: dict[str, str]) -> ReleasedColumn:
    is_code = facts["treatment"] == "code"
    if set(facts) != {"treatment", "name", "pattern", "meaning", *(["kind"] if is_code else [])}:
        raise ValueError(f"{FILE.name}: {table}.{column} needs treatment, name, pattern, meaning, and kind for a code")
    return ReleasedColumn(
        column=column,
        name=facts["name"],
        treatment=facts["treatment"],  # type: ignore[arg-type]
        pattern=re.compile(facts["pattern"]),
        kind=facts.get("kind"),  # type: ignore[arg-type]
        meaning=facts["meaning"],
    )
