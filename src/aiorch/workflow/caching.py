"""Results that other runs may use: the key says what a task is and what it was given."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from aiorch.types import Outcome, from_json, to_json
from aiorch.workflow.missing import Lack
from aiorch.workflow.nodes import Ask, Call, Loop, Sub, Use, Work
from aiorch.workflow.services import ResultCache
from aiorch.workflow.signature import called

log = logging.getLogger("aiorch")

_NOTHING: Any = object()


def result_key(work: Work, values: Mapping[str, Any]) -> str | None:
    """Under what the result of ``work`` with these values is kept; ``None`` where a value cannot be written as JSON.

    A function is told by its module, its name and its code, a workflow inside by its version; where a task stands, and
    what it is called, does not matter.
    """
    try:
        given = {name: to_json(value) for name, value in values.items()}
        told = json.dumps([_described(work), sorted(given.items())])
    except Exception:  # whatever pydantic says of classes that it cannot write
        return None
    return hashlib.sha256(told.encode()).hexdigest()


async def cached(
    cache: ResultCache, key: str, seconds: float, kind: Any, effect: Callable[[], Awaitable[Any]]
) -> Any:
    """What the cache has under ``key``, or else what ``effect`` gives, which is then kept for so long.

    A cache that fails, and a result that cannot be written, cost nothing but the result's being made again.
    """
    try:
        text = await cache.get(key)
        found = _NOTHING if text is None else from_json(kind, text)
    except Exception:
        log.warning("a cached result could not be read; the task is carried out", exc_info=True)
        found = _NOTHING
    if found is not _NOTHING:
        if isinstance(found, Outcome):
            return replace(cast("Outcome[Any]", found), cached=True, cost=Decimal(0))
        return found
    value = await effect()
    if isinstance(value, Lack):
        return value
    try:
        await cache.put(key, to_json(value, kind), seconds)
    except Exception:
        log.warning("a result could not be kept in the cache", exc_info=True)
    return value


def _described(work: Work) -> list[str]:
    """What makes two tasks the same, as texts."""
    if isinstance(work, Call):
        code = getattr(work.function, "__code__", None)
        body = (
            "" if code is None else hashlib.sha256(code.co_code + repr(code.co_consts).encode()).hexdigest()
        )
        return ["call", getattr(work.function, "__module__", ""), called(work.function), body]
    if isinstance(work, Ask):
        tools = [tool.spec.name for tool in work.tools]
        said = (work.prompt.text, work.agent, work.system, work.parameters, work.output, tools)
        return ["ask", *map(repr, said)]
    if isinstance(work, Use):
        constants = {name: to_json(value) for name, value in work.arguments.items()}
        return ["use", work.tool.spec.name, json.dumps(constants, sort_keys=True)]
    if isinstance(work, Sub | Loop):
        more = (work.most, work.until, sorted(work.carry.items())) if isinstance(work, Loop) else ()
        return [type(work).__name__, work.graph.version, repr(more)]
    return [repr(work)]
