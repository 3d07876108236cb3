"""By which way a model on Bedrock is held to a JSON schema. Pure.

Three ways, the best first: ``outputConfig``, which constrains the sampling; a tool that the model has to call, whose
arguments are the answer; and words. Which models take the first is not told by Bedrock's list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiorch.providers.dialects.anthropic.schemas import closed
from aiorch.types import Request

Way = Literal["none", "native", "tool", "words"]

# AWS's guide to structured output and its samples, and what litellm 1.109 knows of each model (2026-11). Of others it
# is refused, or that is not known.
_NATIVE = re.compile(
    r"anthropic\.claude-(?:(?:haiku|sonnet|opus)-4-[56]|[a-z]+-5-\d{1,2})(?!\d)|deepseek\.v3"
    r"|minimax\.minimax-m2|mistral\.(?:ministral-3|mistral-large-3|voxtral)|moonshot\.kimi-k2-thinking"
    r"|nvidia\.nemotron-nano-3|qwen\.qwen3-(?!coder-next)|zai\.glm-5"
)
# Calls cannot be forced since Claude 5.1: "tool_choice: type "tool" and "any" are not supported for this model".
_FREE_TO_CHOOSE = re.compile(r"anthropic\.claude-[a-z]+-(?:5-\d{1,2}(?!\d)|[6-9])")
# The API reference of ToolChoice names Claude and Nova for it.
_HELD_TO_A_TOOL = re.compile(r"anthropic\.claude-|amazon\.nova-")
_THINKS = frozenset({"thinking", "reasoning_config", "reasoningConfig"})
"""Fields that make Claude and Nova think; most of them then refuse to be held to a tool."""


@dataclass(frozen=True, slots=True)
class Shaped:
    """How an answer's shape is asked for."""

    way: Way
    schema: Mapping[str, Any] | None = None
    """As ``outputConfig`` takes it."""


def shaped(model: str, request: Request) -> Shaped:
    """The way for this request; its answer is read by it as well.

    >>> from aiorch.types import JsonSchema, Message
    >>> ask = Request((Message.user("hi"),), schema=JsonSchema({"type": "object"}))
    >>> shaped("us.amazon.nova-lite-v1:0", ask).way
    'tool'
    """
    wanted = request.schema
    if wanted is None:
        return Shaped("none")
    # The same subset of JSON schema as Anthropic's own: closed objects, no constraints beyond types.
    if wanted.strict and _NATIVE.search(model) and (schema := closed(wanted.schema)) is not None:
        return Shaped("native", schema)
    thinks = bool(_THINKS & request.parameters.extra.keys())
    taken = any(tool.name == wanted.name for tool in request.tools)
    held = _HELD_TO_A_TOOL.search(model) and obeys(model)
    if held and not thinks and not taken and wanted.schema.get("type") == "object":
        return Shaped("tool")
    return Shaped("words")


def obeys(model: str) -> bool:
    """False where a model that is told to call a tool is a request that is refused."""
    return _FREE_TO_CHOOSE.search(model) is None
