"""Faults that come and go: flapping hosts, storms of limits, everybody limited for a moment."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.faults.rig import Ask, Said, call, orchestrated, stream, together
from tests.faults.sickness import SICKNESSES
from tests.faults.upstream import Act, Came, Steps, Upstream, first, healthy, late, reply, text_of, turns

BOTH = pytest.mark.parametrize("ask", [call, stream])
BUSY = reply(503, {"error": {"message": "overloaded", "code": 503}})


def _right(said: Said) -> None:
    assert said.text == text_of(said.by), said.error


def limited(a_second: int, seconds: float = 0.3) -> Act:
    """So many requests are answered, then all are refused until some seconds have passed, and so on."""
    import time

    state = {"count": 0, "until": 0.0}

    def act(came: Came) -> Steps:
        now = time.monotonic()
        if state["until"] and now >= state["until"]:
            state["count"], state["until"] = 0, 0.0
        if state["count"] >= a_second:
            state["until"] = state["until"] or now + seconds
            left = state["until"] - now
            return reply(
                429, {"error": {"message": "slow down", "code": 429}}, {"retry-after": f"{left:.3f}"}
            )(came)
        state["count"] += 1
        return healthy(came)

    return act


@pytest.mark.anyio
@BOTH
async def test_a_flapping_host_costs_nobody_an_answer(upstream: Upstream, tmp_path: Path, ask: Ask):
    upstream.acts["A"] = turns(healthy, BUSY, healthy, lambda came: ["reset"])
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}) as ai:
        for one in [await ask(ai, "p") for _ in range(12)]:
            _right(one)


@pytest.mark.anyio
@BOTH
async def test_all_flapping_in_turn_are_one_reliable_service(upstream: Upstream, tmp_path: Path, ask: Ask):
    upstream.acts = {"A": turns(BUSY, healthy), "B": turns(healthy, BUSY), "C": turns(healthy, BUSY, BUSY)}
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}) as ai:
        for one in [await ask(ai, "p") for _ in range(12)]:
            _right(one)


@pytest.mark.anyio
@BOTH
async def test_a_storm_of_limits_is_waited_out(upstream: Upstream, tmp_path: Path, ask: Ask):
    """Nine calls, and one answer each per third of a second: all are served, none is lost."""
    upstream.acts = {name: limited(1) for name in "ABC"}
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}) as ai:
        for one in [*await together(5, lambda: ask(ai, "p")), *[await ask(ai, "p") for _ in range(4)]]:
            _right(one)


@pytest.mark.anyio
@BOTH
async def test_who_is_ill_for_a_moment_only_is_asked_again(upstream: Upstream, tmp_path: Path, ask: Ask):
    """All fail once: the call is answered after a short pause."""
    upstream.acts = {name: first(1, BUSY) for name in "ABC"}
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}) as ai:
        _right(await ask(ai, "p"))
    assert sum(upstream.attempts.values()) == 4


@pytest.mark.anyio
@BOTH
async def test_giving_up_on_calls_leaves_nothing_behind(upstream: Upstream, tmp_path: Path, ask: Ask):
    """Calls that are cancelled in every phase: nothing is left, and the next one is answered by the first."""
    import anyio

    upstream.acts["A"] = late(0.05, healthy)
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}) as ai:
        for seconds in (0.0, 0.005, 0.02, 0.049, 0.052, 0.06):
            with anyio.move_on_after(seconds):
                await together(3, lambda: ask(ai, "p"))
        said = await ask(ai, "p")
    assert (said.by, said.text) == ("A", text_of("A")), said.error


@pytest.mark.anyio
@BOTH
async def test_faults_of_every_kind_at_random_are_survived(upstream: Upstream, tmp_path: Path, ask: Ask):
    """Each attempt at A and B meets another fault; C is well."""
    rng = random.Random(4)
    mode = "call" if ask is call else "stream"
    acts = [s.act for s in SICKNESSES if getattr(s, mode) == "other" and s.name != "comments-for-ever"]
    upstream.acts = {name: (lambda came: rng.choice(acts)(came)) for name in "AB"}
    async with orchestrated(upstream, tmp_path, {"p": "ABC"}) as ai:
        for _ in range(8):
            for one in await together(5, lambda: ask(ai, "p")):
                assert (one.by, one.text) == ("C", text_of("C")), str(one.error)
