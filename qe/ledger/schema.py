"""Which kinds of event there are and what each may hold: closed schemas, read from events/*.toml.

No claim value, name of a person seen or identifier of a person can stand in a payload: values are days, counts, hashes,
codes, unit ids and short wordings of the entity's own, and a wording with a long run of digits is refused.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from qe.errors import Fault, InputError
from qe.ledger.event import Payload, PayloadValue

FieldType = Literal[
    "date",
    "instant",
    "count",
    "sha256",
    "public_key",
    "code",
    "codes",
    "choice",
    "choices",
    "text",
    "flag",
    "zone",
    "unit",
    "units",
]

LONGEST_TEXT: Final = 200
CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/@:-]{0,95}")
UNIT: Final = re.compile(r"U\d{6,}")
SHA256: Final = re.compile(r"[0-9a-f]{64}")  # an Ed25519 public key has the same form
INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"
LONG_DIGITS: Final = re.compile(r"(?:\d[ -]?){7,}")
ISO_DAY: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
BENEFICIARY_IDENTIFIER: Final = re.compile(r"\b[1-9][A-Za-z][A-Za-z0-9]\d-?[A-Za-z][A-Za-z0-9]\d-?[A-Za-z]{2}\d{2}\b")


@dataclass(frozen=True, kw_only=True)
class PayloadField:
    """One key of a payload. `choices` for the types choice and choices."""

    name: str
    type: FieldType
    meaning: str
    required: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EventKind:
    """What one kind of event records, under which paragraph, and the keys of its payload.

    subject  what an event of this kind is about, by keys of its payload; "" for the organisation itself
    instead_of_taking_back  of a kind that fact_retracted never takes back, what to do; "" where it may
    about  what it names that another event put on record; None where it names nothing
    """

    kind: str
    subject: str
    meaning: str
    citation: str
    fields: tuple[PayloadField, ...]
    instead_of_taking_back: str
    about: "About | None"


@dataclass(frozen=True, kw_only=True)
class About:
    """With `key` of its payload an event names what one of `kind` put on record.

    when  values of the payload with which it must
    """

    key: str
    kind: str
    when: Mapping[str, str]

    def needed_by(self, payload: Mapping[str, object]) -> bool:
        return bool(self.when) and all(payload.get(name) == value for name, value in self.when.items())


@dataclass(frozen=True, kw_only=True)
class KindFile:
    """The kinds of one file of events/. about: its first line, without the mark of a comment."""

    name: str
    about: str
    kinds: tuple[EventKind, ...]


@cache
def event_kinds() -> Mapping[str, EventKind]:
    """All kinds, by name."""
    kinds: dict[str, EventKind] = {}
    for file in kind_files():
        for one in file.kinds:
            if one.kind in kinds:
                raise ValueError(f"{file.name}: {one.kind} is defined twice")
            kinds[one.kind] = one
    return kinds


@cache
def kind_files() -> tuple[KindFile, ...]:
    """The files of events/ by name, each with its kinds in their order."""
    files = []
    for file in sorted((Path(__file__).parent / "events").glob("*.toml")):
        text = file.read_text(encoding="utf-8")
        kinds = tuple(_kind(file, name, table) for name, table in tomllib.loads(text).items())
        files.append(KindFile(name=file.stem, about=text.split("\n")[0].removeprefix("# "), kinds=kinds))
    return tuple(files)


def _kind(file: Path, name: str, table: dict[str, object]) -> EventKind:
    payload, instead = table.pop("payload", {}), table.pop("instead_of_taking_back", "")
    about = table.pop("about", None)
    if set(table) != {"subject", "meaning", "citation"} or not isinstance(payload, dict):
        raise ValueError(
            f"{file.name}: {name} needs subject, meaning, citation and payload, perhaps instead_of_taking_back and about, no more"
        )
    return EventKind(
        kind=name,
        subject=str(table["subject"]),
        meaning=str(table["meaning"]),
        citation=str(table["citation"]),
        fields=tuple(_field(f"{file.name}: {name}.{key}", key, facts) for key, facts in payload.items()),
        instead_of_taking_back=str(instead),
        about=None if not isinstance(about, dict) else About(**{"when": {}, **about}),
    )


def _field(place: str, name: str, facts: dict[str, object]) -> PayloadField:
    if unknown := set(facts) - {"type", "meaning", "required", "choices"}:
        raise ValueError(f"{place}: unknown key {sorted(unknown)[0]}")
    if facts.get("type") not in get_args(FieldType):
        raise ValueError(f"{place}: unknown type {facts.get('type')!r}")
    choices = facts.get("choices", [])
    assert isinstance(choices, list)
    if bool(choices) != (facts["type"] in ("choice", "choices")):
        raise ValueError(f"{place}: choices go with the types choice and choices")
    return PayloadField(
        name=name,
        type=facts["type"],  # type: ignore[arg-type]
        meaning=str(facts["meaning"]),
        required=bool(facts.get("required", True)),
        choices=tuple(str(choice) for choice in choices),
    )


def kind_of(name: str) -> EventKind:
    """The kind `name`, or an error that lists the nearest ones."""
    kinds = event_kinds()
    if name not in kinds:
        near = [kind for kind in kinds if kind.split("_")[0] == name.split("_")[0]] or sorted(kinds)
        raise InputError(f'there is no event kind "{name}"', remedy=f"Kinds: {', '.join(near)}.")
    return kinds[name]


def subject_of(kind: str, payload: Payload) -> str:
    """What an event of this kind is about: a report, source, measure, request or release id."""
    return kind_of(kind).subject.format(**payload)


def read_payload(kind: str, given: Mapping[str, str]) -> dict[str, PayloadValue]:
    """The payload from words typed as k=v; all faults at once."""
    fields = {known.name: known for known in kind_of(kind).fields}
    payload: dict[str, PayloadValue] = {}
    for name, text in given.items():
        payload[name] = _typed(fields[name], text) if name in fields else text
    check_payload(kind, payload)
    return payload


def _typed(known: PayloadField, text: str) -> PayloadValue:
    if known.type == "count" and text.isdecimal():
        return int(text)
    if known.type == "flag" and text in ("true", "false"):
        return text == "true"
    if known.type in ("codes", "units"):
        return sorted(part.strip() for part in text.split(";") if part.strip())
    if known.type == "choices":
        return ";".join(part.strip() for part in text.split(";") if part.strip())
    return text.strip()


def check_payload(kind: str, payload: Payload) -> None:
    """Refuse unknown keys, missing keys and values that do not fit; no message repeats a value."""
    fields = {known.name: known for known in kind_of(kind).fields}
    faults = [
        _fault(kind, name, f'unknown key "{name}"', f"Known: {', '.join(fields) or 'none'}.")
        for name in payload
        if name not in fields
    ]
    for known in fields.values():
        if known.name not in payload:
            if known.required:
                faults.append(_fault(kind, known.name, f'"{known.name}" is missing', f"It is: {known.meaning}."))
        elif said := _misfit(known, payload[known.name]):
            faults.append(_fault(kind, known.name, f'"{known.name}" {said}', f"It is: {known.meaning}."))
    if faults:
        raise InputError.of(faults)


def _fault(kind: str, place: str, said: str, remedy: str) -> Fault:
    return Fault(code="bad-event", message=f"{kind}: {said}", place=place, remedy=remedy)


def _misfit(known: PayloadField, value: PayloadValue) -> str | None:
    """Why `value` does not fit, or None."""
    match known.type:
        case "date":
            return None if isinstance(value, str) and _is_day(value) else "is not a day like 2026-03-02"
        case "instant":
            return None if isinstance(value, str) and _is_instant(value) else "is not like 2026-03-02T14:05:00Z (UTC)"
        case "count":
            fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
            return None if fits else "is not a whole number from 0"
        case "flag":
            return None if isinstance(value, bool) else "is not true or false"
        case "sha256" | "public_key":
            return None if isinstance(value, str) and SHA256.fullmatch(value) else "is not 64 hexadecimal digits"
        case "code":
            return None if isinstance(value, str) and CODE.fullmatch(value) else "is not a code without blanks"
        case "codes":
            return None if _all_fit(value, CODE) else "is not a list of codes without blanks"
        case "unit":
            return None if isinstance(value, str) and UNIT.fullmatch(value) else "is not a unit id like U000012"
        case "units":
            return None if _all_fit(value, UNIT) else "is not a list of unit ids like U000012"
        case "choice":
            return None if value in known.choices else f"is none of {', '.join(known.choices)}"
        case "choices":
            parts = value.split(";") if isinstance(value, str) else []
            return None if parts and set(parts) <= set(known.choices) else f"is not some of {';'.join(known.choices)}"
        case "zone":
            return None if isinstance(value, str) and _is_zone(value) else "is not a time zone like America/Chicago"
        case "text":
            return _text_misfit(value)


def _text_misfit(value: PayloadValue) -> str | None:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT or not value.isprintable():
        return f"is not a line of 1 to {LONGEST_TEXT} printable characters"
    wording = ISO_DAY.sub("", value)
    if LONG_DIGITS.search(wording) or BENEFICIARY_IDENTIFIER.search(wording):
        return "holds what looks like a person's identifier; the ledger never does"
    return None


def _all_fit(value: PayloadValue, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, list) and value == sorted(set(value)) and all(pattern.fullmatch(one) for one in value)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_instant(text: str) -> bool:
    try:
        return datetime.strptime(text, INSTANT).strftime(INSTANT) == text
    except ValueError:
        return False


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
