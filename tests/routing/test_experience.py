"""What attempts teach those that come after them: sickness, limits, speed."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import anyio
import pytest
from tests.routing.rig import ASK, DEAR, K, Odd, Rig, at, failing, rig, trail, wholly

from aiorch.errors import (
    AllAttemptsFailed,
    BudgetExceeded,
    LimitReached,
    NoModelAvailable,
    StreamInterrupted,
)
from aiorch.quotas import Lease, MemoryQuotas
from aiorch.routing import Executor
from aiorch.routing.experience import SCARCE, TYPICAL, Experience, sent
from aiorch.routing.outliers import CONSECUTIVE, EJECTION, JITTER
from aiorch.routing.spending import BudgetPurse, Hold
from aiorch.testing import FakeClock, ScriptedProvider
from aiorch.types import (
    Budget,
    Candidate,
    Failure,
    FreeTerms,
    Limit,
    LimitSeen,
    Message,
    Parameters,
    Request,
    Response,
    TextDelta,
    Usage,
)

pytestmark = pytest.mark.anyio

MINUTE = (Limit(2, "requests", "minute"),)


def limited(provider: str, *limits: Limit, model: str = "m", key: str | None = "K") -> Candidate:
    return at(provider, model, key, free="free_quota", terms=FreeTerms("a plan", limits or MINUTE))


def free(*them: Candidate) -> frozenset[str]:
    return frozenset(c.deployment.id for c in them)


# --- health ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_sick_deployment_is_left_in_peace_but_for_one_probe_a_period(streaming: bool) -> None:
    house = rig(a=[failing()], b=["b"])
    ask = house.stream if streaming else house.complete
    for _ in range(20):
        await ask(at("a"), at("b"))
        house.clock.advance(0.1)
    assert house.asked() == {"a": CONSECUTIVE, "b": 20}
    asked = [house.asked()["a"]]
    for _ in range(4):
        house.clock.advance(EJECTION * (1 + JITTER))
        for _ in range(5):
            await ask(at("a"), at("b"))
        asked.append(house.asked()["a"])
    assert all(0 <= later - sooner <= 1 for sooner, later in pairwise(asked))
    assert asked[-1] > CONSECUTIVE


async def test_the_last_one_is_asked_however_sick() -> None:
    house = rig(a=[*[failing()] * 8, "well"])
    with pytest.raises(AllAttemptsFailed):
        await house.complete(at("a"))
    assert house.experience.health.state("a/m", house.clock.now()) == "ejected"
    assert (await house.complete(at("a"))).response.message.text == "well"


async def test_the_sick_are_asked_before_nobody() -> None:
    """B is well and refuses the request for good: A, which is ejected, may still answer."""
    house = rig(a=[*[failing()] * CONSECUTIVE, "well"], b=[*["b"] * CONSECUTIVE, failing(K.MODEL_GONE)])
    for _ in range(CONSECUTIVE):
        await house.complete(at("a"), at("b"))
    answer = await house.complete(at("a"), at("b"))
    assert trail(answer) == [("b/m", "model_gone", "next_deployment"), ("a/m", "answer", "accept")]


async def test_only_one_at_a_time_finds_out_whether_it_is_well() -> None:
    house = rig(a=[*[failing()] * CONSECUTIVE, "well"], b=["b"])
    for _ in range(CONSECUTIVE):
        await house.complete(at("a"), at("b"))
    house.clock.advance(EJECTION * (1 + JITTER))
    house.providers["a"].delay = 0.05  # type: ignore[attr-defined]
    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(house.complete, at("a"), at("b"))
    assert house.asked()["a"] == CONSECUTIVE + 1


@pytest.mark.parametrize("kind", [K.BAD_REQUEST, K.EMPTY, K.MODEL_GONE, K.AUTH])
async def test_who_refuses_what_others_answer_is_found_out(kind: K) -> None:
    house = rig(a=[failing(kind, "request", ambiguous=True)], b=["b"])
    for _ in range(10):
        await house.complete(at("a"), at("b"))
    assert house.asked()["a"] == CONSECUTIVE


@pytest.mark.parametrize("kind", [K.POLICY, K.CONTEXT])
async def test_a_stricter_filter_and_a_smaller_context_are_no_sickness(kind: K) -> None:
    house = rig(a=[failing(kind, "request", ambiguous=True)], b=["b"])
    for _ in range(10):
        await house.complete(at("a"), at("b"))
    assert house.asked()["a"] == 10


async def test_cancelled_calls_never_count() -> None:
    house = rig(a=["x"])
    house.providers["a"].delay = 60.0  # type: ignore[attr-defined]
    for _ in range(10):
        with anyio.move_on_after(0.005):
            await house.complete(at("a"))
    assert house.experience.health.state("a/m", house.clock.now()) == "healthy"
    assert house.experience.loads.in_flight("a/m") == 0


async def test_a_stream_that_breaks_late_counts_as_one_that_never_began() -> None:
    house = Rig(
        {"odd": Odd(TextDelta("Half"), ConnectionResetError("reset")), "b": ScriptedProvider(name="b")}
    )
    for _ in range(CONSECUTIVE):
        with pytest.raises(StreamInterrupted):
            await house.stream(at("odd"), at("b"))
    await house.stream(at("odd"), at("b"))
    assert house.asked()["b"] == 1


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_limit_moves_on_before_it_is_met_and_uses_no_attempt(streaming: bool) -> None:
    house = rig(a=["a"], b=["b"])
    them = limited("a"), at("b")
    ask = house.stream if streaming else house.complete
    for _ in range(5):
        result = await ask(*them, free=free(*them), attempts=1)
    answer = result[1] if streaming else result  # type: ignore[index]
    assert trail(answer) == [("b/m", "answer", "accept")]  # type: ignore[arg-type]
    assert house.asked() == {"a": 2, "b": 3}


async def test_when_all_limits_are_met_the_first_to_have_room_is_waited_for() -> None:
    house = rig(a=["a"], b=["b"])
    them = limited("a"), limited("b")
    for _ in range(6):
        await house.complete(*them, free=free(*them), timeout=120.0)
    assert house.asked() == {"a": 4, "b": 2}
    assert sum(house.clock.slept) == pytest.approx(60.0, abs=1.0)


async def test_what_holds_for_an_account_holds_for_all_its_models() -> None:
    house = rig(a=["a"], b=["b"])
    first, second = limited("a"), limited("a", model="n")
    for whom in (first, second, first, second):
        await house.complete(whom, at("b"), free=free(first, second))
    assert house.asked() == {"a": 2, "b": 2}


async def test_what_holds_for_a_model_leaves_the_others_alone() -> None:
    house = rig(a=["a"], b=["b"])
    per_model = Limit(1, "requests", "day", "key_model")
    them = limited("a", per_model), limited("a", per_model, model="n"), at("b")
    for _ in range(3):
        await house.complete(*them, free=free(*them))
    assert house.asked() == {"a": 2, "b": 1}


async def test_a_billed_key_has_no_free_limits() -> None:
    house = rig(a=["a"])
    for _ in range(5):
        await house.complete(limited("a"), free=frozenset())
    assert house.asked() == {"a": 5}


async def test_calls_at_the_same_time_do_not_overshoot() -> None:
    house = rig(a=["a"], b=["b"])
    house.providers["a"].delay = house.providers["b"].delay = 0.02  # type: ignore[attr-defined]
    them = limited("a"), at("b")

    async def one() -> None:
        await house.complete(*them, free=free(*them))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(one)
    assert house.asked() == {"a": 2, "b": 18}


async def test_tokens_are_settled_with_what_was_really_used() -> None:
    house = rig(a=[wholly("a", Usage(100, 300))], b=["b"])
    them = limited("a", Limit(2_000, "tokens", "minute")), at("b")
    for _ in range(5):  # each reserves 1,010 and uses 400
        await house.complete(*them, free=free(*them))
    assert house.asked()["a"] == 3


async def test_a_limit_smaller_than_the_longest_answer_is_no_reason_to_ask_nobody() -> None:
    house = rig(a=["a"])
    small = limited("a", Limit(TYPICAL // 2, "tokens", "minute"))
    await house.complete(small, free=free(small))
    with pytest.raises(NoModelAvailable, match="never fit"):
        await house.complete(small, free=free(small), prompt_tokens=TYPICAL)


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        (Failure(K.TRANSPORT, "upstream", "?", code="refused"), 4),
        (Failure(K.AUTH, "model", "no key", ambiguous=True), 4),
        (Failure(K.EMPTY, "request", "?", status=200), 2),
    ],
)
async def test_what_was_never_sent_takes_no_room(failure: Failure, asked: int) -> None:
    house = rig(a=[failure], b=["b"])
    for n in range(4):
        house.clock.advance(3.0)
        them = limited("a", model=str(n)), at("b")  # another model: nobody is ejected
        await house.complete(*them, free=free(*them))
    assert house.asked()["a"] == asked
    assert sent(failure) is (asked == 2)


async def test_headers_correct_the_count() -> None:
    told = LimitSeen("requests", "minute", limit=30, remaining=0, reset_at=1_800_000_020.0)
    response = Response(Message.assistant("a"), "stop", Usage(1, 1), limits=(told,))
    house = rig(a=[response], b=["b"])
    for _ in range(3):
        await house.complete(at("a", key="K"), at("b"))
    assert house.asked() == {"a": 1, "b": 2}
    house.clock.advance(21.0)
    await house.complete(at("a", key="K"), at("b"))
    assert house.asked()["a"] == 2


async def test_headers_of_a_refusal_are_read_too() -> None:
    told = LimitSeen("requests", "day", limit=50, remaining=0, reset_at=1_800_009_000.0, scope="key_model")
    house = rig(a=[failing(K.POLICY, "request", ambiguous=True, limits=(told,))], b=["b"])
    for _ in range(3):
        await house.complete(at("a", key="K"), at("b"))
    assert house.asked() == {"a": 1, "b": 3}
    assert (await house.complete(at("a", "n", key="K"), at("b"))).attempts[0].deployment.id == "a/n#K"


def owned(limits: dict[str, tuple[Limit, ...]], **answers: Any) -> Rig:
    """Users and tenants with limits."""
    house, clock = rig(**answers), FakeClock()
    house.clock = clock
    house.executor = Executor(
        house.providers,
        clock=clock,
        bus=house.executor._bus,  # pyright: ignore[reportPrivateUsage]
        experience=lambda: Experience(clock, limits=lambda name: limits.get(name, ())),
    )
    return house


async def test_what_a_user_may_ask_is_theirs_alone() -> None:
    house = owned({"user:u1": MINUTE}, a=["a"], b=["b"])
    for _ in range(2):
        await house.complete(at("a"), at("b"), names=("user:u1",))
    with pytest.raises(LimitReached, match="user:u1 has used up its 2 requests a minute") as full:
        await house.complete(at("a"), at("b"), names=("user:u1",), timeout=30.0)
    assert (full.value.name, full.value.limit, full.value.attempts) == ("user:u1", MINUTE[0], ())
    for _ in range(5):
        await house.complete(at("a"), at("b"), names=("user:u2",))


@pytest.mark.parametrize("streaming", [False, True])
async def test_after_the_time_that_a_limit_names_its_user_is_answered_and_a_short_wait_is_waited(
    streaming: bool,
) -> None:
    house = owned({"user:u1": MINUTE}, a=["a"])
    ask = house.stream if streaming else house.complete
    for _ in range(2):
        await ask(at("a"), names=("user:u1",))
    with pytest.raises(LimitReached) as full:
        await ask(at("a"), names=("user:u1",), timeout=5.0)
    assert full.value.retry_after is not None
    house.clock.advance(full.value.retry_after)
    await ask(at("a"), names=("user:u1",), timeout=5.0)
    await ask(at("a"), names=("user:u1",), timeout=5.0)
    before = house.clock.monotonic()
    await ask(at("a"), names=("user:u1",), timeout=90.0)
    assert 5.0 < house.clock.monotonic() - before <= 60.1


async def test_of_user_and_tenant_the_one_is_named_that_holds_longest() -> None:
    limits = {"user:u1": MINUTE, "tenant:acme": (Limit(2, "requests", "hour"),)}
    house = owned(limits, a=["a"])
    for _ in range(2):
        await house.complete(at("a"), names=("tenant:acme", "user:u1"))
    with pytest.raises(LimitReached) as full:
        await house.complete(at("a"), names=("tenant:acme", "user:u1"))
    assert full.value.name == "tenant:acme"


async def test_a_call_that_is_larger_than_a_limit_is_told_that_waiting_does_not_help() -> None:
    house = owned({"user:u1": (Limit(100, "tokens", "minute"),)}, a=["a"])
    with pytest.raises(LimitReached, match="this call alone is larger") as full:
        await house.complete(at("a"), names=("user:u1",), prompt_tokens=101)
    assert full.value.retry_after is None


async def test_all_at_once_in_use_is_the_users_limit_too_when_the_time_is_up() -> None:
    house = owned({"user:u1": (Limit(1, "requests", "at once"),)}, a=["a"])
    experience = house.executor.experience
    held = await experience.lease(at("a"), house.terms(names=("user:u1",)), None)
    with pytest.raises(LimitReached, match="in use"):
        await house.complete(at("a"), names=("user:u1",), timeout=0.2)
    assert isinstance(held, Lease)
    experience.quotas.release(held)
    await house.complete(at("a"), names=("user:u1",))


async def test_the_limits_of_providers_are_nobodys_limit() -> None:
    house = owned({"user:u1": (Limit(9, "requests", "minute"),)}, a=["a"])
    them = limited("a")
    for _ in range(2):
        await house.complete(them, free=free(them), names=("user:u1",))
    with pytest.raises(NoModelAvailable, match="a#K has used up its 2 requests a minute"):
        await house.complete(them, free=free(them), names=("user:u1",), timeout=5.0)


# --- purses ------------------------------------------------------------------------------------------------------


async def test_what_is_paid_from_a_purse_is_reserved_first_and_settled_after() -> None:
    purse = BudgetPurse(Budget(usd=5, attempts=3))
    house = rig(a=[failing(K.EMPTY), wholly("a", Usage(1_000, 100))])
    terms: dict[str, Any] = {"purse": purse, "request": Request(ASK.messages, Parameters(max_tokens=100))}
    with pytest.raises(AllAttemptsFailed):
        await house.complete(at("a", price=DEAR), **terms)
    await house.complete(at("a", price=DEAR), **terms)
    assert purse.left == Budget(Decimal("4.89"), None, 1)


async def test_who_cannot_be_paid_for_makes_way_and_gives_its_place_back() -> None:
    class Mean:
        async def reserve(self, usd: Decimal, tokens: int) -> Hold | str:
            return Hold(usd, tokens) if not usd else "too dear"

        def settle(self, hold: Hold, usd: Decimal, tokens: int) -> None: ...
        def release(self, hold: Hold) -> None: ...

    house = rig(a=["a"], b=["b"])
    dear = limited("a", Limit(1, "requests", "at once"))
    dear = Candidate(dear.deployment, at("a", price=DEAR, terms=dear.card.terms).card)
    for _ in range(2):
        answer = await house.complete(dear, at("b"), purse=Mean())
        assert trail(answer) == [("b/m", "answer", "accept")]
    with pytest.raises(BudgetExceeded, match="a/m#K: too dear"):
        await house.complete(dear, purse=Mean())


# --- hedging -----------------------------------------------------------------------------------------------------


class Late(FakeClock):
    """Virtual time, and real waits: who is quicker is decided by the event loop."""

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await anyio.sleep(min(seconds, 0.05))
        self.advance(seconds)


def two(first: Any, second: Any, delay: float = 5.0) -> Rig:
    a = ScriptedProvider([first], name="a", delay=delay)
    return Rig({"a": a, "b": ScriptedProvider([second], name="b")}, clock=Late())


@pytest.mark.parametrize("streaming", [False, True])
async def test_the_quicker_of_two_wins_and_both_are_paid_for(streaming: bool) -> None:
    house = two("late", wholly("quick", Usage(10, 20)))
    them = at("a", price=DEAR), at("b", price=DEAR)
    if streaming:
        shown, answer = await house.stream(*them, hedge=True)
        assert shown == "quick"
    else:
        answer = await house.complete(*them, hedge=True)
    assert answer.response.message.text == "quick"
    assert trail(answer) == [("a/m", "cancelled", "lost"), ("b/m", "answer", "accept")]
    lost, won = answer.attempts
    assert (lost.hedge, won.hedge, won.number) == (False, True, 2)
    assert lost.cost == DEAR.cost(Usage(10, 0))
    assert answer.cost == lost.cost + won.cost
    assert house.experience.loads.in_flight("a/m") == 0
    assert house.experience.health.state("a/m", house.clock.now()) == "healthy"


@pytest.mark.parametrize("streaming", [False, True])
async def test_the_first_may_still_win(streaming: bool) -> None:
    house = two("first", "second", delay=0.1)
    house.providers["b"].delay = 5.0  # type: ignore[attr-defined]
    answer = (
        (await house.stream(at("a"), at("b"), hedge=True))[1]
        if streaming
        else await house.complete(at("a"), at("b"), hedge=True)
    )
    assert trail(answer) == [("a/m", "answer", "accept"), ("b/m", "cancelled", "lost")]


async def test_nobody_is_asked_twice_unless_it_is_wanted() -> None:
    house = two("late", "quick", delay=0.2)
    assert trail(await house.complete(at("a"), at("b"))) == [("a/m", "answer", "accept")]


async def test_a_lone_deployment_has_no_second() -> None:
    house = two("late", "quick", delay=0.2)
    assert trail(await house.complete(at("a"), hedge=True)) == [("a/m", "answer", "accept")]


async def test_what_may_execute_tools_is_never_asked_twice() -> None:
    from aiorch.types import ToolSpec

    house = two("late", "quick", delay=0.2)
    request = Request(ASK.messages, tools=(ToolSpec("t", "does", {"type": "object"}),))
    answer = await house.complete(at("a"), at("b"), request=request, hedge=True)
    assert trail(answer) == [("a/m", "answer", "accept")]


@pytest.mark.parametrize("scarce", ["a", "b"])
async def test_a_scarce_day_is_not_spent_on_second_requests(scarce: str) -> None:
    house = two("late", "quick", delay=0.2)
    few = Limit(SCARCE - 1, "requests", "day")
    them = [limited(p, few) if p == scarce else at(p) for p in "ab"]
    answer = await house.complete(*them, hedge=True, free=free(*them))
    assert [a.decision for a in answer.attempts] == ["accept"]
    plenty = Limit(SCARCE, "requests", "day")
    them = [limited(p, plenty) if p == scarce else at(p) for p in "ab"]
    answer = await house.complete(*them, hedge=True, free=free(*them))
    assert [a.decision for a in answer.attempts] == ["lost", "accept"]


@pytest.mark.parametrize("streaming", [False, True])
async def test_when_both_fail_the_loop_goes_on(streaming: bool) -> None:
    a = ScriptedProvider([failing()], name="a", delay=0.1)
    house = Rig(
        {"a": a, "b": ScriptedProvider([failing()], name="b"), "c": ScriptedProvider(["c"], name="c")},
        clock=Late(),
    )
    them = at("a"), at("b"), at("c")
    answer = (
        (await house.stream(*them, hedge=True))[1] if streaming else await house.complete(*them, hedge=True)
    )
    assert {d for d, _, _ in trail(answer)} == {"a/m", "b/m", "c/m"}
    assert answer.response.message.text == "c"


# --- what outlives the process -----------------------------------------------------------------------------------


async def test_it_is_loaded_before_the_first_request_and_kept_after_the_last() -> None:
    calls: list[str] = []

    class Keeper:
        async def load(self) -> None:
            calls.append("load")

        async def keep(self) -> None:
            calls.append("keep")

        async def aclose(self) -> None:
            calls.append("close")

    async def closes() -> None:
        calls.append("store")

    clock = FakeClock()
    house = rig(a=["x"])
    executor = Executor(
        house.providers,
        clock=clock,
        bus=house.executor._bus,  # pyright: ignore[reportPrivateUsage]
        experience=lambda: Experience(
            clock,
            quotas=MemoryQuotas(clock),
            keeper=lambda health: Keeper(),  # type: ignore[arg-type,return-value]
            closes=closes,
        ),
    )
    await executor.aclose()
    assert calls == []
    house.executor, house.clock = executor, clock
    await house.complete(at("a"))
    await house.complete(at("a"))
    await executor.aclose()
    assert calls == ["load", "keep", "close", "store"]
