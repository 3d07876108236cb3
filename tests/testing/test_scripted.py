from __future__ import annotations

import pytest

from aiorch.errors import AttemptFailed, LocalModelError
from aiorch.testing import ScriptedProvider
from aiorch.types import (
    Deployment,
    Failure,
    FailureKind,
    Message,
    ModelCard,
    Request,
    Response,
    TextDelta,
    ToolCall,
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
