"""Was each release in a ledger allowed? An independent answer in SQL (releases.sql), for judging the gate of `qe`."""

import sqlite3
from contextlib import closing
from pathlib import Path

SCRIPT = Path(__file__).with_name("releases.sql")


def violations(path: Path, *, operator: str, entity_zone: str = "America/New_York") -> list[tuple[int, str, str, str]]:
    """Each release of the ledger file `path` that was not allowed on its day: (seq, kind, rule, why), by seq and rule.

    The file is opened read-only. `operator` is the organisation whose data use agreement counts.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as ledger:
        ledger.execute("pragma temp_store = memory")
        ledger.execute("create temp table setting (operator text, entity_zone text, day_count text)")
        ledger.execute("insert into temp.setting values (?, ?, 'conservative')", (operator, entity_zone))
        ledger.executescript(SCRIPT.read_text(encoding="utf-8"))
        return [
            (int(seq), str(kind), str(rule), str(why))
            for seq, kind, rule, why in ledger.execute("select seq, kind, rule, why from temp.violation")
        ]
