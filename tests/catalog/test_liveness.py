"""Who is listed and answers: one token asked, within a budget, and only what an answer proves is kept."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from aiorch.catalog.lists import MIGRATIONS
from aiorch.catalog.liveness import (
    KEPT_FOR,
    QUESTION,
    Liveness,
    Probes,
    Probing,
    chosen,
    judged,
    probe,
)
from aiorch.store import Store
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    ZERO_PRICE,
    Candidate,
    Capabilities,
    Deployment,
    Failure,
    FailureKind,
    FreeTerms,
    Lifecycle,
    Limit,
    ModelCard,
)

pytestmark = pytest.mark.anyio

GONE = Failure(FailureKind.MODEL_GONE, "model", "no such model")


def candidate(id: str, key: str | None = None, **said: Any) -> Candidate:
    provider, model = id.split("/")
    card = ModelCard(provider, model, **{"free": "zero_price", "price": ZERO_PRICE, **said})
    return Candidate(Deployment(provider, model, key), card)


def asked(line: Mapping[str, tuple[Candidate, ...]]) -> list[str]:
    return [c.card.id for them in line.values() for c in them]


@pytest.fixture
def store() -> Generator[Store]:
    store = Store.in_memory(MIGRATIONS)
    yield store
    store.close()


# --- what an attempt proves --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (None, "callable"),
        (Failure(FailureKind.EMPTY, "model", ""), "callable"),
        (Failure(FailureKind.TRUNCATED, "model", ""), "callable"),
        (GONE, "retired"),
        (Failure(FailureKind.MODEL_GONE, "model", "", ambiguous=True), "refused"),
        (Failure(FailureKind.MODEL_GONE, "key_model", ""), "refused"),
        (Failure(FailureKind.AUTH, "account", ""), "refused"),
        (Failure(FailureKind.BILLING, "account", ""), "refused"),
        (Failure(FailureKind.RATE_DAY, "account", ""), "unclear"),
        (Failure(FailureKind.OVERLOADED, "upstream", ""), "unclear"),
        (Failure(FailureKind.TIMEOUT, "model", ""), "unclear"),
        (Failure(FailureKind.BAD_REQUEST, "request", ""), "unclear"),
    ],
)
def test_an_attempt_proves_what_it_proves(failure: Failure | None, state: str) -> None:
    assert judged(failure) == state


# --- who is asked ------------------------------------------------------------------------------------------------


def test_only_what_costs_nothing_is_asked_unless_paying_is_allowed() -> None:
    them = [candidate("p/free"), candidate("p/paid", free="none"), candidate("p/unknown", free="unknown")]
    assert asked(chosen(them, {}, Probing(), 0.0)) == ["p/free"]
    assert asked(chosen(them, {}, Probing(allow_paid=True), 0.0)) == ["p/free", "p/paid", "p/unknown"]


def test_who_is_gone_or_does_not_chat_is_not_asked() -> None:
    them = [
        candidate("p/dead", lifecycle=Lifecycle("retired")),
        candidate("p/vectors", capabilities=Capabilities(embeddings=True)),
        candidate("p/pictures", capabilities=Capabilities(chat=False)),
        candidate("p/both", capabilities=Capabilities(chat=True)),
    ]
    assert asked(chosen(them, {}, Probing(), 0.0)) == ["p/both"]


def test_the_calls_are_spread_over_the_providers_and_never_more_than_agreed() -> None:
    them = [candidate(f"{p}/{m}") for p in "ab" for m in range(5)] + [candidate("c/0")]
    line = chosen(them, {}, Probing(calls=6), 0.0)
    assert {p: len(of) for p, of in line.items()} == {"a": 3, "b": 2, "c": 1}
    assert asked(chosen(them, {}, Probing(calls=0), 0.0)) == []
    assert chosen([], {}, Probing(), 0.0) == {}


def test_a_model_with_several_keys_is_asked_once() -> None:
    them = [candidate("p/a", "K1"), candidate("p/a", "K2")]
    (only,) = chosen(them, {}, Probing(), 0.0)["p"]
    assert only.deployment.key == "K1"


def test_what_is_known_already_is_not_asked_again_until_it_is_old_or_was_unclear() -> None:
    them = [candidate(f"p/{m}") for m in "abcd"]
    known = {
        "p/a": Liveness("callable", 1_000.0),
        "p/b": Liveness("refused", 1_000.0),
        "p/c": Liveness("unclear", 1_000.0),
    }
    assert asked(chosen(them, known, Probing(max_age=500.0), 1_499.0)) == ["p/c", "p/d"]
    assert asked(chosen(them, known, Probing(max_age=500.0), 1_500.0)) == ["p/a", "p/b", "p/c", "p/d"]


def test_only_the_models_that_are_named_are_asked() -> None:
    them = [candidate(f"p/{m}") for m in "abc"]
    assert asked(chosen(them, {}, Probing(models=("p/b", "p/x")), 0.0)) == ["p/b"]


def test_half_of_what_an_account_may_ask_in_a_minute_is_left_to_its_user() -> None:
    terms = FreeTerms(
        "", (Limit(8, "requests", "minute"), Limit(50, "requests", "day"), Limit(1, "tokens", "minute"))
    )
    them = [candidate(f"p/{m}", terms=terms) for m in range(9)]
    assert len(asked(chosen(them, {}, Probing(), 1_000.0))) == 4
    lately = {
        "p/7": Liveness("callable", 950.0),
        "p/8": Liveness("callable", 10.0),
        "q/1": Liveness("callable", 999.0),
    }
    assert len(asked(chosen(them, lately, Probing(), 1_000.0))) == 3
    one = FreeTerms("", (Limit(1, "requests", "minute"),))
    assert len(asked(chosen([candidate(f"p/{m}", terms=one) for m in "ab"], {}, Probing(), 0.0))) == 1


def test_limits_of_each_model_by_itself_do_not_add_up() -> None:
    terms = FreeTerms("", (Limit(2, "requests", "minute", "key_model"),))
    assert len(asked(chosen([candidate(f"p/{m}", terms=terms) for m in range(9)], {}, Probing(), 0.0))) == 9


# --- asking ------------------------------------------------------------------------------------------------------


async def test_each_answer_is_told_with_its_date_and_how_long_it_took() -> None:
    clock = FakeClock(now=500.0)
    provider = ScriptedProvider(["yes", GONE, Failure(FailureKind.OVERLOADED, "model", "busy")], "p")
    line = {"p": tuple(candidate(f"p/{m}") for m in "abc")}
    found, gone = await probe(line, {"p": provider}, Probing(), clock)
    assert found["p/a"] == Liveness("callable", 500.0, seconds=0.0)
    assert found["p/b"] == Liveness("retired", 500.0, "no such model")
    assert found["p/c"] == Liveness("unclear", 500.0, "busy")
    assert gone == {"p/b": GONE}
    assert [r for _, r in provider.asked] == [QUESTION] * 3
    assert QUESTION.parameters.max_tokens == 1


async def test_what_the_whole_account_may_not_is_asked_once() -> None:
    provider = ScriptedProvider([Failure(FailureKind.BILLING, "account", "no credit")], "p")
    found, _ = await probe(
        {"p": tuple(candidate(f"p/{m}") for m in "abc")}, {"p": provider}, Probing(), FakeClock()
    )
    assert found.keys() == {"p/a"}


async def test_providers_are_asked_at_the_same_time_and_each_one_model_at_a_time() -> None:
    running: dict[str, int] = {"p": 0, "q": 0}
    most, together = 0, 0

    class Busy(ScriptedProvider):
        async def complete(self, *args: Any, **more: Any) -> Any:
            nonlocal most, together
            running[self.name] += 1
            await anyio.sleep(0.02)
            most = max(most, *running.values())
            together = max(together, sum(running.values()))
            running[self.name] -= 1
            return await super().complete(*args, **more)

    line = {name: tuple(candidate(f"{name}/{m}") for m in "ab") for name in "pq"}
    found, _ = await probe(line, {name: Busy(name=name) for name in "pq"}, Probing(), FakeClock())
    assert len(found) == 4
    assert (most, together) == (1, 2)


@pytest.mark.parametrize(
    ("fault", "detail"), [(ValueError("odd"), "ValueError: odd"), (None, "no answer within 0.02 s")]
)
async def test_a_provider_that_breaks_or_hangs_does_not_end_the_others_turn(
    fault: Exception | None, detail: str
) -> None:
    class Broken(ScriptedProvider):
        async def complete(self, *args: Any, **more: Any) -> Any:
            if fault is None:
                await anyio.sleep(60)
            raise fault or AssertionError

    line = {"p": (candidate("p/a"),), "q": (candidate("q/a"),)}
    providers = {"p": Broken(name="p"), "q": ScriptedProvider(name="q")}
    found, _ = await probe(line, providers, Probing(timeout=0.02), FakeClock())
    assert (found["p/a"].state, found["p/a"].detail) == ("unclear", detail)
    assert found["q/a"].state == "callable"


async def test_no_secret_is_told() -> None:
    provider = ScriptedProvider([Failure(FailureKind.AUTH, "account", "bad key sk-secret")], "p")
    found, _ = await probe(
        {"p": (candidate("p/a"),)},
        {"p": provider},
        Probing(),
        FakeClock(),
        lambda t: t.replace("sk-secret", "***"),
    )
    assert found["p/a"].detail == "bad key ***"


# --- kept --------------------------------------------------------------------------------------------------------


async def test_results_survive_the_process_for_the_account_that_asked_and_for_a_week(store: Store) -> None:
    clock = FakeClock(now=1e9)
    providers = {"p": ScriptedProvider(["yes", GONE], "p")}
    them = [candidate("p/a", "K"), candidate("p/b", "K")]
    gone = await Probes(store, clock, str, {"p": "mine"}).run(them, providers, Probing())
    assert gone == {"p/b": (Deployment("p", "b", "K"), GONE)}

    known = await Probes(store, clock, str, {"p": "mine"}).known()
    assert {id: was.state for id, was in known.items()} == {"p/a": "callable", "p/b": "retired"}
    assert await Probes(store, clock, str, {"p": "another's"}).known() == {}
    assert await Probes(store, clock, str, {}).known() == {}
    clock.advance(KEPT_FOR + 1)
    assert await Probes(store, clock, str, {"p": "mine"}).known() == {}
    await Probes(store, clock, str, {"p": "mine"}).run([candidate("p/c")], providers, Probing())
    assert await store.fetch("SELECT id FROM catalog_probes") == [("p/c",)]


async def test_what_was_asked_once_is_not_asked_by_the_next_run(store: Store) -> None:
    provider = ScriptedProvider(["yes"], "p")
    for calls in (2, 2, 2):
        probes = Probes(store, FakeClock(now=1e9), str, {"p": ""})
        await probes.run([candidate(f"p/{m}") for m in "abc"], {"p": provider}, Probing(calls=calls))
    assert [d.model for d, _ in provider.asked] == ["a", "b", "c"]


async def test_without_a_store_or_with_a_broken_one_results_are_known_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for store in (None, Store(tmp_path, MIGRATIONS)):
        probes = Probes(store, FakeClock(), str, {"p": ""})
        await probes.run([candidate("p/a")], {"p": ScriptedProvider(name="p")}, Probing())
        assert (await probes.known())["p/a"].state == "callable"
    assert "could not be read" in caplog.text
    assert "could not be kept" in caplog.text
