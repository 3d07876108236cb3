"""Every model of every provider, however badly some of them behave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr
from tests.net.raw_server import Came, RawServer, Script, answer, hangs, says

from aiorch.catalog import Catalogue, Discovered, Probing, gathering, sources
from aiorch.catalog.embedded import as_of, embedded, embedded_all
from aiorch.catalog.lists import MIGRATIONS
from aiorch.catalog.overrides import read
from aiorch.errors import AttemptFailed, UnknownModel, UnknownProvider
from aiorch.net import Reply, Transport
from aiorch.providers import HTTPProvider, ProviderSpec
from aiorch.store import Store
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import ZERO_PRICE, Deployment, Failure, FailureKind, ModelCard

pytestmark = pytest.mark.anyio

DOWN = AttemptFailed(Failure(FailureKind.TRANSPORT, "upstream", "refused"))
GONE = Failure(FailureKind.MODEL_GONE, "model", "no such model", successors=("next",))


def free(id: str, **said: Any) -> ModelCard:
    provider, _, model = id.partition("/")
    return ModelCard(provider, model, **{"free": "zero_price", "price": ZERO_PRICE, **said})


class Lister(ScriptedProvider):
    """Lists what it is given, or fails."""

    def __init__(self, name: str, *listed: ModelCard, fault: Exception | None = None, **more: Any) -> None:
        super().__init__(name=name, **more)
        self.listed = listed
        self.fault = fault
        self.calls = 0

    async def models(self) -> Sequence[ModelCard]:
        self.calls += 1
        if self.fault is not None:
            raise self.fault
        return self.listed


@pytest.fixture
def store() -> Generator[Store]:
    store = Store.in_memory(MIGRATIONS)
    yield store
    store.close()


def ids(found: Discovered, provider: str) -> list[str]:
    return [card.id for card in found.cards if card.provider == provider]


async def dev(url: str, headers: Mapping[str, str]) -> Reply:
    """models.dev, with one model of one provider."""
    if "if-none-match" in headers:
        return Reply(304, {}, b"")
    models = {"dev-only": {"id": "dev-only", "limit": {"context": 7}}}
    return Reply(200, {"etag": "1"}, json.dumps({"perplexity": {"models": models}}).encode())


# --- everybody ---------------------------------------------------------------------------------------------------


async def test_all_known_models_of_all_providers_are_found() -> None:
    mine, public = Lister("mine", free("mine/a")), Lister("vercel", free("vercel/b"))
    subject = Catalogue([mine], clock=FakeClock(now=50.0), public=lambda: [public], fetch=dev)
    found = await subject.discover()
    assert found.configured == {"mine"}
    assert ids(found, "mine") == ["mine/a"]
    assert ids(found, "vercel") == ["vercel/b"]  # its own list, not what is embedded of it
    assert "perplexity/dev-only" in ids(found, "perplexity")
    others = set(embedded_all()) - {"vercel", "perplexity"}
    assert others
    for provider in others:
        assert ids(found, provider) == [card.id for card in embedded(provider)]
    assert found.as_of == {"mine": 50.0, "vercel": 50.0, "models.dev": 50.0}
    assert found.embedded_as_of == as_of()
    assert found.problems == ()
    assert "models.dev" not in found.providers


async def test_a_configured_provider_is_asked_itself_and_not_without_its_key() -> None:
    mine, public = Lister("vercel", free("vercel/with-key")), Lister("vercel", free("vercel/without"))
    found = await Catalogue([mine], clock=FakeClock(), public=lambda: [public]).discover()
    assert ids(found, "vercel") == ["vercel/with-key"]
    assert public.calls == 0


async def test_lists_that_cannot_be_had_are_told_and_what_stands_in_for_them() -> None:
    async def broken(url: str, headers: Mapping[str, str]) -> Reply:
        return Reply(500, {}, b"")

    subject = Catalogue(
        [Lister("mine", fault=DOWN)],
        clock=FakeClock(),
        public=lambda: [Lister("openrouter", fault=DOWN), Lister("nobodys", fault=DOWN)],
        fetch=broken,
    )
    found = await subject.discover()
    told = {p.id: p.reason for p in found.problems}
    assert told["mine"] == "its list of models could not be had (transport: refused)"
    assert told["openrouter"].endswith("; the embedded list is used")
    assert told["models.dev"].endswith(
        "(https://models.dev/api.json answered with status 500); the embedded list is used"
    )
    assert ids(found, "openrouter") == [card.id for card in embedded("openrouter")]
    assert found.of("mine") == ()
    assert "nobodys" not in found.providers


async def test_offline_everything_embedded_is_found_and_nobody_asked() -> None:
    mine, public = Lister("mine", free("mine/a")), Lister("vercel", free("vercel/b"))

    async def never(url: str, headers: Mapping[str, str]) -> Reply:
        raise AssertionError(url)

    subject = Catalogue([mine], clock=FakeClock(), public=lambda: [public], fetch=never, offline=True)
    found = await subject.discover(refresh=True)
    assert len(found.cards) == sum(map(len, embedded_all().values()))
    assert mine.calls == public.calls == 0
    assert {p.id for p in found.problems} == {"mine", "vercel", "models.dev"}


async def test_lists_are_asked_for_once_and_anew_only_when_somebody_wants_that(store: Store) -> None:
    clock = FakeClock()
    mine, public = Lister("mine", free("mine/a")), Lister("vercel", free("vercel/b"))
    asked: list[Mapping[str, str]] = []

    async def counted(url: str, headers: Mapping[str, str]) -> Reply:
        asked.append(headers)
        return await dev(url, headers)

    for refresh, calls in ((False, 1), (False, 1), (True, 2)):
        subject = Catalogue([mine], clock=clock, store=store, public=lambda: [public], fetch=counted)
        found = await subject.discover(refresh=refresh)
        assert "perplexity/dev-only" in ids(found, "perplexity")
        assert (mine.calls, public.calls, len(asked)) == (calls, calls, calls)
    assert asked[1]["if-none-match"] == "1"


async def test_what_was_discovered_helps_to_choose() -> None:
    subject = Catalogue(
        [Lister("perplexity", ModelCard("perplexity", "dev-only"))], clock=FakeClock(), fetch=dev
    )
    before = (await subject.snapshot()).candidates[0].card
    await subject.discover()
    after = (await subject.snapshot()).candidates[0].card
    assert (before.context, after.context) == (None, 7)


async def test_while_others_are_slow_what_is_known_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Lister):
        async def models(self) -> Sequence[ModelCard]:
            await anyio.sleep(60)
            return ()

    subject = Catalogue([Lister("mine", free("mine/a"))], clock=FakeClock(), public=lambda: [Slow("vercel")])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(subject.discover)
        await anyio.sleep(0.02)
        with anyio.fail_after(5):
            assert (await subject.snapshot()).candidates
        tasks.cancel_scope.cancel()


async def test_a_list_that_has_not_changed_is_not_sent_again(store: Store) -> None:
    clock = FakeClock()

    async def unless_known(came: Came, writer: asyncio.StreamWriter) -> bool:
        if b'if-none-match: "7"' in came.head.lower():
            writer.write(b'HTTP/1.1 304 Not Modified\r\netag: "7"\r\ncache-control: max-age=400\r\n\r\n')
        else:
            writer.write(answer(body("p"), extra='etag: "7"\r\ncache-control: max-age=400\r\n'))
        await writer.drain()
        return True

    transport = Transport(trust_env=False)
    with RawServer({"/v1/models": unless_known}) as server:
        spec = ProviderSpec(id="p", name="P", base_url=f"{server.url}/v1", env=("K",))
        provider = HTTPProvider(spec, transport, keys={"K": SecretStr("a-secret-key")})
        for asked in (1, 2, 2):
            if asked == 2:
                clock.advance(400.0 if len(server.requests) == 1 else 399.0)
            found = await Catalogue([provider], clock=clock, store=store).discover()
            assert len(found.of("p")) == MODELS
            assert found.problems == ()
            assert len(server.requests) == asked
        await transport.aclose()


# --- names -------------------------------------------------------------------------------------------------------


async def test_unknown_names_are_answered_with_the_nearest_ones() -> None:
    listed = [free("mine/llama-3-8b"), free("mine/llama-3-70b"), free("mine/llama-4"), free("mine/phi")]
    found = await Catalogue([Lister("mine", *listed), Lister("empty")], clock=FakeClock()).discover()
    with pytest.raises(UnknownProvider, match="did you mean|Did you mean") as provider:
        found.of("openruter")
    assert provider.value.nearest[0] == "openrouter"
    with pytest.raises(UnknownModel) as model:
        found.model("mine/llama-3-8")
    assert len(model.value.nearest) == 3
    assert model.value.nearest[0] == "mine/llama-3-8b"
    assert found.of("empty") == ()


async def test_a_model_is_found_by_its_id_and_by_its_family_over_all_providers() -> None:
    one, two = (
        Lister("one", free("one/llama-3.1-8b-instant")),
        Lister("two", free("two/meta/llama-3.1-8b-instruct")),
    )
    found = await Catalogue([one, two], clock=FakeClock()).discover()
    (card,) = found.model("one/llama-3.1-8b-instant")
    assert card.family is not None
    assert {c.id for c in found.model(card.family)} >= {
        "one/llama-3.1-8b-instant",
        "two/meta/llama-3.1-8b-instruct",
    }


async def test_the_users_corrections_count_everywhere_and_those_of_strangers_are_told() -> None:
    mine = read('[models."mine/a"]\ncontext = 5\n[models."mine/x"]\ncontext = 5', "models.toml", ["mine"])
    subject = Catalogue([Lister("mine", free("mine/a", context=9))], clock=FakeClock(), overrides=mine)
    assert (await subject.snapshot()).candidates[0].card.context == 5
    found = await subject.discover()
    assert found.of("mine")[0].context == 5
    (stranger,) = found.problems
    assert stranger.id == "mine/x"
    assert "models.toml, line 3" in stranger.reason


# --- models that end ---------------------------------------------------------------------------------------------


async def test_what_a_call_found_gone_is_gone_for_the_next_process_too(tmp_path: Path) -> None:
    clock = FakeClock()
    provider = Lister("mine", free("mine/a"), free("mine/next"))
    first = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    one = Catalogue([provider], clock=clock, store=first, ttl=1_000.0)
    await one.snapshot()
    clock.advance(1.0)
    one.retire(Deployment("mine", "a"), GONE)
    await one.aclose()
    await first.aclose()

    second = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    two = Catalogue([provider], clock=clock, store=second, ttl=1_000.0)
    assert [c.card.retired for c in (await two.snapshot()).candidates] == [True, False]
    assert two.learnt["mine/a"].free == ("mine/next",)
    assert [c.retired for c in (await two.discover()).of("mine")] == [True, False]
    assert provider.calls == 1
    clock.advance(1_000.0)
    assert [c.card.retired for c in (await two.snapshot()).candidates] == [False, False]  # listed anew
    await second.aclose()
    third = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    assert not (await Catalogue([provider], clock=clock, store=third).snapshot()).candidates[0].card.retired
    await third.aclose()


async def test_what_was_learnt_before_the_first_question_is_not_lost(store: Store) -> None:
    clock = FakeClock()
    provider = Lister("mine", free("mine/a"))
    subject = Catalogue([provider], clock=clock, store=store)
    subject.retire(Deployment("mine", "b"), GONE)
    await subject.aclose()
    again = Catalogue([provider], clock=clock, store=store)
    await again.snapshot()
    assert "mine/b" in again.learnt
    await Catalogue([], clock=clock).aclose()  # nothing to write


# --- probing -----------------------------------------------------------------------------------------------------


async def test_probing_tells_who_answers_and_buries_who_is_gone(store: Store) -> None:
    provider = Lister(
        "mine",
        free("mine/a"),
        free("mine/b"),
        free("mine/paid", free="none"),
        script=["yes", GONE],
        key_names=("K",),
    )
    subject = Catalogue([provider], clock=FakeClock(now=1e9), store=store)
    assert (await subject.discover()).callable == {}
    found = await subject.discover(probe=Probing(calls=5))
    assert {id: was.state for id, was in found.callable.items()} == {
        "mine/a": "callable",
        "mine/b": "retired",
    }
    assert {c.id: c.retired for c in found.of("mine")} == {
        "mine/a": False,
        "mine/b": True,
        "mine/paid": False,
    }
    assert [d.key for d, _ in provider.asked] == ["K", "K"]
    again = await Catalogue([provider], clock=FakeClock(now=1e9), store=store).discover()
    assert again.callable == found.callable
    assert await Catalogue([provider], clock=FakeClock(now=1e9), store=store).callable() == found.callable
    assert {c.id: c.retired for c in again.of("mine")}["mine/b"]


# --- the snapshot itself -----------------------------------------------------------------------------------------


async def test_the_audit_compares_the_snapshot_with_who_answers() -> None:
    kept = embedded("openrouter")
    live = [replace(card, source="live") for card in kept[1:]]
    public = [
        Lister("openrouter", *live, free("openrouter/new:free")),
        Lister("vercel", fault=DOWN),
        Lister("nova", free("nova/nova-3")),  # its list is not known to be complete
    ]
    found = await Catalogue([Lister("mine")], clock=FakeClock(), public=lambda: public).audit()
    assert found.providers == ("openrouter",)
    assert [c.id for c in found.new] == ["openrouter/new:free"]
    assert [c.id for c in found.retired] == ([kept[0].id] if not kept[0].retired else [])
    assert found.as_of == as_of()
    assert not found.exceeds(0.20)
    gone = await Catalogue([Lister("openrouter", live[0])], clock=FakeClock()).audit()
    assert gone.exceeds(0.20)


# --- thirty providers, six of them sick --------------------------------------------------------------------------

MODELS = 20


def body(name: str) -> bytes:
    listed = [
        {"id": f"{name}-{i}", "context_length": 8192, "pricing": {"prompt": "0", "completion": "0"}}
        for i in range(MODELS)
    ]
    return json.dumps({"object": "list", "data": listed}).encode()


FAULTS: Mapping[str, tuple[Script, str]] = {
    "timeout": (hangs(), "no answer within"),
    "half": (hangs(answer(body("x"))[:400]), "no answer within"),
    "5xx": (says(answer(b'{"error": "overloaded"}', "503 Service Unavailable")), "overloaded"),
    "truncated": (says(answer(body("x"))[:900], keep=False), "transport"),
    "html": (says(answer(b"<html><h1>Bad gateway</h1></html>", kind="text/html")), "malformed"),
    "garbage": (says(b"\x00\xff\x16\x03 this is no HTTP\r\n\r\n", keep=False), "malformed"),
}


async def test_of_thirty_providers_all_healthy_ones_are_found_whatever_the_sick_ones_do(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setattr(sources, "LIST_TIMEOUT", 2.0)
    monkeypatch.setattr(gathering, "MOMENT", 0.0)
    transport = Transport(trust_env=False)
    with ExitStack() as stack:
        providers: list[HTTPProvider] = []
        for number in range(30):
            name = f"p{number:02}"
            fault = list(FAULTS)[number // 5] if number % 5 == 0 else None
            script = FAULTS[fault][0] if fault else says(b"", answer(body(name)), pause=0.05)
            server = stack.enter_context(RawServer({"/v1/models": script}))
            spec = ProviderSpec(
                id=f"{fault}{number:02}" if fault else name,
                name=name,
                base_url=f"{server.url}/v1",
                env=("K",),
            )
            providers.append(HTTPProvider(spec, transport, keys={"K": SecretStr("a-secret-key")}))
        subject = Catalogue(providers[:20], clock=FakeClock(), store=store, public=lambda: providers[20:])
        found = await subject.discover()
        await transport.aclose()
    healthy = {p.name for p in providers if p.name.startswith("p")}
    assert len(healthy) == 24
    for name in healthy:
        assert [c.model for c in found.of(name)] == [f"{name}-{i}" for i in range(MODELS)]
    told = {p.id.rstrip("0123456789"): p.reason for p in found.problems}
    assert told.keys() == FAULTS.keys()
    for fault, (_, why) in FAULTS.items():
        assert why in told[fault], told[fault]
    assert "a-secret-key" not in str(found)
    stored = {source for (source,) in await store.fetch("SELECT source FROM catalog_lists")}
    assert stored == healthy
