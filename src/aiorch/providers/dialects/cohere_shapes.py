"""JSON schemas as Cohere takes them: it refuses a part of the vocabulary, so that is left out. Pure.

What is left out only loosens the shape: every answer that fits the schema fits what Cohere is told. The whole schema
goes along in words, and the answer is checked against it later (docs.cohere.com, "Structured Outputs", 2026-08).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

_REFUSED = frozenset(
    {
        *("allOf", "oneOf", "not", "if", "then", "else"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "minProperties", "maxProperties"),
    }
)
_FORMATS = frozenset({"date-time", "uuid", "date", "time"})
_REGEX = ("^", "$", "(?=", "(?!")
_NAMED = frozenset({"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"})
"""What holds schemas under names of the user's, which may be any word."""
_VALUES = frozenset({"enum", "const", "default", "examples", "example", "required"})
"""What holds values instead of schemas."""


def loosened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without what Cohere refuses.

    >>> loosened({"type": "object", "properties": {"maximum": {"type": "integer", "maximum": 9}}})
    {'type': 'object', 'properties': {'maximum': {'type': 'integer'}}}
    """
    made: dict[str, Any] = {}
    for word, value in schema.items():
        if _is_refused(word, value):
            continue
        if word in _VALUES:
            made[word] = value
        elif word in _NAMED and isinstance(value, Mapping):
            named = cast("Mapping[str, object]", value)
            made[word] = {name: _loosened(one) for name, one in named.items()}
        else:
            made[word] = _loosened(value)
    return made


def _loosened(value: object) -> object:
    if isinstance(value, Mapping):
        return loosened(cast("Mapping[str, Any]", value))
    if isinstance(value, list | tuple):
        return [_loosened(one) for one in cast("list[object]", value)]
    return value


def _is_refused(word: str, value: object) -> bool:
    if word == "pattern":
        return isinstance(value, str) and any(sign in value for sign in _REGEX)
    if word == "format":
        return value not in _FORMATS
    return word in _REFUSED
