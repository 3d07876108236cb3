"""What was measured is kept, whole, and no failure wipes it out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.benchmarking.conftest import NOW, record

from aiorch.benchmarking import MIGRATIONS
from aiorch.benchmarking.records import Record, Records
from aiorch.store import Store

pytestmark = pytest.mark.anyio

FULL = Record(
    "mini",
    "acme",
    "small",
    "one",
    NOW,
    True,
    1.5,
    0.2,
    40.5,
    100,
    20,
    True,
    True,
    300,
    "small-2",
    None,
    "a note",
)


async def test_a_record_comes_back_as_it_was(tmp_path: Path):
    path = tmp_path / "db.sqlite3"
    store = Store(path, MIGRATIONS)
    failed = record("two", None, note="busy")
    for one in (FULL, failed):
        await Records(store).keep(one)
    await store.aclose()
    again = Store(path, MIGRATIONS)
    assert set(await Records(again).of("mini")) == {FULL, failed}
    assert await Records(again).of("other") == ()
    await again.aclose()


@pytest.mark.parametrize(
    ("first", "then", "kept"),
    [
        (record(passed=True), record(passed=False, at=NOW + 9), "then"),
        (record(passed=None), record(passed=False, at=NOW + 9), "then"),
        (record(passed=None), record(passed=None, at=NOW + 9, failure="timeout"), "then"),
        (record(passed=False), record(passed=None, at=NOW + 9), "first"),
    ],
)
async def test_an_answer_is_replaced_by_an_answer_and_never_by_a_failure(
    first: Record, then: Record, kept: str
):
    store = Store.in_memory(MIGRATIONS)
    records = Records(store)
    await records.keep(first)
    await records.keep(then)
    assert await records.of("mini") == ({"first": first, "then": then}[kept],)
    await store.aclose()


async def test_every_model_question_and_suite_has_a_row_of_its_own():
    store = Store.in_memory(MIGRATIONS)
    records = Records(store)
    rows = [replace(FULL, **{name: "x"}) for name in ("provider", "model", "item")]
    for one in (FULL, *rows):
        await records.keep(one)
    assert set(await records.of("mini")) == {FULL, *rows}
    await store.aclose()


def test_neither_question_nor_answer_has_a_place_in_it():
    assert not {"prompt", "answer", "text"} & set(Record.__slots__)
