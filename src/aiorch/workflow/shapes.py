"""Types as plain data: ``{title: str, topics: list[str]}``, a JSON schema, ``module:Class``; there and back.

pydantic is imported when a shape is made.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, cast, get_args, get_origin

from aiorch.workflow.references import named_type, reference

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

WORDS: Mapping[str, Any] = {
    "str": str,
    "string": str,
    "int": int,
    "integer": int,
    "float": float,
    "number": float,
    "bool": bool,
    "boolean": bool,
    "any": Any,
    "dict": dict,
    "list": list,
}
"""What a type may be called; ``list[...]`` and ``dict[str, ...]`` around one, ``?`` behind one that may be null."""

_LIST = re.compile(r"list\[(?P<inside>.+)\]\Z")
_DICT = re.compile(r"dict\[str,(?P<inside>.+)\]\Z")
_FIELDS = "__aiorch_fields__"
"""Where a model that was made from a mapping keeps it."""


@dataclass(frozen=True, slots=True, eq=False)
class FromSchema:
    """Marks a type that was made from a JSON schema."""

    document: Mapping[str, Any]


def record(name: str, fields: Mapping[str, Any]) -> Any:
    """A model with these fields: ``{"title": "str", "kind": ["bug", "letter"], "parts": [{"name": "str"}]}``.

    A list of words is a choice of them; a mapping is a record inside; a list of one mapping is a list of such records.

    :raises ValueError: naming the field and what it may be.
    """
    from pydantic import ConfigDict, create_model

    made: dict[str, Any] = {key: (word(f"{name}.{key}", kind), ...) for key, kind in fields.items()}
    title = "".join(word.capitalize() for word in re.split(r"\W+|_", name)) or "Answer"
    model = create_model(title, __config__=ConfigDict(extra="forbid"), **made)
    setattr(model, _FIELDS, dict(fields))
    return model


def schema(document: Mapping[str, Any]) -> Any:
    """A type whose JSON schema is ``document``: a dictionary that is checked against it.

    :raises ValueError: when ``document`` is no JSON schema of an object.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from pydantic import AfterValidator, WithJsonSchema

    try:
        Draft202012Validator.check_schema(document)
    except SchemaError as wrong:
        raise ValueError(f"this is no JSON schema: {wrong.message}") from None
    if document.get("type") != "object":
        raise ValueError("the schema of an answer must have 'type: object'")
    checker = cast("Validator", Draft202012Validator(document))

    def check(value: dict[str, Any]) -> dict[str, Any]:
        wrong = next(iter(checker.iter_errors(value)), None)
        if wrong is not None:
            raise ValueError(f"{wrong.json_path}: {wrong.message}")
        return value

    return Annotated[
        dict[str, Any], AfterValidator(check), WithJsonSchema(dict(document)), FromSchema(document)
    ]


def word(where: str, kind: Any) -> Any:
    """The type that a word, a choice of words or a mapping means. :raises ValueError: naming ``where``."""
    if isinstance(kind, Mapping):
        return record(where.rpartition(".")[2], cast("Mapping[str, Any]", kind))
    if isinstance(kind, list):
        items = cast("list[Any]", kind)
        if len(items) == 1 and isinstance(items[0], Mapping | list):
            return list[word(where, items[0])]
        if items and all(isinstance(i, str) for i in items):
            return Literal[tuple(items)]
    if isinstance(kind, str):
        called = kind.replace(" ", "")
        if called.endswith("?"):
            return word(where, called[:-1]) | None
        for pattern, around in _AROUND:
            inside = pattern.match(called)
            if inside:
                return around(word(where, inside["inside"]))
        if called in WORDS:
            return WORDS[called]
        if ":" in called:
            return named_type(where, called)
    known = (
        "str, int, float, bool, any, dict, list[...] or dict[str, ...] of one, module:Class, "
        "a list of words to choose from, or a mapping"
    )
    raise ValueError(f"{where} is {kind!r}; it can be {known}")


def said(kind: Any, name: Callable[[Any], str] = reference) -> Any:
    """The word, list or mapping that means a type: what :func:`word` reads.

    >>> said(list[int]), said(str | None), said(Literal["bug", "letter"])
    ('list[int]', 'str?', ['bug', 'letter'])

    :param name: what to call a class.
    :raises ValueError: when there are no words for it; with the cure.
    """
    for called, known in WORDS.items():  # the first of two words for a type
        if kind is known:
            return called
    origin, args = get_origin(kind), get_args(kind)
    if origin is list:
        return _around("list[", said(args[0], name))
    if origin is dict and args[0] is str:
        inside = said(args[1], name)
        if isinstance(inside, str):
            return f"dict[str, {inside}]"
    if origin is Literal and all(isinstance(one, str) for one in args):
        return list(args)
    if origin in (Union, types.UnionType) and len(args) == 2 and type(None) in args:
        inside = said(args[0] if args[1] is type(None) else args[1], name)
        if isinstance(inside, str):
            return f"{inside}?"
    if origin is None:
        fields: Any = getattr(kind, "__dict__", {}).get(_FIELDS)
        return name(kind) if fields is None else fields
    told = str(kind).replace("typing.", "")
    raise ValueError(
        f"there are no words for the type {told}: make it a class of a module, a pydantic model say"
    )


def schema_said(kind: Any) -> Mapping[str, Any] | None:
    """The JSON schema that a type was made from."""
    return next((one.document for one in get_args(kind) if isinstance(one, FromSchema)), None)


def _around(opening: str, inside: Any) -> Any:
    return f"{opening}{inside}]" if isinstance(inside, str) else [inside]


_AROUND: tuple[tuple[re.Pattern[str], Callable[[Any], Any]], ...] = (
    (_LIST, lambda kind: list[kind]),
    (_DICT, lambda kind: dict[str, kind]),
)
