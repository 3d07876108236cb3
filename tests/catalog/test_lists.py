"""Lists of models survive the process, and a row that cannot be read is no harm."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from aiorch.catalog.lists import MIGRATIONS, StoredLists
from aiorch.store import Store
from aiorch.types import Capabilities, ModelCard, Price

pytestmark = pytest.mark.anyio

CARDS = (
    ModelCard(
        "groq",
        "a",
        context=8192,
        price=Price(Decimal("0.1"), Decimal("0.2")),
        capabilities=Capabilities(True),
    ),
    ModelCard("groq", "b", free="free_quota", created=1.5),
)


async def test_what_was_saved_is_loaded_by_the_next_process(tmp_path: Path) -> None:
    first = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    await StoredLists(first).save("groq", 1000.0, CARDS)
    await first.aclose()
    second = Store(tmp_path / "s.sqlite3", MIGRATIONS)
    assert await StoredLists(second).load("groq") == (1000.0, CARDS)
    await second.aclose()


async def test_a_newer_list_takes_the_place_of_the_older() -> None:
    store = Store.in_memory(MIGRATIONS)
    lists = StoredLists(store)
    await lists.save("groq", 1.0, CARDS)
    await lists.save("groq", 2.0, CARDS[:1])
    await lists.save("mistral", 3.0, ())
    assert await lists.load("groq") == (2.0, CARDS[:1])
    assert await lists.load("mistral") == (3.0, ())
    await store.aclose()


async def test_a_list_that_was_never_saved_is_none() -> None:
    store = Store.in_memory(MIGRATIONS)
    assert await StoredLists(store).load("groq") is None
    await store.aclose()


@pytest.mark.parametrize("cards", ["not json", "[1]", '[{"provider": "groq"}]', '{"a": 1}'])
async def test_a_row_of_another_version_counts_as_missing(cards: str) -> None:
    store = Store.in_memory(MIGRATIONS)
    await store.execute("INSERT INTO catalog_lists VALUES ('groq', 1.0, ?)", (cards,))
    assert await StoredLists(store).load("groq") is None
    await store.aclose()
