"""What headers say of limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aiorch.providers import SPECS
from aiorch.providers.allowances_seen import limits_seen
from aiorch.types import LimitSeen

NOW = 1_800_000_000.0

GROQ = {
    "X-RateLimit-Limit-Requests": "14400",
    "x-ratelimit-limit-tokens": "6000",
    "x-ratelimit-remaining-requests": "14370",
    "x-ratelimit-remaining-tokens": "5997",
    "x-ratelimit-reset-requests": "2m59.56s",
    "x-ratelimit-reset-tokens": "7.66s",
}


def near(moment: float) -> Any:
    return pytest.approx(moment)


def test_each_window_of_a_row_is_read() -> None:
    assert limits_seen(GROQ, SPECS["groq"], NOW) == (
        LimitSeen("requests", "day", 14400, 14370, near(NOW + 179.56), "key_model"),
        LimitSeen("tokens", "minute", 6000, 5997, near(NOW + 7.66), "key_model"),
    )


def test_an_account_wide_limit_is_the_accounts() -> None:
    wide = replace(SPECS["groq"], limit_scope="account")
    assert {seen.scope for seen in limits_seen(GROQ, wide, NOW)} == {"account"}


def test_parts_of_tokens_are_left_alone() -> None:
    told = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2027-01-15T08:01:00Z",
        "anthropic-ratelimit-input-tokens-remaining": "30000",
        "anthropic-ratelimit-output-tokens-remaining": "8000",
    }
    (seen,) = limits_seen(told, SPECS["anthropic"], NOW)
    assert (seen.unit, seen.limit, seen.remaining, seen.reset_at) == ("requests", 50, 49, NOW + 60)


@pytest.mark.parametrize("nonsense", ["", "-1", "many", "1e9", "٣", "9" * 40])
def test_what_is_no_count_says_nothing(nonsense: str) -> None:
    assert limits_seen({"x-ratelimit-remaining-tokens": nonsense}, SPECS["groq"], NOW) == ()


def test_a_limit_of_zero_is_not_said() -> None:
    told = {"x-ratelimit-limit-tokens": "0", "x-ratelimit-remaining-tokens": "0"}
    (seen,) = limits_seen(told, SPECS["groq"], NOW)
    assert (seen.limit, seen.remaining) == (None, 0)


def test_headers_that_no_row_names_are_not_guessed_at() -> None:
    bare = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}
    assert limits_seen(bare, SPECS["groq"], NOW) == ()
    assert limits_seen(GROQ, replace(SPECS["groq"], windows=()), NOW) == ()
