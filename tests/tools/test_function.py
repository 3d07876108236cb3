"""A typed function becomes a tool."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from aiorch.errors import ConfigurationError, InputError
from aiorch.protocols import Tool
from aiorch.tools import FunctionTool, tool
from aiorch.types import Arg


class Place(BaseModel):
    city: str


@tool
async def weather(
    place: Place,
    days: Annotated[int, Field(gt=0, description="how far ahead")] = 1,
    unit: Literal["c", "f"] = "c",
) -> dict[str, Any]:
    """The weather
    somewhere.

    More than a model needs to know.

    Args:
        place: where
        unit (str): in which unit: c or f

    Returns:
        days: not a parameter here
    """
    return {"city": place.city, "days": days}


@tool(name="thread-name", description="Which thread.", idempotent=True)
def thread() -> str:
    return threading.current_thread().name


def test_the_model_is_told_what_the_function_says():
    assert isinstance(weather, Tool)
    assert (weather.spec.name, weather.spec.description) == ("weather", "The weather somewhere.")
    parameters = weather.spec.parameters
    assert parameters["required"] == ["place"]
    assert parameters["additionalProperties"] is False
    described = {name: p.get("description") for name, p in parameters["properties"].items()}
    assert described == {"place": "where", "days": "how far ahead", "unit": "in which unit: c or f"}
    assert parameters["properties"]["days"]["default"] == 1
    assert "title" not in repr(parameters)


def test_what_is_said_explicitly_comes_first():
    assert (thread.spec.name, thread.spec.description) == ("thread-name", "Which thread.")
    assert thread.spec.parameters == {"type": "object", "properties": {}, "additionalProperties": False}
    assert (thread.idempotent, weather.idempotent) == (True, False)


def test_a_tool_is_still_its_function():
    assert thread() == threading.current_thread().name
    assert vars(weather)["__name__"] == "weather"
    assert "weather(place" in repr(weather)


def test_sphinx_docstrings_are_read_too():
    @tool
    def f(a: int, title: str) -> None:
        """Do it.

        :param a: the number
        :param str title: the heading
        """

    properties = f.spec.parameters["properties"]
    assert {k: v["description"] for k, v in properties.items()} == {"a": "the number", "title": "the heading"}


@pytest.mark.anyio
async def test_arguments_are_checked_and_converted():
    assert await weather.call({"place": {"city": "Oslo"}, "days": "3"}) == '{"city":"Oslo","days":3}'
    with pytest.raises(InputError) as raised:
        await weather.call({"days": 0, "zone": 1})
    assert str(raised.value) == (
        "wrong arguments for weather: place: field required; days: input should be greater than 0; "
        "zone: extra inputs are not permitted"
    )


@pytest.mark.anyio
async def test_a_plain_function_does_not_hold_the_loop():
    assert await thread.call({}) != threading.current_thread().name


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("value", "text"),
    [("as it is", "as it is"), (None, "null"), ([1, Place(city="x")], '[1,{"city":"x"}]'), ({1}, "[1]")],
)
async def test_results_are_text_or_json(value: object, text: str):
    @tool
    def give() -> object:
        return value

    assert await give.call({}) == text


@pytest.mark.anyio
async def test_what_json_cannot_say_is_said_as_text():
    @tool
    def give() -> object:
        return [threading]

    assert "module 'threading'" in await give.call({})


@pytest.mark.anyio
async def test_any_parameter_name_and_any_default_will_do():
    nothing = object()

    @tool
    def f(schema: str, _id: int = 3, copy: Any = nothing, *, json: bool = False) -> str:
        return f"{schema} {_id} {copy is nothing} {json}"

    assert await f.call({"schema": "s", "json": True}) == "s 3 True True"
    assert await f.call({"schema": "s", "_id": "4", "copy": 1}) == "s 4 False False"
    assert f.spec.parameters["required"] == ["schema"]


@pytest.mark.anyio
async def test_a_function_that_only_returns_something_to_await_is_awaited():
    async def inner() -> str:
        return "awaited"

    assert await FunctionTool(lambda: inner(), name="late").call({}) == "awaited"


def varargs(*args: int) -> None: ...
def keywords(**kwargs: int) -> None: ...
def positional(a: int, /) -> None: ...


@pytest.mark.parametrize("function", [varargs, keywords, positional])
def test_what_a_model_cannot_call_is_refused_at_once(function: Any):
    with pytest.raises(ConfigurationError, match="a model gives arguments by name"):
        tool(function)


def test_a_name_that_providers_refuse_is_refused_at_once():
    with pytest.raises(ConfigurationError, match="pass name="):
        tool(lambda: 1)


def test_annotations_without_a_schema_are_named():
    class Strange:
        pass

    def strange(x: Any) -> None: ...
    def missing(x: Nowhere) -> None: ...  # noqa: F821  # pyright: ignore
    def thread_of(x: threading.Thread) -> None: ...

    strange.__annotations__["x"] = Strange
    for function in (strange, missing, thread_of):
        with pytest.raises(
            ConfigurationError, match=f"the tool '{function.__name__}' cannot be offered to a model"
        ):
            _ = tool(function).spec


def test_a_callback_is_no_argument_for_a_model():
    from collections.abc import Callable

    def call_back(x: Any) -> None: ...

    call_back.__annotations__["x"] = Callable[[int], int]
    with pytest.raises(ConfigurationError, match="has an annotation without a JSON schema"):
        _ = tool(call_back).spec


def test_an_argument_of_no_known_kind_is_refused_and_not_checked_as_another():
    with pytest.raises(ValueError, match="no argument is of the kind 'sqll': take one of sql, statement"):
        Arg("sqll")  # pyright: ignore[reportArgumentType]
