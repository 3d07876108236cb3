from __future__ import annotations

import gc

import anyio
import pytest

from aiorch.errors import AttemptFailed, LocalModelError
from aiorch.testing import FakeClock, Says, ScriptedProvider
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    Message,
    ModelCard,
    Request,
    Response,
    TextDelta,
    Timeouts,
    ToolCall,
    ToolCallDelta,
    Usage,
)

HERE = Deployment("scripted", "model")
ASK = Request((Message.user("What is it?"),))
BUSY = Failure(FailureKind.OVERLOADED, "model", "busy")


async def streamed(provider: ScriptedProvider) -> list[object]:
    return [piece async for piece in provider.stream(HERE, ASK)]


@pytest.mark.anyio
async def test_the_lines_come_in_turn_and_the_last_one_for_ever() -> None:
    provider = ScriptedProvider(["one", "two"])
    assert [(await provider.complete(HERE, ASK)).message.text for _ in range(4)] == [
        "one",
        "two",
        "two",
        "two",
    ]
    assert provider.asked == [(HERE, ASK)] * 4


@pytest.mark.anyio
async def test_a_failure_is_raised_as_a_provider_raises_it() -> None:
    provider = ScriptedProvider([BUSY, LocalModelError("no weights"), KeyError("x")])
    with pytest.raises(AttemptFailed) as failed:
        await provider.complete(HERE, ASK)
    assert failed.value.failure is BUSY
    with pytest.raises(LocalModelError):
        await provider.complete(HERE, ASK)
    with pytest.raises(KeyError):
        await streamed(provider)


@pytest.mark.anyio
async def test_a_function_sees_the_request() -> None:
    provider = ScriptedProvider([lambda request: request.messages[-1].text.upper()])
    assert (await provider.complete(HERE, ASK)).message.text == "WHAT IS IT?"


@pytest.mark.anyio
async def test_a_whole_response_is_handed_on_as_it_is() -> None:
    response = Response(Message.assistant(ToolCall("1", "now", {})), "tool_calls")
    provider = ScriptedProvider([response])
    assert await provider.complete(HERE, ASK) is response
    assert await streamed(provider) == [response]


@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", "a", "abc", "Hello, how are you today?"])
async def test_a_stream_is_the_same_answer_in_pieces(text: str) -> None:
    *pieces, last = await streamed(ScriptedProvider([text], chunks=4))
    assert isinstance(last, Response)
    assert last.message.text == "".join(p.text for p in pieces if isinstance(p, TextDelta)) == text
    assert len(pieces) <= 4
    assert last.usage.output_tokens > 0
    assert last.model == "model"


@pytest.mark.anyio
async def test_a_stream_breaks_where_the_script_says() -> None:
    seen: list[object] = []
    with pytest.raises(AttemptFailed):
        async for piece in ScriptedProvider([BUSY], break_after=2).stream(HERE, ASK):
            seen.append(piece)
    assert len(seen) == 2
    with pytest.raises(AttemptFailed):
        await streamed(ScriptedProvider([BUSY]))


@pytest.mark.anyio
async def test_it_lists_one_free_model_or_the_cards_it_was_given() -> None:
    (card,) = await ScriptedProvider(name="groq").models()
    assert (card.id, card.costs_nothing) == ("groq/model", True)
    mine = [ModelCard("p", "m")]
    assert await ScriptedProvider(cards=mine).models() == mine


@pytest.mark.anyio
async def test_it_has_no_embeddings_and_says_so_as_providers_do() -> None:
    with pytest.raises(AttemptFailed) as failed:
        await ScriptedProvider().embed(HERE, ["a"])
    assert failed.value.failure.kind is FailureKind.BAD_REQUEST


@pytest.mark.anyio
async def test_a_delay_passes_before_the_answer() -> None:
    assert (await ScriptedProvider(delay=0.001).complete(HERE, ASK)).message.text == "Hello."
    assert len(await streamed(ScriptedProvider(delay=0.001))) > 1


@pytest.mark.anyio
async def test_closing_is_remembered() -> None:
    provider = ScriptedProvider()
    await provider.aclose()
    assert provider.closed


# --- lines with everything about them ------------------------------------------------------------------------------


def broken_after(*pieces: str) -> Says:
    return Says(pieces=pieces, then=Failure(FailureKind.TRANSPORT, "upstream", "reset"))


@pytest.mark.anyio
async def test_a_line_comes_in_its_pieces_and_may_break_behind_them() -> None:
    seen: list[object] = []
    provider = ScriptedProvider([broken_after("Once ", "upon")])
    with pytest.raises(AttemptFailed) as failed:
        async for piece in provider.stream(HERE, ASK):
            seen.append(piece)
    assert seen == [TextDelta("Once "), TextDelta("upon")]
    assert failed.value.failure.kind is FailureKind.TRANSPORT
    with pytest.raises(AttemptFailed, match="reset"):
        await provider.complete(HERE, ASK)
    assert provider.running == 0


@pytest.mark.anyio
async def test_a_line_that_hangs_lasts_as_long_as_its_caller_is_patient() -> None:
    clock = FakeClock()
    provider = ScriptedProvider([Says(pieces=["Once "], then="hang")], clock=clock)
    patient = Timeouts(first_byte=7.0, idle=3.0)
    with pytest.raises(AttemptFailed, match="nothing came for 3 s"):
        [piece async for piece in provider.stream(HERE, ASK, patient)]
    with pytest.raises(AttemptFailed) as failed:
        await provider.complete(HERE, ASK, patient)
    assert failed.value.failure.kind is FailureKind.TIMEOUT
    assert clock.slept == [3.0, 7.0]


@pytest.mark.anyio
async def test_without_patience_it_hangs_for_ever_and_whoever_leaves_is_not_counted() -> None:
    provider = ScriptedProvider([Says(then="hang")])
    for ask in (provider.complete, lambda *asked: anext(provider.stream(*asked))):
        with anyio.move_on_after(0.01) as scope:
            await ask(HERE, ASK, Timeouts(first_byte=None, idle=None))
        assert scope.cancelled_caught
    gc.collect()
    assert provider.running == 0


@pytest.mark.anyio
async def test_delays_wait_on_the_clock() -> None:
    clock = FakeClock()
    line = Says(pieces=["a", "b", "c"], delay=2.0, every=0.5)
    provider = ScriptedProvider([line], clock=clock, delay=1.0)
    await streamed(provider)
    assert clock.slept == [1.0, 2.0, 0.5, 0.5]
    await provider.complete(HERE, ASK)
    assert clock.slept[4:] == [1.0, 3.0]


@pytest.mark.anyio
async def test_tool_calls_usage_and_finish_are_as_the_line_says() -> None:
    line = Says("Let me look.", tool_calls=[ToolCall("1", "now", {})], usage=Usage(7, 8), finish="length")
    *deltas, response = await streamed(ScriptedProvider([line]))
    assert isinstance(response, Response)
    assert (response.usage, response.finish) == (Usage(7, 8), "length")
    assert deltas[-1] == ToolCallDelta(0, "{}", "1", "now")
    called = await ScriptedProvider([Says.calling("weather", city="Oslo")]).complete(HERE, ASK)
    assert (called.finish, called.message.tool_calls[0].arguments) == ("tool_calls", {"city": "Oslo"})
    assert len(called.message.parts) == 1


def test_a_script_is_a_list_and_no_text() -> None:
    with pytest.raises(ValueError, match="a script is a list of lines"):
        ScriptedProvider("Paris.")


def test_pieces_that_are_not_the_text_are_refused() -> None:
    assert Says("ab", pieces=["a", "b"]).text == "ab"
    with pytest.raises(ValueError, match="give one of them"):
        Says("abc", pieces=["a", "b"])


@pytest.mark.anyio
async def test_vectors_are_made_of_texts_and_remembered() -> None:
    provider = ScriptedProvider(vectors=lambda text: [float(len(text))])
    assert await provider.embed(HERE, ["a", "bcd"]) == [[1.0], [3.0]]
    assert provider.embedded == [(HERE, ("a", "bcd"))]


@pytest.mark.anyio
async def test_prompts_are_the_last_texts_that_it_was_asked() -> None:
    provider = ScriptedProvider()
    await provider.complete(HERE, Request((Message.system("Be brief."), Message.user("Why?"))))
    assert provider.prompts == ["Why?"]
