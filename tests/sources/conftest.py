"""A small site in a temporary folder, and the reference files where they lie beside the project."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from qe import store
from qe.progress import Silent
from qe.site import Settings, Site
from qe.sources.manifest import StagedFile
from qe.sources.receive import receive
from qe.sources.stream import Secrets

REFERENCE = Path(__file__).parents[2].parent / "shared" / "reference"


class SmallSite:
    """A site with sources, its two keys, and what tests ask of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store_key = store.new_key()
        self.vault_key = store.new_key()
        self.sources: dict[str, dict[str, Any]] = {}

    def add_source(self, source_id: str, **settings: Any) -> Path:
        """A source of this kind; returns its folder in the inbox."""
        folder = self.root / "inbox" / source_id
        folder.mkdir(parents=True, exist_ok=True)
        claims: dict[str, Any] = {
            "payer_id": source_id,
            "payer_type": "medicare",
            "start": date(2024, 1, 1),
            "end": date(2025, 12, 31),
        }
        if settings.get("kind") in ("roster", "contacts", "drugs", "hospital-stays"):
            claims = {}
        self.sources[source_id] = {"path": f"inbox/{source_id}", **claims, **settings}
        return folder

    @property
    def site(self) -> Site:
        settings = {
            "site": {"name": "small"},
            "entity": {"organisation": "Small", "contact": "x", "areas": ["NY"]},
            "periods": {"2025Q4": {"end": date(2025, 12, 31), "run_out_days": 90}},
            "sources": self.sources,
            "linkage": {"passes": ["mbi"]},
            "measures": {},
            "peers": {"by": ["area"], "min_peers": 10},
            "scoring": {"fdr_q": 0.05, "confidence": 0.95, "achievable_share": 0.1},
            "disclosure": {"hide_small_from_provider": False},
        }
        return Site(root=self.root, settings=Settings.model_validate(settings))

    def receive(self, secrets: Secrets | None = None) -> list[StagedFile]:
        return receive(
            self.site,
            store_key=self.store_key,
            vault_key=self.vault_key,
            progress=Silent(),
            secrets=secrets or Secrets(),
        )

    @contextmanager
    def open(self, path: Path, *, vault: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        key = self.vault_key if vault else self.store_key
        with store.open_encrypted(path, key, engine=self.site.engine(), read_only=True) as connection:
            yield connection

    def rows(self, path: Path, sql: str, *, vault: bool = False) -> list[Any]:
        with self.open(path, vault=vault) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def small_site(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path / "site")


@pytest.fixture
def reference() -> Path:
    """The folder of reference files; the test is skipped by name where it is not there."""
    if not REFERENCE.is_dir():
        pytest.skip("the reference files beside the project are not there: nothing real was read")
    return REFERENCE


CdlFile = Callable[..., str]


@pytest.fixture
def cdl_medical() -> CdlFile:
    """An APCD-CDL medical file of whole rows; `rows` are dicts of element number -> value over a fit row."""

    def build(*rows: dict[str, str], trailer: int | None = None, head: bool = True, foot: bool = True) -> str:
        names = ["002", "005", "006", "007", "024", "088", "119", "120", "125", "131", "157", "161", "899"]
        fit = {
            "002": "P1", "005": "C1", "006": "1", "007": "0", "024": "20240301", "088": "99213", "119": "20240215",
            "120": "20240215", "125": "80.50", "131": "100.00", "157": "01", "161": "M1", "899": "MC",
        }  # fmt: skip
        lines = ["HD|SUB|P1|Payer|MC|202401|202412|T|"] if head else []
        lines.append("|".join(f"CDLMC{name}" for name in names))
        lines += ["|".join({**fit, **row}[name] for name in names) for row in rows]
        if foot:
            lines.append(f"TR|SUB|P1|Payer|MC|20250131||{len(rows) if trailer is None else trailer}")
        return "\n".join(lines) + "\n"

    return build
