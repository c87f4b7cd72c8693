"""Closed TOML files (qe.toml, measure.toml, layouts): all faults at once, each one sentence with what to write instead.

The schema speaks: what a key must be is told from its type and its bounds. Where those do not say it (a pattern), the
field's `description` does; it must read on after "must be". A value is repeated only where it should be a word of a
closed choice: any other may be a key or a name.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from qe.errors import Fault, InputError

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]

UNIONS = (Union, UnionType)
NAME = "[key]"  # pydantic's last part of a place when the name of an entry is at fault, not what stands in it
LONGEST_REPEATED = 40  # characters; a word of a choice is shorter, a key pasted into the wrong line is longer
WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Decimal: "a number",
    date: "a date like 2025-12-31",
}
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class Expected(NamedTuple):
    """What may stand at one place of a file.

    type     without Annotated, and without None: a TOML file leaves a key out instead
    notes    what stands beside the type: bounds, pattern, description
    is_name  the name of an entry is meant, not what stands in it
    """

    type: Any
    notes: tuple[Any, ...] = ()
    is_name: bool = False


def load(path: Path, model: type[Model], *, shown_as: str, error: type[InputError] = InputError) -> Model:
    """The file `path` as a `model`; `shown_as` is how messages name the file."""
    return validate(read(path, shown_as=shown_as, error=error), model, shown_as=shown_as, error=error)


def read(path: Path, *, shown_as: str, error: type[InputError] = InputError) -> dict[str, Any]:
    """What the TOML file `path` holds, before its keys are checked."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"{shown_as} is missing") from None
    except OSError:
        raise error(f"{shown_as} cannot be read", remedy="Look at the file's permissions.") from None
    except UnicodeDecodeError:
        raise error(f"{shown_as} is not UTF-8 text", remedy="Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as fault:
        said = str(fault).splitlines()[0]
        raise error(f"{shown_as} is not TOML: {said}", remedy="Correct the line that is named.") from None


def validate(
    content: dict[str, Any], model: type[Model], *, shown_as: str, error: type[InputError] = InputError
) -> Model:
    """`content` as a `model`, or one error that holds all its faults."""
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        raise error.of(_faults(invalid, model, shown_as)) from None


def suggestion(name: str, known: Iterable[str]) -> str:
    """'; did you mean "x"?' when a known name is close, else ''."""
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f'; did you mean "{folded[near[0]]}"?' if near else ""


def _faults(invalid: ValidationError, model: type[BaseModel], shown_as: str) -> list[Fault]:
    """One fault a place: pydantic tells one error for each branch of a union, with the branch's name in the place."""
    by_place: dict[Place, list[Any]] = {}
    for entry in invalid.errors(include_url=False):
        known, expected = _reached(model, entry["loc"])
        by_place.setdefault(known if get_origin(expected.type) in UNIONS else entry["loc"], []).append(entry)
    return [_fault(place, entries, model, shown_as) for place, entries in by_place.items()]


def _fault(place: Place, entries: list[Any], model: type[BaseModel], shown_as: str) -> Fault:
    """The fault at `place`; `entries` are several only where it is a union."""
    known, expected = _reached(model, place)
    key = _spelt(place[:-1] if expected.is_name else place)

    def fault(code: str, said: str, remedy: str = "") -> Fault:
        return Fault(code=code, message=f"{shown_as}: {said}", file=shown_as, place=key, remedy=remedy)

    match entries[0]["type"] if entries[0]["loc"] == place else "union":
        case "extra_forbidden":
            keys = list(_fields(expected.type))
            near = suggestion(str(place[-1]), keys)
            table = f'"{_spelt(known)}"' if known else "The file"
            return fault(
                "unknown-key", f'unknown key "{key}"{near}', "" if near else f"{table} may have: {', '.join(keys)}."
            )
        case "missing":
            return fault("missing-key", f'the key "{key}" is missing', f"It must be {_described(expected)}.")
        case "value_error":
            said = str(entries[0]["msg"]).removeprefix("Value error, ")
            return fault("bad-value", f'"{key}": {said}' if key else said)
        case _:
            about = f'the name "{key}"' if expected.is_name else f'"{key}"'
            word = next((entry["input"] for entry in entries if entry["type"] == "literal_error"), None)
            return fault("bad-value", f"{about}{_not_as_expected(word, expected)}")


def _not_as_expected(word: Any, expected: Expected) -> str:
    """The end of the sentence: what must stand there; `word` is what stands where a choice may, or None."""
    if isinstance(word, str) and len(word) <= LONGEST_REPEATED and word.isprintable():
        near = suggestion(word, _choices(expected.type))
        if near or get_origin(expected.type) is Literal:
            return f': "{word}" is not {_described(expected)}{near}'
    return f" must be {_described(expected)}"


def _spelt(place: Place) -> str:
    """The place as a reader says it, entries of a list counted from 1: "measures entry 2.name"."""
    parts = [f" entry {part + 1}" if isinstance(part, int) else f".{part}" for part in place]
    return "".join(parts).strip(". ")


def _reached(model: type[BaseModel], place: Place) -> tuple[Place, Expected]:
    """As much of `place` as the schema knows, and what may stand there."""
    above, expected = Expected(None), Expected(model)
    for depth, part in enumerate(place):
        if part == NAME and get_origin(above.type) is dict:
            return place, _expected(get_args(above.type)[0])._replace(is_name=True)
        inner = _inside(expected, part)
        if inner is None:
            return place[:depth], expected
        above, expected = expected, inner
    return place, expected


def _inside(expected: Expected, part: int | str) -> Expected | None:
    """What may stand under the key or in the entry `part`, or None where the schema has no such part."""
    if _is_table(expected.type):
        return _fields(expected.type).get(str(part))
    origin, inner = get_origin(expected.type), get_args(expected.type)
    if origin is dict:
        return _expected(inner[1])
    return _expected(inner[0]) if origin in (list, tuple) else None


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, Expected]:
    """The keys that a table may have, by the names that the file uses."""
    return {
        field.alias or name: _expected(field.annotation, field)  # the field holds the bounds of its annotation
        for name, field in model.model_fields.items()
    }


def _expected(annotation: Any, *notes: Any) -> Expected:
    if get_origin(annotation) is Annotated:
        inner, *own = get_args(annotation)
        return _expected(inner, *notes, *own)
    members = _members(annotation)
    return _expected(members[0], *notes) if len(members) == 1 else Expected(annotation, notes)


def _members(annotation: Any) -> list[Any]:
    """The branches of a union without None; of anything else none."""
    return [one for one in get_args(annotation) if one is not NoneType] if get_origin(annotation) in UNIONS else []


def _choices(annotation: Any) -> list[str]:
    """The words of a closed choice, also where it is a branch of a union."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    return [choice for member in _members(annotation) for choice in _choices(_expected(member).type)]


def _described(expected: Expected) -> str:
    """What must stand there, to be read after "must be": "a whole number, at least 1"."""
    if words := _noted(expected, "description"):
        return str(words)
    if _is_table(expected.type):
        required = [field.alias or name for name, field in expected.type.model_fields.items() if field.is_required()]
        return f"a table with {', '.join(required)}" if required else "a table"
    if members := _members(expected.type):
        *others, last = (_described(_expected(member)) for member in members)
        return f"{', '.join(others)} or {last}"
    match get_origin(expected.type):
        case None:
            return WORDS.get(expected.type, "a value") + _limits(expected)
        case origin if origin is Literal:
            choices = _choices(expected.type)
            return f"one of {', '.join(choices)}" if len(choices) > 1 else f'"{choices[0]}"'
        case origin:
            inner = _inside(expected, 0)
            each = f", each entry {_described(inner)}" if inner else ""
            return ("a table" if origin is dict else "a list") + _limits(expected) + each


def _limits(expected: Expected) -> str:
    if least := _noted(expected, "min_length"):
        entries = f" with at least {least} {'entry' if least == 1 else 'entries'}"
        return " that is not blank" if expected.type is str else entries
    limits = [f"{words} {bound}" for name, words in BOUNDS.items() if (bound := _noted(expected, name)) is not None]
    return f", {' and '.join(limits)}" if limits else ""


def _noted(expected: Expected, name: str) -> Any:
    """The bound or description `name` that stands beside the type, or None."""
    found = (getattr(note, name, None) for note in _flat(expected.notes))
    return next((value for value in found if value is not None), None)


def _flat(notes: Iterable[Any]) -> Iterator[Any]:
    for note in notes:
        yield note
        if isinstance(note, FieldInfo):
            yield from note.metadata
