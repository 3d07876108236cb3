"""What calls may cost together: reserved before a call with the worst case, settled after it with what it took.

A budget that is only checked is overshot by calls that run at the same time; one that is reserved from is not.

    hold = await purse.reserve(Decimal("0.002"), 4_900)         # or a text: why not
    purse.settle(hold, Decimal("0.0004"), 1_210)                # or purse.release(hold), where nothing was sent
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

import anyio

from aiorch.types import Budget


class Hold:
    """What is reserved for one call: it counts until it is settled or released, which every hold must be once.

    Settling or releasing again does nothing, so a ``finally`` may release what may have been settled before.
    """

    __slots__ = ("open", "parts", "tokens", "usd")

    def __init__(self, usd: Decimal, tokens: int, parts: Sequence[Hold] = ()) -> None:
        self.usd = usd
        """The worst case, USD."""
        self.tokens = tokens
        """The worst case, input and output."""
        self.parts = tuple(parts)
        """The same in the purses that a purse is made of."""
        self.open = True

    def close(self) -> bool:
        """True the first time."""
        was, self.open = self.open, False
        return was

    def __repr__(self) -> str:
        return f"<Hold {'open' if self.open else 'closed'}: {self.usd:f} USD, {self.tokens:,} tokens>"


class Purse(Protocol):
    """Where calls are paid from. For example:

    class Endless:
        async def reserve(self, usd, tokens):
            return Hold(usd, tokens)

        def settle(self, hold, usd, tokens): ...

        def release(self, hold): ...
    """

    async def reserve(self, usd: Decimal, tokens: int) -> Hold | str:
        """Reserve what a call costs at most, or say why not.

        Waits while there is room only because of calls that are under way: give it a deadline.

        :param usd: USD, 0 where the call is free of charge. :param tokens: the prompt's and the longest answer's.
        """
        ...

    def settle(self, hold: Hold, usd: Decimal, tokens: int) -> None:
        """The call has ended and took this much."""
        ...

    def release(self, hold: Hold) -> None:
        """Nothing was sent: what was reserved is free again."""
        ...


FIRST_LOOK, LAST_LOOK = 0.005, 0.1
"""Seconds between two looks at whether others have settled. Calls take seconds, so that costs nothing to speak of."""


class BudgetPurse:
    """A budget of one process, forgotten with it: what one scope may spend in all."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._most_usd = None if budget.usd is None else Decimal(budget.usd)
        self._usd = Decimal(0)
        self._tokens = 0
        self._attempts = 0
        self._held_usd = Decimal(0)
        self._held_tokens = 0

    @property
    def left(self) -> Budget:
        """What nobody has spent or reserved."""
        return self._without(self._usd + self._held_usd, self._tokens + self._held_tokens)

    @property
    def unspent(self) -> Budget:
        """What nobody has spent; calls under way may have reserved some of it."""
        return self._without(self._usd, self._tokens)

    def _without(self, usd: Decimal, tokens: int) -> Budget:
        given = self._budget
        return Budget(
            None if self._most_usd is None else max(Decimal(0), self._most_usd - usd),
            None if given.tokens is None else max(0, given.tokens - tokens),
            None if given.attempts is None else max(0, given.attempts - self._attempts),
        )

    async def reserve(self, usd: Decimal, tokens: int) -> Hold | str:
        """Reserve; waits for calls under way where it would fit without them."""
        pause = FIRST_LOOK
        while True:
            why = self._refused(usd, tokens, self._held_usd, self._held_tokens)
            if why is None:
                self._held_usd += usd
                self._held_tokens += tokens
                self._attempts += 1
                return Hold(usd, tokens)
            if self._refused(usd, tokens, Decimal(0), 0) is not None:
                return why
            await anyio.sleep(pause)
            pause = min(LAST_LOOK, pause * 2)

    def settle(self, hold: Hold, usd: Decimal, tokens: int) -> None:
        """The call has ended and took this much."""
        if self._given_back(hold):
            self._usd += usd
            self._tokens += tokens

    def release(self, hold: Hold) -> None:
        """Nothing was sent."""
        if self._given_back(hold):
            self._attempts -= 1

    def _given_back(self, hold: Hold) -> bool:
        if not hold.close():
            return False
        self._held_usd -= hold.usd
        self._held_tokens -= hold.tokens
        return True

    def _refused(self, usd: Decimal, tokens: int, held_usd: Decimal, held_tokens: int) -> str | None:
        given = self._budget
        if given.attempts is not None and self._attempts >= given.attempts:
            return f"the budget of {given.attempts} attempt(s) is used up"
        most = self._most_usd
        if most is not None and usd and self._usd + held_usd + usd > most:
            left = max(Decimal(0), most - self._usd - held_usd)
            return f"it could cost {usd:f} USD, and {left:f} of the budget's {most:f} are left"
        if given.tokens is not None and self._tokens + held_tokens + tokens > given.tokens:
            left = max(0, given.tokens - self._tokens - held_tokens)
            return f"it could take {tokens:,} tokens, and {left:,} of the budget's {given.tokens:,} are left"
        return None


class Purses:
    """Several purses, all of which have to pay: a scope's, the one around it, the day's."""

    def __init__(self, purses: Sequence[Purse]) -> None:
        self._purses = tuple(purses)

    async def reserve(self, usd: Decimal, tokens: int) -> Hold | str:
        """Reserve in all of them, or in none."""
        held: list[Hold] = []
        whole = False
        try:
            for purse in self._purses:
                answer = await purse.reserve(usd, tokens)
                if isinstance(answer, str):
                    return answer
                held.append(answer)
            whole = True
            return Hold(usd, tokens, held)
        finally:  # refused, or the caller gave up while it waited
            if not whole:
                for purse, hold in zip(self._purses, held, strict=False):
                    purse.release(hold)

    def settle(self, hold: Hold, usd: Decimal, tokens: int) -> None:
        """The call has ended and took this much."""
        for purse, part in zip(self._purses, hold.parts, strict=True):
            purse.settle(part, usd, tokens)

    def release(self, hold: Hold) -> None:
        """Nothing was sent."""
        for purse, part in zip(self._purses, hold.parts, strict=True):
            purse.release(part)


def together(*purses: Purse | None) -> Purse | None:
    """One purse for all of these; ``None`` where there is none."""
    there = [purse for purse in purses if purse is not None]
    return Purses(there) if len(there) > 1 else there[0] if there else None
