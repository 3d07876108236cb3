"""One tool call carried out: whatever goes wrong becomes a result that the model can react to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import anyio

from aiorch.errors import InputError, ToolError, nearest
from aiorch.protocols import Tool
from aiorch.types import Provenance, ToolCall, ToolResult

TIMEOUT = 60.0
"""Seconds for one call."""
LIMIT = 20_000
"""Characters of one result, about 5,000 tokens: more would push the conversation out of a small model's context."""


class ToolRunner:
    """Carries out what a model asks for, one call at a time.

    ``timeout`` in seconds, ``limit`` in characters of a result, ``redact`` for what errors say.
    """

    def __init__(
        self, *, timeout: float = TIMEOUT, limit: int = LIMIT, redact: Callable[[str], str] = str
    ) -> None:
        self.timeout = timeout
        self.limit = limit
        self._redact = redact

    async def call(self, call: ToolCall, tools: Iterable[Tool]) -> ToolResult:
        """Call the tool that ``call`` names.

        An unknown tool, arguments that are no JSON or do not fit, an exception and a lack of time all give a result
        with ``is_error``. Keys are removed from errors, and of a long result the middle is left out, with a notice.

        :raises ToolError: when the tool raises it, to end the task.
        """
        by_name = {t.spec.name: t for t in tools}
        wanted = by_name.get(call.name)
        if wanted is None:
            near = nearest(call.name, by_name, most=1)
            offer = f"did you mean {near[0]!r}? " if near else ""
            return self._error(
                call, f"there is no tool {call.name!r}: {offer}there is {', '.join(by_name) or 'none'}"
            )
        if call.raw is not None:
            return self._error(
                call, f"the arguments of {call.name} must be a JSON object, not: {call.raw[:200]}"
            )
        try:
            with anyio.move_on_after(self.timeout):
                said = cast(object, await wanted.call(call.arguments))
                text = said if isinstance(said, str) else str(said)  # a plugin may give back anything
                return self._result(call, text)
        except ToolError:
            raise
        except InputError as wrong:
            return self._error(call, str(wrong))
        except Exception as failed:
            return self._error(call, f"{type(failed).__name__}: {failed}")
        return self._error(call, f"{call.name} did not finish within {self.timeout:g} s and was given up")

    def _result(self, call: ToolCall, text: str, *, is_error: bool = False) -> ToolResult:
        sendable = (
            text if text.isascii() else text.encode("utf-8", "replace").decode()
        )  # no half surrogate pairs
        return ToolResult(call.id, shortened(sendable, self.limit), is_error, Provenance("tool", call.name))

    def _error(self, call: ToolCall, why: str) -> ToolResult:
        return self._result(call, self._redact(why), is_error=True)


def shortened(text: str, limit: int) -> str:
    """``text`` with its middle left out where it is longer than ``limit`` characters: results say much at both ends.

    >>> shortened("a" * 10, 10)
    'aaaaaaaaaa'
    """
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit - limit * 2 // 3
    left_out = len(text) - head - tail
    notice = f"\n[... {left_out:,} of {len(text):,} characters left out here ...]\n"
    return text[:head] + notice + text[len(text) - tail :]
