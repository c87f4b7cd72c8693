"""Helpers of the claims tests: a small site, staged files made from rows in view, a model as frames."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from qe import store, vault
from qe.claims.events import derive_events
from qe.claims.examination import examined
from qe.claims.load import ClaimsModel, build_model, vault_path
from qe.claims.model import FOLDER, create_base_tables, create_event_tables, create_macros
from qe.progress import Silent
from qe.site import Settings, Site, SourceTable
from qe.sources.manifest import SourceFile, StagedFile
from qe.sources.receive import receive
from qe.warehouse import Warehouse

DIAGNOSES = "struct(sequence integer, kind varchar, code varchar, icd_version integer, present_on_admission varchar)[]"
PROCEDURES = "struct(sequence integer, code varchar, icd_version integer, procedure_date date)[]"
NAMES = "last_name varchar, first_name varchar, middle_name varchar"


def columns_of(table: str) -> str:
    """The columns of a base table, as files of kind claims-model are staged."""
    text = (FOLDER / "model" / f"{table}.sql").read_text(encoding="utf-8")
    return text[text.index("(", text.index("create table")) + 1 : text.rindex(")")]


STAGED_COLUMNS = {
    "institutional": f"""
        native_person_id varchar, native_claim_id varchar, claim_type varchar, from_date date, thru_date date,
        admit_date date, discharge_date date, facility_ccn varchar, billing_npi varchar, attending_npi varchar,
        operating_npi varchar, facility_code varchar, service_code varchar, frequency_code varchar, drg varchar,
        admission_type varchar, point_of_origin varchar, discharge_status varchar, non_payment_reason varchar,
        mco_paid varchar, final_action varchar, query_code varchar, claim_paid_amount decimal(14,2),
        primary_payer_amount decimal(14,2), primary_payer_code varchar, claim_charge_amount decimal(14,2),
        pass_through_per_diem decimal(14,2), covered_days integer, deductible_amount decimal(14,2),
        coinsurance_amount decimal(14,2), blood_deductible_amount decimal(14,2), paid_date date, line_number
        integer, revenue_code varchar, line_date date, hcpcs varchar, modifiers varchar[], units decimal(14,3),
        line_charge_amount decimal(14,2), line_paid_amount decimal(14,2), line_noncovered_amount decimal(14,2),
        line_deductible_amount decimal(14,2), line_coinsurance_amount decimal(14,2), rendering_npi varchar, ndc
        varchar, diagnoses {DIAGNOSES}, procedures {PROCEDURES}""",
    "professional": f"""
        native_person_id varchar, native_claim_id varchar, claim_type varchar, from_date date, thru_date date,
        payment_denial_code varchar, claim_paid_amount decimal(14,2), primary_payer_amount decimal(14,2),
        referring_npi varchar, claim_charge_amount decimal(14,2), claim_allowed_amount decimal(14,2),
        claim_deductible_amount decimal(14,2), paid_date date, final_action varchar, disposition_code varchar,
        line_number integer, rendering_npi varchar, organisation_npi varchar, rendering_tin varchar,
        rendering_specialty varchar, place_of_service varchar, line_from_date date, line_thru_date date, hcpcs
        varchar, modifiers varchar[], units decimal(14,3), line_paid_amount decimal(14,2),
        line_deductible_amount decimal(14,2), line_coinsurance_amount decimal(14,2), line_primary_payer_code
        varchar, line_primary_payer_amount decimal(14,2), line_charge_amount decimal(14,2), line_allowed_amount
        decimal(14,2), line_processing_code varchar, ndc varchar, diagnoses {DIAGNOSES}""",
    "part_d_event": """
        native_person_id varchar, native_claim_id varchar, fill_date date, paid_date date, pharmacy_npi varchar,
        prescriber_npi varchar, ndc varchar, quantity decimal(14,3), days_supply integer, fill_number integer,
        adjustment_code varchar, brand_generic varchar, total_cost_amount decimal(14,2), patient_paid_amount
        decimal(14,2), low_income_amount decimal(14,2), plan_paid_amount decimal(14,2),
        noncovered_plan_paid_amount decimal(14,2)""",
    "beneficiary": """
        native_person_id varchar, reference_year integer, birth_date date, death_date date, sex varchar, race
        varchar, zip5 varchar, state_code varchar, county_code varchar, county_fips varchar[],
        entitlement_reason varchar, esrd varchar, buy_in varchar[], hmo varchar[], part_c_contract varchar[],
        part_d_contract varchar[], dual_status varchar[]""",
    "crosswalk": f"""
        native_person_id varchar, mbi varchar, hicn varchar, {NAMES}, birth_date date, death_date date, sex
        varchar, race varchar, zip5 varchar, surrogate_key varchar, crossreference_key varchar, valid_from date,
        valid_to date""",
    "eligibility": """
        native_person_id varchar, payor varchar, product varchar, year integer, month integer, sequence varchar,
        sex varchar, birth_date date, zip5 varchar, county_fips varchar, race varchar, medical varchar, pharmacy
        varchar, is_primary varchar, plan_from date, plan_to date, pcp_npi varchar""",
    "medical": f"""
        payor varchar, product varchar, native_claim_id varchar, line_number integer, version integer,
        cross_reference_claim_id varchar, paid_date date, admit_date date, discharge_date date, admission_type
        varchar, point_of_origin varchar, discharge_status varchar, bill_type varchar, place_of_service varchar,
        icd_version varchar, revenue_code varchar, hcpcs varchar, modifiers varchar[], from_date date, thru_date
        date, units decimal(14,3), charge_amount decimal(14,2), paid_amount decimal(14,2), copay_amount
        decimal(14,2), coinsurance_amount decimal(14,2), deductible_amount decimal(14,2), other_payer_amount
        decimal(14,2), coordination_amount decimal(14,2), allowed_amount decimal(14,2), payment_arrangement
        varchar, ndc varchar, rendering_npi varchar, rendering_specialty varchar, group_npi varchar, billing_npi
        varchar, billing_tin varchar, referring_npi varchar, attending_npi varchar, claim_kind varchar,
        claim_status varchar, denied_line varchar, adjustment_reason varchar, line_type varchar,
        native_person_id varchar, drg varchar, diagnoses {DIAGNOSES}, procedures {PROCEDURES}""",
    "pharmacy": """
        payor varchar, native_claim_id varchar, line_number integer, version integer, cross_reference_claim_id
        varchar, fill_date date, paid_date date, ndc varchar, fill_number integer, generic_indicator varchar,
        quantity decimal(14,3), days_supply integer, charge_amount decimal(14,2), paid_amount decimal(14,2),
        allowed_amount decimal(14,2), copay_amount decimal(14,2), coinsurance_amount decimal(14,2),
        deductible_amount decimal(14,2), coordination_amount decimal(14,2), other_payer_amount decimal(14,2),
        prescriber_npi varchar, pharmacy_npi varchar, record_status varchar, line_type varchar, reject_code
        varchar, native_person_id varchar""",
    "roster": """
        npi varchar, ccn varchar, tin varchar, group_tin varchar, name varchar, specialty varchar, facility_type
        varchar, role varchar, zip5 varchar, county_fips varchar, from_date date, to_date date""",
    "contacts": "id_type varchar, identifier varchar, party_id varchar, channel varchar, address varchar, age_recipient varchar, "
    "zone varchar, from_date date, to_date date",
    "person": "person_id varchar, birth_date date, death_date date, sex varchar, race varchar, zip5 varchar, "
    "county_fips varchar, entitlement_reason varchar",
    "member_month": "person_id varchar, month date, payer_id varchar, payer_type varchar, part_a boolean, part_b boolean, "
    "part_d boolean, managed_care boolean, medical boolean, pharmacy boolean, hospice boolean, esrd boolean, dual boolean, "
    "is_primary boolean, product varchar, covered_from date, covered_to date",
    **{
        table: columns_of(table)
        for table in ("claim", "claim_line", "claim_diagnosis", "claim_procedure", "pharmacy_fill", "provider")
    },
    "drugs": "ndc varchar, ingredients varchar[], brand_generic varchar, effective_from date, effective_to date",
}
IDENTITY_COLUMNS = {
    "eligibility": f"""
        native_person_id varchar, year integer, month integer, mbi varchar, ssn varchar, {NAMES}, birth_date
        date, sex varchar, zip5 varchar""",
    "beneficiary": f"""
        native_person_id varchar, reference_year integer, mbi varchar, hicn varchar, {NAMES}, birth_date date,
        sex varchar, zip5 varchar""",
}
STAGED_COLUMNS["hospital_stays"] = columns_of("hospital_stays")
Row = Mapping[str, Any]


@dataclass
class Yard:
    """A site in a temporary folder with its keys, and the staged files that a test has put into it."""

    site: Site
    store_key: store.Key
    vault_key: store.Key
    staged: list[StagedFile]
    connection: duckdb.DuckDBPyConnection
    files: int = 0  # ever put; a file that a test takes out of `staged` keeps its number

    def put(
        self,
        source_id: str,
        kind: str,
        rows: Sequence[Row],
        *,
        identities: Sequence[Row] | None = None,
        received_on: date | None = None,
        payer_type: str | None = None,
        crosswalk: str | None = None,
    ) -> StagedFile:
        """Stage `rows` as a file of `kind`; columns that a row leaves out are NULL."""
        self.files += 1
        sha256 = f"{self.files:016d}".ljust(64, "0")
        in_vault = kind in ("crosswalk", "contacts")
        database = self._write(
            "vault_stage" if in_vault else "stage", sha256, "staged_row", STAGED_COLUMNS[kind], rows, in_vault=in_vault
        )
        vault_database = None
        if kind in IDENTITY_COLUMNS and identities is not None:
            vault_database = self._write(
                "vault_stage", sha256 + "v", "identity_row", IDENTITY_COLUMNS[kind], identities, in_vault=True
            )
        source = self.site.settings.sources[source_id]
        file = SourceFile(
            source_id=source_id,
            path=Path(f"{source_id}-{self.files:03d}.csv"),
            layout=kind,
            staged_as=kind,
            sha256=sha256,
            size=1,
            payer_id=source.payer_id,
            payer_type=payer_type or source.payer_type,
            received_on=received_on,
            crosswalk=crosswalk,
        )
        one = StagedFile(
            file=file,
            database=database,
            vault_database=vault_database,
            in_vault=in_vault,
            rows_read=len(rows),
            rows_accepted=len(rows),
            rows_quarantined=0,
            expected_rows=None,
            claims=None,
            paid_amount=None,
            status="reconciled",
        )
        self.staged.append(one)
        return one

    def _write(self, folder: str, name: str, table: str, columns: str, rows: Sequence[Row], *, in_vault: bool) -> Path:
        path = self.site.store / folder / f"{name}.duckdb"
        key = self.vault_key if in_vault else self.store_key
        path.parent.mkdir(parents=True, exist_ok=True)
        store.attach(self.connection, path, alias="staging", key=key, read_only=False)
        self.connection.execute(f"create table staging.{table} (row_number bigint, {columns})")
        for number, row in enumerate(rows, start=2):
            given = {"row_number": number, **row}
            names = ", ".join(given)
            values = ", ".join(f"${column}" for column in given)
            self.connection.execute(f"insert into staging.{table} ({names}) values ({values})", given)
        self.connection.execute("detach staging")
        return path

    def take_sample(self, folder: Path) -> ClaimsModel:
        """Receive what `qe sample` wrote to `folder` and build the model of it."""
        given = self.site.settings.sources
        sources: dict[str, SourceTable] = {}
        for source_id in ("medicare", "payer_a", "payer_b", "roster", "drugs"):
            inbox = folder / "inbox" / source_id
            changes: dict[str, Any] = {"path": str(inbox), "implied_decimals": source_id == "payer_b"}
            if given[source_id].end is not None:
                changes["end"] = date(2026, 3, 31)
                # so few persons may leave a file without a row
                changes["accept_unreconciled"] = sorted({path.name for path in inbox.rglob("*") if path.is_file()})
            sources[source_id] = given[source_id].model_copy(update=changes)
        settings = self.site.settings.model_copy(update={"sources": sources})
        self.site = Site(root=self.site.root, settings=settings)
        self.staged = receive(self.site, store_key=self.store_key, vault_key=self.vault_key, progress=Silent())
        return self.build()

    def build(self) -> ClaimsModel:
        return build_model(
            self.site, self.staged, store_key=self.store_key, vault_key=self.vault_key, progress=Silent()
        )

    @contextmanager
    def opened(self) -> Iterator[Warehouse]:
        """The built model, to read."""
        with self.reading(self.build()) as db:
            yield db

    @contextmanager
    def examined(self) -> Iterator[Warehouse]:
        """The built model with what its quality checks count, to read."""
        with examined(self.build(), self.store_key, engine=self.site.engine(), progress=Silent()) as db:
            yield db

    @contextmanager
    def reading(self, model: ClaimsModel) -> Iterator[Warehouse]:
        """A model built before, to read."""
        store.attach(self.connection, model.path, alias="model", key=self.store_key, read_only=True)
        self.connection.execute("use model")
        try:
            yield Warehouse(self.connection)
        finally:
            self.connection.execute("use memory")
            self.connection.execute("detach model")

    def query(self, sql: str) -> pl.DataFrame:
        with self.opened() as db:
            return db.query(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.query(sql).rows()

    def persons(self) -> dict[tuple[str, str], int]:
        """(source_id, native id) -> person_id, from the vault."""
        with vault.attached(self.connection, vault_path(self.site), self.vault_key):
            found = self.connection.execute(
                "select source_id, native_person_id, person_id from vault.person_key"
            ).fetchall()
        return {(source_id, native): person_id for source_id, native, person_id in found}

    def claims(self) -> dict[str, int]:
        """Native claim id (with its payor) -> claim_id of the current claim, from the vault."""
        with vault.attached(self.connection, vault_path(self.site), self.vault_key):
            found = self.connection.execute("select native_claim_id, claim_id from vault.claim_key").fetchall()
        return dict(found)


def settings_of(**changes: Any) -> Settings:
    payer = {"path": "x", "start": date(2024, 1, 1), "end": date(2025, 12, 31)}
    return Settings.model_validate(
        {
            "site": {
                "name": "test",
                "rehearsal": True,
                "memory_gib": 1.0,
                "threads": 1,
            },  # a second costs a small site time
            "entity": {"organisation": "Test", "contact": "x@example.org", "areas": ["MA"]},
            "periods": {"2025Q4": {"end": date(2025, 12, 31), "run_out_days": 90}},
            "sources": {
                "medicare": {"kind": "ccw-rif", "payer_id": "medicare", "payer_type": "medicare", **payer},
                "payer_a": {"kind": "apcd-cdl", "payer_id": "a", "payer_type": "commercial", **payer},
                "payer_b": {"kind": "apcd-cdl", "payer_id": "b", "payer_type": "commercial", **payer},
                "payer_n": {
                    "kind": "apcd-cdl",
                    "payer_id": "n",
                    "payer_type": "commercial",
                    "adjustment": "net",
                    **payer,
                },
                "model": {"kind": "claims-model", "payer_id": "d", "payer_type": "medicaid", **payer},
                "roster": {"kind": "roster", "path": "x"},
                "contacts": {"kind": "contacts", "path": "x"},
                "drugs": {"kind": "drugs", "path": "x"},
                "counts": {"kind": "hospital-stays", "path": "x"},
            },
            "linkage": {
                "passes": ["mbi", "name_dob_sex_zip", "name_dob_sex", "dob_sex_similar_name", "first_dob_zip_sex"],
                "to_review": ["name_zip_sex_near_dob"],
            },
            "peers": {"by": ["area"], "min_peers": 10},
            "scoring": {"fdr_q": 0.05, "confidence": 0.95, "achievable_share": 0.1},
            "disclosure": {"hide_small_from_provider": False},
            **changes,
        }
    )


@pytest.fixture(scope="session")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """One connection for staging and reading in all tests: loading the crypto extension takes a third of a second."""
    opened = store.connect(store.Engine(spill_folder=tmp_path_factory.mktemp("spill"), threads=1))
    yield opened
    opened.close()


@pytest.fixture
def yard(tmp_path: Path, connection: duckdb.DuckDBPyConnection) -> Yard:
    return Yard(
        site=Site(root=tmp_path, settings=settings_of()),
        store_key=store.Key("1" * 64),
        vault_key=store.Key("2" * 64),
        staged=[],
        connection=connection,
    )


@pytest.fixture(scope="module")
def module_yard(tmp_path_factory: pytest.TempPathFactory, connection: duckdb.DuckDBPyConnection) -> Callable[[], Yard]:
    """Sites that all tests of a module read."""

    def made() -> Yard:
        return Yard(
            site=Site(root=tmp_path_factory.mktemp("site"), settings=settings_of()),
            store_key=store.Key("1" * 64),
            vault_key=store.Key("2" * 64),
            staged=[],
            connection=connection,
        )

    return made


@pytest.fixture
def events() -> Iterator[Callable[..., Warehouse]]:
    """A model from rows in view: events(claim=[...], claim_line=[...]) gives a database with derived event tables."""
    connections = []

    def derived(**tables: Sequence[Row]) -> Warehouse:
        connection = duckdb.connect()
        connections.append(connection)
        db = Warehouse(connection)
        create_macros(db)
        create_base_tables(db)
        create_event_tables(db)
        for table, rows in tables.items():
            for row in rows:
                names, values = ", ".join(row), ", ".join(f"${column}" for column in row)
                connection.execute(f"insert into {table} ({names}) values ({values})", dict(row))
        derive_events(db)
        return db

    yield derived
    for connection in connections:
        connection.close()
