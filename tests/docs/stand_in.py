"""The model that answers where a page asks one: no network, no key, always the same.

It calls the first tool that it is offered, once; it answers by the schema, where there is one; otherwise it says a
sentence. It is installed like anybody's plugin, so a page's code needs to know nothing of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiorch.settings import Settings
from aiorch.testing import ScriptedProvider
from aiorch.types import Message, Request, Response, ToolCall, Usage

SENTENCE = "Slow down when the one behind you cannot keep up."


def make(settings: Settings) -> ScriptedProvider:
    """What the entry point names."""
    provider = ScriptedProvider([answer], name="example")
    provider.local = True  # pyright: ignore[reportAttributeAccessIssue]
    return provider


def answer(request: Request) -> str | Response:
    """What the model says."""
    if request.tools and all(m.role != "tool" for m in request.messages):
        tool = request.tools[0]
        call = ToolCall("call-1", tool.name, fitting(tool.parameters))
        return Response(Message("assistant", (call,)), "tool_calls", Usage(20, 10), model="model")
    if request.schema is not None:
        return json.dumps(fitting(request.schema.schema))
    return SENTENCE


def fitting(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """The smallest value that a JSON schema of the pages allows.

    >>> fitting({"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}})
    {'n': 3}
    """
    root = schema if root is None else root
    if "$ref" in schema:
        return fitting(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return fitting(schema[key][0], root)
    match schema.get("type"):
        case "object":
            return {name: fitting(one, root) for name, one in schema.get("properties", {}).items()}
        case "array":
            return [fitting(schema.get("items", {}), root)] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return (
                "2026-11-22"
                if schema.get("format") == "date"
                else "words".ljust(schema.get("minLength", 0), ".")
            )


def install(folder: Path) -> Path:
    """Lay a distribution with the entry point into a folder, which then belongs onto ``sys.path``."""
    info = folder / "example_model-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example-model\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[aiorch.providers]\nexample = tests.docs.stand_in:make\n")
    return folder
