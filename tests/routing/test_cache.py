from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.routing import AnswerCache, Known, MemoryCache, deterministic, key_of
from aiorch.routing.cache import evened, weight
from aiorch.testing import FakeClock
from aiorch.types import (
    Image,
    JsonSchema,
    Message,
    OwnFields,
    Parameters,
    Provenance,
    Reasoning,
    Request,
    Response,
    Text,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)

ASK = Request((Message.user("Why?"),))
CLOCK = FakeClock()


def known(text: str = "Because.", at: float = CLOCK.now()) -> Known:
    return Known(Response(Message.assistant(text), "stop"), "groq/m", demo=False, at=at)


# --- what may be kept --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "keeps"),
    [
        (Parameters(temperature=0), True),
        (Parameters(temperature=0.0), True),
        (Parameters(seed=0), True),
        (Parameters(temperature=1.0, seed=7), True),
        (Parameters(), False),
        (Parameters(temperature=0.1), False),
        (Parameters(top_p=0.0), False),
    ],
)
def test_only_what_asks_for_the_same_answer_is_kept(parameters: Parameters, keeps: bool) -> None:
    assert deterministic(replace(ASK, parameters=parameters)) is keeps


# --- keys --------------------------------------------------------------------------------------------------------


def key(request: Request = ASK, model: str = "groq/m", tenant: str | None = None) -> str:
    return key_of(request, model=model, tenant=tenant)


def test_a_key_shows_nothing_of_the_prompt() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", key())
    assert key() == key(Request((Message.user("Why?"),)))


def said(*parts: Any) -> Request:
    return replace(ASK, messages=(Message("user", parts),))


TOOL = ToolSpec("f", "d", {"type": "object"})
CALL = ToolCall("1", "f", {"a": 1})
SHAPES: dict[str, Request] = {
    "base": ASK,
    "text": said(Text("Why not?")),
    "empty": said(),
    "two parts": said(Text("Wh"), Text("y?")),
    "two messages": replace(ASK, messages=(Message.user("Wh"), Message.user("y?"))),
    "role": replace(ASK, messages=(Message("assistant", ASK.messages[0].parts),)),
    "provenance": said(Text("Why?", Provenance("document"))),
    "provenance's name": said(Text("Why?", Provenance("document", "a.pdf"))),
    "reasoning": said(Reasoning("Why?")),
    "signature": said(Reasoning("Why?", "s")),
    "image": said(Image(url="https://a.example/b.png")),
    "other image": said(Image(url="https://a.example/c.png")),
    "bytes": said(Image(data=b"\x00\xff", media_type="image/png")),
    "other bytes": said(Image(data=b"\x00\xfe", media_type="image/png")),
    "media type": said(Image(data=b"\x00\xff", media_type="image/jpeg")),
    "call": said(CALL),
    "call's id": said(replace(CALL, id="2")),
    "call's name": said(replace(CALL, name="g")),
    "call's arguments": said(replace(CALL, arguments={"a": 2})),
    "call's type of arguments": said(replace(CALL, arguments={"a": "1"})),
    "call's raw": said(replace(CALL, raw="{")),
    "result": said(ToolResult("1", "4")),
    "result's error": said(ToolResult("1", "4", is_error=True)),
    "temperature": replace(ASK, parameters=Parameters(temperature=0.5)),
    "max tokens": replace(ASK, parameters=Parameters(max_tokens=5)),
    "stop": replace(ASK, parameters=Parameters(stop=("a", "b"))),
    "stop in another order": replace(ASK, parameters=Parameters(stop=("b", "a"))),
    "seed": replace(ASK, parameters=Parameters(seed=5)),
    "top_p": replace(ASK, parameters=Parameters(top_p=0.5)),
    "extra": replace(ASK, parameters=Parameters(extra={"top_k": 5})),
    "headers": replace(ASK, parameters=Parameters(headers={"x-beta": "on"})),
    "by_provider": replace(ASK, parameters=Parameters(by_provider={"groq": OwnFields({"a": 1})})),
    "schema": replace(ASK, schema=JsonSchema({})),
    "schema's shape": replace(ASK, schema=JsonSchema({"type": "object"})),
    "schema's name": replace(ASK, schema=JsonSchema({}, name="person")),
    "schema's strictness": replace(ASK, schema=JsonSchema({}, strict=False)),
    "tool": replace(ASK, tools=(TOOL,)),
    "two tools": replace(ASK, tools=(TOOL, TOOL)),
    "tool's name": replace(ASK, tools=(replace(TOOL, name="g"),)),
    "tool's description": replace(ASK, tools=(replace(TOOL, description="e"),)),
    "tool's parameters": replace(ASK, tools=(replace(TOOL, parameters={}),)),
    "choice": replace(ASK, tool_choice=ToolChoice("required")),
    "chosen tool": replace(ASK, tool_choice=ToolChoice("tool", "f")),
    "other chosen tool": replace(ASK, tool_choice=ToolChoice("tool", "g")),
}


def test_the_key_changes_with_everything_that_shapes_the_answer() -> None:
    keys = {name: key(request) for name, request in SHAPES.items()}
    keys["model"] = key(model="groq/n")
    keys["tenant"] = key(tenant="acme")
    keys["tenant called None"] = key(tenant="None")
    keys["empty tenant"] = key(tenant="")
    same = {a: [b for b in keys if b != a and keys[a] == keys[b]] for a in keys}
    assert {a: b for a, b in same.items() if b} == {}


def test_every_field_of_a_request_was_thought_of() -> None:
    """A new field has to be put into the key and into the table above, or named here as shaping nothing."""
    shaping = {
        f.name
        for f in fields(Request)
        if any(getattr(r, f.name) != getattr(ASK, f.name) for r in SHAPES.values())
    }
    assert {f.name for f in fields(Request)} - shaping == {"metadata", "idempotency_key"}
    tried = {
        f.name
        for f in fields(Parameters)
        if any(getattr(r.parameters, f.name) != getattr(ASK.parameters, f.name) for r in SHAPES.values())
    }
    assert tried == {f.name for f in fields(Parameters)}


def test_labels_for_the_trail_do_not_shape_the_answer() -> None:
    assert key(replace(ASK, metadata={"user": "u1"})) == key()


texts = st.text(max_size=6)
JSON_TEXTS = st.dictionaries(texts, st.integers() | texts | st.lists(texts, max_size=2), max_size=3)
requests = st.builds(
    Request,
    st.lists(
        st.builds(Message, st.sampled_from(["user", "assistant"]), st.tuples(st.builds(Text, texts))),
        max_size=3,
    ).map(tuple),
    st.builds(Parameters, st.none() | st.floats(0, 2), st.none() | st.integers(1, 9), extra=JSON_TEXTS),
    st.none() | st.builds(JsonSchema, JSON_TEXTS, texts),
    st.lists(st.builds(ToolSpec, texts, texts, JSON_TEXTS), max_size=2).map(tuple),
)


@given(requests, requests, texts, texts, st.none() | texts, st.none() | texts)
def test_two_questions_share_a_key_only_if_they_are_the_same(
    one: Request, other: Request, model: str, model2: str, tenant: str | None, tenant2: str | None
) -> None:
    def shown(request: Request) -> Request:
        return replace(request, messages=tuple(map(evened, request.messages)))

    same = (shown(one), model, tenant) == (shown(other), model2, tenant2)
    assert (key(one, model, tenant) == key(other, model2, tenant2)) is same
    assert key(replace(one), model, tenant) == key(one, model, tenant)


@given(JSON_TEXTS)
def test_the_order_in_which_a_schema_was_written_does_not_matter(schema: dict[str, Any]) -> None:
    backwards = dict(reversed(schema.items()))
    assert key(replace(ASK, schema=JsonSchema(schema))) == key(replace(ASK, schema=JsonSchema(backwards)))


DOCUMENT = Provenance("document", "a.txt")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Message.user("Why?"), Message.user("Why? \n\t")),
        (Message.user("Why?"), Message.user("Why?\r\n")),
        (Message.user("one\ntwo"), Message.user("one\r\ntwo")),
        (Message.system("Be brief."), Message.system("Be brief.\n")),
        (Message.user("a ", "b"), Message.user("a ", "b ")),
    ],
)
def test_white_space_at_the_end_and_line_ends_of_windows_make_no_other_question(
    one: Message, other: Message
) -> None:
    assert key(replace(ASK, messages=(one,))) == key(replace(ASK, messages=(other,)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Message.user("Why?"), Message.user(" Why?")),
        (Message.user("Why?"), Message.user("why?")),
        (Message.user("a b"), Message.user("a  b")),
        (Message.user("a\nb"), Message.user("a \nb")),  # two spaces are a line break in Markdown
        (Message.user("a\nb"), Message.user("a\n\nb")),
        (Message.user("a\nb\nc"), Message.user("a\r\nb\nc")),  # a mixture may be what is asked about
        (Message.user("a\nb"), Message.user("a\rb")),
        (Message.user("a", "b"), Message.user("a ", "b")),
        (Message.assistant("Sure: "), Message.assistant("Sure:")),  # the beginning of an answer
        (Message.user(Text("a", DOCUMENT)), Message.user(Text("a\n", DOCUMENT))),
        (Message.user(Text("a\nb", DOCUMENT)), Message.user(Text("a\r\nb", DOCUMENT))),
        (Message.tool(ToolResult("1", "4")), Message.tool(ToolResult("1", "4\n"))),
    ],
)
def test_nothing_else_is_evened_out(one: Message, other: Message) -> None:
    assert key(replace(ASK, messages=(one,))) != key(replace(ASK, messages=(other,)))


@given(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.tuples(st.builds(Text, texts)))
)
def test_evening_out_twice_changes_nothing_more(message: Message) -> None:
    assert evened(evened(message)) == evened(message)
    assert evened(message).text.split() == message.text.split()


# --- the cache in memory -----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_an_answer_is_found_again_and_others_are_not() -> None:
    cache: AnswerCache = MemoryCache(entries=5, ttl=60.0, clock=CLOCK)
    await cache.put("a", known())
    assert await cache.get("a") == known()
    assert await cache.get("b") is None


@pytest.mark.anyio
async def test_tenants_never_see_each_others_answers() -> None:
    cache = MemoryCache(entries=5, ttl=60.0, clock=CLOCK)
    await cache.put(key(tenant="acme"), known())
    assert await cache.get(key(tenant="other")) is None
    assert await cache.get(key()) is None
    assert await cache.get(key(tenant="acme")) is not None


@pytest.mark.anyio
async def test_an_answer_is_forgotten_when_its_time_is_up() -> None:
    clock = FakeClock()
    cache = MemoryCache(entries=5, ttl=60.0, clock=clock)
    await cache.put("a", known(at=clock.now()))
    clock.advance(59.9)
    assert await cache.get("a") is not None
    clock.advance(0.1)
    assert await cache.get("a") is None
    await cache.put("a", known("anew", at=clock.now()))
    found = await cache.get("a")
    assert found is not None
    assert found.response.message.text == "anew"


@pytest.mark.anyio
async def test_the_one_that_was_not_used_for_longest_makes_room() -> None:
    cache = MemoryCache(entries=2, ttl=60.0, clock=CLOCK)
    await cache.put("a", known())
    await cache.put("b", known())
    await cache.get("a")
    await cache.put("c", known())
    assert [name for name in "abc" if await cache.get(name)] == ["a", "c"]
    await cache.put("a", known())  # kept anew: used
    await cache.put("d", known())
    assert [name for name in "acd" if await cache.get(name)] == ["a", "d"]


@pytest.mark.anyio
async def test_a_cache_for_nothing_keeps_nothing() -> None:
    cache = MemoryCache(entries=0, ttl=60.0, clock=CLOCK)
    await cache.put("a", known())
    assert await cache.get("a") is None


@pytest.mark.anyio
async def test_answers_take_no_more_bytes_than_they_may() -> None:
    one = weight(known("x" * 1000))
    cache = MemoryCache(entries=100, ttl=60.0, clock=CLOCK, size=3 * one)
    for name in "abcd":
        await cache.put(name, known("x" * 1000))
    assert [name for name in "abcd" if await cache.get(name)] == ["b", "c", "d"]
    await cache.put("b", known("x"))  # kept anew, smaller
    await cache.put("e", known("x"))
    assert [name for name in "bcde" if await cache.get(name)] == ["b", "c", "d", "e"]


@pytest.mark.anyio
async def test_an_answer_that_is_too_large_alone_is_not_kept_and_leaves_no_debt() -> None:
    cache = MemoryCache(entries=100, ttl=60.0, clock=CLOCK, size=2_000)
    await cache.put("a", known("x" * 5_000))
    assert await cache.get("a") is None
    await cache.put("b", known("x"))
    assert await cache.get("b") is not None


@pytest.mark.anyio
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 900), st.integers(0, 40)), max_size=40))
async def test_whatever_is_kept_the_bounds_hold(writes: list[tuple[str, int, int]]) -> None:
    clock = FakeClock()
    cache = MemoryCache(entries=3, ttl=60.0, clock=clock, size=2_000)
    for name, length, seconds in writes:
        clock.advance(seconds)
        await cache.put(name, known("x" * length, at=clock.now()))
        found = [one for other in "abcdef" if (one := await cache.get(other)) is not None]
        assert len(found) <= 3
        assert sum(map(weight, found)) <= 2_000
        assert all(one.at > clock.now() - 60.0 for one in found)
