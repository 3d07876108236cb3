"""What the headers of an answer, good or bad, say of limits, by the windows of the provider's row. Pure.

Only headers that a row names are read: whether a bare ``X-RateLimit-Limit`` speaks of a second or of a day, nobody can
tell from outside.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiorch.providers.resets import reset_at
from aiorch.providers.spec import ProviderSpec
from aiorch.types import LimitSeen


def limits_seen(headers: Mapping[str, str], spec: ProviderSpec, now: float) -> tuple[LimitSeen, ...]:
    """What is said of each limit.

    :param headers: names in any case. :param now: epoch seconds.

    >>> from aiorch.providers.specs import SPECS
    >>> told = {"x-ratelimit-limit-tokens": "6000", "x-ratelimit-remaining-tokens": "5500"}
    >>> limits_seen(told, SPECS["groq"], 0.0)[0].remaining
    5500
    """
    if not spec.windows:
        return ()
    told = {name.lower(): value for name, value in headers.items()}
    seen: list[LimitSeen] = []
    for window in spec.windows:
        name = window.remaining
        if "input" in name or "output" in name:
            continue  # counts a part of the tokens, and the whole is what is reckoned with
        remaining = _count(told.get(name))
        limit = _count(told.get(name.replace("remaining", "limit")))
        if remaining is None and limit is None:
            continue
        seen.append(
            LimitSeen(
                "tokens" if "token" in name else "requests",
                window.per,
                limit or None,
                remaining,
                reset_at(told.get(window.reset, ""), now),
                "account" if spec.limit_scope == "account" else "key_model",
            )
        )
    return tuple(seen)


def _count(value: str | None) -> int | None:
    """A whole number that is not negative: some say -1 where there is no limit."""
    text = "" if value is None else value.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
