"""A JSON schema as a grammar that holds the engine to it while it samples.

The engine samples freely, without a word, when a schema has something that it cannot read (measured: an unknown type,
a reference to nothing, a pattern that looks ahead). So what cannot be held is refused or left out here, where it can
be said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import unquote

from aiorch.types import JSON

# Options of LLGuidance, which the engine is built with (its docs/json_schema.md). Flexible white space would let a
# small model write line breaks until its tokens are used up; lenient leaves out the keywords that it does not know
# (not, if, uniqueItems).
_COMPACT = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "lenient": True,
    "coerce_one_of": True,
}
_TYPES = frozenset({"string", "number", "integer", "boolean", "null", "array", "object"})
_PLAIN = frozenset({"const", "enum", "default", "examples"})  # their values are data, not schemas
_NAMED = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)  # names to schemas


class UnusableSchema(ValueError):
    """The schema cannot be held; says why."""


def grammar(schema: JSON) -> str:
    """The grammar of the texts that fit ``schema``.

    :raises UnusableSchema: when it is no schema, or refers to what is not in it.
    """
    fitted = cast("dict[str, Any]", _fitted(schema, schema))
    try:
        text = json.dumps({**fitted, "x-guidance": _COMPACT})
    except TypeError as error:
        raise UnusableSchema(f"the JSON schema is not JSON: {error}") from error
    return "%llguidance {}\nstart: %json " + text


def moved_under(schema: JSON, name: str, shared: dict[str, Any]) -> dict[str, Any]:
    """``schema`` as a part of another: its definitions go to ``shared`` as ``NAME.X``, its references follow them."""
    moved = cast("dict[str, Any]", _referring(schema, name))
    for keyword in ("$defs", "definitions"):
        for key, value in moved.pop(keyword, {}).items():
            shared[f"{name}.{key}"] = value
    return moved


def _referring(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        moved: dict[str, Any] = {}
        for key, inner in cast("Mapping[str, Any]", value).items():
            if key == "$ref" and isinstance(inner, str) and inner.startswith(("#/$defs/", "#/definitions/")):
                moved[key] = f"#/$defs/{name}." + inner.split("/", 2)[2]
            else:
                moved[key] = inner if key in _PLAIN else _referring(inner, name)
        return moved
    if isinstance(value, list | tuple):
        return [_referring(inner, name) for inner in cast("Sequence[Any]", value)]
    return value


def _fitted(value: Any, root: JSON) -> Any:
    if isinstance(value, Mapping):
        return _fitted_schema(cast("Mapping[str, Any]", value), root)
    if isinstance(value, list | tuple):
        return [_fitted(inner, root) for inner in cast("Sequence[Any]", value)]
    return value


def _fitted_schema(schema: Mapping[str, Any], root: JSON) -> dict[str, Any]:
    fitted: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, Mapping):
            named = cast("Mapping[str, Any]", value)
            fitted[key] = {name: _fitted(inner, root) for name, inner in named.items()}
            continue
        if key == "type":
            _check_type(value)
        elif key == "$ref":
            _check_reference(value, root)
        elif key == "pattern" and "(?" in str(value):
            continue  # looking around is not in the engine's regular expressions
        fitted[key] = value if key in _PLAIN else _fitted(value, root)
    return fitted


def _check_type(value: Any) -> None:
    names = cast("list[Any]", value if isinstance(value, list | tuple) else [value])
    for name in names:
        if not isinstance(name, str) or name not in _TYPES:
            raise UnusableSchema(
                f"the JSON schema has the type {name!r}; known are {', '.join(sorted(_TYPES))}"
            )


def _check_reference(reference: Any, root: JSON) -> None:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise UnusableSchema(f"the JSON schema refers to {reference!r}, which is not inside it")
    place: Any = root
    for step in reference.split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        if not isinstance(place, Mapping) or name not in place:
            raise UnusableSchema(f"the JSON schema refers to {reference!r}, and it has nothing there")
        place = cast("Any", place[name])
