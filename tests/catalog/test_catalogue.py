from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from aiorch.catalog import Catalogue, gathering, key_names, sources
from aiorch.catalog.embedded import embedded
from aiorch.catalog.lists import MIGRATIONS, StoredList, StoredLists
from aiorch.errors import AttemptFailed, LocalModelError
from aiorch.store import Store
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import ZERO_PRICE, Deployment, Failure, FailureKind, Listing, ModelCard

pytestmark = pytest.mark.anyio

DOWN = AttemptFailed(Failure(FailureKind.TRANSPORT, "upstream", "refused"))


def cards(provider: str, *models: str) -> tuple[ModelCard, ...]:
    return tuple(ModelCard(provider, m, price=ZERO_PRICE, free="zero_price") for m in models or ("model",))


class Lister(ScriptedProvider):
    """Lists models from a script: lists, exceptions to raise, seconds to take before the default list."""

    def __init__(self, name: str, *lists: Any, keys: tuple[str, ...] = (), local: bool = False) -> None:
        super().__init__(name=name, key_names=keys)
        self.lists = lists or (cards(name),)
        self.calls = 0
        self.local = local

    async def models(self) -> Sequence[ModelCard]:
        said = self.lists[min(self.calls, len(self.lists) - 1)]
        self.calls += 1
        if isinstance(said, BaseException):
            raise said
        if isinstance(said, float):
            await anyio.sleep(said)
            return cards(self.name)
        return said


@pytest.fixture
def store() -> Generator[Store]:
    store = Store.in_memory(MIGRATIONS)
    yield store
    store.close()


async def keep(store: Store, name: str, at: float, listed: tuple[ModelCard, ...]) -> None:
    await StoredLists(store).save(name, "", StoredList(at, Listing(listed)))


async def ids(subject: Catalogue) -> list[str]:
    return [c.card.id for c in (await subject.snapshot()).candidates]


# --- a failing provider never fails the question -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (DOWN, "transport: refused"),
        (LocalModelError("the weights are missing: run `aiorch local install`"), "the weights are missing"),
        (KeyError("data"), "KeyError: 'data'"),
        (ExceptionGroup("several", [ValueError("a")]), "ExceptionGroup: several"),
        (None, "TypeError"),
        (["a", "b"], "AttributeError"),
        (60.0, "no answer within 0.05 s"),
    ],
    ids=["down", "local", "raises", "group", "none", "strings", "hangs"],
)
async def test_a_provider_that_fails_is_told_of_and_the_others_are_there(
    said: object, why: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sources, "LIST_TIMEOUT", 0.05)
    sick = Lister("sick", said)
    subject = Catalogue([Lister("one"), sick, Lister("two")], clock=FakeClock())
    snapshot = await subject.snapshot()
    assert [c.card.id for c in snapshot.candidates] == ["one/model", "two/model"]
    (problem,) = snapshot.problems
    assert problem.id == "sick"
    assert problem.reason.startswith("its list of models could not be had (")
    assert why in problem.reason
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "sick" in caplog.text


async def test_a_slow_list_is_waited_for_longer_where_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LIST_TIMEOUT", 0.01)
    monkeypatch.setattr(sources, "SLOW_LISTS", {"nvidia": 10.0})
    assert await ids(Catalogue([Lister("nvidia", 0.05)], clock=FakeClock())) == ["nvidia/model"]


async def test_cancelling_a_question_is_no_providers_fault() -> None:
    slow = Lister("slow", 60.0, cards("slow"))
    subject = Catalogue([slow], clock=FakeClock())
    with anyio.move_on_after(0.02) as scope:
        await subject.snapshot()
    assert scope.cancelled_caught
    assert await ids(subject) == ["slow/model"]


async def test_a_sick_provider_is_asked_again_soon_and_not_at_once() -> None:
    clock = FakeClock()
    sick = Lister("sick", DOWN, cards("sick", "new"))
    subject = Catalogue([sick], clock=clock)
    assert await ids(subject) == []
    clock.advance(gathering.ASK_AGAIN - 1)
    assert await ids(subject) == []
    clock.advance(1)
    assert await ids(subject) == ["sick/new"]
    assert (await subject.snapshot()).problems == ()


# --- what is used instead ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("provider", ["openrouter", "nova"])
async def test_embedded_models_stand_in_for_a_list_that_cannot_be_had(provider: str) -> None:
    subject = Catalogue([Lister(provider, DOWN)], clock=FakeClock())
    assert await ids(subject) == [c.id for c in embedded(provider)]
    (problem,) = (await subject.snapshot()).problems
    assert problem.reason.endswith("; the embedded list is used")


async def test_the_embedded_models_of_nova_are_added_to_its_own_list() -> None:
    own = cards("nova", "nova-3", "nova-2-lite-v1")
    subject = Catalogue([Lister("nova", own)], clock=FakeClock())
    snapshot = await subject.snapshot()
    assert [c.card.model for c in snapshot.candidates] == ["nova-3", "nova-2-lite-v1", "nova-2-pro-v1"]
    assert [c.card.source == "live" for c in snapshot.candidates] == [True, True, False]


async def test_the_embedded_models_of_openrouter_are_not_added_to_its_own_list() -> None:
    subject = Catalogue([Lister("openrouter", cards("openrouter", "x:free"))], clock=FakeClock())
    assert await ids(subject) == ["openrouter/x:free"]


@pytest.mark.parametrize("with_store", [True, False])
async def test_an_earlier_list_stands_in_however_often_its_provider_fails(
    with_store: bool, store: Store
) -> None:
    clock = FakeClock()
    provider = Lister("openrouter", cards("openrouter", "live:free"), DOWN)
    subject = Catalogue([provider], clock=clock, store=store if with_store else None, ttl=100.0)
    assert await ids(subject) == ["openrouter/live:free"]
    for _ in range(3):
        clock.advance(100.0)
        snapshot = await subject.snapshot()
        assert [c.card.id for c in snapshot.candidates] == ["openrouter/live:free"]
        assert snapshot.problems[0].reason.endswith("; its earlier list is used")
    assert provider.calls == 4


async def test_a_stored_list_stands_in_for_a_provider_that_fails(store: Store) -> None:
    clock = FakeClock()
    await keep(store, "sick", clock.now() - 9_999.0, cards("sick", "old"))
    subject = Catalogue([Lister("sick", DOWN)], clock=clock, store=store, ttl=100.0)
    assert await ids(subject) == ["sick/old"]
    assert (await subject.snapshot()).problems[0].reason.endswith("; its earlier list is used")


# --- how long a list is believed ---------------------------------------------------------------------------------


async def test_a_list_is_believed_for_its_time_and_no_longer() -> None:
    clock = FakeClock()
    provider = Lister("p", cards("p", "a"), cards("p", "b"))
    subject = Catalogue([provider], clock=clock, ttl=100.0)
    assert await ids(subject) == ["p/a"]
    clock.advance(99.0)
    first = await subject.snapshot()
    assert await subject.snapshot() is first
    clock.advance(1.0)
    assert await ids(subject) == ["p/b"]
    assert provider.calls == 2


async def test_only_the_provider_whose_list_is_old_is_asked_again() -> None:
    clock = FakeClock()
    steady, sick = Lister("steady"), Lister("sick", DOWN, cards("sick"))
    subject = Catalogue([steady, sick], clock=clock, ttl=1_000.0)
    await subject.snapshot()
    clock.advance(gathering.ASK_AGAIN)
    assert await ids(subject) == ["steady/model", "sick/model"]
    assert (steady.calls, sick.calls) == (1, 2)


async def test_a_stored_list_spares_the_next_process_the_question_until_it_is_too_old(store: Store) -> None:
    clock = FakeClock()
    await Catalogue([Lister("p", cards("p", "a"))], clock=clock, store=store, ttl=100.0).snapshot()
    clock.advance(60.0)
    provider = Lister("p", cards("p", "b"))
    subject = Catalogue([provider], clock=clock, store=store, ttl=100.0)
    assert await ids(subject) == ["p/a"]
    clock.advance(39.0)
    assert await ids(subject) == ["p/a"]
    clock.advance(1.0)
    assert await ids(subject) == ["p/b"]
    assert provider.calls == 1


async def test_a_list_from_the_future_is_not_believed(store: Store) -> None:
    clock = FakeClock()
    await keep(store, "p", clock.now() + 1e6, cards("p", "a"))
    assert await ids(Catalogue([Lister("p", cards("p", "b"))], clock=clock, store=store)) == ["p/b"]


async def test_a_list_says_when_it_was_learnt_unless_its_cards_do() -> None:
    clock = FakeClock(now=500.0)
    dated = ModelCard("p", "dated", as_of=7.0)
    snapshot = await Catalogue([Lister("p", (*cards("p"), dated))], clock=clock).snapshot()
    assert [c.card.as_of for c in snapshot.candidates] == [500.0, 7.0]


async def test_a_broken_store_costs_warnings_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "s.sqlite3"
    broken.write_bytes(b"this is no database, whatever its name says" * 100)
    subject = Catalogue([Lister("p")], clock=FakeClock(), store=Store(broken, MIGRATIONS))
    assert await ids(subject) == ["p/model"]
    subject.retire(Deployment("p", "model"), gone("next"))
    assert (await subject.snapshot()).candidates[0].card.retired
    await subject.aclose()
    assert "could not be read" in caplog.text
    assert "could not be kept" in caplog.text
    assert "is not a database" in caplog.text


# --- several at once ---------------------------------------------------------------------------------------------


async def test_many_questions_at_once_ask_each_provider_once() -> None:
    providers = [Lister(name, 0.02) for name in "abc"]
    subject = Catalogue(providers, clock=FakeClock())
    seen: list[object] = []

    async def ask() -> None:
        seen.append(await subject.snapshot())

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)
    assert [p.calls for p in providers] == [1, 1, 1]
    assert all(snapshot is seen[0] for snapshot in seen)


async def test_all_providers_are_asked_at_the_same_time() -> None:
    met = 0

    class Meeting(Lister):
        async def models(self) -> Sequence[ModelCard]:
            nonlocal met
            met += 1
            while met < 3:
                await anyio.sleep(0.001)
            return cards(self.name)

    with anyio.fail_after(5):
        assert len(await ids(Catalogue([Meeting(n) for n in "abc"], clock=FakeClock()))) == 3


# --- offline -----------------------------------------------------------------------------------------------------


async def test_offline_nobody_outside_is_asked(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    outside = [Lister("openrouter"), Lister("nobodys"), Lister("known")]
    await keep(store, "known", clock.now() - 1e9, cards("known", "old"))
    subject = Catalogue(outside, clock=clock, store=store, offline=True)
    assert await ids(subject) == [*(c.id for c in embedded("openrouter")), "known/old"]
    assert {p.id: p.reason for p in (await subject.snapshot()).problems} == {
        "openrouter": "its list of models could not be had (offline); the embedded list is used",
        "nobodys": "its list of models could not be had (offline)",
    }
    assert not any(p.calls for p in outside)
    assert caplog.text == ""


async def test_offline_what_is_on_this_machine_is_asked_all_the_same(store: Store) -> None:
    within, beside = Lister("local"), Lister("ollama", local=True)
    clock = FakeClock()
    await keep(store, "ollama", clock.now() - 1e9, cards("ollama", "old"))
    subject = Catalogue([within, beside], clock=clock, store=store, offline=True)
    assert await ids(subject) == ["local/model", "ollama/model"]


async def test_the_list_of_a_provider_on_this_machine_is_not_stored(store: Store) -> None:
    providers = [Lister("local"), Lister("ollama", local=True), Lister("groq")]
    await Catalogue(providers, clock=FakeClock(), store=store).snapshot()
    assert await store.fetch("SELECT source FROM catalog_lists") == [("groq",)]


# --- models that end ---------------------------------------------------------------------------------------------


def gone(*successors: str, **other: Any) -> Failure:
    return Failure(
        FailureKind.MODEL_GONE, other.pop("scope", "model"), "gone", successors=successors, **other
    )


async def test_a_model_that_is_gone_is_demoted_at_once_without_asking_anybody() -> None:
    provider = Lister("p", cards("p", "a", "b"), keys=("K1", "K2"))
    subject = Catalogue([provider], clock=FakeClock())
    await subject.snapshot()
    subject.retire(Deployment("p", "a", "K1"), gone())
    snapshot = await subject.snapshot()
    assert [(c.deployment.id, c.card.retired) for c in snapshot.candidates] == [
        ("p/a#K1", True),
        ("p/a#K2", True),
        ("p/b#K1", False),
        ("p/b#K2", False),
    ]
    assert all(c.card.retired for c in snapshot.index["p/a"])
    assert provider.calls == 1


async def test_its_successors_are_learnt_under_both_of_its_names() -> None:
    subject = Catalogue([Lister("p")], clock=FakeClock())
    subject.retire(Deployment("p", "old:free"), gone("new:free", "newer:free"))
    assert subject.learnt["old:free"] is subject.learnt["p/old:free"]
    assert subject.learnt["old:free"].free == ("p/new:free", "p/newer:free")
    assert subject.learnt["old:free"].paid is None


async def test_who_has_no_successor_teaches_none() -> None:
    subject = Catalogue([Lister("p")], clock=FakeClock())
    subject.retire(Deployment("p", "model"), gone())
    assert subject.learnt == {}


@pytest.mark.parametrize(
    "doubtful", [gone("x", ambiguous=True), gone("x", scope="key_model"), gone("x", scope="account")]
)
async def test_what_may_only_be_so_for_one_account_retires_nothing(doubtful: Failure) -> None:
    subject = Catalogue([Lister("p")], clock=FakeClock())
    subject.retire(Deployment("p", "model"), doubtful)
    assert not (await subject.snapshot()).candidates[0].card.retired
    assert subject.learnt == {}


async def test_a_model_that_its_provider_lists_anew_is_alive_again() -> None:
    clock = FakeClock()
    subject = Catalogue([Lister("p", cards("p", "a", "b"), cards("p", "a"))], clock=clock, ttl=100.0)
    await subject.snapshot()
    for model in ("a", "b"):
        subject.retire(Deployment("p", model), gone())
    clock.advance(100.0)
    snapshot = await subject.snapshot()
    assert [(c.card.id, c.card.retired) for c in snapshot.candidates] == [("p/a", False)]


# --- keys --------------------------------------------------------------------------------------------------------


async def test_there_is_a_candidate_for_each_key_and_one_where_none_is_needed() -> None:
    assert key_names(Lister("p", keys=("K1", "K2"))) == ("K1", "K2")
    assert key_names(Lister("p")) == (None,)
    snapshot = await Catalogue([Lister("p", keys=("K1", "K2")), Lister("q")], clock=FakeClock()).snapshot()
    assert [c.deployment.id for c in snapshot.candidates] == ["p/model#K1", "p/model#K2", "q/model"]
    assert {c.deployment.id for c in snapshot.index["model"]} == {"p/model#K1", "p/model#K2", "q/model"}


async def test_without_providers_there_is_nothing_and_no_error() -> None:
    snapshot = await Catalogue([], clock=FakeClock()).snapshot()
    assert (snapshot.candidates, snapshot.problems, dict(snapshot.index)) == ((), (), {})


LATER = {
    *("assembly", "cards", "embedded", "families", "gathering", "guesses", "liveness", "merge", "overrides"),
    *("sources", "tombstones"),
}


def test_nothing_of_the_catalogue_is_loaded_before_the_first_question() -> None:
    code = (
        "import sys, aiorch; aiorch.Orchestrator();"
        "print(*(n for n in sys.modules if n.startswith('aiorch.catalog.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("aiorch.catalog.") for name in done.stdout.split()}
    assert "catalogue" in loaded
    assert loaded.isdisjoint(LATER)
