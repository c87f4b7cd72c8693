"""Event tables derived from the base tables: stays, transfer chains, visits, fills, person months, costs."""

from qe.claims.model import FOLDER
from qe.warehouse import Warehouse

WORKING_TABLES = ("identifier_unit", "bill")


def derive_events(db: Warehouse) -> None:
    """Fill the event tables from the base tables of contracts.md section 4, by the SQL files of qe/claims/events.

    Base and event tables and the macros exist already; the event tables are empty. Columns marked * in the contract
    are filled in where they are absent. Works on the site's own model and on one given as files.
    """
    for sql_file in sorted((FOLDER / "events").glob("*.sql")):
        db.run(sql_file)
    for table in WORKING_TABLES:
        db.execute(f"drop table if exists {table}")
