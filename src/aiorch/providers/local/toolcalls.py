"""Tool calls for models that were not trained to make them.

Native tool calls were tried with the models of the table and none made one (0 of 6 each). Told about the tools in
plain words and held to a schema, "this tool with these arguments, or an answer", the 0.5B and 1.5B models made the
right one of two calls 6 times of 6, the 135M demo 3 times. So that is how it is done: one call a turn, and what tools
answered is told as text. Knowing when no tool is needed is beyond the small ones (1 of 4 for the 0.5B model): offer
tools where they are wanted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from aiorch.providers.local.constraints import moved_under
from aiorch.types import JSON, JsonSchema, Message, ToolCall, ToolChoice, ToolSpec

_ANSWER = {"type": "string", "minLength": 1}
_ANSWERED = '{"answer": "..."}'


def offered(tools: Sequence[ToolSpec], choice: ToolChoice) -> tuple[ToolSpec, ...]:
    """The tools that may be called under ``choice``. :raises ValueError: when it names one that is not there."""
    if choice.mode == "none":
        return ()
    if choice.mode != "tool":
        return tuple(tools)
    named = tuple(tool for tool in tools if tool.name == choice.name)
    if not named:
        raise ValueError(f"tool_choice names {choice.name!r}, which is not among the tools")
    return named


def choice_schema(tools: Sequence[ToolSpec], choice: ToolChoice, answer: JsonSchema | None) -> dict[str, Any]:
    """What the model may write: a call of one of ``tools`` or, where ``choice`` leaves it free, an answer."""
    shared: dict[str, Any] = {}
    branches = [_call_schema(tool, shared) for tool in tools]
    if choice.mode == "auto":
        inner = moved_under(answer.schema, "answer", shared) if answer else _ANSWER
        branches.append(_exactly(answer=inner))
    return {"anyOf": branches, "$defs": shared} if shared else {"anyOf": branches}


def _call_schema(tool: ToolSpec, shared: dict[str, Any]) -> dict[str, Any]:
    arguments = moved_under(tool.parameters, f"tool.{tool.name}", shared)
    if "properties" in arguments:  # left open, a small model invents more of them
        arguments.setdefault("additionalProperties", False)
    return _exactly(tool={"const": tool.name}, arguments=arguments or {"type": "object"})


def _exactly(**properties: JSON) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def instructions(tools: Sequence[ToolSpec], choice: ToolChoice) -> str:
    """What the model is told about the tools, in the fewest words that it follows."""
    lines = [f"- {tool.name}: {tool.description} Arguments: {_arguments(tool.parameters)}" for tool in tools]
    call = '{"tool": "NAME", "arguments": {...}}'
    if choice.mode == "auto":
        how = f"For what a tool does: {call}. For anything else, such as a greeting, a poem or a fact: {_ANSWERED}."
    else:
        how = f"Choose a tool: {call}."
    return "You can use these tools:\n" + "\n".join(lines) + f"\nReply with one JSON object. {how}"


def _arguments(parameters: JSON) -> str:
    """``{"city": string}``: a schema as a small model reads it best."""
    properties = cast("Mapping[str, Any]", parameters.get("properties") or {})
    required = cast("Sequence[str]", parameters.get("required") or ())
    told = [
        f'"{key}": {_kind(value)}{"" if key in required else " (optional)"}'
        for key, value in properties.items()
    ]
    return "{" + ", ".join(told) + "}"


def _kind(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    facts = cast("Mapping[str, Any]", schema)
    values = cast("Sequence[Any]", facts.get("enum") or ())
    kind = " or ".join(json.dumps(v, ensure_ascii=False) for v in values) or str(facts.get("type", "any"))
    told = facts.get("description")
    return f"{kind}, {told}" if told else kind


def read_choice(text: str, call_id: str) -> ToolCall | str | None:
    """What the model chose: a call, or the text of its answer; ``None`` when the text is neither (it was cut off)."""
    try:
        chosen: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(chosen, dict):
        return None
    fields = cast("dict[str, Any]", chosen)
    if "answer" in fields:
        answer = fields["answer"]
        return answer if isinstance(answer, str) else _compact(answer)
    name, arguments = fields.get("tool"), fields.get("arguments")
    if isinstance(name, str) and isinstance(arguments, dict):
        return ToolCall(call_id, name, cast("dict[str, Any]", arguments))
    return None


def calls_as_text(message: Message) -> str:
    """What an assistant said in an earlier turn.

    A call is told as a sentence: shown the JSON that it wrote, the demo model writes it again instead of answering
    (tried on 3 questions, with tools and without).
    """
    calls = [f"I ask {call.name} with {_compact(dict(call.arguments))}." for call in message.tool_calls]
    return "\n".join([*([message.text] if message.text else []), *calls])


def results_as_text(message: Message, names: Mapping[str, str], *, choosing: bool) -> str:
    """What tools answered, told by the user.

    :param names: the tools by the ids of their calls.
    :param choosing: whether the model chooses again between tools and an answer. It is then shown how one answers:
        without that, the 0.5B model called the same tool again in 4 cases of 4, with it in none.
    """
    lines = [
        f"{names.get(result.call_id, 'The tool')} {'failed' if result.is_error else 'says'}: {result.content}"
        for result in message.tool_results
    ]
    how = f" with {_ANSWERED}, unless you need another tool." if choosing else "."
    return "\n".join([*lines, f"Use this to answer my question{how}"])


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
