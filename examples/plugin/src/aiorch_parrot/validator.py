"""Prompts in capitals are read in a calm voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aiorch.types import Issue, Message, Stage, Task, Text, Verdict


class NoShouting:
    """Puts prompts that are written in capitals into lower case."""

    name = "no_shouting"
    stages: frozenset[Stage] = frozenset({"input"})

    async def validate(self, stage: Stage, content: Sequence[Message], task: Task) -> Verdict:
        """``redact`` where somebody shouts, with what is read instead; otherwise ``allow``."""
        if not any(_shouted(message) for message in content):
            return Verdict(stage, "allow")
        issue = Issue(
            "shouting", "the prompt is in capitals and is read in lower case", "info", detector=self.name
        )
        return Verdict(stage, "redact", (issue,), tuple(map(_calm, content)))


def _shouted(message: Message) -> bool:
    return message.role == "user" and message.text.isupper()


def _calm(message: Message) -> Message:
    if not _shouted(message):
        return message
    parts = (
        replace(part, text=part.text.lower()) if isinstance(part, Text) else part for part in message.parts
    )
    return replace(message, parts=tuple(parts))
