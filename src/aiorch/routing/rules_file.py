"""Routing rules from a TOML file, everything that is wrong with them named at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from aiorch.errors import ConfigurationError, nearest
from aiorch.routing.pools import Hours, Rule
from aiorch.types import Complexity


def _several(value: object) -> object:
    """``"coding_agent"`` is what people write for a list of one."""
    return [value] if isinstance(value, str) else value


def _hours(value: object) -> Hours:
    begins, dash, ends = value.partition("-") if isinstance(value, str) else ("", "", "")
    try:
        if dash:
            return Hours(time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip()))
    except ValueError:
        pass
    raise ValueError('a part of the day, such as "22:00-06:00"')


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError('a time zone that this machine knows, such as "Europe/Berlin"') from None
    return value


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_several), Field(min_length=1)]
Tokens = Annotated[int, Field(ge=0)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _Written(BaseModel):
    """A rule as people write it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text | None = None
    pool: Text | tuple[Text, ...]
    only: bool = False
    task_type: Texts = ()
    agent: Texts = ()
    tenant: Texts = ()
    user: Texts = ()
    complexity: Annotated[tuple[Complexity, ...], BeforeValidator(_several), Field(min_length=1)] = ()
    tags: dict[str, str] = {}
    min_tokens: Tokens | None = None
    max_tokens: Tokens | None = None
    between: Annotated[Hours | None, BeforeValidator(_hours)] = None
    days: Annotated[tuple[Day, ...], BeforeValidator(_several), Field(min_length=1)] = ()
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    pools: dict[str, Annotated[tuple[Text, ...], Field(min_length=1)]] = {}
    rules: tuple[_Written, ...] = ()


def load_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a file.

    :raises ConfigurationError: when it cannot be read or understood.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise ConfigurationError(f"the routing rules {path} cannot be read: {unreadable}") from unreadable
    return read_rules(text, str(path))


def read_rules(text: str, where: str = "the routing rules") -> tuple[Rule, ...]:
    """The rules of a TOML text. :param where: its name in errors.

    :raises ConfigurationError: when it cannot be understood; all problems are named at once.

    >>> [rule.models for rule in read_rules('[[rules]]\\nagent = "coding_agent"\\npool = ["groq/*"]')]
    [('groq/*',)]
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as malformed:
        raise ConfigurationError(f"{where} is not TOML: {malformed}") from None
    try:
        written = _File.model_validate(document)
    except ValidationError as invalid:
        raise ConfigurationError(
            _said(where, [_problem(dict(e), document) for e in invalid.errors()])
        ) from None
    rules: list[Rule] = []
    problems: list[str] = []
    for number, one in enumerate(written.rules, 1):
        name = one.name or f"rule {number}"
        if isinstance(one.pool, str):
            pool, models = one.pool, written.pools.get(one.pool, ())
            if not models:
                near = nearest(pool, written.pools, 1)
                problems.append(
                    f"{name}: there is no pool {pool!r}" + (f"; did you mean {near[0]!r}?" if near else "")
                )
        else:
            pool, models = "", one.pool
        conditions = one.model_dump(exclude={"name", "pool", "between"})
        rules.append(Rule(name, pool, models, between=one.between, **conditions))
    if problems:
        raise ConfigurationError(_said(where, problems))
    return tuple(rules)


def _said(where: str, problems: list[str]) -> str:
    return f"{where} cannot be used:" + "".join(f"\n  - {p}" for p in problems)


def _problem(error: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """One mistake: in which rule or pool, which field, what it should be."""
    place = [part for part in error["loc"] if not str(part).startswith(("constrained-str", "tuple["))]
    head, rest = str(place[0]), place[1:]
    if head == "rules" and rest:
        table = cast("list[object]", document["rules"])[rest[0]]
        named = cast("dict[str, object]", table).get("name") if isinstance(table, dict) else None
        head, rest = str(named or f"rule {rest[0] + 1}"), rest[1:]
    field = ".".join(str(part) for part in rest)
    if error["type"] == "extra_forbidden":
        known = _Written.model_fields if len(place) > 1 else _File.model_fields
        near = nearest(str(place[-1]), known, 1)
        what = "no condition is called" if len(place) > 1 else "there is no table"
        return f"{head}: {what} {str(place[-1])!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    wanted = str(error["msg"]).removeprefix("Value error, ")
    for theirs, ours in (("Tuple", "List"), ("tuple", "list"), ("dictionary", "table")):
        wanted = wanted.replace(theirs, ours)
    return f"{head}: {field}: {wanted}" if field else f"{head}: {wanted}"
