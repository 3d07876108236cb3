"""Streams that break: before the first content, after it, and how they go on."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import anyio
import pytest
from tests.routing.rig import ASK, DEAR, K, Odd, Rig, at, failing, trail, wholly

from aiorch.errors import AllAttemptsFailed, StreamInterrupted
from aiorch.events import AttemptFinished, Restarted
from aiorch.routing import Answer
from aiorch.routing.streams import HELD
from aiorch.testing import ScriptedProvider
from aiorch.types import (
    JsonSchema,
    Message,
    ReasoningDelta,
    Request,
    Response,
    TextDelta,
    Timeouts,
    ToolCallDelta,
    ToolSpec,
    Usage,
)

pytestmark = pytest.mark.anyio

WITH_TOOLS = Request(ASK.messages, tools=(ToolSpec("look", "looks", {"type": "object"}),))
WITH_SCHEMA = Request(ASK.messages, schema=JsonSchema({"type": "object"}))
CUT = failing(K.TRANSPORT, "upstream", "reset")


def cut(*pieces: str) -> Odd:
    return Odd(*(TextDelta(p) for p in pieces), ConnectionResetError("reset"))


def rig(odd: Any, *after: Any) -> Rig:
    return Rig({"odd": odd, "b": ScriptedProvider(after or ["Half an answer."], name="b")})


# --- before the first content ------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [TextDelta(""), TextDelta("\n\n"), ReasoningDelta(" ")])
async def test_what_says_nothing_is_held_back_and_its_failure_unseen(first: Any) -> None:
    house = rig(Odd(first, first, ConnectionResetError("reset")))
    shown, answer = await house.stream(at("odd"), at("b"))
    assert shown == "Half an answer."
    assert trail(answer) == [("odd/m", "transport", "next_deployment"), ("b/m", "answer", "accept")]


async def test_what_was_held_back_is_shown_with_the_first_content() -> None:
    shown, _ = await rig(Odd(TextDelta("\n"), TextDelta("Hi"), wholly("\nHi"))).stream(at("odd"))
    assert shown == "\nHi"


async def test_no_more_than_a_little_is_held_back() -> None:
    house = rig(Odd(*[TextDelta(" ")] * HELD, ConnectionResetError("reset")))
    with pytest.raises(StreamInterrupted):
        await house.stream(at("odd"), at("b"))


@pytest.mark.parametrize("first", [ReasoningDelta("hm"), ToolCallDelta(0, "", "c1", "look")])
async def test_reasoning_and_tool_calls_are_content(first: Any) -> None:
    house = rig(Odd(first, ConnectionResetError("reset")))
    with pytest.raises(StreamInterrupted) as broken:
        await house.stream(at("odd"), at("b"))
    assert broken.value.partial == ""


async def test_an_answer_without_a_single_piece_is_one() -> None:
    house = rig(Odd(Response(Message.assistant(), "length", Usage(3, 9))))
    shown, answer = await house.stream(at("odd"))
    assert (shown, answer.response.finish, answer.attempts[0].first_token) == ("", "length", None)


async def test_a_long_stream_of_equal_pieces_is_an_answer() -> None:
    shown, _ = await rig(Odd(*[TextDelta("- ")] * 2_000, wholly("- " * 2_000))).stream(at("odd"))
    assert shown == "- " * 2_000


# --- patience ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_of_life", [TextDelta(""), None])
async def test_who_brings_no_content_in_time_is_replaced(sign_of_life: Any) -> None:
    pieces = [sign_of_life, 5.0] if sign_of_life else [5.0]
    house = rig(Odd(*pieces))
    house.timeouts = Timeouts(first_token=0.05)
    house.__post_init__()
    shown, answer = await house.stream(at("odd"), at("b"))
    assert shown == "Half an answer."
    failure = answer.attempts[0].failure
    assert failure is not None
    assert (failure.kind, failure.scope, failure.message) == (K.TIMEOUT, "upstream", "no content for 0.05 s")


async def test_signs_of_life_are_no_content() -> None:
    house = rig(Odd(*[TextDelta(""), 0.02] * 40))
    house.timeouts = Timeouts(first_token=0.1)
    house.__post_init__()
    house.clock.sleep = anyio.sleep  # type: ignore[method-assign]
    with anyio.fail_after(2):
        shown, _ = await house.stream(at("odd"), at("b"))
    assert shown == "Half an answer."


async def test_silence_in_the_middle_breaks_a_stream() -> None:
    house = rig(Odd(TextDelta("Half"), 5.0))
    house.timeouts = Timeouts(first_token=0.05)
    house.__post_init__()
    with pytest.raises(StreamInterrupted, match="no content for") as broken:
        await house.stream(at("odd"), at("b"))
    assert broken.value.partial == "Half"


@pytest.mark.parametrize(
    ("timeouts", "seconds"),
    [
        (Timeouts(), 90.0),
        (Timeouts(first_byte=2.0, idle=3.0), 5.0),
        (Timeouts(first_byte=None), None),
        (Timeouts(idle=None), None),
        (Timeouts(first_byte=None, first_token=7.0), 7.0),
    ],
)
def test_who_keeps_to_both_other_limits_has_had_both(timeouts: Timeouts, seconds: float | None) -> None:
    assert timeouts.content == seconds


# --- after it: an error that carries what came -------------------------------------------------------------------


async def test_an_interrupted_stream_carries_text_usage_and_trail() -> None:
    house = rig(cut("Half ", "an "), "never")
    with pytest.raises(StreamInterrupted) as broken:
        await house.stream(at("odd", price=DEAR), at("b"))
    error = broken.value
    assert (error.partial, error.usage) == ("Half an ", Usage(10, 2, estimated=True))
    assert trail(error) == [("odd/m", "transport", "fail")]
    assert error.attempts[0].cost == DEAR.cost(error.usage)
    assert house.asked()["b"] == 0


# --- after it: going on ------------------------------------------------------------------------------------------


async def test_the_next_goes_on_where_the_first_broke() -> None:
    odd = cut("Half ", "an ")
    house = rig(odd, wholly("answer.", Usage(14, 2)))
    shown, answer = await house.stream(at("odd"), at("b"), resume="continue")
    assert shown == answer.response.message.text == "Half an answer."
    assert answer.candidate.deployment.id == "b/m"
    assert trail(answer) == [("odd/m", "transport", "next_deployment"), ("b/m", "answer", "accept")]
    assert answer.usage == Usage(10, 2, estimated=True) + Usage(14, 2)
    ((_, request),) = house.providers["b"].asked  # type: ignore[attr-defined]
    assert [m.text for m in request.messages[:2]] == ["What is back-pressure?", "Half an "]
    assert request.messages[2].role == "user"


@pytest.mark.parametrize("again", ["Half an answer.", "an answer."])
async def test_nothing_is_shown_twice(again: str) -> None:
    house = rig(cut("Half ", "an " if again.startswith("Half") else "and more than an "), again)
    shown, answer = await house.stream(at("odd"), at("b"), resume="continue")
    assert shown == answer.response.message.text
    assert shown == ("Half an answer." if again.startswith("Half") else "Half and more than an an answer.")


async def test_one_that_breaks_while_it_goes_on_is_followed_by_another() -> None:
    house = Rig(
        {
            "odd": cut("One, "),
            "odd2": cut("One, ", "two, "),
            "c": ScriptedProvider(["One, two, three."], name="c"),
        }
    )
    shown, answer = await house.stream(at("odd"), at("odd2"), at("c"), resume="continue")
    assert shown == answer.response.message.text == "One, two, three."
    assert len(answer.attempts) == 3


@pytest.mark.parametrize("request_", [WITH_TOOLS, WITH_SCHEMA], ids=["tools", "schema"])
async def test_no_tool_call_or_object_is_made_of_two_halves(request_: Request) -> None:
    house = rig(cut("Half"))
    with pytest.raises(StreamInterrupted) as broken:
        await house.stream(at("odd"), at("b"), request=request_, resume="continue")
    assert trail(broken.value) == [("odd/m", "transport", "fail")]
    assert house.asked()["b"] == 0


@pytest.mark.parametrize("resume", ["continue", "restart"])
async def test_when_nobody_can_go_on_what_came_is_not_lost(resume: str) -> None:
    house = rig(cut("Half"), failing(K.AUTH, "account", "no key"))
    with pytest.raises(StreamInterrupted) as broken:
        await house.stream(at("odd"), at("b"), resume=resume, attempts=2)
    assert (broken.value.partial, broken.value.failure.kind) == ("Half", K.TRANSPORT)
    assert isinstance(broken.value.__cause__, AllAttemptsFailed)
    assert [d for d, _, _ in trail(broken.value)] == ["odd/m", "b/m"]


async def test_who_only_thought_aloud_is_followed_by_a_fresh_answer() -> None:
    house = rig(Odd(ReasoningDelta("hm"), ConnectionResetError("reset")), "Whole.")
    assert (await house.stream(at("odd"), at("b"), resume="continue"))[0] == "|Whole."


# --- after it: beginning again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [ASK, WITH_TOOLS, WITH_SCHEMA], ids=["plain", "tools", "schema"])
async def test_a_typed_event_says_that_it_begins_again(request_: Request) -> None:
    house = rig(cut("Half an "), "Whole.")
    terms = house.terms()
    pieces = [p async for p in house.executor.stream(request_, [at("odd"), at("b")], terms, "restart")]
    (restarted,) = [p for p in pieces if isinstance(p, Restarted)]
    assert restarted.failure is not None
    assert restarted.failure.kind is K.TRANSPORT
    after = pieces[pieces.index(restarted) + 1 : -1]
    assert "".join(p.text for p in after if isinstance(p, TextDelta)) == "Whole."
    assert isinstance(pieces[-1], Answer)
    assert pieces[-1].response.message.text == "Whole."
    ((_, asked),) = house.providers["b"].asked  # type: ignore[attr-defined]
    assert asked.messages == request_.messages


# --- who stops listening -----------------------------------------------------------------------------------------


async def test_who_stops_listening_has_paid_for_what_came_and_harmed_nobody() -> None:
    house = rig(Odd(TextDelta("Half of it"), TextDelta("more"), 60.0))
    async with aclosing(house.executor.stream(ASK, [at("odd", price=DEAR)], house.terms())) as pieces:
        async for _ in pieces:
            break
    (finished,) = [e for e in house.events if isinstance(e, AttemptFinished)]
    attempt = finished.attempt
    assert attempt.failure is not None
    assert (attempt.failure.kind, attempt.decision) == (K.CANCELLED, "fail")
    assert attempt.usage == Usage(10, 2, estimated=True)
    assert attempt.cost == DEAR.cost(attempt.usage)
    assert sum(c.failures for c in house.experience.health.conditions(house.clock.now())) == 0
    assert house.experience.loads.in_flight("odd/m") == 0
