"""Whom the content of an analysis identifies, at every level: by name, by a row that stands for one or two, in a solo practice.

Source: 42 CFR 401.716(b)(4) ("regardless of the level of the provider or supplier"); rules.md N6. What it cannot see (a single
specialist of a town, a nickname in a wording) is listed in docs/how-to/non-public-analyses.md.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from qe.disclosure.identifiers import texts_of
from qe.release.publicity import SMALLEST_PEER_GROUP

How = Literal["named", "few", "solo", "text"]

SHORTEST_NAME: Final = 6  # letters: a shorter name is found in words that name nobody
WORD: Final = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One figure that a reader sees, and for whom it stands. is_named: the row says who they are."""

    members: frozenset[str]
    is_named: bool


def identified(
    shown: Iterable[Shown], *, solo: Mapping[str, frozenset[str]], mentioned: frozenset[str] = frozenset()
) -> Mapping[str, frozenset[How]]:
    """Every unit that is identified, and how.

    solo       unit -> the units that naming it names as well (a practice of one clinician, and that clinician)
    mentioned  units whose name or number stands in a text of the files
    """
    found: dict[str, set[How]] = {unit_id: {"text"} for unit_id in mentioned}
    for row in shown:
        if row.is_named or len(row.members) < SMALLEST_PEER_GROUP:
            how: How = "named" if row.is_named else "few"
            for unit_id in row.members:
                found.setdefault(unit_id, set()).add(how)
    waiting = sorted(found)
    while waiting:
        for other in sorted(solo.get(waiting.pop(), frozenset())):
            if other not in found:
                waiting.append(other)
                found[other] = {"solo"}
    return {unit_id: frozenset(hows) for unit_id, hows in sorted(found.items())}


def solo_practices(affiliations: pl.DataFrame, units: pl.DataFrame) -> Mapping[str, frozenset[str]]:
    """Groups of one clinician and their clinicians, each pointing at the other.

    affiliations  npi, group_unit_id, source (roster, claims): who belonged to whom in the days that an analysis covers
    units         unit_id, level, id_type, identifier
    A group counts as solo when either source shows one clinician alone: the other may list people who had left.
    """
    clinicians = {
        row["identifier"]: row["unit_id"]
        for row in units.filter((pl.col("id_type") == "NPI") & (pl.col("level") == "clinician")).iter_rows(named=True)
    }
    alone = (
        affiliations.group_by("group_unit_id", "source")
        .agg(pl.col("npi").unique().sort())
        .filter(pl.col("npi").list.len() == 1)
    )
    pairs: dict[str, set[str]] = {}
    for group, npis in alone.select("group_unit_id", "npi").iter_rows():
        if (clinician := clinicians.get(npis[0])) is not None:
            pairs.setdefault(group, set()).add(clinician)
            pairs.setdefault(clinician, set()).add(group)
    return {unit_id: frozenset(others) for unit_id, others in sorted(pairs.items())}


def mentioned(
    files: Mapping[str, bytes], units: pl.DataFrame, *, besides: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Units whose id, NPI, CCN or whole name stands anywhere in the files' texts (also in a topic that somebody typed).

    besides  units that may stand there: neither they nor others of the same name are looked for
    """
    text = " ".join(" ".join(texts_of(name, content)) for name, content in files.items())
    words = set(WORD.findall(text))
    plain = f" {_plain(text)} "
    expected = {_plain(name) for name in units.filter(pl.col("unit_id").is_in(sorted(besides)))["name"]}
    found = set()
    for unit_id, identifier, name in units.select("unit_id", "identifier", "name").iter_rows():
        plain_name = _plain(name)
        is_named = len(plain_name) >= SHORTEST_NAME and plain_name not in expected and f" {plain_name} " in plain
        if unit_id in words or identifier in words or is_named:
            found.add(unit_id)
    return frozenset(found - besides)


def _plain(text: str | None) -> str:
    """Its words in small letters, one blank between them."""
    return " ".join(WORD.findall((text or "").casefold()))
