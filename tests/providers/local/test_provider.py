"""The provider on a scripted engine: what a real model cannot be made to do, under both event loops."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from tests.providers.local.engine_double import Double, says
from tests.providers.local.gguf_files import chat_entries, gguf

from aiorch.errors import AttemptFailed, LocalModelError, MissingExtra
from aiorch.protocols import Provider
from aiorch.providers.local import DEFAULT, LocalProvider
from aiorch.providers.local import engine as engine_module
from aiorch.providers.local.provider import default_slots
from aiorch.types import (
    Deployment,
    FailureKind,
    Message,
    Parameters,
    Request,
    Response,
    StreamPart,
    TextDelta,
    Timeouts,
)

TINY = Deployment("local", "tiny")
OnChunk = Callable[[Mapping[str, Any]], bool]


def ask(text: str = "Hi", **more: Any) -> Request:
    return Request((Message.user(text),), **more)


@pytest.fixture
def provider(double: Double, tiny: Path) -> LocalProvider:
    return LocalProvider(tiny, model_id="tiny", threads=1)


def endless(body: Mapping[str, Any], on_chunk: OnChunk) -> None:
    """An answer that never ends by itself."""
    for chunk in says("a")[:2]:
        on_chunk(chunk)
    while not on_chunk(says("more")[1]):
        time.sleep(0.005)


# --- one call


@pytest.mark.anyio
async def test_an_answer_is_streamed_and_the_response_comes_last(provider: LocalProvider) -> None:
    assert isinstance(provider, Provider)
    parts = [part async for part in provider.stream(TINY, ask())]
    assert [p.text for p in parts if isinstance(p, TextDelta)] == ["Hell", "o th", "ere"]
    assert isinstance(parts[-1], Response)
    assert (await provider.complete(TINY, ask())) == parts[-1]
    await provider.aclose()


@pytest.mark.anyio
async def test_an_answer_has_half_of_the_context_at_most(provider: LocalProvider, double: Double) -> None:
    await provider.complete(TINY, ask())
    await provider.complete(TINY, ask(parameters=Parameters(max_tokens=9000)))
    assert [b["max_tokens"] for b in double.bodies] == [2048, 9000]


@pytest.mark.anyio
async def test_another_model_is_not_here(provider: LocalProvider, double: Double) -> None:
    with pytest.raises(AttemptFailed, match="is tiny, not gpt") as error:
        await provider.complete(Deployment("local", "gpt"), ask())
    assert error.value.failure.kind is FailureKind.MODEL_GONE
    assert error.value.failure.successors == ("tiny",)
    assert double.loads == 0


@pytest.mark.anyio
async def test_embeddings_are_refused_with_a_way_out(provider: LocalProvider) -> None:
    with pytest.raises(AttemptFailed, match="no embeddings: use") as error:
        await provider.embed(TINY, ["a"])
    assert error.value.failure.kind is FailureKind.BAD_REQUEST


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("raised", "kind"),
    [(ValueError("bad"), FailureKind.BAD_REQUEST), (KeyError("x"), FailureKind.OVERLOADED)],
)
async def test_what_the_engine_raises_becomes_a_failure(
    provider: LocalProvider, double: Double, raised: Exception, kind: FailureKind
) -> None:
    def script(body: Mapping[str, Any], on_chunk: OnChunk) -> None:
        raise raised

    double.script = script
    with pytest.raises(AttemptFailed) as error:
        await provider.complete(TINY, ask())
    assert error.value.failure.kind is kind
    double.script = double.says_hello
    assert (await provider.complete(TINY, ask())).message.text == "Hello there"


@pytest.mark.anyio
async def test_a_silent_engine_is_a_timeout_before_and_after_the_first_sign(
    provider: LocalProvider, double: Double
) -> None:
    go = threading.Event()

    def script(body: Mapping[str, Any], on_chunk: OnChunk) -> None:
        if body["messages"][0]["content"] == "late":
            on_chunk(says("a")[1])
        go.wait(5)
        on_chunk({})

    double.script = script
    for text, timeouts in (
        ("never", Timeouts(first_byte=0.01, idle=60)),
        ("late", Timeouts(first_byte=60, idle=0.01)),
    ):
        go.clear()
        timer = threading.Timer(0.2, go.set)  # the engine cannot be stopped while it says nothing
        timer.start()
        with pytest.raises(AttemptFailed, match=r"no sign of life .* 0\.01 s") as error:
            await provider.complete(TINY, ask(text), timeouts)
        timer.join()
        assert error.value.failure.kind is FailureKind.TIMEOUT


# --- cancelling, closing, many at once


@pytest.mark.anyio
async def test_cancelling_ends_the_generation_and_frees_the_slot(
    provider: LocalProvider, double: Double
) -> None:
    double.script = endless
    with anyio.move_on_after(0.1) as scope:
        await provider.complete(TINY, ask())
    assert scope.cancelled_caught
    double.script = double.says_hello
    with anyio.fail_after(5):
        await provider.complete(TINY, ask())
        while any(t.name == "aiorch-local" for t in threading.enumerate()):
            await anyio.sleep(0.01)  # a thread ends a moment after its answer


@pytest.mark.anyio
async def test_closing_a_stream_ends_the_generation(provider: LocalProvider, double: Double) -> None:
    double.script = endless
    async with aclosing(provider.stream(TINY, ask())) as parts:
        await anext(parts)
    double.script = double.says_hello
    with anyio.fail_after(5):
        await provider.complete(TINY, ask())


@pytest.mark.anyio
async def test_a_stream_may_be_read_under_changing_time_limits(provider: LocalProvider) -> None:
    seen: list[StreamPart] = []
    async with aclosing(provider.stream(TINY, ask())) as parts:
        while True:
            try:
                with anyio.fail_after(5):
                    seen.append(await anext(parts))
            except StopAsyncIteration:
                break
    assert isinstance(seen[-1], Response)


@pytest.mark.anyio
async def test_no_more_than_the_slots_run_at_once(double: Double, tiny: Path) -> None:
    provider = LocalProvider(tiny, model_id="tiny", threads=4, slots=2)
    lock, now, most = threading.Lock(), 0, 0

    def script(body: Mapping[str, Any], on_chunk: OnChunk) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        double.says_hello(body, on_chunk)
        with lock:
            now -= 1

    double.script = script
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(provider.complete, TINY, ask())
    assert most == 2
    assert double.loads == 1
    assert double.parameters[0].n_ctx == 2 * 2048


@pytest.mark.anyio
async def test_a_question_in_the_middle_of_a_stream_is_answered(provider: LocalProvider) -> None:
    async with aclosing(provider.stream(TINY, ask())) as outer:
        await anext(outer)
        with anyio.fail_after(5):
            async with aclosing(provider.stream(TINY, ask())) as inner:
                await anext(inner)
                assert (await provider.complete(TINY, ask())).message.text == "Hello there"
        rest = [part async for part in outer]
    assert isinstance(rest[-1], Response)


@pytest.mark.anyio
async def test_a_failed_start_gives_its_slot_back(provider: LocalProvider, double: Double) -> None:
    double.refuses = RuntimeError("no")
    for _ in range(2):
        with pytest.raises(LocalModelError):
            await provider.complete(TINY, ask())
    double.refuses = None
    with anyio.fail_after(5):
        await provider.complete(TINY, ask())


@pytest.mark.anyio
async def test_a_waiting_call_can_be_cancelled(provider: LocalProvider, double: Double) -> None:
    double.script = endless
    async with anyio.create_task_group() as group:
        group.start_soon(provider.complete, TINY, ask("first"))
        while not double.bodies:
            await anyio.sleep(0.005)
        with anyio.move_on_after(0.05) as scope:
            await provider.complete(TINY, ask("second"))
        assert scope.cancelled_caught
        group.cancel_scope.cancel()
    assert [b["messages"][0]["content"] for b in double.bodies] == ["first"]


@pytest.mark.anyio
async def test_closing_the_provider_ends_what_runs_and_may_be_repeated(
    provider: LocalProvider, double: Double
) -> None:
    double.script = endless
    failures: list[FailureKind] = []

    async def call() -> None:
        with pytest.raises(AttemptFailed, match="was closed") as error:
            await provider.complete(TINY, ask())
        failures.append(error.value.failure.kind)

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        while not double.bodies:
            await anyio.sleep(0.005)
        await provider.aclose()
    await provider.aclose()
    assert failures == [FailureKind.CANCELLED]
    double.script = double.says_hello
    await provider.complete(TINY, ask())
    assert double.loads == 2, "closed, it loads again at the next call"


def test_one_provider_serves_one_event_loop_after_the_other(provider: LocalProvider, double: Double) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(provider.complete, TINY, ask())

    for backend in ("asyncio", "trio", "asyncio"):
        anyio.run(main, backend=backend)
    assert double.loads == 1
    assert len(double.bodies) == 9


# --- loading


@pytest.mark.anyio
async def test_making_one_loads_nothing_and_the_first_call_does(
    provider: LocalProvider, double: Double
) -> None:
    await provider.models()
    assert double.loads == 0
    await provider.complete(TINY, ask())
    await provider.complete(TINY, ask())
    assert double.loads == 1


@pytest.mark.anyio
async def test_loading_does_not_hold_up_the_event_loop_or_a_cancelled_caller(
    provider: LocalProvider, double: Double
) -> None:
    double.loading.clear()
    with anyio.move_on_after(0.05) as scope:
        await provider.complete(TINY, ask())
    assert scope.cancelled_caught
    assert double.loads == 0, "it is still loading"
    double.loading.set()
    await provider.complete(TINY, ask())
    assert double.loads == 1, "what was begun for the one who left served the next"


@pytest.mark.anyio
async def test_a_missing_engine_names_the_extra(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    provider = LocalProvider(tiny, model_id="tiny")
    assert await provider.models()
    with pytest.raises(MissingExtra, match=r"pip install 'aiorch-sdk\[local\]'"):
        await provider.complete(TINY, ask())


@pytest.mark.anyio
async def test_an_engine_that_does_not_load_says_why(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ImportError("GLIBC_2.99 not found")

    monkeypatch.setattr(engine_module.importlib, "import_module", broken)
    with pytest.raises(MissingExtra, match=r"does not load: GLIBC_2\.99"):
        await LocalProvider(tiny, model_id="tiny").complete(TINY, ask())


@pytest.mark.anyio
async def test_a_model_that_cannot_converse_is_told_by_name(double: Double, tmp_path: Path) -> None:
    entries = chat_entries()
    del entries["tokenizer.chat_template"]
    provider = LocalProvider(gguf(tmp_path / "base.gguf", entries=entries), model_id="tiny")
    with pytest.raises(LocalModelError, match=r"base\.gguf \(Tiny\) has no chat template.*instruct"):
        await provider.complete(TINY, ask())


@pytest.mark.anyio
async def test_a_known_model_must_be_the_pinned_file(double: Double, tiny: Path) -> None:
    provider = LocalProvider(tiny)
    with pytest.raises(LocalModelError, match="is not the file that was installed"):
        await provider.complete(Deployment("local", DEFAULT), ask())
    assert double.loads == 0


@pytest.mark.anyio
async def test_what_the_engine_cannot_load_is_told_in_its_words(
    provider: LocalProvider, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.refuses = RuntimeError("Failed to init server, please check the input params.")

    def asked(said: str) -> None:
        done = subprocess.CompletedProcess[str]([], 1, "", said)
        monkeypatch.setattr(subprocess, "run", lambda *a, **k: done)

    asked("0.1 E llama_model_load: error loading model: unknown model architecture: 'new'\n0.2 E failed\n")
    with pytest.raises(LocalModelError, match="architecture llama.*: unknown model architecture: 'new'"):
        await provider.complete(TINY, ask())
    asked("nothing of use")
    with pytest.raises(LocalModelError, match="Failed to init server"):
        await provider.complete(TINY, ask())

    def never(*args: object, **kwargs: object) -> None:
        raise subprocess.TimeoutExpired("python", 60)

    monkeypatch.setattr(subprocess, "run", never)
    with pytest.raises(LocalModelError, match="pip install -U xllamacpp"):
        await provider.complete(TINY, ask())


@pytest.mark.anyio
async def test_the_engine_is_set_up_for_company(provider: LocalProvider, double: Double) -> None:
    await provider.complete(TINY, ask())
    (made,) = double.parameters
    assert (made.warmup, made.port, made.verbosity, made.cache_ram_mib) == (False, 0, -1, 0)
    assert made.cpuparams.n_threads == made.cpuparams_batch.n_threads == 1
    assert (made.n_parallel, made.n_ctx) == (1, 2048), "no more than the model was trained for"
    assert len(made.api_keys[0]) >= 32
    assert (made.webui, made.endpoint_slots, made.fit_params) == (False, False, False)
    assert not hasattr(made, "ui"), "names of other versions are left alone"
    assert made.model_alias == {"tiny"}
    await provider.aclose()
    double.devices = [*double.devices, {"type": "GGML_BACKEND_DEVICE_TYPE_GPU"}]
    await provider.complete(TINY, ask())
    assert double.parameters[1].fit_params
    assert double.parameters[1].api_keys != made.api_keys


# --- what it says of itself


@pytest.mark.anyio
async def test_the_default_model_is_marked_as_a_demo_without_reading_its_file(tmp_path: Path) -> None:
    (card,) = await LocalProvider(tmp_path / "not-there.gguf").models()
    assert (card.id, card.demo, card.free, card.context) == (f"local/{DEFAULT}", True, "local", 4096)
    assert (card.parameters, card.max_output) == (134_515_008, 2048)
    assert card.price is not None
    assert card.price.zero
    able = card.capabilities
    assert (able.chat, able.json_schema, able.tools, able.streaming) == (True, True, True, True)
    assert (able.vision, able.embeddings) == (False, False)


@pytest.mark.anyio
async def test_any_file_is_described_by_its_name_and_header(tmp_path: Path) -> None:
    small = gguf(tmp_path / "my-model.gguf")
    (card,) = await LocalProvider(small, name="mine", model_id="my-model").models()
    assert (card.id, card.name, card.context, card.demo) == ("mine/my-model", "my-model", 2048, True)
    big = gguf(tmp_path / "big.gguf", tensors=[("w", (30_000, 20_000), 99, 0)])
    (card,) = await LocalProvider(big, model_id="big", context=512).models()
    assert (card.parameters, card.demo, card.context) == (600_000_000, False, 512)


@pytest.mark.anyio
async def test_a_file_that_is_no_model_has_no_card(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="cannot be read"):
        await LocalProvider(tmp_path / "none.gguf", model_id="none").models()


def test_slots_follow_the_threads() -> None:
    assert [default_slots(n) for n in (1, 2, 8)] == [1, 2, 2]


def test_importing_loads_neither_the_engine_nor_an_http_client() -> None:
    program = (
        "import sys, aiorch.providers.local as l\n"
        "l.LocalProvider(__import__('pathlib').Path('x.gguf'))\n"
        "print(sorted({'xllamacpp', 'pydantic', 'subprocess', 'zipfile'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert said.stdout.strip() == "[]"


def test_it_says_how_many_questions_it_answers_at_once(tiny: Path) -> None:
    assert LocalProvider(tiny, model_id="tiny", threads=1).at_once == 1
    assert LocalProvider(tiny, model_id="tiny", slots=3).at_once == 3
