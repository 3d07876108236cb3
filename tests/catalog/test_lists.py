"""Lists of models survive the process, whole, and a row that cannot be read is no harm."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path

import pytest

from aiorch.catalog import lists
from aiorch.catalog.lists import MIGRATIONS, StoredList, StoredLists
from aiorch.store import Store
from aiorch.types import (
    Capabilities,
    FreeTerms,
    Lifecycle,
    Limit,
    Listing,
    ModelCard,
    Origin,
    Price,
    Score,
)

pytestmark = pytest.mark.anyio

CARDS = (
    ModelCard(
        "groq",
        "a",
        context=8192,
        price=Price(Decimal("0.1"), Decimal("0.2")),
        terms=FreeTerms("a plan", (Limit(20, "requests", "minute"),), "2026-11"),
        capabilities=Capabilities(True),
        inputs=("text", "image"),
        lifecycle=Lifecycle("deprecated", retires_at=9.0, successor="b"),
        scores=(Score("x", 1.5, "2026-01-01", "live"),),
        origins={"context": Origin("live", 2.0, 0.5)},
    ),
    ModelCard("groq", "b", free="free_quota", created=1.5),
)
WHOLE = StoredList(1000.0, Listing(CARDS, '"etag"', "Sun, 22 Nov 2026 10:00:00 GMT", 300.0))


@pytest.fixture
def store() -> Generator[Store]:
    store = Store.in_memory(MIGRATIONS)
    yield store
    store.close()


async def test_what_was_saved_is_loaded_by_the_next_process(tmp_path: Path) -> None:
    first = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    await StoredLists(first).save("groq", "", WHOLE)
    await first.aclose()
    second = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    assert await StoredLists(second).load("groq") == WHOLE
    await second.aclose()


async def test_a_newer_list_takes_the_place_of_the_older(store: Store) -> None:
    kept = StoredLists(store)
    newer, none = StoredList(2.0, Listing(CARDS[:1])), StoredList(3.0, Listing())
    await kept.save("groq", "", StoredList(1.0, Listing(CARDS)))
    await kept.save("groq", "", newer)
    await kept.save("mistral", "", none)
    assert await kept.load("groq") == newer
    assert await kept.load("mistral") == none


async def test_a_list_that_was_never_saved_is_none(store: Store) -> None:
    assert await StoredLists(store).load("groq") is None


async def test_each_account_has_a_list_of_its_own(store: Store) -> None:
    kept = StoredLists(store)
    await kept.save("openai", "one", StoredList(1.0, Listing(CARDS)))
    await kept.save("openai", "two", StoredList(2.0, Listing(CARDS[:1])))
    mine, other = await kept.load("openai", "one"), await kept.load("openai", "two")
    assert mine is not None
    assert other is not None
    assert (mine.at, other.at) == (1.0, 2.0)
    assert await kept.load("openai", "three") is None


async def test_only_what_is_newer_is_read_where_that_is_asked_for(store: Store) -> None:
    kept = StoredLists(store)
    await kept.save("groq", "", WHOLE)
    assert await kept.load("groq", after=1000.0) is None
    assert await kept.load("groq", after=999.0) == WHOLE


@pytest.mark.parametrize("cards", ["not json", "[1]", '[{"provider": "groq"}]', '{"a": 1}', b"\xff\xfe"])
async def test_a_row_that_cannot_be_read_counts_as_missing(store: Store, cards: str | bytes) -> None:
    await StoredLists(store).save("groq", "", WHOLE)
    await store.execute("UPDATE catalog_lists SET cards = ?", (cards,))
    assert await StoredLists(store).load("groq") is None


async def test_a_row_that_was_read_in_an_older_way_counts_as_missing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await StoredLists(store).save("groq", "", WHOLE)
    monkeypatch.setattr(lists, "READ_AS", lists.READ_AS + 1)
    assert await StoredLists(store).load("groq") is None


async def test_there_are_never_more_rows_than_agreed_and_the_oldest_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_LISTS", 3)
    kept = StoredLists(store)
    for at in (5.0, 1.0, 4.0, 2.0, 3.0):
        await kept.save(f"at {at}", "", StoredList(at, Listing(CARDS)))
    assert await store.fetch("SELECT fetched_at FROM catalog_lists ORDER BY 1") == [(3.0,), (4.0,), (5.0,)]


async def test_a_list_without_end_is_not_kept_and_the_earlier_one_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = StoredLists(store)
    await kept.save("groq", "", WHOLE)
    monkeypatch.setattr(lists, "MOST_BYTES", 100)
    await kept.save("groq", "", StoredList(2000.0, Listing(CARDS * 50)))
    assert await kept.load("groq") == WHOLE
    assert "too long to be kept" in caplog.text


async def test_lists_of_the_first_version_make_room(tmp_path: Path) -> None:
    first = Store(tmp_path / "s.sqlite3", MIGRATIONS[:1])
    await first.execute("INSERT INTO catalog_lists VALUES ('groq', 1.0, '[]')")
    await first.aclose()
    second = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    assert await StoredLists(second).load("groq") is None
    await StoredLists(second).save("groq", "", WHOLE)
    assert await StoredLists(second).load("groq") == WHOLE
    await second.aclose()


WRITER = """
import sys, anyio
from aiorch.catalog.lists import MIGRATIONS, StoredList, StoredLists
from aiorch.store import Store
from aiorch.types import Listing, ModelCard

async def main():
    store = Store(sys.argv[1], MIGRATIONS)
    at = 1.0
    while True:
        at += 1.0
        cards = tuple(ModelCard("groq", f"{at}/{i}") for i in range(500))
        await StoredLists(store).save("groq", "", StoredList(at, Listing(cards, f"etag {at}")))
        print(at, flush=True)

anyio.run(main)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
async def test_a_process_that_is_killed_while_it_writes_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    for round_ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            confirmed = [float(writer.stdout.readline()) for _ in range(3)][-1]
            time.sleep(0.003 * (round_ + 1))  # somewhere in the middle of the next one
            writer.send_signal(signal.SIGKILL)
            confirmed = max([confirmed, *map(float, writer.stdout.read().split())])
        store = Store(path, MIGRATIONS)
        kept = await StoredLists(store).load("groq")
        await store.aclose()
        assert kept is not None
        assert kept.at in (
            confirmed,
            confirmed + 1,
        )  # the last that was said to be written, or the one after it
        assert kept.listing.etag == f"etag {kept.at}"
        assert {card.model for card in kept.listing.cards} == {f"{kept.at}/{i}" for i in range(500)}
