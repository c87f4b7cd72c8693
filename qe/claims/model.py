"""The claims model: its base tables, its event tables and the shared SQL vocabulary, each from one SQL file."""

from pathlib import Path

from qe.warehouse import Warehouse

FOLDER = Path(__file__).parent

BASE_TABLES = (
    "person",
    "member_month",
    "claim",
    "claim_line",
    "claim_diagnosis",
    "claim_procedure",
    "pharmacy_fill",
    "provider",
    "provider_identifier",
    "affiliation",
    "drug",
    "hospital_stays",
)
EVENT_TABLES = (
    "stay",
    "stay_diagnosis",
    "stay_procedure",
    "transfer_chain",
    "ed_visit",
    "visit",
    "fill",
    "diagnosis_event",
    "person_month",
    "cost_event",
)
VIEWS = ("unit", "service_line", "hospice_span", "catchment")


def create_base_tables(db: Warehouse) -> None:
    """Empty base tables of contracts.md section 4, plus `drug` and `hospital_stays`."""
    for table in BASE_TABLES:
        db.run(FOLDER / "model" / f"{table}.sql")


def create_event_tables(db: Warehouse) -> None:
    """Empty event tables and the views over them, so that measure SQL can be bound. Needs the base tables."""
    for table in (*EVENT_TABLES, *VIEWS):
        db.run(FOLDER / "events" / "tables" / f"{table}.sql")


def create_macros(db: Warehouse) -> None:
    """The shared SQL vocabulary (age_on, month_of, ...) on this connection: read-only or not, but not yet locked."""
    for sql_file in sorted((FOLDER / "macros").glob("*.sql")):
        db.run(sql_file)
