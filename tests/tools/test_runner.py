"""Whatever goes wrong in a call becomes a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import ToolError
from aiorch.safety import Redactor
from aiorch.tools import ToolRunner, tool
from aiorch.tools.runner import shortened
from aiorch.types import Provenance, ToolCall, ToolResult, ToolSpec


@tool
async def add(a: int, b: int) -> int:
    """Add."""
    return a + b


@tool
async def fail(how: str) -> str:
    """Fail."""
    if how == "end":
        raise ToolError("there is no more money")
    if how == "time":
        raise TimeoutError("the server of the tool was slow")
    raise RuntimeError("bad key sk-abcdefgh1234567890")


@tool
async def wait() -> None:
    """Wait."""
    await anyio.sleep_forever()


class Plugin:
    spec = ToolSpec("plugin", "Gives back anything.", {"type": "object"})
    idempotent = True

    async def call(self, arguments: Mapping[str, Any]) -> str:
        return arguments["give"]


TOOLS = [add, fail, wait, Plugin()]


async def call(
    name: str, runner: ToolRunner | None = None, raw: str | None = None, **arguments: Any
) -> ToolResult:
    return await (runner or ToolRunner(redact=Redactor())).call(ToolCall("id-1", name, arguments, raw), TOOLS)


@pytest.mark.anyio
async def test_a_result_says_where_it_comes_from():
    assert await call("add", a=1, b="2") == ToolResult("id-1", "3", False, Provenance("tool", "add"))


@pytest.mark.anyio
async def test_an_unknown_tool_is_answered_with_the_known_ones():
    result = await call("ad", a=1)
    assert result.is_error
    assert result.content == "there is no tool 'ad': did you mean 'add'? there is add, fail, wait, plugin"
    nothing = await ToolRunner().call(ToolCall("1", "x", {}), [])
    assert nothing.content == "there is no tool 'x': there is none"


@pytest.mark.anyio
async def test_arguments_that_are_no_json_are_shown_to_the_model():
    result = await call("add", raw="a=1" * 200)
    assert result.is_error
    assert result.content.startswith("the arguments of add must be a JSON object, not: a=1a=1")
    assert len(result.content) < 300


@pytest.mark.anyio
async def test_arguments_that_do_not_fit_are_named():
    result = await call("add", a="one")
    assert (result.is_error, result.content[:29]) == (True, "wrong arguments for add: a: i")


@pytest.mark.anyio
async def test_an_exception_is_told_without_keys():
    result = await call("fail", how="badly")
    assert (result.is_error, result.content) == (True, "RuntimeError: bad key [redacted]")


@pytest.mark.anyio
async def test_a_tools_own_timeout_is_not_taken_for_ours():
    assert (await call("fail", how="time")).content == "TimeoutError: the server of the tool was slow"


@pytest.mark.anyio
async def test_a_tool_can_end_the_task():
    with pytest.raises(ToolError, match="no more money"):
        await call("fail", how="end")


@pytest.mark.anyio
async def test_a_tool_that_does_not_finish_is_given_up():
    result = await call("wait", ToolRunner(timeout=0.01))
    assert (result.is_error, result.content) == (True, "wait did not finish within 0.01 s and was given up")


@pytest.mark.anyio
async def test_a_plain_function_that_does_not_finish_is_given_up():
    import threading

    go_on = threading.Event()

    @tool
    def hang() -> None:
        go_on.wait(30)

    result = await ToolRunner(timeout=0.01).call(ToolCall("1", "hang", {}), [hang])
    go_on.set()
    assert result.is_error


@pytest.mark.anyio
async def test_cancelling_is_not_swallowed():
    with anyio.move_on_after(0.01) as outer:
        await call("wait")
    assert outer.cancelled_caught


@pytest.mark.anyio
async def test_a_long_result_is_cut_in_the_middle_and_says_so():
    result = await call("plugin", ToolRunner(limit=90), give="a" * 500 + "z" * 500)
    assert result.content == "a" * 60 + "\n[... 910 of 1,000 characters left out here ...]\n" + "z" * 30
    assert not result.is_error


@pytest.mark.anyio
async def test_what_a_plugin_gives_back_can_be_sent():
    assert (await call("plugin", give=7)).content == "7"
    (await call("plugin", give="half \ud800")).content.encode()


@given(st.text(), st.integers(1, 50))
def test_shortening_keeps_both_ends(text: str, limit: int):
    short = shortened(text, limit)
    if len(text) <= limit:
        assert short == text
    else:
        head, notice, tail = short.partition("\n[... ")
        assert notice
        assert text.startswith(head)
        assert text.endswith(tail.partition(" ...]\n")[2])
