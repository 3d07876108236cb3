"""How hard a task is, by a rule that can be read: simple, moderate or complex.

The signs are counted, not weighed by a model, so :func:`judge` can always say why. A task that knows better sets
its own ``complexity``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiorch.types import Complexity, Task
from aiorch.types.quick import quick

LONG = 2_000
"""Characters of prompt from which on a task counts as long (about 500 tokens)."""
VERY_LONG = 8_000
SHORT = 200

_DEMANDS = re.compile(
    r"\b(prove|derive|design|architect\w*|refactor\w*|optimi[sz]e\w*|debug\w*|trade-?offs?|step[- ]by[- ]step|compare|"
    r"analy[sz]e\w*|evaluat\w+|plan|algorithms?|concurren\w+|distributed|migrat\w+|edge cases?)\b",
    re.IGNORECASE,
)
_STEPS = re.compile(r"^[ \t]*(?:\d+[.)]|[-*•])[ \t]+\S", re.MULTILINE)


@quick
@dataclass(frozen=True, slots=True)
class Judged:
    """A complexity and the signs that led to it."""

    complexity: Complexity
    signs: tuple[str, ...]


_SIMPLE = Judged("simple", ("short, and nothing demanding in it",))


def judge(task: Task) -> Judged:
    """The task's own word, or a count of signs: none and short is simple, three or more is complex.

    >>> judge(Task.of("What is the capital of Italy?")).complexity
    'simple'
    """
    if task.complexity is not None:
        return Judged(task.complexity, ("set by the task",))
    text = task.text
    signs: list[str] = []
    if len(text) > VERY_LONG:
        signs += ["very long prompt", "long prompt"]
    elif len(text) > LONG:
        signs.append("long prompt")
    demands = sorted({m.group(0).lower() for m in _DEMANDS.finditer(text[:VERY_LONG])})
    signs += [f"mentions {d}" for d in demands[:3]]
    if "\n" in text and len(_STEPS.findall(text[:VERY_LONG])) >= 3:
        signs.append("several requirements")
    if "```" in text:
        signs.append("contains code")
    if task.tools:
        signs.append("may use tools")
    if len(signs) >= 3:
        return Judged("complex", tuple(signs))
    if not signs and len(text) <= SHORT:
        return _SIMPLE
    return Judged("moderate", tuple(signs) or ("nothing demanding in it",))
