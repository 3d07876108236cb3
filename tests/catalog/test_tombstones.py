"""Models that are gone stay gone for the next process, until their provider lists them anew."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from aiorch.catalog import Successor, tombstones
from aiorch.catalog.lists import MIGRATIONS
from aiorch.catalog.tombstones import Graveyard, StoredTombstones, Tombstone, buried, tombstone
from aiorch.store import Store
from aiorch.types import Deployment, Failure, FailureKind, Lifecycle, ModelCard, Origin

pytestmark = pytest.mark.anyio


def gone(*successors: str, scope: Any = "model", ambiguous: bool = False) -> Failure:
    return Failure(FailureKind.MODEL_GONE, scope, "no such model", successors=successors, ambiguous=ambiguous)


@pytest.fixture
def store() -> Generator[Store]:
    store = Store.in_memory(MIGRATIONS)
    yield store
    store.close()


def stone(model: str, at: float = 5.0, *successors: str) -> Tombstone:
    return Tombstone("p", model, at, "no such model", successors)


# --- what a failure proves ---------------------------------------------------------------------------------------


def test_a_model_that_is_gone_for_everybody_gets_a_tombstone() -> None:
    found = tombstone(Deployment("p", "a", "KEY"), gone("b", "c"), 5.0)
    assert found == Tombstone("p", "a", 5.0, "no such model", ("b", "c"))
    assert found is not None
    assert found.id == "p/a"


@pytest.mark.parametrize("doubtful", [gone(ambiguous=True), gone(scope="account"), gone(scope="key_model")])
def test_what_may_only_be_so_here_gives_none(doubtful: Failure) -> None:
    assert tombstone(Deployment("p", "a"), doubtful, 5.0) is None


def test_the_card_of_a_buried_model_says_since_when_and_who_follows() -> None:
    card = ModelCard("p", "a", lifecycle=Lifecycle("deprecated", 1.0, 9.0, "old successor"), source="live")
    dead = buried(card, stone("a", 5.0, "b", "c"))
    assert dead.lifecycle == Lifecycle("retired", 1.0, 9.0, "b")
    assert dead.origin("lifecycle") == Origin("call", 5.0)
    assert buried(card, stone("a")).lifecycle.successor == "old successor"


# --- over processes ----------------------------------------------------------------------------------------------


async def test_the_next_process_knows_who_is_gone_and_who_follows(tmp_path: Path) -> None:
    first = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    yard = Graveyard(first, {})
    yard.bury(stone("a:free", 5.0, "b:free", "paid"))
    yard.bury(stone("c"))
    await yard.write()
    await first.aclose()

    second = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    learnt: dict[str, Successor] = {}
    again = Graveyard(second, learnt)
    await again.remember()
    cards = tuple(ModelCard("p", model) for model in ("a:free", "b:free", "c"))
    assert [card.retired for card in again.seen(cards)] == [True, False, True]
    assert learnt.keys() == {"a:free", "p/a:free"}
    assert learnt["a:free"].free == (
        "p/b:free",
        "p/paid",
    )  # in the provider's order; who follows looks at the price
    assert learnt["a:free"].paid is None
    await second.aclose()


async def test_a_model_that_is_listed_later_lives_again_for_everybody(store: Store) -> None:
    yard = Graveyard(store, {})
    for model in ("a", "b", "c"):
        yard.bury(stone(model, 5.0))
    yard.bury(Tombstone("q", "a", 5.0))
    await yard.write()
    yard.listed("p", 6.0, [ModelCard("p", "a"), ModelCard("p", "d")])
    await yard.write()
    assert (await StoredTombstones(store).load()).keys() == {"p/b", "p/c", "q/a"}
    (card,) = yard.seen((ModelCard("p", "a"),))
    assert not card.retired


async def test_a_list_from_before_its_death_revives_nobody(store: Store) -> None:
    yard = Graveyard(store, {})
    yard.bury(stone("a", 5.0))
    yard.listed("p", 5.0, [ModelCard("p", "a")])
    assert yard.seen((ModelCard("p", "a"),))[0].retired


async def test_who_died_and_revived_before_anybody_wrote_leaves_no_trace(store: Store) -> None:
    yard = Graveyard(store, {})
    yard.bury(stone("a", 5.0))
    yard.listed("p", 6.0, [ModelCard("p", "a")])
    await yard.write()
    assert await StoredTombstones(store).load() == {}


async def test_what_this_process_found_out_counts_before_what_is_kept(store: Store) -> None:
    await StoredTombstones(store).save([stone("a", 1.0, "old")], ())
    learnt: dict[str, Successor] = {}
    yard = Graveyard(store, learnt)
    yard.bury(stone("a", 9.0, "new"))
    await yard.remember()
    assert learnt["a"].free == ("p/new",)


async def test_there_are_never_more_than_agreed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "MOST", 2)
    await StoredTombstones(store).save([stone(str(at), float(at)) for at in (3, 1, 2)], ())
    assert list(await StoredTombstones(store).load()) == ["p/2", "p/3"]


@pytest.mark.parametrize("names", ["no json", '{"a": 1}', "[1, null]"])
async def test_successors_that_cannot_be_read_are_none(store: Store, names: str) -> None:
    await StoredTombstones(store).save([stone("a", 1.0, "b")], ())
    await store.execute("UPDATE catalog_tombstones SET successors = ?", (names,))
    assert (await StoredTombstones(store).load())["p/a"].successors == ()


async def test_a_broken_store_costs_warnings_and_what_is_new_is_kept_for_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "file"
    folder.mkdir()
    yard = Graveyard(Store(folder, MIGRATIONS), {})
    await yard.remember()
    yard.bury(stone("a"))
    await yard.write()
    assert "could not be read" in caplog.text
    assert "could not be kept" in caplog.text
    folder.rmdir()
    await yard.write()
    mended = Store(folder, MIGRATIONS)
    assert (await StoredTombstones(mended).load()).keys() == {"p/a"}
    await mended.aclose()


async def test_without_a_store_the_process_knows_all_the_same() -> None:
    yard = Graveyard(None, {})
    await yard.remember()
    yard.bury(stone("a"))
    await yard.write()
    assert yard.seen((ModelCard("p", "a"),))[0].retired
