"""Everybody is sick: a typed error that names each attempt, within the task's time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import anyio
import pytest
from tests.faults.rig import Said, call, orchestrated, stream
from tests.faults.sickness import SICKNESSES
from tests.faults.upstream import Upstream

from aiorch import AllAttemptsFailed, DeadlineExceeded, NoModelAvailable, StreamInterrupted

TIME = 1.0
"""Seconds that a task gets."""
BEDS = 32


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["call", "stream"])
async def test_the_error_is_typed_names_each_attempt_and_comes_in_time(
    mode: str, upstream: Upstream, tmp_path: Path
):
    rows = [s for s in SICKNESSES if (s.call if mode == "call" else s.stream) in ("other", "broken")]
    upstream.acts = {f"{row.name}-{i}": row.act for row in rows for i in range(3)}
    profiles = {row.name: [f"{row.name}-{i}" for i in range(3)] for row in rows}
    said: dict[str, Said] = {}
    beds = anyio.CapacityLimiter(BEDS)

    async def meet(name: str) -> None:
        async with beds:
            said[name] = await (call if mode == "call" else stream)(ai, name)

    async with (
        orchestrated(upstream, tmp_path, profiles, timeout=TIME) as ai,
        anyio.create_task_group() as tasks,
    ):
        for row in rows:
            tasks.start_soon(meet, row.name)
    wrong = {name: why for name, one in said.items() if (why := _wrong(one, profiles[name], upstream))}
    assert wrong == {}


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
