"""One's own key, credit and past answers, in seconds, tokens and USD."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aiorch.errors import AttemptFailed
from aiorch.providers.openrouter import Credits, GenerationStats, KeyInfo, free_limits
from aiorch.providers.openrouter.account import read_credits, read_generation, read_key
from aiorch.types import FailureKind, Limit, Usage

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "discovery" / "samples" / "openrouter_key.json"
KEY = {
    "label": "sk-or-v1-abc...123",
    "limit": 10,
    "limit_remaining": 7.5,
    "limit_reset": "daily",
    "usage": 2.5,
    "usage_daily": 1.25,
    "usage_weekly": 2,
    "usage_monthly": 2.5,
    "byok_usage": 0.5,
    "is_free_tier": False,
    "is_management_key": False,
    "expires_at": "2027-01-01T00:00:00Z",
    "rate_limit": {"requests": 1000, "interval": "1h", "note": "deprecated"},
}
GENERATION = {
    "id": "gen-1",
    "model": "acme/large",
    "provider_name": "Acme",
    "total_cost": 0.0015,
    "upstream_inference_cost": 0.0012,
    "tokens_prompt": 9,
    "native_tokens_prompt": 10,
    "native_tokens_completion": 25,
    "native_tokens_reasoning": 5,
    "native_tokens_cached": 3,
    "latency": 1250,
    "generation_time": 1200,
    "moderation_latency": 50,
    "finish_reason": "stop",
    "native_finish_reason": "end_turn",
    "streamed": True,
    "cancelled": False,
    "created_at": "2026-07-15T23:33:19.433273+00:00",
    "router": "openrouter/auto",
    "response_cache_source_id": None,
}


def test_a_key_is_read_in_dollars() -> None:
    assert read_key({"data": KEY}) == KeyInfo(
        Decimal(10),
        Decimal("7.5"),
        "daily",
        Decimal("2.5"),
        Decimal("1.25"),
        Decimal(2),
        Decimal("2.5"),
        Decimal("0.5"),
        False,
        1_798_761_600.0,
    )


def test_nothing_of_a_key_itself_is_kept() -> None:
    assert "sk-or" not in repr(read_key({"data": KEY}))


def test_a_key_without_a_limit_is_never_used_up() -> None:
    assert not read_key({"data": {"usage": 5, "limit": None, "limit_remaining": None}}).used_up
    assert not read_key({"data": KEY}).used_up
    assert read_key({"data": {**KEY, "limit_remaining": 0}}).used_up
    assert read_key({"data": {**KEY, "limit_remaining": -0.1}}).used_up


def test_odd_numbers_are_unknown() -> None:
    odd = read_key({"data": {"usage": True, "limit": "much", "limit_remaining": "NaN", "is_free_tier": 1}})
    assert odd == KeyInfo()


@pytest.mark.parametrize(
    ("key", "credit", "day"),
    [
        (KeyInfo(free_tier=True), None, 50),
        (KeyInfo(free_tier=None), None, 50),
        (KeyInfo(free_tier=False), None, 1_000),
        (KeyInfo(free_tier=False), Credits(Decimal(5), Decimal(0)), 50),
        (KeyInfo(free_tier=False), Credits(Decimal("9.99"), Decimal(0)), 50),
        (KeyInfo(free_tier=None), Credits(Decimal(10), Decimal(10)), 1_000),
    ],
)
def test_free_models_have_limits_over_the_whole_account(
    key: KeyInfo, credit: Credits | None, day: int
) -> None:
    assert free_limits(key, credit) == (
        Limit(20, "requests", "minute", "account"),
        Limit(day, "requests", "day", "account"),
    )


def test_credit_is_what_was_bought_less_what_was_used() -> None:
    credit = read_credits({"data": {"total_credits": 100.5, "total_usage": 25.75}})
    assert credit == Credits(Decimal("100.5"), Decimal("25.75"))
    assert credit.left == Decimal("74.75")


def test_a_past_answer_is_read_in_seconds() -> None:
    assert read_generation({"data": GENERATION}) == GenerationStats(
        "gen-1",
        "acme/large",
        "Acme",
        Decimal("0.0015"),
        Decimal("0.0012"),
        Usage(10, 25, 5, 3),
        1.25,
        1.2,
        0.05,
        "stop",
        "end_turn",
        True,
        False,
        1_784_158_399.433273,
        "openrouter/auto",
    )


def test_what_a_past_answer_does_not_tell_is_unknown() -> None:
    told: dict[str, Any] = {
        "id": "gen-2",
        "latency": -1,
        "generation_time": None,
        "native_tokens_prompt": "5",
    }
    assert read_generation({"data": told}) == GenerationStats("gen-2")


@pytest.mark.parametrize(
    ("finish", "tokens", "insured"),
    [("", 0, True), (None, 0, True), ("error", 7, True), ("stop", 0, False), ("", 7, False)],
)
def test_an_answer_that_never_came_is_not_charged(finish: str | None, tokens: int, insured: bool) -> None:
    told = {"id": "g", "finish_reason": finish, "native_tokens_completion": tokens}
    assert read_generation({"data": told}).insured is insured


@pytest.mark.parametrize("read", [read_key, read_credits, read_generation])
@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": []}, {"data": {}}])
def test_another_answer_is_malformed(read: Any, answer: dict[str, Any]) -> None:
    with pytest.raises(AttemptFailed) as failed:
        read(answer)
    assert failed.value.failure.kind is FailureKind.MALFORMED


if SAMPLE.exists():

    def test_the_documented_key_is_read() -> None:
        key = read_key(json.loads(SAMPLE.read_text())["body"])
        assert (key.limit, key.remaining, key.reset) == (Decimal(100), Decimal("74.5"), "monthly")
        assert key.expires_at == 1_830_297_599.0
        assert [limit.amount for limit in free_limits(key)] == [20, 1_000]
