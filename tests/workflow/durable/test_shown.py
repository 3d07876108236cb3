"""A run that a program carries out by itself, seen from outside; and carried on with other inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from aiorch.errors import InputsChanged
from aiorch.workflow import Run, Services, Workflow, execute
from aiorch.workflow.durable import Durable, Runs

pytestmark = pytest.mark.anyio


async def nobody(*_: Any) -> Any:
    raise AssertionError("no model is asked")


async def test_whoever_looks_from_outside_sees_what_a_run_is_and_what_it_asks(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.db"
    flow = Workflow("letters")
    flow.add("draft", lambda to: f"Dear {to}", thread=False)
    flow.approve("ok", "Send this?\n{draft}")
    engine, run = Durable(url), Run("letters", id="r1")

    async def carry_out() -> None:
        await execute(flow, {"to": "Ann"}, services=Services(nobody), engine=engine, run=run)

    async with Runs(url) as runs, anyio.create_task_group() as group:
        group.start_soon(carry_out)
        with anyio.fail_after(30):
            while not (run.waiting and (await runs.get("r1")).waits_for):
                await anyio.sleep(0.05)
        shown = await runs.get("r1")
        assert shown.workflow == "letters"
        assert "Send this?" in str(shown.waits_for)
        assert [one.id for one in await runs.list(workflow="letters")] == ["r1"]
        await runs.approve("r1", "ok")
    assert run.value is True
    async with Runs(url) as runs:
        assert not (await runs.get("r1")).waits_for
    await engine.aclose()


async def test_a_run_is_not_carried_on_with_other_inputs(tmp_path: Path) -> None:
    flow = Workflow("sums")
    flow.add("double", lambda n: 2 * n, thread=False)
    broken = True

    def add(double: int, more: int) -> int:
        if broken:
            raise OSError("no power")
        return double + more

    flow.add("add", add, thread=False)
    engine = Durable(f"sqlite:///{tmp_path}/runs.db")

    async def carry_out(**inputs: Any) -> Run:
        run = Run("sums", id="r1")
        return await execute(flow, inputs, services=Services(nobody), engine=engine, run=run)

    with pytest.raises(Exception, match="no power"):
        await carry_out(n=1, more=1)
    broken = False
    with pytest.raises(InputsChanged, match="'n'") as refused:
        await carry_out(n=5, more=1)
    assert refused.value.names == ("n",)
    assert (await carry_out(n=1, more=1)).value == 3
    await engine.aclose()
