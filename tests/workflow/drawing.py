"""Random workflows, of every kind of task with every option."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal

from hypothesis import strategies as st

from aiorch.tools import tool
from aiorch.types import Budget, OwnFields, Parameters
from aiorch.workflow import Workflow
from aiorch.workflow.nodes import Retry
from aiorch.workflow.shapes import record, schema
from aiorch.workflow.signature import ports_of

Odd = type("Odd", (Exception,), {"__module__": __name__})

FUNCTIONS: tuple[Callable[..., Any], ...] = (json.dumps, json.loads, shlex.quote, textwrap.shorten)

TYPES: tuple[Any, ...] = (
    str,
    int,
    float,
    bool,
    dict,
    list,
    Any,
    date,
    Path,
    list[str],
    list[list[int]],
    dict[str, float],
    list[date],
    int | None,
    list[str] | None,
    Literal["bug", "on", "no"],
    list[Literal["a", "b"]],
    record("note", {"title": "str", "kind": ["bug", "letter"], "parts": [{"name": "str?"}]}),
    list[record("part", {"name": "str"})],
    schema({"type": "object", "properties": {"n": {"type": "integer"}}}),
)


@tool
def weather(city: str, day: str = "today") -> str:
    """The weather in a city."""
    return f"{city} {day}"


names = st.from_regex(r"[a-h](-?[a-z0-9_]){0,2}", fullmatch=True)
seconds = st.integers(1, 900) | st.floats(0.5, 900)
plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


def values(nulls: bool = True) -> st.SearchStrategy[Any]:
    """Anything that JSON has."""
    leaves = plain if nulls else plain.filter(lambda one: one is not None)
    return st.recursive(
        leaves, lambda v: st.lists(v, max_size=2) | st.dictionaries(st.text(), v, max_size=2), max_leaves=4
    )


def prompts(holes: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Templates that use some names."""
    words = st.text(max_size=8).map(lambda text: text.replace("{", "{{").replace("}", "}}"))
    return st.lists(words | holes.map("{{{}}}".format), max_size=4).map("".join)


def some(**options: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these options."""
    return st.fixed_dictionaries({}, optional=options)


parameters = some(
    temperature=st.floats(0, 2),
    max_tokens=st.integers(1, 900),
    stop=st.lists(st.text(), max_size=2).map(tuple),
    seed=st.integers(),
    top_p=st.floats(0, 1),
    extra=st.dictionaries(st.text(), st.integers(), max_size=2),
    headers=st.dictionaries(names, st.text(), max_size=2),
    by_provider=st.dictionaries(
        names, st.builds(OwnFields, st.just({"a": [1]}), st.just({"b": "c"})), max_size=1
    ),
).map(lambda said: Parameters(**said))

retries = st.integers(1, 5) | some(
    attempts=st.integers(1, 5),
    delay=seconds,
    factor=seconds,
    longest=seconds,
    jitter=st.booleans(),
    on=st.just((OSError, json.JSONDecodeError)),
).map(lambda said: Retry(**said))


def policies(nulls: bool) -> st.SearchStrategy[dict[str, Any]]:
    """How a task is carried out."""
    words = st.lists(names, max_size=2)
    return some(
        retry=retries,
        timeout=seconds,
        on_error=st.sampled_from(["fail", "skip", "continue"]),
        cache=seconds,
        priority=st.integers(-5, 5),
        resources=words,
        tags=words,
        idempotent=st.booleans(),
    ) | some(fallback=values(nulls), on_error=st.just("continue"))


@st.composite
def workflows(draw: st.DrawFn, depth: int = 1, nulls: bool = True) -> Workflow:
    """A workflow that can be written as data; it need not be able to run."""
    flow = Workflow(draw(st.text(min_size=1, max_size=9)))
    for name in draw(st.lists(names, max_size=2, unique=True)):
        typed = draw(st.sampled_from([(Any, None), (int, 7), (date, date(2026, 1, 31)), (list[str], ["a"])]))
        default = {"default": typed[1]} if typed[1] is not None and draw(st.booleans()) else {}
        flow.input(name, typed[0], about=draw(st.text(max_size=5)), **default)
    tasks = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    sources = st.sampled_from([*tasks, "elsewhere"])
    uses = st.dictionaries(
        st.sampled_from(["x", "city", "day"]), sources | st.lists(sources, min_size=2, max_size=2)
    )
    kinds = ["ask", "call", "use", "approve", "wait_for", "sleep", *(["sub", "loop"] if depth else [])]
    for task in tasks:
        after = draw(st.lists(sources, max_size=2))
        options = {"after": after, **draw(policies(nulls))}
        kind = draw(st.sampled_from(kinds))
        if kind == "ask":
            more = some(
                agent=names,
                system=st.text(max_size=5),
                output=st.sampled_from(TYPES),
                tools=st.just([weather]),
                parameters=parameters,
                budget=some(usd=st.decimals(0, 9, places=3), tokens=st.integers(0, 9)).map(
                    lambda b: Budget(**b)
                ),
            )
            step = flow.ask(task, draw(prompts(names)), **options, **draw(more))
        elif kind == "call":
            thread = draw(st.booleans())
            function = draw(st.sampled_from(FUNCTIONS))
            known = st.sampled_from([port.name for port in ports_of(function, {})[0]])
            moved = draw(st.dictionaries(known, sources | st.lists(sources, min_size=2, max_size=2)))
            step = flow.add(task, function, uses=moved, thread=thread, **options)
        elif kind == "use":
            given = draw(some(city=st.text(max_size=5), day=values(nulls)))
            step = flow.use(task, weather, arguments=given, uses=draw(uses), **options)
        elif kind == "sub":
            inner = draw(workflows(depth - 1, nulls))
            step = flow.sub(task, inner, uses=draw(uses), spread=draw(st.booleans()), **options)
        elif kind == "loop":
            inner = draw(workflows(depth - 1, nulls))
            more = draw(some(until=names, carry=st.dictionaries(names, names, max_size=2)))
            step = flow.loop(task, inner, most=draw(st.integers(1, 5)), uses=draw(uses), **more, **options)
        elif kind == "approve":
            more = some(refused=st.sampled_from(["skip", "continue"]), timeout=seconds)
            step = flow.approve(task, draw(prompts(names)), after=after, **draw(more))
        elif kind == "wait_for":
            more = some(event=names, output=st.sampled_from(TYPES), timeout=seconds)
            step = flow.wait_for(task, after=after, **draw(more))
        else:
            step = flow.sleep(task, draw(seconds), after=after)
        for source in draw(st.lists(sources, max_size=2)):
            step.when(source, draw(values(nulls)))
        taken = [port.name for port in flow.graph().nodes[-1].ports]
        if taken and draw(st.booleans()):
            pairs = {
                inner: draw(sources)
                for inner in draw(st.lists(st.sampled_from(taken), min_size=1, unique=True))
            }
            step.map(
                pairs,
                **draw(
                    some(
                        on_error=st.sampled_from(["fail", "collect"]),
                        label=st.text(max_size=5),
                        most=st.none() | st.integers(1, 9),
                        limit=st.integers(1, 9),
                    )
                ),
            )
    if draw(st.booleans()):
        flow.gives(draw(st.sampled_from(tasks)))
    return flow
