"""What every tool promises: a model can read what it does, call it, and read what came of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, cast

import pytest

from aiorch.errors import ToolError
from aiorch.protocols import Tool
from aiorch.testing.conformance.suite import (
    Suite,
    cancelled_cleanly,
    check_members,
    hold,
    in_time,
    missing,
    raised,
    wrong,
)
from aiorch.types import ToolSpec

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
RETURNS_TEXT = "call() returns the text that the model reads"
CAN_REACT = "what a model can mend is an ordinary exception, which it is told; only ToolError ends the task"


class ToolConformance(Suite):
    """Tests of a :class:`~aiorch.protocols.Tool`. A test class inherits them and says what is tested:

        class TestWeather(ToolConformance):
            @pytest.fixture
            def tool(self):
                return Weather()

            @pytest.fixture
            def arguments(self):
                return {"city": "Oslo"}

    The tool is called for real with ``arguments``, several times, and with such as do not fit its schema. For one that
    claims to be idempotent, ``state`` may give a function that tells what the tool has changed so far.
    """

    @pytest.fixture
    def tool(self) -> Tool:
        """What is tested."""
        missing("tool", "Weather()")

    @pytest.fixture
    def arguments(self, tool: Tool) -> Mapping[str, Any]:
        """What it is called with."""
        if tool.spec.parameters.get("required"):
            missing("arguments", "{'city': 'Oslo'}   # values for what the tool requires")
        return {}

    @pytest.fixture
    def state(self) -> Callable[[], object] | None:
        """Tells what the tool has changed in the world."""
        return None

    # --- what the model is told ----------------------------------------------------------------------------------

    def test_it_has_what_a_tool_has(self, tool: Tool) -> None:
        check_members(tool, Tool, ("spec", "idempotent", "call"))
        hold(
            isinstance(cast(object, tool.idempotent), bool),
            f"idempotent is {tool.idempotent!r}",
            "idempotent is True or False: a durable run repeats only idempotent calls without asking",
            "set idempotent = False where calling twice does more than calling once",
        )

    def test_its_spec_can_be_sent_to_any_provider(self, tool: Tool) -> None:
        spec = cast(object, tool.spec)
        if not isinstance(spec, ToolSpec):
            wrong(
                f"spec is {spec!r:.80}",
                "spec is a ToolSpec",
                "return ToolSpec(name, description, parameters)",
            )
        hold(
            NAME.fullmatch(spec.name),
            f"the tool is called {spec.name!r}",
            "a tool's name is of letters, digits, _ and -, at most 64: providers refuse others",
            "rename it",
        )
        hold(
            spec.description.strip(),
            f"{spec.name} has no description",
            "a model chooses a tool by its description",
            "say in a sentence what it does, and when to use it",
        )
        hold(
            tool.spec == spec, "spec differs from one time to the next", "spec stays as it is", "make it once"
        )
        _check_schema(spec)

    def test_the_example_fits_the_schema(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        faults = _misfits(tool.spec, arguments)
        hold(
            not faults,
            f"the arguments {dict(arguments)!r:.80} do not fit: {faults[:1]}",
            "a model is told the schema, and writes arguments that fit it",
            "mend the schema, or the fixture 'arguments'",
        )

    # --- what it does --------------------------------------------------------------------------------------------

    @pytest.mark.anyio
    async def test_it_returns_text(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        said = await _called(tool, deepcopy(dict(arguments)))
        hold(
            isinstance(said, str),
            f"call() returned {type(said).__name__} {said!r:.60}",
            RETURNS_TEXT,
            "return json.dumps(value), or str(value)",
        )

    @pytest.mark.anyio
    async def test_its_arguments_stay_as_they_are(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        given = deepcopy(dict(arguments))
        await _called(tool, given)
        hold(
            given == arguments,
            f"call() changed its arguments from {dict(arguments)!r:.60} to {given!r:.60}",
            "arguments are only read: audit, journal and conversation hold the same ones",
            "copy what is to be changed: values = dict(arguments)",
        )

    @pytest.mark.anyio
    async def test_twice_is_as_good_as_once_where_it_says_so(
        self, tool: Tool, arguments: Mapping[str, Any], state: Callable[[], object] | None
    ) -> None:
        if not tool.idempotent:
            return
        cure = "set idempotent = False, or look whether it is done already before doing it"
        promise = (
            "idempotent = True says that calling it twice is as good as once: a resumed run repeats the call"
        )
        await _called(tool, deepcopy(dict(arguments)))
        after_once = deepcopy(state()) if state else None
        try:
            await tool.call(deepcopy(dict(arguments)))
        except Exception as error:
            wrong(f"the second of two equal calls raised {raised(error)}", promise, cure)
        after_twice = deepcopy(state()) if state else None
        hold(
            after_once == after_twice,
            f"the state after one call is {after_once!r:.80}, after two {after_twice!r:.80}",
            promise,
            cure,
        )

    @pytest.mark.anyio
    async def test_wrong_arguments_are_answered_or_told(
        self, tool: Tool, arguments: Mapping[str, Any]
    ) -> None:
        for bad in _bad_arguments(tool.spec, arguments):
            try:
                await in_time(lambda bad=bad: tool.call(bad), "call()", CAN_REACT, "check arguments first")
            except ToolError as error:
                wrong(
                    f"call() of {bad!r:.60} raised ToolError: {error}",
                    CAN_REACT,
                    "raise InputError or ValueError with what is wrong",
                )
            except Exception as error:
                hold(
                    str(error).strip(),
                    f"call() of {bad!r:.60} raised {type(error).__name__} without a word",
                    "the model is told what an exception says, and mends its call by that",
                    "say which argument is wrong, and what is expected",
                )
            except (SystemExit, KeyboardInterrupt) as error:
                wrong(
                    f"call() of {bad!r:.60} raised {raised(error)}", CAN_REACT, "raise ValueError; never exit"
                )

    @pytest.mark.anyio
    async def test_cancellation_passes_through(self, tool: Tool, arguments: Mapping[str, Any]) -> None:
        await cancelled_cleanly(lambda: tool.call(deepcopy(dict(arguments))), "call()")


def _check_schema(spec: ToolSpec) -> None:
    from jsonschema import Draft202012Validator, SchemaError

    promise = "parameters is a JSON schema (draft 2020-12) of type object"
    try:
        again = json.loads(json.dumps(dict(spec.parameters), allow_nan=False))
    except (TypeError, ValueError) as error:
        wrong(f"parameters cannot be written as JSON: {error}", promise, "use JSON values only")
    hold(
        again == dict(spec.parameters),
        "parameters changes when it goes through JSON",
        promise,
        "use text as keys",
    )
    hold(
        spec.parameters.get("type") == "object",
        f"parameters is of type {spec.parameters.get('type')!r}",
        promise,
        "write {'type': 'object', 'properties': {...}}",
    )
    try:
        Draft202012Validator.check_schema(dict(spec.parameters))
    except SchemaError as error:
        wrong(
            f"parameters is no JSON schema: {error.json_path}: {error.message:.120}",
            promise,
            "mend the schema",
        )
    properties = cast("Mapping[str, Any]", spec.parameters.get("properties", {}))
    unknown = [
        name for name in cast("list[str]", spec.parameters.get("required", [])) if name not in properties
    ]
    hold(
        not unknown,
        f"parameters requires {', '.join(unknown)}, which it does not describe",
        promise,
        "describe it",
    )


def _misfits(spec: ToolSpec, arguments: Mapping[str, Any]) -> list[str]:
    from jsonschema import Draft202012Validator

    validator: Any = Draft202012Validator(dict(spec.parameters))
    return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(dict(arguments))]


def _bad_arguments(spec: ToolSpec, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Arguments that do not fit the schema, so that nothing real can come of them."""
    tried = [{}, *({**arguments, name: odd} for name in arguments for odd in (None, {"not": ["this"]}))]
    return [bad for bad in tried if _misfits(spec, bad)]


async def _called(tool: Tool, arguments: Mapping[str, Any]) -> object:
    try:
        return await in_time(
            lambda: tool.call(arguments), "call()", "a call ends", "give up by yourself after a while"
        )
    except Exception as error:
        wrong(
            f"call({dict(arguments)!r:.60}) raised {raised(error)}",
            "arguments that fit are answered",
            "mend the tool, or the fixture 'arguments'",
        )
