"""What is known of values before anything runs: inputs, defaults, the length of prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from aiorch.workflow.assumptions import VALUE
from aiorch.workflow.graph import Graph
from aiorch.workflow.nodes import REQUIRED, Ask, Loop, Mapped, Node, Sub
from aiorch.workflow.spans import NONE, Span, exactly
from aiorch.workflow.template import Field, written

_LOOKED = 20
"""Items of a list that are looked at to tell how long one is."""
_CHARACTERS = 4
"""Characters a token, in English prose: OpenAI, "What are tokens and how to count them?"."""


def known_values(graph: Graph, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs' values as far as they are known: those that were handed in, and defaults."""
    defaults = {n: one.default for n, one in graph.inputs().items() if one.default is not REQUIRED}
    return {**defaults, **inputs}


def handed_in(node: Node, work: Sub | Loop, values: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the inputs of a workflow inside."""
    inner = {p.name: values[p.source] for p in node.ports if isinstance(p.source, str) and p.source in values}
    for port in node.mapped.over if node.mapped else ():
        if port.name in values:
            inner[port.name] = values[port.name]
    for name in work.carry if isinstance(work, Loop) else ():
        inner.pop(name, None)  # another value from the second round on
    return known_values(work.graph, inner)


def typical_items(mapped: Mapped, values: Mapping[str, Any]) -> dict[str, Any]:
    """For the names of items one that is as long as most, where the lists are known."""
    found: dict[str, Any] = {}
    for port in mapped.over:
        items = values.get(port.sources[0])
        if isinstance(items, list | tuple) and items:
            few: Sequence[Any] = cast("Sequence[Any]", items)[:_LOOKED]
            found[port.name] = sorted(few, key=lambda one: len(written(one)))[len(few) // 2]
    return found


def prompt_tokens(work: Ask, values: Mapping[str, Any]) -> tuple[Span[int], bool]:
    """Tokens of a prompt, and whether all of its values are known."""
    characters = len(work.system or "")
    unknown = NONE
    for piece in work.prompt.pieces:
        if not isinstance(piece, Field):
            characters += len(piece)
        elif piece.name in values and not piece.path:
            characters += len(written(values[piece.name]))
        else:
            unknown = unknown + VALUE
    return exactly(characters // _CHARACTERS + 1) + unknown, unknown == NONE
