"""Prompts with holes: ``{name}`` takes a value, ``{name.attr}`` and ``{name[0]}`` look inside it, ``{{`` is a brace.

Looks like :meth:`str.format` and is safer: a field cannot reach private names or call anything, and what a value
contains is never read as a template again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any, cast

_FIELD = re.compile(r"(?P<name>[^\W\d][\w-]*)(?P<path>(?:\.[^\W\d]\w*|\[[^\[\]]+\])*)\Z")
_STEP = re.compile(r"\.(?P<attr>\w+)|\[(?P<index>[^\[\]]+)\]")


class TemplateError(ValueError):
    """The template is malformed, or a value has not got what a field asks for."""


@dataclass(frozen=True, slots=True)
class Field:
    """One hole: whose value, the way inside it, and how it is written."""

    name: str
    path: tuple[str | int, ...] = ()
    conversion: str | None = None
    spec: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed prompt.

    >>> Template.parse("Dear {person.name}, {{not a field}}").names
    ('person',)
    >>> Template.parse("{n:.1f} of {words[1]}").render({"n": 2, "words": ["a", "b"]})
    '2.0 of b'
    """

    text: str
    pieces: tuple[str | Field, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template.

        :raises TemplateError: saying where it is malformed.
        """
        pieces: list[str | Field] = []
        try:
            for literal, name, spec, conversion in Formatter().parse(text):
                if literal:
                    pieces.append(literal)
                if name is not None:
                    pieces.append(_field(name, spec or "", conversion))
        except TemplateError:
            raise
        except (
            ValueError
        ) as wrong:  # the standard parser's own words: "Single '}' encountered in format string"
            raise TemplateError(f"{wrong}; write {{{{ and }}}} for braces that are meant as text") from None
        return cls(text, tuple(pieces))

    @property
    def names(self) -> tuple[str, ...]:
        """Whose values it takes, in order of first use."""
        return tuple(dict.fromkeys(p.name for p in self.pieces if isinstance(p, Field)))

    def render(self, values: Mapping[str, Any]) -> str:
        """The text with every hole filled.

        :raises TemplateError: when a value has not got the attribute, key or index that a field asks for.
        """
        return "".join(p if isinstance(p, str) else _write(p, _reach(p, values[p.name])) for p in self.pieces)


def written(value: object) -> str:
    """A value as a model reads it: text as it is, structured data as JSON.

    >>> written(["a", "b"])
    '["a","b"]'
    """
    if isinstance(value, str):
        return value
    structured = isinstance(value, Mapping | list | tuple | set | frozenset)
    if (
        not structured
        and not hasattr(value, "model_dump_json")
        and not hasattr(value, "__dataclass_fields__")
    ):
        return str(value)
    from aiorch.types import to_json

    thing = cast("object", value)
    try:
        return to_json(thing)
    except Exception:  # whatever pydantic cannot describe: any class of the user's may be inside
        return str(thing)


def _field(name: str, spec: str, conversion: str | None) -> Field:
    shown = "{" + name + "}"
    found = _FIELD.match(name)
    if not found:
        empty = "needs a name" if not name else "is not a name, name.attribute or name[index]"
        raise TemplateError(
            f"the field {shown} {empty}; write {{{{ and }}}} for braces that are meant as text"
        )
    if conversion not in (None, "r", "s", "a"):
        raise TemplateError(f"the field {shown} has the conversion !{conversion}; there are !s, !r and !a")
    if "{" in spec or "}" in spec:
        raise TemplateError(f"the field {shown} has a nested field in its format; that is not supported")
    path: list[str | int] = []
    for step in _STEP.finditer(found["path"]):
        attr, index = step["attr"], step["index"]
        if (attr or "").startswith("_"):
            raise TemplateError(
                f"the field {shown} asks for a private name; only public attributes can be read"
            )
        path.append(attr if attr else int(index) if index.lstrip("-").isdecimal() else index)
    return Field(found["name"], tuple(path), conversion, spec)


def _reach(field: Field, value: Any) -> Any:
    for step in field.path:
        holder = value
        try:
            value = _inside(holder, step)
        except (AttributeError, LookupError, TypeError):
            kind = type(holder).__name__
            raise TemplateError(f"{field.name!r} gave a {kind}, which has no {step!r}") from None
        if callable(value):
            raise TemplateError(f"{field.name}.{step} is a method; a prompt can read values and call nothing")
    return value


def _inside(holder: Any, step: str | int) -> Any:
    if isinstance(step, int) or isinstance(holder, Mapping):
        return cast("Any", holder)[step]
    if step.startswith("_"):  # {x[__class__]}: any key of a mapping may be read, but no private attribute
        raise LookupError(step)
    return getattr(holder, step)


def _write(field: Field, value: Any) -> str:
    if field.conversion:
        converted = Formatter().convert_field(value, field.conversion)
        return format(converted, field.spec)
    if field.spec:
        try:
            return format(value, field.spec)
        except (TypeError, ValueError) as wrong:
            raise TemplateError(f"{field.name!r} cannot be written as {field.spec!r}: {wrong}") from None
    return written(value)
