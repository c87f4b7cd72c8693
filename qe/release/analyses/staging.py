"""The staged analysis: exactly the bytes that would go to its user, encrypted under store/staged/ until they do.

One that identifies persons holds names, and is encrypted with the key of the vault; every other with the key of the store.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import polars as pl

from qe import store, warehouse
from qe.errors import Findings, InputError
from qe.ledger.event import canonical_json
from qe.release.analyses.definition import AnalysisKind
from qe.release.outgoing import ADDRESS_PAGE
from qe.release.releases import staged_folder
from qe.site import Site

COVER: Final = "letter"
WITH_COVER: Final = frozenset({f"{COVER}.pdf", f"{COVER}.txt", ADDRESS_PAGE})


@dataclass(frozen=True, kw_only=True)
class StagedAnalysis:
    """The files of one analysis, with the facts that were computed with them.

    files       name -> bytes, as its user gets them
    identified  unit id -> how it is identified in the files
    own         unit id -> its own rows, without names, by column: what its extract shows
    measures    measure id -> its name
    methods     the methods behind the measures, for an extract
    persons     person ids of the rows about persons, in order of the rows
    findings    cells that could be narrowed down; an analysis with any is refused
    """

    analysis_id: str
    kind: AnalysisKind
    run_id: str
    party_id: str
    files: Mapping[str, bytes]
    identified: Mapping[str, tuple[str, ...]]
    own: Mapping[str, tuple[Mapping[str, str], ...]]
    methods: str
    persons: tuple[str, ...]
    measures: Mapping[str, str]
    areas: tuple[str, ...]
    period_start: date
    period_end: date
    cells_checked: int
    cells_hidden: int
    findings: int

    @property
    def sha256(self) -> str:
        """One digest of all the files and of what was computed with them."""
        return self.digest_with(self.files)

    def digest_with(self, files: Mapping[str, bytes]) -> str:
        """The same of these files, but for the cover letter, which is of the day on which they go."""
        digests = {name: sha256(content).hexdigest() for name, content in files.items() if name not in WITH_COVER}
        return sha256(canonical_json({**_decided(self), "files": digests}).encode("ascii")).hexdigest()


def _decided(staged: StagedAnalysis) -> dict[str, Any]:
    facts = asdict(staged)
    del facts["files"]
    return facts | {"period_start": staged.period_start.isoformat(), "period_end": staged.period_end.isoformat()}


def _path(site: Site, analysis_id: str) -> Path:
    name = sha256(analysis_id.encode("utf-8")).hexdigest()[:16]  # an id may hold what a file name may not
    return staged_folder(site) / f"analysis-{name}.duckdb"


def _key(site: Site, kind: AnalysisKind) -> store.Key:
    return site.vault_key() if kind == "npa_patient_identifiable" else site.store_key()


def write_staged(site: Site, staged: StagedAnalysis) -> None:
    """Replace what is staged for this analysis."""
    files = pl.DataFrame(
        [{"name": name, "bytes": content} for name, content in sorted(staged.files.items())],
        schema={"name": pl.String, "bytes": pl.Binary},
    )
    decided = pl.DataFrame({"decided": [canonical_json(_decided(staged))], "sha256": [staged.sha256]})
    with warehouse.build(_path(site, staged.analysis_id), _key(site, staged.kind), engine=site.engine()) as db:
        db.execute("create table file (name varchar, bytes blob)")
        db.insert("file", files)
        db.execute("create table facts (decided varchar, sha256 varchar)")
        db.insert("facts", decided)


def read_staged(site: Site, analysis_id: str, *, kind: AnalysisKind) -> StagedAnalysis:
    """What is staged for the analysis, its bytes checked against their digest."""
    path = _path(site, analysis_id)
    if not path.exists():
        raise InputError(f"nothing is staged for analysis {analysis_id}", remedy="Define it again: qe npa define.")
    with warehouse.open_read_only(path, _key(site, kind), engine=site.engine(), lock=False) as db:
        files = {row["name"]: row["bytes"] for row in db.query("select name, bytes from file order by name").to_dicts()}
        decided, told = db.query("select decided, sha256 from facts").row(0)
    staged = _of(json.loads(decided), files)
    if staged.sha256 != told:
        raise Findings(
            f"the staged files of analysis {analysis_id} are not those that were staged", remedy="Define it again."
        )
    return staged


def _of(facts: dict[str, Any], files: Mapping[str, bytes]) -> StagedAnalysis:
    return StagedAnalysis(
        **{
            **facts,
            "files": files,
            "identified": {unit_id: tuple(hows) for unit_id, hows in facts["identified"].items()},
            "own": {unit_id: tuple(rows) for unit_id, rows in facts["own"].items()},
            **{name: tuple(facts[name]) for name in ("persons", "areas")},
            **{name: date.fromisoformat(facts[name]) for name in ("period_start", "period_end")},
        }
    )
