"""``await ai.benchmark(...)``: the same measurement from the one object that users hold."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

import aiorch
from aiorch.benchmarking import MIGRATIONS, own_scores
from aiorch.errors import NoModelAvailable
from aiorch.store import FILE_NAME, Store
from aiorch.testing import ScriptedProvider
from aiorch.types import ModelCard, Price

pytestmark = pytest.mark.anyio


async def test_what_an_orchestrator_measures_is_kept_in_its_folder(tmp_path: Path):
    provider = ScriptedProvider(["127"], name="parrot")
    async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path) as ai:
        report = await ai.benchmark(calls=6)
        assert (report.asked, report.measured[0].right) == (6, 1)
        assert (await ai.benchmark(["parrot/model"], calls=0)).measured == report.measured
        (log,) = (tmp_path / "audit").glob("audit-*.jsonl")
        assert log.read_text().count("benchmark.asked") == 6
    store = Store(tmp_path / FILE_NAME, MIGRATIONS)
    scores = await own_scores(store)
    await store.aclose()
    assert scores["parrot/model"].value == pytest.approx(1 / 6)


async def test_paid_models_need_the_setting_and_the_money(tmp_path: Path):
    cards = (ModelCard("parrot", "dear", free="none", price=Price(Decimal(1), Decimal(1))),)
    for allowed, usd, asked in ((False, 1, None), (True, 0, None), (True, 1, 3)):
        provider = ScriptedProvider(["127"], name="parrot", cards=cards)
        async with aiorch.Orchestrator(providers=[provider], data_dir=tmp_path, allow_paid=allowed) as ai:
            if asked is None:
                with pytest.raises(NoModelAvailable):
                    await ai.benchmark(calls=3, usd=usd)
            else:
                assert (await ai.benchmark(calls=3, usd=usd)).asked == asked
        assert len(provider.asked) == (asked or 0)
