"""The nightly job: once a night, whatever happens, and only what is new."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.examples.embedded import local

from aiorch.errors import ExecutionError
from aiorch.testing import InTurn, KeptRuns, VirtualClock, carry_out, crash_everywhere
from examples import nightly

pytestmark = pytest.mark.anyio
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.txt").write_text("The roof leaks.")
    (folder / "b.txt").write_text("The soup is good.")
    return folder


async def a_night(inbox: Path, night: date = MONDAY, said: Any = str.upper, **more: Any) -> Any:
    inputs = {"inbox": inbox, "out": inbox.parent / "night.md", "day": night}
    return await carry_out(nightly.flow, inputs, fakes={"line": said, **more.pop("fakes", {})}, **more)


async def test_each_night_tells_of_what_is_new(inbox: Path) -> None:
    await a_night(inbox, said="it says so")
    (inbox / "c.txt").write_text("A parcel came.")
    await a_night(inbox, TUESDAY, said="a parcel came")
    monday, tuesday = (inbox.parent / "night.md").read_text().split(f"# {TUESDAY}\n")
    assert monday.count("it says so") == 2
    assert tuesday.count("\n- ") == 1
    assert "**c.txt** a parcel came" in tuesday


async def test_a_night_without_anything_new_asks_nobody(inbox: Path) -> None:
    await a_night(inbox)
    run = await a_night(inbox, TUESDAY, said=AssertionError("asked"))
    assert run.results["told"] == f"# {TUESDAY}\n\nNothing new."


async def test_the_same_night_twice_is_there_once(inbox: Path) -> None:
    await a_night(inbox)
    await a_night(inbox)
    assert (inbox.parent / "night.md").read_text().count(f"# {MONDAY}") == 1


async def test_what_no_model_could_do_is_left_to_the_next_night(inbox: Path) -> None:
    run = await a_night(inbox, said=InTurn("fine", ExecutionError("nobody answers")))
    assert "- 1 left for tomorrow: nobody answers" in run.results["told"]
    run = await a_night(inbox, TUESDAY, said="better")
    assert run.results["told"].count("better") == 1


async def test_a_drive_that_is_away_for_a_moment_is_tried_again_and_no_time_is_lost(inbox: Path) -> None:
    clock = VirtualClock()
    texts = [nightly.Text("a.txt", "The roof leaks.", "0")]
    run = await a_night(
        inbox, fakes={"texts": InTurn(OSError("the drive is away"), texts)}, clock=clock, said="x"
    )
    assert run.state == "done"
    assert 0 < clock.passed <= 5


async def test_it_gets_over_a_crash_at_any_moment(inbox: Path) -> None:
    crashes = await crash_everywhere(
        nightly.flow,
        {"inbox": inbox, "out": inbox.parent / "night.md", "day": MONDAY},
        fakes={"line": "it says so"},
    )
    assert {crash.then for crash in crashes} == {"went on"}
    assert (inbox.parent / "night.md").read_text().count(f"# {MONDAY}") == 1


async def test_a_run_that_is_done_does_nothing_more(inbox: Path) -> None:
    kept = KeptRuns()
    for said in ("once", AssertionError("asked")):
        await a_night(inbox, said=said, engine=kept, run_id=f"nightly-{MONDAY}")
    assert kept[f"nightly-{MONDAY}"].made.count("write") == 1


@pytest.mark.weights
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_embedded_model_tells_of_what_came_in(inbox: Path, tmp_path: Path) -> None:
    async with local(tmp_path) as ai:
        run = await ai.execute(nightly.flow, inbox=inbox, out=tmp_path / "night.md", day=MONDAY)
    assert run.results["told"].count("\n- **") == 2
