"""From a Python type to the JSON schema that a model is held to, and from its answer back to a value of that type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from aiorch.errors import InputError, OutputInvalid
from aiorch.quality.answers import NoJSON, json_in, without_thinking
from aiorch.types import JsonSchema
from aiorch.types.serial import adapter

if TYPE_CHECKING:
    from pydantic import ValidationError

T = TypeVar("T")

WRAPPER = "value"
"""The one property of the object around a type that is none: providers take only objects at the top."""
MOST_FAULTS = 8

# Said to a model, these cost tokens and tell nothing; strict modes refuse "default", as there every property is given.
DROPPED = frozenset({"title", "default", "discriminator"})
# What OpenAI's strict mode cannot express: objects with free keys, tuples, "anything".
LOOSE = frozenset({"prefixItems", "patternProperties"})


@dataclass(frozen=True, slots=True)
class Shape(Generic[T]):
    """A type as a model sees it: the schema to hold it to, and the way back.

    >>> shape_of(int).parse('{"value": 42}')
    42
    """

    kind: Any
    """The type: ``str``, a pydantic model, a dataclass, ``list[int]``, ``Literal["a", "b"]`` ..."""
    schema: JsonSchema | None
    """``None`` for ``str``: any text will do."""
    wrapped: bool = False
    """True where the value is the ``value`` of an object."""

    def parse(self, text: str) -> T:
        """The value that an answer holds.

        :raises OutputInvalid: when it holds none of this type; the message tells a model what to mend.
        """
        if self.schema is None:
            return cast(T, text)
        from pydantic import ValidationError

        try:
            found = json_in(text)
        except NoJSON as none:
            return self._bare(text, f"the answer must be JSON and nothing else, but: {_lower(str(none))}")
        if self.wrapped and isinstance(found, Mapping) and set(cast("Mapping[str, Any]", found)) == {WRAPPER}:
            found = cast("Mapping[str, Any]", found)[WRAPPER]
        try:
            return cast(T, adapter(self.kind).validate_json(json.dumps(found)))
        except ValidationError as invalid:
            reason = f"the answer does not fit what was asked for: {_faults(invalid)}"
        except RecursionError:
            reason = "the answer is nested too deeply"
        raise OutputInvalid(reason)

    def _bare(self, text: str, reason: str) -> T:
        """``positive`` for a ``Literal["positive", "negative"]``: no JSON, and yet there is no doubt."""
        from pydantic import ValidationError

        if self.wrapped:
            try:
                return cast(T, adapter(self.kind).validate_python(without_thinking(text).strip()))
            except ValidationError:
                pass
        raise OutputInvalid(reason)


def shape_of(kind: type[T]) -> Shape[T]:
    """How ``kind`` is asked for and read.

    >>> shape_of(str).schema is None
    True

    :raises InputError: when no JSON schema can express it.
    """
    try:
        return cast("Shape[T]", _shape(kind))
    except TypeError as impossible:
        raise InputError(f"an answer cannot be asked for as {_name(kind)}: {impossible}") from None


def schema_for(kind: type[object]) -> JsonSchema | None:
    """The schema alone; ``None`` for ``str``."""
    return shape_of(kind).schema


@lru_cache(maxsize=256)
def _shape(kind: Any) -> Shape[Any]:
    if kind is str:
        return Shape(str, None)
    from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

    try:
        raw = adapter(kind).json_schema()
    except (PydanticUserError, PydanticUndefinedAnnotation) as impossible:
        why = str(impossible).splitlines()[0]
        raise InputError(f"an answer cannot be asked for as {_name(kind)}: {why}") from None
    name = _identifier(str(raw.get("title") or _name(kind)))
    plain = _plain(raw)
    wrapped = plain.get("type") != "object"
    if wrapped:
        plain = _wrapped(plain)
    return Shape(kind, JsonSchema(plain, name, strict=_strict(plain)), wrapped)


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """With references replaced by what they refer to (a type that holds itself keeps them), every property required and
    no other allowed.
    """
    definitions: dict[str, Any] = raw.get("$defs", {})
    recursive = {name for name in definitions if _reaches(definitions, name, name)}
    plain = _tidied({k: v for k, v in raw.items() if k != "$defs"}, definitions, recursive)
    if set(plain) == {"$ref"}:  # a type that holds itself, at the top: providers want the object there
        plain = _tidied(definitions[_target(plain["$ref"])], definitions, recursive)
    if recursive:
        kept = sorted(recursive)
        plain["$defs"] = {name: _tidied(definitions[name], definitions, recursive) for name in kept}
    return plain


def _tidied(node: Any, definitions: Mapping[str, Any], recursive: set[str]) -> Any:
    if isinstance(node, list):
        return [_tidied(item, definitions, recursive) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    node = cast("dict[str, Any]", node)
    if "$ref" in node:
        target = _target(node["$ref"])
        if target in recursive:
            return {"$ref": node["$ref"]}
        beside = {k: v for k, v in node.items() if k != "$ref"}  # a description of this one use
        return _tidied({**definitions[target], **beside}, definitions, recursive)
    tidy: dict[str, Any] = {}
    for key, value in node.items():
        if key in ("properties", "patternProperties"):  # names of properties, not keywords
            tidy[key] = {name: _tidied(sub, definitions, recursive) for name, sub in value.items()}
        elif key in ("enum", "const", "examples"):
            tidy[key] = value
        elif key not in DROPPED:
            tidy["anyOf" if key == "oneOf" else key] = _tidied(value, definitions, recursive)
    if "properties" in tidy:
        tidy["required"] = list(tidy["properties"])
        tidy.setdefault("additionalProperties", False)
    return tidy


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {k: v for k, v in schema.items() if k != "$defs"}
    outer: dict[str, Any] = {
        "type": "object",
        "properties": {WRAPPER: inner},
        "required": [WRAPPER],
        "additionalProperties": False,
    }
    return {**outer, "$defs": schema["$defs"]} if "$defs" in schema else outer


def _strict(node: Any) -> bool:
    """Whether a provider's strict mode can hold a model to it."""
    if not isinstance(node, dict) or not node:
        return False  # "anything"
    node = cast("dict[str, Any]", node)
    free_keys = node.get("type") == "object" and node.get("additionalProperties") is not False
    if free_keys or LOOSE & node.keys():
        return False
    inside = [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", [])]
    inside += [node["items"]] if "items" in node else []
    return all(map(_strict, inside))


def _reaches(definitions: Mapping[str, Any], start: str, goal: str) -> bool:
    """Whether definition ``start`` holds ``goal``, at any depth."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in _references(definitions[waiting.pop()]):
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return False


def _references(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        for key, value in cast("dict[str, Any]", node).items():
            if key == "$ref":
                yield _target(value)
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for item in cast("list[Any]", node):
            yield from _references(item)


def _target(reference: str) -> str:
    return reference.removeprefix("#/$defs/")


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", None) or str(kind)


def _identifier(name: str) -> str:
    """As providers take it: letters, digits, ``_`` and ``-``, at most 64."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:64] or "answer"


def _faults(invalid: ValidationError) -> str:
    errors = invalid.errors(include_url=False, include_context=False)
    listed = [
        f"{'.'.join(map(str, e['loc'])) or 'the value'}: {_lower(e['msg'])}"
        + ("" if e["type"] == "missing" else f" (got {_short(e['input'])})")
        for e in errors[:MOST_FAULTS]
    ]
    more = [f"and {len(errors) - MOST_FAULTS} more"] if len(errors) > MOST_FAULTS else []
    return "; ".join(listed + more)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
