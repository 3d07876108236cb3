"""Answers to similar prompts: found where everything else is the same, and for as long as they are good."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import LocalModelError
from aiorch.protocols import Embedder
from aiorch.routing.disk_cache import MIGRATIONS
from aiorch.routing.semantic_cache import (
    SWEEP_EVERY,
    WIDTH,
    Asked,
    Like,
    SemanticCache,
    comparable,
    cosine,
    nearest,
    packed,
)
from aiorch.store import Store
from aiorch.testing import FakeClock
from aiorch.types import (
    Image,
    JsonSchema,
    Message,
    Parameters,
    Provenance,
    Request,
    Text,
    ToolResult,
    ToolSpec,
)

ASK = Request((Message.system("Be brief."), Message.user("What is a mutex?")), Parameters(temperature=0))


class Table:
    """An embedder with a table; whatever is not in it points elsewhere."""

    dimensions = 3

    def __init__(self, **vectors: tuple[float, float, float]) -> None:
        self.vectors = vectors
        self.asked: list[str] = []
        self.broken = False

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if self.broken:
            raise LocalModelError("the model is broken")
        self.asked += texts
        return [self.vectors.get(text, (0.0, 0.0, 1.0)) for text in texts]


def asked(
    request: Request = ASK, model: str = "m", tenant: str | None = None, agent: str = "general"
) -> Asked:
    made = comparable(request, model=model, tenant=tenant, agent=agent)
    assert made is not None
    return made


# --- what may be compared ----------------------------------------------------------------------------------------


def test_a_rewording_has_the_same_bucket() -> None:
    other = replace(ASK, messages=(ASK.messages[0], Message.user("what's a mutex")))
    assert asked(other).bucket == asked().bucket
    assert asked(other).text == "what's a mutex"
    assert "mutex" not in asked().bucket


@pytest.mark.parametrize(
    "other",
    [
        asked(model="n"),
        asked(tenant="acme"),
        asked(agent="coding_agent"),
        asked(replace(ASK, parameters=Parameters(temperature=0, max_tokens=5))),
        asked(replace(ASK, schema=JsonSchema({"type": "object"}))),
        asked(replace(ASK, messages=ASK.messages[1:])),
        asked(replace(ASK, messages=(Message.system("Be long."), ASK.messages[1]))),
        asked(replace(ASK, messages=(ASK.messages[0], Message.user("What is a semaphore?")))),
    ],
)
def test_everything_else_that_shapes_an_answer_has_to_be_the_same(other: Asked) -> None:
    assert other.bucket != asked().bucket


DOCUMENT = Provenance("document")


@pytest.mark.parametrize(
    "request_",
    [
        Request(()),
        replace(ASK, tools=(ToolSpec("f", "d", {"type": "object"}),)),
        replace(ASK, messages=(ASK.messages[1], Message.assistant("A lock."), Message.user("Why?"))),
        replace(ASK, messages=(ASK.messages[1], ASK.messages[1])),
        replace(ASK, messages=(Message.user("What?"), Message.tool(ToolResult("1", "4")))),
        replace(ASK, messages=(Message.user("What is this?", Image(url="https://a.example/b.png")),)),
        replace(ASK, messages=(Message.user("What is this?", Text("text", DOCUMENT)),)),
        replace(ASK, messages=(Message.user("two\nlines"),)),
        replace(ASK, messages=(Message.user("word " * 100),)),
        replace(ASK, messages=(Message("user", ()),)),
    ],
)
def test_conversations_tools_documents_and_long_texts_are_not_compared(request_: Request) -> None:
    assert comparable(request_, model="m", tenant=None, agent="general") is None


# --- vectors -----------------------------------------------------------------------------------------------------

VECTORS = st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: math.hypot(*v) > 0.1)


@given(VECTORS, VECTORS)
def test_one_byte_a_dimension_is_enough(one: list[float], other: list[float]) -> None:
    true = sum(a * b for a, b in zip(one, other, strict=True)) / math.hypot(*one) / math.hypot(*other)
    assert cosine(packed(one), packed(other)) == pytest.approx(true, abs=0.02)
    assert cosine(packed(one), packed(one)) == pytest.approx(1.0)


def test_what_cannot_be_compared_is_not_alike() -> None:
    assert cosine(packed([0.0, 0.0]), packed([1.0, 0.0])) == 0.0
    assert cosine(packed([1.0]), packed([1.0, 0.0])) == 0.0
    assert packed([]) == b""


def test_the_most_similar_comes_first_and_the_threshold_counts() -> None:
    kept = [("far", packed([0, 1])), ("near", packed([1, 0.1])), ("same", packed([1, 0]))]
    found = nearest(packed([1, 0]), kept, 0.9)
    assert [like.key for like in found] == ["same", "near"]
    assert found[0] == Like("same", 1.0)


# --- the cache ---------------------------------------------------------------------------------------------------

BUCKET, OTHER = "b" * 64, "c" * 64
NEAR: tuple[float, float, float] = (1.0, 0.1, 0.0)


def cache(
    embedder: Embedder, clock: FakeClock, store: Store | None = None, *, entries: int = 100, ttl: float = 60.0
) -> SemanticCache:
    return SemanticCache(embedder, threshold=0.9, entries=entries, ttl=ttl, clock=clock, store=store)


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "memory":
        yield None
        return
    made = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    yield made
    made.close()


@pytest.mark.anyio
async def test_a_similar_prompt_is_found_in_its_own_bucket_only(store: Store | None) -> None:
    table = Table(one=(1, 0, 0), like=NEAR, unlike=(0, 1, 0))
    subject = cache(table, FakeClock(), store)
    await subject.keep(Asked(BUCKET, "one"), "k1")
    (found,) = await subject.find(Asked(BUCKET, "like"))
    assert found.key == "k1"
    assert found.similarity == pytest.approx(0.995, abs=0.01)
    assert await subject.find(Asked(BUCKET, "unlike")) == ()
    assert await subject.find(Asked(OTHER, "one")) == ()


@pytest.mark.anyio
async def test_no_vector_is_made_where_there_is_nothing_to_compare_with(store: Store | None) -> None:
    table = Table()
    assert await cache(table, FakeClock(), store).find(Asked(BUCKET, "one")) == ()
    assert table.asked == []


@pytest.mark.anyio
async def test_what_is_too_old_is_not_found(store: Store | None) -> None:
    clock = FakeClock()
    subject = cache(Table(one=(1, 0, 0)), clock, store)
    await subject.keep(Asked(BUCKET, "one"), "k1")
    clock.advance(59)
    assert await subject.find(Asked(BUCKET, "one"))
    clock.advance(1)
    assert await subject.find(Asked(BUCKET, "one")) == ()


@pytest.mark.anyio
async def test_a_prompt_that_is_kept_again_counts_once(store: Store | None) -> None:
    clock = FakeClock()
    subject = cache(Table(one=(1, 0, 0)), clock, store)
    for _ in range(3):
        await subject.keep(Asked(BUCKET, "one"), "k1")
        clock.advance(50)
    assert [like.key for like in await subject.find(Asked(BUCKET, "one"))] == ["k1"]


@pytest.mark.anyio
async def test_only_the_newest_of_a_bucket_are_compared(store: Store | None) -> None:
    clock = FakeClock()
    subject = cache(Table(one=(1, 0, 0)), clock, store)
    for i in range(WIDTH + 5):
        await subject.keep(Asked(BUCKET, "one"), f"k{i:02}")
        clock.advance(0.1)
    found = {like.key for like in await subject.find(Asked(BUCKET, "one"))}
    assert found == {f"k{i:02}" for i in range(5, WIDTH + 5)}


@pytest.mark.anyio
async def test_in_memory_the_oldest_make_room() -> None:
    clock = FakeClock()
    subject = cache(Table(one=(1, 0, 0)), clock, entries=2)
    for name in "abc":
        await subject.keep(Asked(name * 64, "one"), name)
        clock.advance(1)
    assert [name for name in "abc" if await subject.find(Asked(name * 64, "one"))] == ["b", "c"]


@pytest.mark.anyio
async def test_on_disk_the_oldest_make_room_now_and_then(tmp_path: Path) -> None:
    clock, store = FakeClock(), Store(tmp_path / "s.sqlite3", MIGRATIONS)
    subject = cache(Table(), clock, store, entries=5)
    for i in range(SWEEP_EVERY + 1):
        await subject.keep(Asked(BUCKET, "one"), f"k{i:03}")
        clock.advance(0.01)
    kept = [key for (key,) in await store.fetch("SELECT key FROM likenesses ORDER BY key")]
    assert kept == [f"k{i:03}" for i in range(SWEEP_EVERY - 4, SWEEP_EVERY + 1)]
    await store.aclose()


@pytest.mark.anyio
async def test_the_next_process_finds_it_and_no_prompt_is_written(tmp_path: Path) -> None:
    path, clock = tmp_path / "s.sqlite3", FakeClock()
    first = Store(path, MIGRATIONS)
    await cache(Table(), clock, first).keep(Asked(BUCKET, "a very private prompt"), "k1")
    await first.aclose()
    second = Store(path, MIGRATIONS)
    assert await cache(Table(), clock, second).find(Asked(BUCKET, "a very private prompt"))
    await second.aclose()
    assert b"private" not in path.read_bytes()


@pytest.mark.anyio
async def test_a_broken_embedder_costs_no_answer_and_is_told_once(
    store: Store | None, caplog: pytest.LogCaptureFixture
) -> None:
    table = Table(one=(1, 0, 0))
    subject = cache(table, FakeClock(), store)
    await subject.keep(Asked(BUCKET, "one"), "k1")
    table.broken = True
    assert await subject.find(Asked(BUCKET, "one")) == ()
    await subject.keep(Asked(BUCKET, "two"), "k2")
    assert caplog.text.count("similar prompts cannot be compared: the model is broken") == 1
    with pytest.raises(LocalModelError):
        await subject.warm()


@pytest.mark.anyio
async def test_a_broken_store_costs_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "s.sqlite3").write_bytes(b"no database, but long enough to look like something else " * 9)
    subject = cache(Table(), FakeClock(), Store(tmp_path / "s.sqlite3", MIGRATIONS))
    await subject.keep(Asked(BUCKET, "one"), "k1")
    assert await subject.find(Asked(BUCKET, "one")) == ()
    assert caplog.text.count("similar prompts cannot be kept") == 1
