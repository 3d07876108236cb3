"""The checks that need nothing but the answer: each says true, false, or ``None`` where it has nothing to go by."""

from __future__ import annotations

from typing import Any

from aiorch.protocols import Check
from aiorch.quality.answers import NoJSON, fenced, json_in, unclosed_fence, unclosed_json, without_thinking
from aiorch.quality.repetition import SHORTEST_CIRCLE, longest_loop
from aiorch.types import CheckResult, Response, Task

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
"""Characters that take up no space: an answer of nothing else is empty too."""
MOST_FAULTS = 5
"""Faults that a message lists; a model that is told more mends less."""


class NotEmpty:
    """The answer has text, or asks for a tool."""

    name = "not_empty"
    _holds = CheckResult(name, True)

    async def check(self, task: Task, response: Response) -> CheckResult:
        """Never ``None``."""
        message = response.message
        if message.text.strip().strip(INVISIBLE).strip() or message.tool_calls:
            return self._holds
        return CheckResult(self.name, False, "the answer is empty")


class NotTruncated:
    """The answer came to its end: not cut off by a limit, no code block or JSON left open."""

    name = "not_truncated"
    _holds = CheckResult(name, True)

    async def check(self, task: Task, response: Response) -> CheckResult:
        """``None`` where a filter ended it."""
        text = without_thinking(response.message.text).strip()
        if response.finish == "length":
            return CheckResult(self.name, False, "the answer was cut off at its token limit")
        if response.finish == "content_filter":
            return CheckResult(self.name, None, "a filter of the provider ended the answer")
        if unclosed_fence(text):
            return CheckResult(self.name, False, "the last code block is not closed")
        if task.schema is not None:
            meant = fenced(text)[:1] or [text]  # JSON often comes in a code block
            if meant[0].startswith(("{", "[")) and unclosed_json(meant[0]):
                return CheckResult(self.name, False, "the JSON is not closed")
        return self._holds


class NoRepetition:
    """The answer does not go round in circles."""

    name = "no_repetition"
    _holds = CheckResult(name, True)

    async def check(self, task: Task, response: Response) -> CheckResult:
        """``None`` where there is no text."""
        text = response.message.text
        if not text.strip():
            return CheckResult(self.name, None, "there is no text")
        if len(text) < SHORTEST_CIRCLE:
            return self._holds
        loop = longest_loop(text)
        if loop is None or not loop.degenerate:
            return self._holds
        unit = " ".join(loop.unit.split())
        shown = unit if len(unit) <= 60 else unit[:57] + "..."
        return CheckResult(
            self.name, False, f"{shown!r} is repeated {loop.times} times, {loop.share:.0%} of the answer"
        )


class FitsSchema:
    """The answer is JSON that fits the task's schema (draft 2020-12)."""

    name = "schema"
    _holds = CheckResult(name, True)
    _unasked = CheckResult(name, None, "no schema was asked for")

    async def check(self, task: Task, response: Response) -> CheckResult:
        """``None`` where the task has no schema, or the model asks for a tool first."""
        if task.schema is None:
            return self._unasked
        if response.message.tool_calls:
            return CheckResult(self.name, None, "the model asks for a tool first")
        try:
            value = json_in(response.message.text)
        except NoJSON as none:
            return CheckResult(self.name, False, f"the answer is not JSON: {none}")
        # Only here, since it takes longer to import than all of aiorch.
        from jsonschema import Draft202012Validator
        from referencing import Registry

        # An empty registry: a schema's "$ref" must not make us fetch anything.
        validator: Any = Draft202012Validator(task.schema.schema, registry=Registry())
        faults = list(validator.iter_errors(value))
        if not faults:
            return self._holds
        listed = [f"{e.json_path}: {_short(e.message)}" for e in faults[:MOST_FAULTS]]
        more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        return CheckResult(self.name, False, "; ".join(listed + more))


CHECKS: tuple[Check, ...] = (NotEmpty(), NotTruncated(), NoRepetition(), FitsSchema())
"""What is checked of every answer."""


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:197] + "..."
