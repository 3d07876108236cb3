"""JSON schemas as Anthropic's structured outputs take them, where they can say the same. Pure.

Every object must be closed, values may not be constrained beyond their type, and a schema may not refer to itself
(structured outputs guide of the Messages API). Constraints that are lost are said in descriptions instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from aiorch.providers.decode import as_list, as_object

MOST_OPTIONAL = 24
"""Optional properties of one request."""
MOST_UNIONS = 16
"""Places of one request where a value may have several types."""

_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_NOTES = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "examples", "default", "deprecated"}
)
"""What says nothing about the shape."""
_CONSTRAINTS = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"),
        *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "readOnly", "writeOnly"),
    }
)
"""What may be said in words instead. A schema with any other keyword that is not understood here is left alone."""
_DEEPEST = 40
"""Levels of a schema that somebody may have meant."""


class _Unsayable(Exception):
    """The schema means something that a closed one cannot."""


def closed(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The same schema, closed; ``None`` where Anthropic would refuse it, so that it has to be asked for in words.

    >>> made = closed({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}})
    >>> made["additionalProperties"], made["properties"]["n"]
    (False, {'type': 'integer', 'description': 'minimum: 1'})
    """
    try:
        made = _closed(schema, _DEEPEST)
        _check_references(made)
    except _Unsayable:
        return None
    subschemas = [made, *_inside(made)]
    optional = sum(len(s["properties"]) - len(s["required"]) for s in subschemas if "properties" in s)
    unions = sum("anyOf" in s for s in subschemas)
    return made if optional <= MOST_OPTIONAL and unions <= MOST_UNIONS else None


def _closed(schema: object, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth == 0:
        raise _Unsayable  # True, False, or too deep
    own = cast("Mapping[str, Any]", schema)
    rest = {name: value for name, value in own.items() if name not in _NOTES}
    made: dict[str, Any] = {}
    for holder in ("$defs", "definitions"):
        if holder in rest:
            defined = as_object(rest.pop(holder))
            made[holder] = {name: _closed(value, depth - 1) for name, value in defined.items()}
    if "$ref" in rest:
        made["$ref"] = rest.pop("$ref")
        if rest or not isinstance(made["$ref"], str):
            raise _Unsayable
        return made
    made |= _value(rest, depth)
    if rest.keys() - _CONSTRAINTS:
        raise _Unsayable
    told = own.get("description")
    said = [told] if isinstance(told, str) and told else []
    said += [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in rest.items()]
    if said:
        made["description"] = "; ".join(said)
    return made


def _value(rest: dict[str, Any], depth: int) -> dict[str, Any]:
    """What Anthropic takes, taken out of ``rest``."""
    for name in ("enum", "const"):
        if name in rest:
            value = rest.pop(name)
            rest.pop("type", None)
            values = as_list(value) if name == "enum" else [value]
            if not values or any(isinstance(v, list | dict) for v in values):
                raise _Unsayable
            return {name: value}
    for name in ("anyOf", "oneOf"):
        if choices := as_list(rest.pop(name, None)):
            if rest.keys() - _CONSTRAINTS - {"type"}:
                raise _Unsayable
            rest.pop("type", None)
            return {"anyOf": [_closed(choice, depth - 1) for choice in choices]}
    kind = rest.pop("type", "object" if "properties" in rest else None)
    types = as_list(kind)
    if not types:
        return _of_type(kind, rest, depth)
    copies = [dict(rest) for _ in types]
    made = [_of_type(one, copy, depth) for one, copy in zip(types, copies, strict=True)]
    for name in list(rest):
        if any(name not in copy for copy in copies):
            del rest[name]  # one of the types has taken it
    return {"anyOf": made}


def _of_type(kind: object, rest: dict[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _Unsayable
    made: dict[str, Any] = {"type": kind}
    if kind == "object":
        properties = as_object(rest.pop("properties", None))
        required = as_list(rest.pop("required", None))
        # A mapping of any keys is not an object without any: that cannot be said.
        if not properties or isinstance(rest.pop("additionalProperties", None), dict):
            raise _Unsayable
        made["properties"] = {name: _closed(value, depth - 1) for name, value in properties.items()}
        made["required"] = [name for name in properties if name in required]
        made["additionalProperties"] = False
    elif kind == "array":
        if "items" in rest:
            made["items"] = _closed(rest.pop("items"), depth - 1)
        if rest.get("minItems") in (0, 1):
            made["minItems"] = rest.pop("minItems")
    elif kind == "string" and rest.get("format") in _FORMATS:
        made["format"] = rest.pop("format")
    return made


def _inside(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every schema within ``schema``, those that it defines included."""
    held: list[object] = [schema.get("items"), *as_list(schema.get("anyOf"))]
    for name in ("properties", "$defs", "definitions"):
        held += as_object(schema.get(name)).values()
    for inner in held:
        if isinstance(inner, dict):
            own = cast("dict[str, Any]", inner)
            yield own
            yield from _inside(own)


def _check_references(schema: Mapping[str, Any]) -> None:
    """:raises _Unsayable: when a definition leads back to itself, or a reference to none."""
    needs = {
        f"#/{holder}/{name}": _references(value)
        for holder in ("$defs", "definitions")
        for name, value in as_object(schema.get(holder)).items()
    }
    if not _references(schema) <= needs.keys():
        raise _Unsayable
    while needs:
        free = {name for name, wanted in needs.items() if not wanted & needs.keys()}
        if not free:
            raise _Unsayable
        needs = {name: wanted for name, wanted in needs.items() if name not in free}


def _references(schema: Mapping[str, Any]) -> set[str]:
    return {part["$ref"] for part in (schema, *_inside(schema)) if "$ref" in part}
