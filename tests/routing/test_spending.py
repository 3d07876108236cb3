from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiorch.routing.spending import BudgetPurse, Hold, Purse, together
from aiorch.types import Budget

FREE = Decimal(0)


async def taken(purse: Purse, usd: str = "0", tokens: int = 0) -> Hold:
    hold = await purse.reserve(Decimal(usd), tokens)
    assert isinstance(hold, Hold), hold
    return hold


@pytest.mark.anyio
async def test_what_is_reserved_counts_until_it_is_settled_with_what_it_took() -> None:
    purse = BudgetPurse(Budget(usd=1, tokens=1_000, attempts=5))
    hold = await taken(purse, "0.6", 400)
    assert purse.left == Budget(usd=Decimal("0.4"), tokens=600, attempts=4)
    assert purse.unspent == Budget(usd=1, tokens=1_000, attempts=4)
    purse.settle(hold, Decimal("0.1"), 50)
    assert purse.left == purse.unspent == Budget(usd=Decimal("0.9"), tokens=950, attempts=4)


@pytest.mark.anyio
async def test_what_was_not_sent_is_free_again_attempts_too() -> None:
    purse = BudgetPurse(Budget(usd=1, attempts=1))
    purse.release(await taken(purse, "1"))
    assert purse.left == Budget(usd=1, attempts=1)


@pytest.mark.anyio
async def test_a_hold_is_closed_once() -> None:
    purse = BudgetPurse(Budget(tokens=100))
    hold = await taken(purse, tokens=60)
    purse.settle(hold, FREE, 10)
    purse.settle(hold, FREE, 10)
    purse.release(hold)
    assert purse.left.tokens == 90
    assert repr(hold) == "<Hold closed: 0 USD, 60 tokens>"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("budget", "usd", "tokens", "why"),
    [
        (Budget(usd=1), "1.5", 0, "it could cost 1.5 USD, and 1 of the budget's 1 are left"),
        (Budget(tokens=10), "0", 11, "it could take 11 tokens, and 10 of the budget's 10 are left"),
        (Budget(attempts=0), "0", 0, "the budget of 0 attempt(s) is used up"),
    ],
)
async def test_what_never_fits_is_refused_at_once_with_the_reason(
    budget: Budget, usd: str, tokens: int, why: str
) -> None:
    assert await BudgetPurse(budget).reserve(Decimal(usd), tokens) == why


@pytest.mark.anyio
async def test_what_is_free_is_not_refused_for_money_that_is_gone() -> None:
    purse = BudgetPurse(Budget(usd=0))
    assert isinstance(await purse.reserve(FREE, 10), Hold)


@pytest.mark.anyio
async def test_who_finds_no_room_waits_for_calls_under_way() -> None:
    purse = BudgetPurse(Budget(tokens=100))
    first = await taken(purse, tokens=80)
    second: list[Hold] = []

    async def wait() -> None:
        second.append(await taken(purse, tokens=80))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.03)
        assert second == []
        purse.settle(first, FREE, 20)
    assert purse.left.tokens == 0


@pytest.mark.anyio
async def test_who_waits_in_vain_is_told_when_the_others_took_it_all() -> None:
    purse = BudgetPurse(Budget(tokens=100))
    first = await taken(purse, tokens=80)
    said: list[Hold | str] = []

    async def wait() -> None:
        said.append(await purse.reserve(FREE, 80))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(0.01)
        purse.settle(first, FREE, 80)
    assert said == ["it could take 80 tokens, and 20 of the budget's 100 are left"]


@pytest.mark.anyio
async def test_several_purses_pay_together_or_not_at_all() -> None:
    wide, narrow = BudgetPurse(Budget(tokens=100)), BudgetPurse(Budget(tokens=10))
    both = together(wide, None, narrow)
    assert both is not None
    assert isinstance(await both.reserve(FREE, 20), str)
    assert wide.left.tokens == 100
    hold = await taken(both, tokens=10)
    assert (wide.left.tokens, narrow.left.tokens) == (90, 0)
    both.settle(hold, FREE, 4)
    assert (wide.left.tokens, narrow.left.tokens) == (96, 6)
    both.release(await taken(both, tokens=6))
    assert (wide.left.tokens, narrow.left.tokens) == (96, 6)


@pytest.mark.anyio
async def test_who_gives_up_while_a_later_purse_is_waited_for_holds_nothing() -> None:
    wide, narrow = BudgetPurse(Budget(tokens=100)), BudgetPurse(Budget(tokens=10))
    await taken(narrow, tokens=10)
    both = together(wide, narrow)
    assert both is not None
    with anyio.move_on_after(0.02) as scope:
        await both.reserve(FREE, 5)
    assert scope.cancelled_caught
    assert wide.left.tokens == 100


def test_one_purse_is_itself_and_none_is_none() -> None:
    purse = BudgetPurse(Budget())
    assert together(None, purse) is purse
    assert together(None, None) is None


# --- never overshot ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    usd: int
    """Cents at most."""
    tokens: int
    """At most."""
    used: float
    """Share of the worst case that it takes."""
    sent: bool


calls = st.lists(
    st.builds(Call, st.integers(0, 40), st.integers(0, 400), st.floats(0, 1), st.booleans()), max_size=20
)


@settings(deadline=None, max_examples=40)
@given(calls, st.integers(0, 100), st.integers(0, 1_000), st.integers(0, 12), st.integers(1, 6))
def test_calls_that_run_at_the_same_time_never_overshoot_together(
    them: list[Call], cents: int, tokens: int, attempts: int, at_once: int
) -> None:
    budget = Budget(usd=Decimal(cents) / 100, tokens=tokens, attempts=attempts)
    inner, outer = BudgetPurse(Budget(tokens=tokens)), BudgetPurse(budget)
    purse = together(inner, outer)
    assert purse is not None
    spent = [Decimal(0), 0, 0]

    async def one(call: Call, turn: anyio.CapacityLimiter) -> None:
        async with turn:
            hold = await purse.reserve(Decimal(call.usd) / 100, call.tokens)
            if isinstance(hold, str):
                return
            await anyio.lowlevel.checkpoint()
            if not call.sent:
                purse.release(hold)
                return
            usd, used = Decimal(call.usd) / 100 * Decimal(call.used), int(call.tokens * call.used)
            spent[0] += usd
            spent[1] += used
            spent[2] += 1
            purse.settle(hold, usd, used)

    async def everybody() -> None:
        turn = anyio.CapacityLimiter(at_once)
        async with anyio.create_task_group() as tasks:
            for call in them:
                tasks.start_soon(one, call, turn)

    anyio.run(everybody)
    assert spent[0] <= Decimal(cents) / 100
    assert spent[1] <= tokens
    assert spent[2] <= attempts
    assert outer.left == outer.unspent  # nothing stays reserved
    assert outer.left.tokens == tokens - spent[1]
