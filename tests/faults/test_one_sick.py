"""One deployment is sick and two are well: whoever asks need not notice, or is told exactly what broke.

All faults of a mode are met in one go, each by a sick deployment of its own, and examined one by one afterwards. What
went wrong among the others is met once more, alone: all share one host, so one deployment's broken connection may be
the next one's. What goes wrong while the machine stands still says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal

import anyio
import pytest
from tests.faults.rig import Said, call, orchestrated, stream, together, watched
from tests.faults.sickness import AMBIGUOUS, FIRST_BYTE, SICKNESSES, Fate, Sickness
from tests.faults.upstream import Upstream, text_of

from aiorch import StreamInterrupted

Mode = Literal["call", "stream"]
AT_ONCE = (1, 2, 1)
"""Calls: one, then two beside each other, then one."""
AT_MOST = 3
"""Attempts on a sick deployment before it is left alone for a while: three failures in a row eject it."""
BEDS = 8
"""Faults that are met at the same time."""
AGAIN = 4
"""Times that one is met again, because the machine stalled."""


@dataclass
class Case:
    """What came of one fault."""

    said: list[Said]
    attempts: int
    """On the sick deployment."""
    stalled: bool = False
    """The machine did, meanwhile."""


_met: dict[tuple[str, Mode], dict[str, Case] | Exception] = {}


async def _cases(backend: str, mode: Mode, folder: pytest.TempPathFactory) -> dict[str, Case]:
    key = (backend, mode)
    if key not in _met:
        try:
            _met[key] = await _meet(mode, folder)
        except Exception as failed:
            _met[key] = failed
    met = _met[key]
    if isinstance(met, Exception):
        raise met
    return met


async def _meet(mode: Mode, folder: pytest.TempPathFactory) -> dict[str, Case]:
    rows = _rows(mode)
    cases = await _admitted(mode, folder, rows, BEDS)
    unclear = [row for row in rows if _wrong(cases[row.name], row, mode)]
    for _ in range(AGAIN):
        if not unclear:
            break
        cases |= await _admitted(mode, folder, unclear, 1)
        unclear = [row for row in unclear if cases[row.name].stalled and _wrong(cases[row.name], row, mode)]
    return cases


async def _admitted(
    mode: Mode, folder: pytest.TempPathFactory, rows: Sequence[Sickness], beds: int
) -> dict[str, Case]:
    cases: dict[str, Case] = {}
    ask = call if mode == "call" else stream
    free = anyio.CapacityLimiter(beds)
    with Upstream() as upstream:
        upstream.acts = {row.name: row.act for row in rows}
        profiles = {row.name: (row.name, "B", "C") for row in rows}
        async with (
            orchestrated(upstream, folder.mktemp("data"), profiles) as ai,
            watched(upstream) as stalled,
        ):

            async def meet(row: Sickness) -> None:
                async with free:
                    began = monotonic()
                    said = [
                        one for count in AT_ONCE for one in await together(count, lambda: ask(ai, row.name))
                    ]
                    cases[row.name] = Case(said, upstream.attempts[row.name], stalled(began))

            async with anyio.create_task_group() as tasks:
                for row in rows:
                    tasks.start_soon(meet, row)
    return cases


def _rows(mode: Mode) -> list[Sickness]:
    return [row for row in SICKNESSES if (row.call if mode == "call" else row.stream)]


@pytest.mark.anyio
@pytest.mark.parametrize("sick", _rows("call"), ids=str)
async def test_every_call_is_answered_rightly_and_in_time(
    sick: Sickness, anyio_backend_name: str, tmp_path_factory: pytest.TempPathFactory
):
    case = (await _cases(anyio_backend_name, "call", tmp_path_factory))[sick.name]
    _judge(case, sick, "call")


@pytest.mark.anyio
@pytest.mark.parametrize("sick", _rows("stream"), ids=str)
async def test_every_stream_is_right_or_says_that_it_broke(
    sick: Sickness, anyio_backend_name: str, tmp_path_factory: pytest.TempPathFactory
):
    case = (await _cases(anyio_backend_name, "stream", tmp_path_factory))[sick.name]
    _judge(case, sick, "stream")


def _wrong(case: Case, sick: Sickness, mode: Mode) -> bool:
    try:
        _judge(case, sick, mode)
    except AssertionError:
        return True
    return False


def _judge(case: Case, sick: Sickness, mode: Mode) -> None:
    fate = sick.call if mode == "call" else sick.stream
    assert fate is not None
    if fate == "broken":
        assert isinstance(case.said[0].error, StreamInterrupted)
    for said in case.said:
        _right(said, sick.name, fate)
    _bounded(case, sick, fate)


def _right(said: Said, name: str, fate: Fate) -> None:
    assert said.seconds < FIRST_BYTE + 1, (
        f"{said.seconds:.2f} s, longer than the first-byte limit and a second"
    )
    if isinstance(said.error, StreamInterrupted) and fate == "broken":
        assert said.shown, "nothing had been shown: somebody else could have answered"
        assert said.error.partial == said.shown
        assert text_of(name).startswith(said.shown), "what was shown is no part of its answer"
        return
    assert said.error is None, str(said.error)
    assert said.by in ({name} if fate == "own" else {name, "B", "C"} if fate == "either" else {"B", "C"})
    assert said.text == text_of(said.by)


def _bounded(case: Case, sick: Sickness, fate: Fate) -> None:
    if fate == "own":
        assert case.attempts == sum(AT_ONCE)
    elif fate != "either" and sick.name not in AMBIGUOUS:
        assert case.attempts <= AT_MOST
