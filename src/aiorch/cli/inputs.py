"""From words on the command line to a workflow's inputs, in the types that it wants."""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from aiorch.errors import InputError, nearest
from aiorch.workflow import Input


def read(inputs: Mapping[str, Input], words: Sequence[str], stated: Sequence[str] = ()) -> dict[str, Any]:
    """The values that ``words`` and ``stated`` (``NAME=VALUE``) give.

    ``NAME=VALUE`` and ``--NAME VALUE`` set an input; a word without a name goes to the first input that is a list, or
    to the only one.

    :raises InputError: for an input that is unknown, missing, given twice, or has a value that does not fit.
    """
    texts: dict[str, list[str]] = {}
    bare: list[str] = []
    for name, value in _paired(inputs, words, stated):
        if name is None:
            bare.append(value)
        else:
            texts.setdefault(_known(name, inputs), []).append(value)
    if bare:
        texts.setdefault(_taker(inputs, bare), []).extend(bare)
    missing = [one for one in inputs.values() if one.required and one.name not in texts]
    if missing:
        listed = ", ".join(f"{one.name} ({told(one.type)})" for one in missing)
        example = " ".join(f"{one.name}=..." for one in missing)
        raise InputError(f"the workflow needs a value for {listed}: add {example}")
    return {name: _value(inputs[name], given) for name, given in texts.items()}


def many(kind: Any) -> bool:
    """Whether a type holds several values: ``list[Path]``, ``tuple[str, ...]``, ``set[int] | None``.

    >>> many(list[str]), many(str)
    (True, False)
    """
    origin = get_origin(kind)
    if origin is Annotated:
        return many(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return any(many(member) for member in get_args(kind))
    bare = origin or kind
    return (
        isinstance(bare, type)
        and issubclass(bare, Collection)
        and not issubclass(bare, str | bytes | Mapping)
    )


_HOMES = re.compile(r"\b(?:typing|pathlib(?:\._local)?|collections\.abc)\.")
"""Modules that people do not write before a type's name (Python 3.13 has paths in ``pathlib._local``)."""


def told(kind: Any) -> str:
    """A type as people write it.

    >>> told(list[Path]), told(int)
    ('list[Path]', 'int')
    """
    if get_origin(kind) is None and isinstance(kind, type):
        return kind.__name__
    return _HOMES.sub("", str(kind))


# --- words to names and texts ------------------------------------------------------------------------------------


def _paired(
    inputs: Mapping[str, Input], words: Iterable[str], stated: Iterable[str]
) -> Iterator[tuple[str | None, str]]:
    for text in stated:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(
                f"--input {text!r} should be NAME=VALUE, for example --input {next(iter(inputs), 'name')}=..."
            )
        yield name, value
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if word.startswith("--") and len(word) > 2:
            name = name[2:].replace("-", "_")
            if not equals:
                kind = inputs[_known(name, inputs, option=True)].type
                if left and not left[0].startswith("--"):
                    value = left.pop(0)
                elif kind is bool:
                    value = "true"
                else:
                    raise InputError(f"--{name} needs a value ({told(kind)})")
            yield _known(name, inputs, option=True), value
        elif equals and (name in inputs or (name.isidentifier() and not Path(word).exists())):
            yield name, value
        elif word[:1] == "-" and word[1:2].isalpha() and not Path(word).exists():
            raise InputError(f"unknown option {word}; `aiorch run --help` lists the options")
        else:
            yield None, word


def _known(name: str, inputs: Mapping[str, Input], *, option: bool = False) -> str:
    if name in inputs:
        return name
    near = nearest(name, (*inputs, *OPTIONS) if option else inputs)
    offer = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    takes = ", ".join(f"{one.name} ({told(one.type)})" for one in inputs.values()) or "none"
    what = f"option --{name}, and the workflow has no input of that name" if option else f"input {name!r}"
    raise InputError(f"unknown {what}.{offer} The workflow's inputs: {takes}.")


OPTIONS = (
    *("input", "cache", "limit", "limits", "engine", "run-id", "dry-run", "mermaid", "html", "offline"),
    *("json", "debug", "help"),
)
"""The options of ``aiorch run``, for whoever mistypes one: what looks like an unknown option is taken for an input."""


def _taker(inputs: Mapping[str, Input], bare: Sequence[str]) -> str:
    """Which input takes words without a name."""
    lists = [name for name, one in inputs.items() if many(one.type)]
    if lists:
        return lists[0]
    if len(inputs) == 1 and len(bare) == 1:
        return next(iter(inputs))
    known = ", ".join(f"{one.name} ({told(one.type)})" for one in inputs.values())
    if not inputs:
        raise InputError(f"the workflow takes no input, and {bare[0]!r} was given")
    if len(inputs) == 1:
        raise InputError(
            f"the workflow takes one value, {known}, and {len(bare)} were given: put quotes around it, "
            f'{next(iter(inputs))}="{" ".join(bare)[:60]}"'
        )
    raise InputError(f"{bare[0]!r} is for which input? Write NAME={bare[0]}; the workflow's inputs: {known}.")


# --- texts to values ---------------------------------------------------------------------------------------------


def _value(wanted: Input, texts: Sequence[str]) -> Any:
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation

    several = many(wanted.type)
    if len(texts) > 1 and not several:
        raise InputError(
            f"the input {wanted.name!r} takes one value ({told(wanted.type)}), and got {len(texts)}: {', '.join(texts)}"
        )
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(wanted.type)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation):
        raise InputError(
            f"the input {wanted.name!r} is a {told(wanted.type)}, which cannot be written on a command line: "
            "run the workflow from Python, Orchestrator().execute(flow, ...)"
        ) from None
    as_json = texts[0].lstrip()[:1] in ("[", "{") and len(texts) == 1
    try:
        return adapter.validate_python(list(texts) if several else texts[0])
    except ValidationError as wrong:
        if not as_json:
            raise _unfit(wanted, texts, wrong) from None
    try:
        return adapter.validate_json(texts[0])
    except ValidationError as wrong:
        raise _unfit(wanted, texts, wrong) from None


def _unfit(wanted: Input, texts: Sequence[str], wrong: Any) -> InputError:
    first = wrong.errors(include_url=False)[0]
    where = first["loc"]
    text = texts[where[0]] if where and isinstance(where[0], int) and where[0] < len(texts) else texts[0]
    inside = ".".join(map(str, where)) if where and not isinstance(where[0], int) else ""
    said = first["msg"][:1].lower() + first["msg"][1:]
    return InputError(
        f"the input {wanted.name!r} should be {told(wanted.type)}, and {text!r} is not: "
        f"{inside + ': ' if inside else ''}{said}"
    )
