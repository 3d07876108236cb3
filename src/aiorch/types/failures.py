"""How one attempt failed: a status, a body, an exception, as one typed fact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from aiorch.types.allowances import LimitSeen


class FailureKind(StrEnum):
    """What went wrong, in the words that decide what to do next."""

    AUTH = "auth"
    """The key is missing, wrong or not allowed to do this."""
    BILLING = "billing"
    """The account has no credit, or wants a payment method."""
    RATE_MINUTE = "rate_minute"
    """Too many requests or tokens for now; it passes within minutes."""
    RATE_DAY = "rate_day"
    """An allowance of a day or longer is used up."""
    CONTEXT = "context"
    """The prompt does not fit this model."""
    POLICY = "policy"
    """A filter refused the prompt or the answer."""
    BAD_REQUEST = "bad_request"
    """The provider did not understand the request."""
    MODEL_GONE = "model_gone"
    """No such model, or no longer."""
    OVERLOADED = "overloaded"
    """The provider or its upstream is unwell (5xx, capacity)."""
    TRANSPORT = "transport"
    """The connection failed or broke."""
    TIMEOUT = "timeout"
    """Nothing came in time."""
    MALFORMED = "malformed"
    """An answer came that is not one: HTML, broken JSON, no choices."""
    EMPTY = "empty"
    """An answer came with nothing in it."""
    TRUNCATED = "truncated"
    """The answer stopped before its end without saying so."""
    CANCELLED = "cancelled"
    """The caller gave up; says nothing about the provider."""


FailureScope = Literal["account", "key_model", "model", "upstream", "request"]
"""What the failure condemns: everything behind the account's key; this model with this key; this model for
everyone; the host that serves it; or nothing but this one request."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt's failure, classified.

    >>> Failure(FailureKind.RATE_MINUTE, "account", "Rate limit exceeded", status=429, retry_at=1_800_000_000.0).kind
    <FailureKind.RATE_MINUTE: 'rate_minute'>
    """

    kind: FailureKind
    scope: FailureScope
    message: str
    """The provider's words, shortened and with secrets removed; or the exception's."""
    status: int | None = None
    """The HTTP status, where there was one."""
    code: str | None = None
    """The provider's own error code or type."""
    retry_at: float | None = None
    """Epoch seconds before which asking again is pointless; ``None`` = not told."""
    ambiguous: bool = False
    """True where a sibling may well answer differently (a bare 400, an empty answer, a content filter)."""
    successors: tuple[str, ...] = ()
    """Model ids that the provider names instead."""
    upstream: str | None = None
    """The host behind a router that failed, where it is named."""
    details: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """What else the provider told of it, by its own names: why a filter objected, which preference left no host."""
    limits: tuple[LimitSeen, ...] = ()
    """What the headers told of limits."""
