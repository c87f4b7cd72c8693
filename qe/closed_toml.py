"""Closed TOML files (qe.toml, measure.toml, layouts): all unknown and missing keys at once, with a suggestion."""

import difflib
import tomllib
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from qe.errors import Fault, InputError

Model = TypeVar("Model", bound=BaseModel)


def load(path: Path, model: type[Model], *, shown_as: str, error: type[InputError] = InputError) -> Model:
    """The file `path` as a `model`; `shown_as` is how messages name the file."""
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        raise error(f"{shown_as} is missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise error(f"{shown_as} is not TOML: {_first_line(fault)}", remedy="Correct the line that is named.") from None
    return validate(content, model, shown_as=shown_as, error=error)


def validate(
    content: dict[str, Any], model: type[Model], *, shown_as: str, error: type[InputError] = InputError
) -> Model:
    """`content` as a `model`, or one error that holds all its faults."""
    try:
        return model.model_validate(content)
    except ValidationError as invalid:
        faults = [_fault(entry, model, shown_as) for entry in invalid.errors(include_url=False, include_input=False)]
        raise error.of(faults) from None


def _first_line(fault: Exception) -> str:
    return str(fault).splitlines()[0]


def _fault(entry: Any, model: type[BaseModel], shown_as: str) -> Fault:
    location = [str(part) for part in entry["loc"]]
    key = ".".join(location)
    match entry["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(location[-1], _known_keys(model, entry["loc"][:-1]), n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            return Fault(code="unknown-key", message=f'{shown_as}: unknown key "{key}"{hint}', file=shown_as, place=key)
        case "missing":
            return Fault(
                code="missing-key", message=f'{shown_as}: the key "{key}" is missing', file=shown_as, place=key
            )
        case _:
            said = str(entry["msg"]).removeprefix("Value error, ")
            return Fault(code="bad-value", message=f'{shown_as}: "{key}": {said}', file=shown_as, place=key)


def _known_keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys that the table at `path` may have; table names of a mapping and list positions are passed over."""
    at: Any = model
    for part in path:
        if isinstance(at, type) and issubclass(at, BaseModel):
            fields = {(field.alias or name): field.annotation for name, field in at.model_fields.items()}
            at = _model_in(fields.get(str(part)))
    if not (isinstance(at, type) and issubclass(at, BaseModel)):
        return []
    return [field.alias or name for name, field in at.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
