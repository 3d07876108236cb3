"""Everybody is sick: a typed error that names each attempt, within the task's time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import anyio
import pytest
from tests.faults.rig import Said, call, orchestrated, stream, watched
from tests.faults.sickness import SICKNESSES, Sickness
from tests.faults.upstream import Upstream

from aiorch import AllAttemptsFailed, DeadlineExceeded, NoModelAvailable, StreamInterrupted

TIME = 1.0
"""Seconds that a task gets."""
BEDS = 24
AGAIN = 4
"""Times that one is met again, because the machine stalled."""


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["call", "stream"])
async def test_the_error_is_typed_names_each_attempt_and_comes_in_time(mode: str, tmp_path: Path):
    rows = [s for s in SICKNESSES if (s.call if mode == "call" else s.stream) in ("other", "broken")]
    first, unclear = await _met(mode, rows, tmp_path / "0", BEDS)
    unclear += [
        row for row in rows if row.name in first
    ]  # alone, it says whose fault it was: all share one host
    wrong: dict[str, str] = {}
    for time in range(1, AGAIN + 1):
        if not unclear:
            break
        more, unclear = await _met(mode, unclear, tmp_path / str(time), 1)
        wrong |= more
    assert wrong == {}
    assert unclear == []


async def _met(
    mode: str, rows: Sequence[Sickness], folder: Path, beds: int
) -> tuple[dict[str, str], list[Sickness]]:
    """What was wrong by name, and who must be met again since the machine stalled."""
    wrong: dict[str, str] = {}
    unclear: list[Sickness] = []
    free = anyio.CapacityLimiter(beds)
    profiles = {row.name: [f"{row.name}-{i}" for i in range(3)] for row in rows}
    with Upstream(acts={f"{row.name}-{i}": row.act for row in rows for i in range(3)}) as upstream:

        async def meet(row: Sickness) -> None:
            async with free:
                began = monotonic()
                said = await (call if mode == "call" else stream)(ai, row.name)
                if why := _wrong(said, profiles[row.name], upstream):
                    if stalled(began):
                        unclear.append(row)
                    else:
                        wrong[row.name] = why

        async with (
            orchestrated(upstream, folder, profiles, timeout=TIME) as ai,
            watched(upstream) as stalled,
            anyio.create_task_group() as tasks,
        ):
            for row in rows:
                tasks.start_soon(meet, row)
    return wrong, unclear


def _wrong(said: Said, deployments: list[str], upstream: Upstream) -> str | None:
    """What is wrong with how it ended; ``None`` where all is as promised."""
    if said.seconds > TIME + 1:
        return f"took {said.seconds:.2f} s"
    error = said.error
    if isinstance(error, StreamInterrupted):
        return None if said.shown and error.partial == said.shown else "interrupted before anything was shown"
    if not isinstance(error, AllAttemptsFailed | DeadlineExceeded):
        return f"{error or said.text!r}"
    told = Counter(a.deployment.provider for a in error.attempts)
    came = Counter({d: upstream.attempts[d] for d in deployments if upstream.attempts[d]})
    if came - told or (told - came).total() > 1:  # the time may be up before the last one has arrived
        return f"attempts that came: {dict(came)}; told: {dict(told)}"
    return None if all(f"{d}/m" in str(error) for d in told) else f"not all are named: {error}"


@pytest.mark.anyio
async def test_who_is_known_to_be_limited_is_not_asked_again(upstream: Upstream, tmp_path: Path):
    """The second call is refused at once, with each deployment and why."""
    from tests.faults.upstream import reply

    limited = reply(429, {"error": {"message": "slow down", "code": 429}}, {"retry-after": "30"})
    upstream.acts = dict.fromkeys("ABC", limited)
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}, timeout=TIME) as ai:
        assert isinstance((await call(ai, "p")).error, AllAttemptsFailed)
        again = await call(ai, "p")
    assert isinstance(again.error, NoModelAvailable)
    assert all(f"{name}/m" in str(again.error) for name in "ABC")
    assert upstream.attempts == dict.fromkeys("ABC", 1)
