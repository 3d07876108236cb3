"""The hosts that serve a model at OpenRouter: how well, how quickly, at what price; and what that lets expect. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from aiorch.providers.decode import as_list, as_object, as_text
from aiorch.providers.prices import price_of
from aiorch.types import Price

MILLISECONDS_FROM = 10.0
"""Latencies are documented in milliseconds and shown in seconds in the same document's example (0.25). No first token
comes over a network within 10 ms, and hardly any host's median is 10 s, so the size tells which was meant.
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of the last half hour: so many percent of the requests did better."""

    p50: float
    p75: float | None = None
    p90: float | None = None
    p99: float | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """One host of one model."""

    name: str
    """As people write it, and as ``Response.details["upstream"]`` names it: ``Google AI Studio``."""
    slug: str
    """As preferences take it: ``google-ai-studio``, ``deepinfra/turbo``."""
    model: str = ""
    context: int | None = None
    """Tokens."""
    max_output: int | None = None
    max_prompt: int | None = None
    price: Price | None = None
    quantization: str | None = None
    status: int | None = None
    """0 is well. -1, -2, -3, -5 and -10 are not documented beyond their being there; lower is taken for worse."""
    uptime_5m: float | None = None
    """Answered requests of those that were no rate limit, 0 to 1, in the last five minutes; ``None`` = too few."""
    uptime_30m: float | None = None
    uptime_1d: float | None = None
    latency: Spread | None = None
    """Seconds to the first token; told only to those with a key, as the next."""
    throughput: Spread | None = None
    """Tokens per second."""
    parameters: frozenset[str] = frozenset()
    """What requests it understands: ``tools``, ``structured_outputs`` ..."""
    caches_prompts: bool | None = None
    """True where it reads repeated beginnings of prompts from a cache by itself."""


def read_hosts(answer: Mapping[str, Any]) -> tuple[Host, ...]:
    """The hosts in an answer: of one model, or of all that keep nothing (``/endpoints/zdr``).

    >>> read_hosts({"data": {"id": "a/b", "endpoints": [{"provider_name": "Acme", "tag": "acme"}]}})[0].slug
    'acme'
    """
    data = answer.get("data")
    listed = as_list(data) or as_list(as_object(data).get("endpoints"))
    model = as_text(as_object(data).get("id"))
    items = (as_object(item) for item in listed)
    return tuple(_host(item, model) for item in items if item.get("provider_name") or item.get("tag"))


def _host(item: Mapping[str, Any], model: str) -> Host:
    status = item.get("status")
    caches = item.get("supports_implicit_caching")
    return Host(
        as_text(item.get("provider_name")) or as_text(item.get("tag")),
        as_text(item.get("tag")),
        as_text(item.get("model_id")) or model,
        _whole(item.get("context_length")),
        _whole(item.get("max_completion_tokens")),
        _whole(item.get("max_prompt_tokens")),
        price_of(item, "usd_per_token"),
        as_text(item.get("quantization")) or None,
        status if isinstance(status, int) and not isinstance(status, bool) else None,
        _share(item.get("uptime_last_5m")),
        _share(item.get("uptime_last_30m")),
        _share(item.get("uptime_last_1d")),
        _latency(item.get("latency_last_30m")),
        _spread(item.get("throughput_last_30m"), 1.0),
        frozenset(as_text(name) for name in as_list(item.get("supported_parameters"))) - {""},
        caches if isinstance(caches, bool) else None,
    )


def _number(value: object) -> float | None:
    """A number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        return None
    return float(value)


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number else None


def _share(percent: object) -> float | None:
    number = _number(percent)
    return None if number is None or number > 100 else number / 100


def _latency(value: object) -> Spread | None:
    median = _number(as_object(value).get("p50"))
    if median is None:
        return None
    return _spread(value, 0.001 if median >= MILLISECONDS_FROM else 1.0)


def _spread(value: object, unit: float) -> Spread | None:
    told = as_object(value)
    p50, p75, p90, p99 = (_number(told.get(name)) for name in ("p50", "p75", "p90", "p99"))
    if p50 is None:
        return None
    return Spread(
        p50 * unit,
        None if p75 is None else p75 * unit,
        None if p90 is None else p90 * unit,
        None if p99 is None else p99 * unit,
    )


# --- what to expect ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prior:
    """What is expected of a model before anybody has asked it: where health begins, until own calls tell more."""

    success: float | None = None
    """The share of requests that are answered, 0 to 1; ``None`` = nothing is known."""
    first_token: float | None = None
    """Seconds, the median."""
    tokens_per_second: float | None = None
    unwell: bool = False
    """True where OpenRouter itself puts it behind others."""


_WEIGHTS = (0.5, 0.3, 0.2)
"""Of the last five minutes, half an hour and day: what was just now says most of what comes next."""


def prior_of(host: Host) -> Prior:
    """What one host lets expect.

    >>> prior_of(Host("Acme", "acme", uptime_5m=1.0, uptime_30m=0.9, uptime_1d=0.9)).success
    0.95
    """
    told = [
        (weight, uptime)
        for weight, uptime in zip(_WEIGHTS, (host.uptime_5m, host.uptime_30m, host.uptime_1d), strict=True)
        if uptime is not None
    ]
    whole = sum(weight for weight, _ in told)
    success = round(sum(weight * uptime for weight, uptime in told) / whole, 6) if told else None
    return Prior(
        success,
        host.latency.p50 if host.latency else None,
        host.throughput.p50 if host.throughput else None,
        (host.status or 0) < 0,
    )


def prior(hosts: Iterable[Host]) -> Prior:
    """What a model lets expect behind the router, which asks its hosts one after the other: as its best host, those
    that are well before those that are not.

    >>> prior([])
    Prior(success=None, first_token=None, tokens_per_second=None, unwell=False)
    """
    told: Sequence[Prior] = [prior_of(host) for host in hosts]
    if not told:
        return Prior()

    def badness(p: Prior) -> tuple[bool, float, float]:
        return p.unwell, -(p.success if p.success is not None else 0.0), p.first_token or float("inf")

    return min(told, key=badness)
