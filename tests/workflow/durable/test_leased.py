"""A worker that stood still begins nothing before it knows that its lease holds."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from aiorch.workflow import Memory
from aiorch.workflow.durable.leased import Leased

pytestmark = pytest.mark.anyio


async def test_no_effect_begins_before_the_lease_is_sure() -> None:
    renewed = anyio.Event()
    begun: list[str] = []

    async def effect() -> str:
        begun.append("effect")
        return "done"

    async def look() -> None:
        await anyio.wait_all_tasks_blocked()
        assert begun == []
        renewed.set()

    async def body(journal: Any) -> str:
        leased = Leased(journal, renewed.wait)
        value = ""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            value = await leased.once("key", effect, returns=str, ledger=True)
        assert [call.key for call in leased.calls] == ["key"]
        await journal.send("event", 1)
        assert await leased.receive("event") == 1
        return value

    assert await Memory().run("run", "v1", body, returns=str) == "done"
    assert begun == ["effect"]
