"""No key gets through, whether it is ours or only looks like one; what is no key stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.providers import Redactor

KEY = "Zq3-own.Secret_9d8c7b6a5"


@pytest.mark.parametrize(
    "text",
    [
        f"no such key: {KEY}",
        f"https://h/v1?key={KEY}&x=1",
        f"Zq3-own.{'*' * 12}7b6a5",
        "************************b6a5",
        "Zq3-own.…",
        f"({KEY})",
    ],
)
def test_our_own_keys_and_their_pieces_are_removed(text: str) -> None:
    cleaned = Redactor([KEY]).clean(text)
    assert "[redacted]" in cleaned
    assert "Zq3-own" not in cleaned
    assert "b6a5" not in cleaned


@pytest.mark.parametrize(
    "secret",
    [
        "sk-abcdef1234567890",
        "sk-or-v1-0123456789abcdef0123456789abcdef",
        "sk-proj-ab***********yz",
        "gsk_Abc123def456Ghi789",
        "AIzaSyA1234567890abcdefghijklmnop",
        "nvapi-abc123-DEF456",
        "hf_abcDEF123456",
        "csk-1a2b3c4d5e6f",
        "tgp_v1_abc123def456",
        "xai-abc123def456ghi",
        "ghp_0123456789abcdef",
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def",
    ],
)
def test_whatever_looks_like_a_key_is_removed(secret: str) -> None:
    assert (
        Redactor().clean(f"Incorrect key: {secret}, see the docs")
        == "Incorrect key: [redacted], see the docs"
    )


def test_a_bearer_token_is_removed_whatever_it_looks_like() -> None:
    assert Redactor().clean("header was 'Bearer opensesame'") == "header was 'Bearer [redacted]'"


@pytest.mark.parametrize(
    "text",
    [
        "The model `nvidia/nemotron-3-super-120b-a12b:free` does not exist",
        "Rate limit reached for meta-llama/llama-4-maverick-17b-128e-instruct on tokens per minute",
        "This model's maximum context length is 1048576 tokens.",
        "Please try again in 7m12.480s.",
        "skip-this keyboard message-identifier",
        "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
    ],
)
def test_what_is_no_key_stays(text: str) -> None:
    assert Redactor(["another-secret-key-1"]).clean(text) == text


def test_a_message_is_one_short_line() -> None:
    cleaned = Redactor().clean("a\n\n  b\t" + "c " * 500)
    assert cleaned.startswith("a b c c")
    assert len(cleaned) <= 300
    assert cleaned.endswith("…")


def test_a_key_at_the_cut_does_not_show_its_first_half() -> None:
    for start in range(250, 310):
        assert KEY[:6] not in Redactor([KEY]).clean("x" * start + " " + KEY + " y" * 100)


def test_very_short_secrets_do_not_eat_the_text() -> None:
    assert Redactor(["", "a", "key"]).clean("a key is a key") == "a key is a key"


def test_a_redactor_does_not_show_what_it_hides() -> None:
    assert KEY not in repr(Redactor([KEY]))


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_key_in_any_surroundings_is_removed(before: str, after: str) -> None:
    assert KEY not in Redactor([KEY]).clean(before + KEY + after)
