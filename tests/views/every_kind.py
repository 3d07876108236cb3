"""A workflow with every kind of task, every kind of edge, and workflows in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiorch.types import ToolSpec
from aiorch.workflow import Workflow


class Now:
    """A tool."""

    spec = ToolSpec(
        "now",
        "The time <i>somewhere</i>.",
        {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]},
    )
    idempotent = True

    async def call(self, arguments: Mapping[str, Any]) -> str:
        return f"noon in {arguments['zone']}"


def is_long(text: str) -> bool:
    return len(text) > 3


def every_kind() -> Workflow:
    polish = Workflow("polish")
    polish.ask("better", "Improve:\n{draft}")
    polish.ask("good", "Is this good?\n{better}", output=bool)
    polish.gives("better")
    claims = Workflow("claims")
    claims.ask("found", "What does this claim? {text}", output=list[str])
    claims.ask("holds", "Is {claim} true?", output=bool).map(claim="found", limit=4)

    flow = Workflow("letters")
    flow.ask("kind", "What is {letter}?", agent="analysis_agent", retry=3, timeout=30)
    flow.use("time", Now())
    flow.ask("reply", "Answer {letter} at {time}", cache=3600).when("kind", "question")
    flow.ask("short", "Shorten {reply}").when("reply", is_long).when("urgent", False)
    flow.loop("final", polish, most=3, until="good", carry={"draft": "better"}, uses={"draft": "letter"})
    flow.sub("checked", claims, uses={"text": "final"})
    flow.approve("ok", "Send this?\n{final}", timeout=86_400)
    flow.wait_for("paid", "payment")
    flow.sleep("pause", 90, after=["paid"])

    @flow.task(resources="printer", after=["ok", "pause"], on_error="skip", tags="out", idempotent=False)
    def send(final: str, short: str = "") -> str:
        return short or final

    return flow
