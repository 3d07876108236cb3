"""A stream's pieces against its whole answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from aiorch.testing.conformance.suite import hold, wrong
from aiorch.types import ReasoningDelta, Response, StreamPart, TextDelta, ToolCallDelta

SAME = "the deltas of a stream join to the message of its Response: who watches sees what who waits gets"


def check_part(part: object) -> None:
    """Only deltas and a Response come out of a stream."""
    hold(
        isinstance(part, TextDelta | ReasoningDelta | ToolCallDelta | Response),
        f"the stream yielded {type(part).__name__} {part!r:.60}",
        "a stream yields TextDelta, ReasoningDelta, ToolCallDelta, and a Response last",
        "wrap text as TextDelta(text)",
    )


def check_joined(deltas: Sequence[StreamPart], response: Response) -> None:
    """What was shown is what the answer says."""
    said = "".join(d.text for d in deltas if isinstance(d, TextDelta))
    hold(
        said == response.message.text,
        f"the text deltas join to {said!r:.80}, the Response says {response.message.text!r:.80}",
        SAME,
        "build the Response from the very pieces that were yielded",
    )
    thought = "".join(d.text for d in deltas if isinstance(d, ReasoningDelta))
    hold(
        thought == response.message.reasoning,
        f"the reasoning deltas join to {thought!r:.80}, the Response has {response.message.reasoning!r:.80}",
        SAME,
        "yield a ReasoningDelta for each piece of thinking",
    )
    _check_calls([d for d in deltas if isinstance(d, ToolCallDelta)], response)


def _check_calls(deltas: Sequence[ToolCallDelta], response: Response) -> None:
    calls = response.message.tool_calls
    by_index: dict[int, list[ToolCallDelta]] = {}
    for delta in deltas:
        by_index.setdefault(delta.index, []).append(delta)
    if not by_index and calls:
        return wrong(
            f"the Response calls {calls[0].name!r}, and no delta showed it", SAME, "yield ToolCallDeltas"
        )
    joined = [_joined(by_index[index]) for index in sorted(by_index)]
    asked = [(call.id, call.name, dict(call.arguments)) for call in calls if call.raw is None]
    if any(call.raw is not None for call in calls):
        joined = [call for call in joined if call[2] is not None]
    hold(joined == asked, f"the deltas call {joined!r:.120}, the Response calls {asked!r:.120}", SAME, _CURE)


_CURE = "the first ToolCallDelta of an index carries id and name, all of them pieces of the arguments' JSON"


def _joined(pieces: Sequence[ToolCallDelta]) -> tuple[str | None, str | None, dict[str, Any] | None]:
    text = "".join(p.arguments for p in pieces)
    try:
        read: object = json.loads(text or "{}")
    except ValueError:
        read = None
    arguments = cast("dict[str, Any]", read) if isinstance(read, dict) else None
    return pieces[0].id, pieces[0].name, arguments
