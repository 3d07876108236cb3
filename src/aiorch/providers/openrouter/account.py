"""What OpenRouter tells of one's own key, credit and past requests, in seconds, tokens and USD. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiorch.errors import AttemptFailed
from aiorch.providers.decode import as_object, as_text
from aiorch.providers.failures import malformed
from aiorch.providers.lifecycles import moment_of
from aiorch.types import Limit, Usage

FREE_A_MINUTE = 20
"""Requests to free models, all of them together, whatever the number of keys; as the next (2026-08-22)."""
FREE_A_DAY = 50
FREE_A_DAY_WITH_CREDIT = 1_000
CREDIT_FOR_MORE = Decimal(10)
"""USD of credit that an account has to have bought at any time to have the larger day."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key may spend and has spent, in USD."""

    limit: Decimal | None = None
    """The most that the key itself may spend; ``None`` = as much as the account has."""
    remaining: Decimal | None = None
    """What is left of it."""
    reset: str | None = None
    """When it begins anew: ``daily``, ``weekly``, ``monthly``; ``None`` = never."""
    usage: Decimal = Decimal(0)
    usage_daily: Decimal = Decimal(0)
    """Of this day in UTC."""
    usage_weekly: Decimal = Decimal(0)
    """Since Monday."""
    usage_monthly: Decimal = Decimal(0)
    own_keys_usage: Decimal = Decimal(0)
    """Charged by other providers to keys of one's own that OpenRouter uses (BYOK)."""
    free_tier: bool | None = None
    """True for an account that has never paid."""
    expires_at: float | None = None
    """Epoch seconds."""
    management: bool = False
    """True for a key that manages an account and cannot chat."""

    @property
    def used_up(self) -> bool:
        """True when the key may spend nothing more. Free models are refused as well only when the whole account's
        credit is below zero.
        """
        return self.remaining is not None and self.remaining <= 0


@dataclass(frozen=True, slots=True)
class Credits:
    """What an account has bought and used, in USD."""

    bought: Decimal
    used: Decimal

    @property
    def left(self) -> Decimal:
        """Below zero, every request is refused, also those to free models."""
        return self.bought - self.used


@dataclass(frozen=True, slots=True)
class GenerationStats:
    """One past answer."""

    id: str
    model: str | None = None
    """Who answered."""
    host: str | None = None
    cost: Decimal = Decimal(0)
    """USD."""
    upstream_cost: Decimal | None = None
    """USD that the host charged to one's own key there."""
    usage: Usage = Usage()
    """As the host counted; other counts of OpenRouter are by one tokenizer for all models."""
    latency: float | None = None
    """Seconds for all of it."""
    generation_time: float | None = None
    """Seconds in which the host wrote."""
    moderation_latency: float | None = None
    finish: str | None = None
    native_finish: str | None = None
    """Why it stopped, in the host's words."""
    streamed: bool | None = None
    cancelled: bool | None = None
    created_at: float | None = None
    """Epoch seconds."""
    router: str | None = None
    """``openrouter/auto``, where that chose the model."""
    cached_from: str | None = None
    """The answer that was given again, where this one came from the cache."""

    @property
    def insured(self) -> bool:
        """True for an answer without a token and without an end, or with an error for its end: nothing is charged."""
        return self.finish == "error" or (self.usage.output_tokens == 0 and not self.finish)


def read_key(answer: Mapping[str, Any]) -> KeyInfo:
    """Of ``/key``. :raises AttemptFailed: when it is something else."""
    data = _data(answer, "usage", "its key")
    free, own = data.get("is_free_tier"), data.get("byok_usage")
    return KeyInfo(
        _usd(data.get("limit")),
        _usd(data.get("limit_remaining")),
        as_text(data.get("limit_reset")) or None,
        _usd(data.get("usage")) or Decimal(0),
        _usd(data.get("usage_daily")) or Decimal(0),
        _usd(data.get("usage_weekly")) or Decimal(0),
        _usd(data.get("usage_monthly")) or Decimal(0),
        _usd(own) or Decimal(0),
        free if isinstance(free, bool) else None,
        moment_of(data.get("expires_at")),
        data.get("is_management_key") is True,
    )


def read_credits(answer: Mapping[str, Any]) -> Credits:
    """Of ``/credits``. :raises AttemptFailed: when it is something else."""
    data = _data(answer, "total_credits", "its credits")
    return Credits(_usd(data.get("total_credits")) or Decimal(0), _usd(data.get("total_usage")) or Decimal(0))


def read_generation(answer: Mapping[str, Any]) -> GenerationStats:
    """Of ``/generation``. :raises AttemptFailed: when it is something else."""
    data = _data(answer, "id", "a generation")
    streamed, cancelled = data.get("streamed"), data.get("cancelled")
    sent, made = _count(data.get("native_tokens_prompt")), _count(data.get("native_tokens_completion"))
    return GenerationStats(
        as_text(data.get("id")),
        as_text(data.get("model")) or None,
        as_text(data.get("provider_name")) or None,
        _usd(data.get("total_cost")) or Decimal(0),
        _usd(data.get("upstream_inference_cost")),
        Usage(
            sent,
            made,
            min(made, _count(data.get("native_tokens_reasoning"))),
            min(sent, _count(data.get("native_tokens_cached"))),
        ),
        _seconds(data.get("latency")),
        _seconds(data.get("generation_time")),
        _seconds(data.get("moderation_latency")),
        as_text(data.get("finish_reason")) or None,
        as_text(data.get("native_finish_reason")) or None,
        streamed if isinstance(streamed, bool) else None,
        cancelled if isinstance(cancelled, bool) else None,
        moment_of(data.get("created_at")),
        as_text(data.get("router")) or None,
        as_text(data.get("response_cache_source_id")) or None,
    )


def free_limits(key: KeyInfo, credit: Credits | None = None) -> tuple[Limit, ...]:
    """What an account may ask of free models, all of them and all of its keys together.

    :param credit: where it is known (only management keys are told), what was bought decides. Without it, an account
        that has paid at all is taken to have paid enough.

    >>> [str(limit) for limit in free_limits(KeyInfo(free_tier=True))]
    ['20 requests a minute', '50 requests a day']
    """
    paid = credit.bought >= CREDIT_FOR_MORE if credit is not None else key.free_tier is False
    day = FREE_A_DAY_WITH_CREDIT if paid else FREE_A_DAY
    return Limit(FREE_A_MINUTE, "requests", "minute"), Limit(day, "requests", "day")


def _data(answer: Mapping[str, Any], needed: str, what: str) -> Mapping[str, Any]:
    data = as_object(answer.get("data"))
    if needed not in data:
        raise AttemptFailed(malformed(f"OpenRouter's answer about {what} has no {needed}"))
    return data


def _usd(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        return None
    return amount if amount.is_finite() else None


def _seconds(milliseconds: object) -> float | None:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float) or milliseconds < 0:
        return None
    return milliseconds / 1000


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
