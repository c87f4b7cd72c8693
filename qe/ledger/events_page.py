"""All kinds of events as a page of the documentation, printed by `qe ledger show --kinds`."""

from typing import Final

from qe.ledger.schema import EventKind, PayloadField, kind_files

COMMAND: Final = "qe ledger show --kinds"
TYPES: Final = {
    "date": "day",
    "instant": "instant of UTC, like 2026-03-02T14:05:00Z",
    "count": "whole number from 0",
    "sha256": "sha256",
    "public_key": "public key, 64 hexadecimal digits",
    "code": "code without blanks",
    "codes": "codes, joined by ;",
    "text": "words, at most 200 characters, no identifier",
    "flag": "true or false",
    "zone": "time zone",
    "unit": "unit id",
    "units": "unit ids, joined by ;",
}


def events_page() -> str:
    """A heading and a table for each file of qe/ledger/events/: every kind with its citation, meaning and payload."""
    files = kind_files()
    kinds = sum(len(file.kinds) for file in files)
    parts = [
        "# Events",
        "",
        f"Printed by `{COMMAND}` from `qe/ledger/events/`: {kinds} kinds. A payload holds no other",
        "keys than these, and never a claim value, a name of a person or an identifier of one. Keys that may be left out stand in",
        "*italics*. `qe record KIND key=value ... --effective-on DAY` records what no other command does.",
    ]
    for file in files:
        parts += ["", f"## {file.name}", "", file.about, "", "| kind | is recorded when | payload |", "|---|---|---|"]
        parts += [_row(kind) for kind in file.kinds]
    return "\n".join(parts) + "\n"


def _row(kind: EventKind) -> str:
    fields = "<br>".join(_field(field) for field in kind.fields) or "nothing"
    stands = "; never taken back" if kind.instead_of_taking_back else ""
    return f"| `{kind.kind}` | {kind.meaning} ({kind.citation}){stands} | {fields} |".replace("\n", " ")


def _field(field: PayloadField) -> str:
    name = f"`{field.name}`" if field.required else f"*{field.name}*"
    kind = TYPES.get(field.type) or ("one of " if field.type == "choice" else "some of ") + ", ".join(field.choices)
    return f"{name}: {field.meaning} ({kind})"
