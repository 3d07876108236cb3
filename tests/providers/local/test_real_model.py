"""The demo model itself, on the real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from tests.providers.local.gguf_files import chat_entries, gguf

from aiorch.errors import AttemptFailed, LocalModelError
from aiorch.providers.local import DEFAULT, LocalProvider
from aiorch.types import (
    Deployment,
    JsonSchema,
    Message,
    Parameters,
    Request,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolResult,
    ToolSpec,
)

pytestmark = pytest.mark.weights

DEMO = Deployment("local", DEFAULT)
WEATHER = ToolSpec(
    "weather",
    "The weather of a city now.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def ask(*messages: str | Message, tokens: int = 24, **more: object) -> Request:
    said = tuple(Message.user(m) if isinstance(m, str) else m for m in messages)
    return Request(said, Parameters(temperature=0, max_tokens=tokens), **more)  # type: ignore[arg-type]


# --- cancelling


@pytest.mark.anyio
async def test_cancelling_a_long_answer_returns_at_once_and_leaves_it_usable(
    shared_model: LocalProvider,
) -> None:
    await shared_model.complete(DEMO, ask("Hi", tokens=1))  # loaded
    begun = time.monotonic()
    with anyio.move_on_after(0.3) as scope:
        await shared_model.complete(DEMO, ask("Tell me a very long story about the sea.", tokens=900))
    assert scope.cancelled_caught
    with anyio.fail_after(10):
        await shared_model.complete(DEMO, ask("Hi", tokens=1))
    assert time.monotonic() - begun < 6, "900 tokens take more than that"


@pytest.mark.anyio
async def test_a_prompt_can_be_cancelled_while_it_is_read(shared_model: LocalProvider) -> None:
    await shared_model.complete(DEMO, ask("Hi", tokens=1))
    begun = time.monotonic()
    with anyio.move_on_after(0.2) as scope:
        await shared_model.complete(DEMO, ask(f"{begun} " + "many different words " * 300, tokens=1))
    assert scope.cancelled_caught
    assert time.monotonic() - begun < 4, "900 words take more than that"


@pytest.mark.anyio
async def test_closing_a_stream_after_the_first_words(shared_model: LocalProvider) -> None:
    async with aclosing(shared_model.stream(DEMO, ask("Tell me a long story.", tokens=400))) as parts:
        first = await anext(parts)
        assert isinstance(first, TextDelta)
    with anyio.fail_after(10):
        await shared_model.complete(DEMO, ask("Hi", tokens=1))


# --- what it answers


@pytest.mark.anyio
async def test_the_schema_is_kept_without_wasted_white_space(shared_model: LocalProvider) -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["ticket", "recipe", "letter"]},
            "topics": {
                "type": "array",
                "items": {"type": "string", "maxLength": 20},
                "minItems": 1,
                "maxItems": 2,
            },
            "who": {"$ref": "#/$defs/Person"},
        },
        "required": ["kind", "topics", "who"],
        "additionalProperties": False,
        "$defs": {
            "Person": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 20, "pattern": "^(?!x).*$"}},
                "required": ["name"],
                "additionalProperties": False,
            }
        },
    }
    response = await shared_model.complete(
        DEMO,
        ask(
            "Ticket 17 by Anna: the export button does nothing. Describe as JSON.",
            tokens=120,
            schema=JsonSchema(schema),
        ),
    )
    assert response.finish == "stop"
    assert "\n" not in response.message.text
    value = json.loads(response.message.text)
    assert value["kind"] in ("ticket", "recipe", "letter")
    assert 1 <= len(value["topics"]) <= 2
    assert isinstance(value["who"]["name"], str)


@pytest.mark.anyio
async def test_a_tool_round_ends_in_an_answer(shared_model: LocalProvider) -> None:
    question = Message.user("What is the weather in Oslo?")
    first = await shared_model.complete(
        DEMO, ask(question, tokens=60, tools=(WEATHER,), tool_choice=ToolChoice("required"))
    )
    (call,) = first.message.tool_calls
    assert (first.finish, call.name) == ("tool_calls", "weather")
    assert set(call.arguments) == {"city"}
    told = Message.tool(ToolResult(call.id, "4 degrees, rain"))
    last = await shared_model.complete(
        DEMO,
        ask(question, Message.assistant(ToolCall(call.id, "weather", {"city": "Oslo"})), told, tokens=60),
    )
    assert "4" in last.message.text


@pytest.mark.anyio
async def test_a_stop_text_and_a_seed_are_obeyed(shared_model: LocalProvider) -> None:
    request = Request(
        (Message.user("Count: one, two, three"),), Parameters(temperature=1, seed=7, max_tokens=12)
    )
    one, two = [(await shared_model.complete(DEMO, request)).message.text for _ in range(2)]
    assert one == two
    stop = one[3:6]
    stopped = Request(request.messages, Parameters(temperature=1, seed=7, max_tokens=12, stop=(stop,)))
    assert stop not in (await shared_model.complete(DEMO, stopped)).message.text


# --- the process around it


def test_nobody_else_can_use_its_http_server(shared_model: LocalProvider) -> None:
    anyio.run(shared_model.complete, DEMO, ask("Hi", tokens=1))
    address = shared_model._engine._server.listening_address
    assert address.startswith("http://127.0.0.1:")
    body = b'{"messages":[{"role":"user","content":"hi"}],"max_tokens":1}'
    for path in ("/v1/chat/completions", "/completion", "/slots", "/props"):
        request = urllib.request.Request(
            address + path, data=body, headers={"content-type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(request, timeout=10)
        assert error.value.code == 401, path
        error.value.close()


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )


PROGRAM = """
import asyncio, sys
from pathlib import Path
from aiorch.errors import AttemptFailed
from aiorch.providers.local import LocalProvider
from aiorch.types import *
provider = LocalProvider(Path(sys.argv[1]), context=512)
demo = Deployment("local", "smollm2-135m")
def ask(text, tokens, **more):
    return Request((Message.user(text),), Parameters(max_tokens=tokens), **more)
"""


def test_nothing_is_written_over_a_live_display(local_weights: Path) -> None:
    done = run(
        PROGRAM
        + """
async def main():
    await provider.complete(demo, ask("Hi", 2))
    schema = JsonSchema({"type": "object", "properties": {"a": {"type": "string", "pattern": "b(?=c)"}}})
    await provider.complete(demo, ask("Hi", 8, schema=schema))
    try:
        await provider.complete(demo, ask("word " * 2000, 2))
    except AttemptFailed as error:
        print(error.failure.kind)
    try:
        async with asyncio.timeout(0.05):
            await provider.complete(demo, ask("Tell a story", 300))
    except TimeoutError:
        print("cancelled")
    await provider.aclose()
asyncio.run(main())
""",
        str(local_weights),
    )
    assert (done.stdout, done.stderr, done.returncode) == ("context\ncancelled\n", "", 0)


def test_the_process_ends_though_an_answer_was_left_unread(local_weights: Path) -> None:
    begun = time.monotonic()
    done = run(
        PROGRAM
        + """
loop = asyncio.new_event_loop()
stream = provider.stream(demo, ask("Tell a very long story", 400))
loop.run_until_complete(anext(stream))
print("leaving", flush=True)
""",
        str(local_weights),
    )
    assert (done.stdout, done.returncode) == ("leaving\n", 0)
    assert time.monotonic() - begun < 20


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (chat_entries(**{"general.architecture": "newest"}), "unknown model architecture: 'newest'"),
        (chat_entries(), "the engine cannot load"),
    ],
)
async def test_a_model_that_the_engine_cannot_load_is_an_error_and_no_crash(
    local_weights: Path, tmp_path: Path, entries: dict[str, object], said: str
) -> None:
    provider = LocalProvider(gguf(tmp_path / "odd.gguf", entries=entries), model_id="odd")
    with pytest.raises(LocalModelError, match=said):
        await provider.complete(Deployment("local", "odd"), ask("Hi"))


def truncated(weights: Path, folder: Path, keep: int) -> Path:
    path = folder / "cut.gguf"
    with weights.open("rb") as file:
        path.write_bytes(file.read(keep))
    return path


@pytest.mark.anyio
@pytest.mark.parametrize("keep", [0, 3, 5_000, 50_000_000])
async def test_damaged_weights_are_an_error_and_no_crash(
    local_weights: Path, tmp_path: Path, keep: int
) -> None:
    provider = LocalProvider(truncated(local_weights, tmp_path, keep), model_id="cut")
    with pytest.raises(LocalModelError, match="Download it again"):
        await provider.complete(Deployment("local", "cut"), ask("Hi"))


@pytest.mark.anyio
async def test_many_callers_share_one_model(shared_model: LocalProvider) -> None:
    answers: list[str] = []

    async def one(n: int) -> None:
        answers.append((await shared_model.complete(DEMO, ask(f"Say {n}", tokens=3))).message.text)

    async with anyio.create_task_group() as group:
        for n in range(5):
            group.start_soon(one, n)
    assert len(answers) == 5


@pytest.mark.anyio
async def test_pictures_never_reach_the_engine(shared_model: LocalProvider) -> None:
    from aiorch.types import Image

    parts: Sequence[Image | str] = ("What is this?", Image(data=b"\x89PNG", media_type="image/png"))
    with pytest.raises(AttemptFailed, match="cannot see pictures"):
        await shared_model.complete(DEMO, Request((Message.user(*parts),)))
