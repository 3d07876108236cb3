"""What one tenant or one user may have, as the tables ``[tenants.acme]`` and ``[users.u1]`` write it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from aiorch.types import Limit
from aiorch.types.models import LimitPeriod

EVERYBODY = "*"
"""The table of whoever has none of their own."""

Unit = Literal["requests", "tokens"]
Amount = Annotated[int, Field(ge=0)]
Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that one of them may use; ``None`` sets no limit of that kind.

    >>> Allowance(requests_minute=20).limits
    (Limit(amount=20, unit='requests', per='minute', scope='account'),)
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    usd_day: Dollars | None = None
    """USD from midnight to midnight UTC."""
    tokens_day: Amount | None = None
    """Tokens, input and output, of the same time."""
    requests_minute: Amount | None = None
    requests_hour: Amount | None = None
    requests_day: Amount | None = None
    tokens_minute: Amount | None = None
    requests_at_once: Amount | None = None

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What quotas hold: everything but the day's money and tokens, which purses hold."""
        given: tuple[tuple[int | None, Unit, LimitPeriod], ...] = (
            (self.requests_minute, "requests", "minute"),
            (self.requests_hour, "requests", "hour"),
            (self.requests_day, "requests", "day"),
            (self.tokens_minute, "tokens", "minute"),
            (self.requests_at_once, "requests", "at once"),
        )
        return tuple(Limit(amount, unit, per) for amount, unit, per in given if amount is not None)


FIELDS = tuple(field.name for field in fields(Allowance))
