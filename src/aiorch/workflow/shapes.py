"""Types of answers from plain data: ``{title: str, topics: list[str]}``, or a JSON schema.

pydantic is imported when a shape is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

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
}
"""The types that a field may be called by; ``list[...]`` around one makes a list, ``?`` behind one allows null."""

_LIST = re.compile(r"list\[(?P<inside>.+)\]\Z")


def record(name: str, fields: Mapping[str, Any]) -> Any:
    """A model with these fields: ``{"title": "str", "kind": ["bug", "letter"], "parts": [{"name": "str"}]}``.

    A list of words is a choice of them; a mapping is a record inside; a list of one mapping is a list of such records.

    :raises ValueError: naming the field and what it may be.
    """
    from pydantic import ConfigDict, create_model

    made: dict[str, Any] = {key: (word(f"{name}.{key}", kind), ...) for key, kind in fields.items()}
    title = "".join(word.capitalize() for word in re.split(r"\W+|_", name)) or "Answer"
    return create_model(title, __config__=ConfigDict(extra="forbid"), **made)


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

    return Annotated[dict[str, Any], AfterValidator(check), WithJsonSchema(dict(document))]


def word(where: str, kind: Any) -> Any:
    """The type that a word, a choice of words or a mapping means. :raises ValueError: naming ``where``."""
    if isinstance(kind, Mapping):
        return record(where.rpartition(".")[2], cast("Mapping[str, Any]", kind))
    if isinstance(kind, list):
        items = cast("list[Any]", kind)
        if len(items) == 1 and isinstance(items[0], Mapping):
            return list[record(where.rpartition(".")[2], cast("Mapping[str, Any]", items[0]))]
        if items and all(isinstance(i, str) for i in items):
            return Literal[tuple(items)]
    if isinstance(kind, str):
        called = kind.replace(" ", "")
        if called.endswith("?"):
            return word(where, called[:-1]) | None
        inside = _LIST.match(called)
        if inside:
            return list[word(where, inside["inside"])]
        if called in WORDS:
            return WORDS[called]
    known = "str, int, float, bool, list[...] of one, a list of words to choose from, or a mapping"
    raise ValueError(f"{where} is {kind!r}; it can be {known}")
