"""Parameters of a plugin as a user sees them: public names, values as text, ranges."""

import json
import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mtlbench.config.grammar import ValueText, quoted
from mtlbench.text import one_line

EMPTY = "()"
NONE = "none"
BETWEEN_ITEMS = re.compile(r"(?<=[\w.])(?<![\d.][eE])-")
"""A hyphen that separates items, and is neither a minus sign nor part of an exponent."""

BOUNDS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
    "minItems": "items >=",
    "maxItems": "items <=",
    "pattern": "pattern",
}


def public_fields(params: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of ``params`` by public name: the alias, where there is one."""
    return {info.alias or name: info for name, info in params.model_fields.items()}


def types_of(field: FieldInfo) -> set[Any]:
    """The types that a value of the field may have; ``Path`` of a field that names a file."""
    return set(_types(field.annotation))


def value_from_text(info: FieldInfo | None, value: ValueText) -> object:
    """What ``value`` means for a field, before pydantic validates it.

    For a field that holds several values ``512-256`` is two of them and ``()`` none; ``none`` is no value where the
    field allows that. Text in quotes is text.
    """
    types = types_of(info) if info is not None else set()
    if value.quoted:
        return value.text
    if NoneType in types and value.text.lower() == NONE:
        return None
    if types & {tuple, list}:
        return () if value.text == EMPTY else tuple(BETWEEN_ITEMS.split(value.text))
    return value.text


def text_of(value: object) -> str:
    """``value`` as one types it: the inverse of :func:`value_from_text` on JSON values."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "-".join(text_of(item) for item in value) or EMPTY
    if isinstance(value, str):
        return f"'{value}'" if value.lower() == NONE else quoted(value)
    return str(value)


def spec_text(name: str, params: Mapping[str, object]) -> str:
    """A spec as one types it: ``rmtl[lambda=0.5,bottom=64-32]``."""
    inside = ",".join(f"{key}={text_of(value)}" for key, value in params.items())
    return f"{name}[{inside}]" if inside else name


def params_text(params: Mapping[str, object]) -> str:
    """Parameters as a reader expects them in a table: ``lambda=0.5, tower=128-64``."""
    return one_line(", ".join(f"{name}={value_text(value)}" for name, value in params.items()))


def value_text(value: object) -> str:
    """A parameter's value as a reader expects it."""
    if isinstance(value, list | tuple):
        return "-".join(map(value_text, value))
    return value if isinstance(value, str) else json.dumps(value, default=str)


def parameter_rows(params: type[BaseModel]) -> list[dict[str, str]]:
    """Name, default, range and description of every parameter."""
    schema = params.model_json_schema(by_alias=True)
    defaults = params().model_dump(mode="json", by_alias=True)
    return [
        {
            "name": name,
            "default": text_of(defaults[name]),
            "range": _range({**schema, **schema["properties"][name]}),
            "description": info.description or "",
        }
        for name, info in public_fields(params).items()
    ]


def _types(annotation: Any) -> Iterator[Any]:
    """The classes in an annotation, those of unions included, those of items excluded."""
    origin = get_origin(annotation)
    if origin in {tuple, list}:
        yield origin
    elif origin is None:
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _types(part)


def _range(schema: Mapping[str, Any]) -> str:
    """The values that a JSON schema allows, in a few words."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(_range(option) for option in schema["anyOf"])
    kind = {"null": NONE, "array": "numbers", "string": "text", "boolean": "true | false"}.get(
        schema["type"], schema["type"]
    )
    if schema["type"] == "array":
        kind = f"{_range(schema['items'])}, joined by -" if isinstance(schema.get("items"), dict) else "list"
    bounds = [f"{sign} {schema[key]}" for key, sign in BOUNDS.items() if key in schema]
    return ", ".join([kind, *bounds])
