"""What a provider says of its limits while it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class LimitSeen:
    """One limit, as the headers of one answer tell of it.

    >>> LimitSeen("requests", "minute", limit=30, remaining=29).remaining
    29
    """

    unit: Literal["requests", "tokens", "neurons"]
    per: Literal["second", "minute", "hour", "day", "month"]
    limit: int | None = None
    """The most in a period, where it says so."""
    remaining: int | None = None
    """What is left of it."""
    reset_at: float | None = None
    """Epoch seconds at which all of it is back."""
    scope: Literal["account", "key_model"] = "account"
    """What shares it: everything behind the account's key, or this model behind it."""
