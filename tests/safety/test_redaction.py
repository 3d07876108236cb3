"""Keys do not get through, words do."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.safety import REDACTED, Redactor

A = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ"
KEYS = [
    "sk-proj-" + A,
    "sk-or-v1-" + "0123456789abcdef" * 4,
    "sk-ant-api03-" + A + "_-" + A,
    "gsk_" + A,
    "csk-" + A,
    "AIza" + A[:35],
    "nvapi-" + A,
    "hf_" + A[:34],
    "xai-" + A,
    "pplx-" + A,
    "tgp_v1_" + A,
    "fw_" + A,
    "r8_" + A,
    "ghp_" + A[:36],
    "github_pat_" + A,
    "AKIAIOSFODNN7EXAMPLE",
    f"eyJ{A}.eyJ{A}.{A}",
]
WORDS = [
    "risk-adjusted-return-of-2024-portfolios",
    "sk-learn-compatible-estimators",
    "disk-0123456789012345678901234567",
    "the bearer of bad news arrived",
    "groq/llama-3.3-70b-versatile",
    "a" * 5000,
    "https://example.org:8080/v1/models?x=a@b",
    "see api_key= in the docs",
    "",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "around", ["{}", "key={}", '{{"k":"{}"}}', "Incorrect API key provided: {}.", "({})"]
)
def test_what_looks_like_a_key_goes(key: str, around: str):
    assert Redactor()(around.format(key)) == around.format(REDACTED)


@pytest.mark.parametrize("text", WORDS)
def test_other_words_come_back_as_they_are(text: str):
    assert Redactor(["some-secret-value"])(text) is text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def~123+/=", f"Authorization: Bearer {REDACTED}"),
        ("authorization: BEARER abcdefgh1234", f"authorization: BEARER {REDACTED}"),
        ('{"api_key": "whatever-123"}', f'{{"api_key": "{REDACTED}"}}'),
        ("X-Api-Key: whatever-123", f"X-Api-Key: {REDACTED}"),
        ("GROQ_API_KEY=whatever-123", f"GROQ_API_KEY={REDACTED}"),
        ("postgres://me:pass-word@db/x", f"postgres://me:{REDACTED}@db/x"),
    ],
)
def test_keys_are_told_by_the_word_before_them(text: str, expected: str):
    assert Redactor()(text) == expected


@given(st.text(min_size=8, max_size=60).filter(lambda s: s.strip() == s), st.text(), st.text())
def test_a_known_value_goes_wherever_it_stands(secret: str, before: str, after: str):
    redact = Redactor([secret])
    for written in (secret, json.dumps(secret)[1:-1], quote(secret, safe="")):
        assert written not in redact(before + written + after).replace(REDACTED, "") or secret in REDACTED


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str):
    redact = Redactor(["a-known-value"])
    once = redact(text + "a-known-value" + text)
    assert redact(once) == once


def test_a_secret_inside_of_another_leaves_no_rest():
    assert Redactor(["secret-part", "secret-part-and-more"])("x secret-part-and-more y") == f"x {REDACTED} y"


def test_placeholders_and_short_values_are_no_secrets():
    assert Redactor(["ollama", "lm-studio", "not-needed", "1"])("ollama lm-studio 1") == "ollama lm-studio 1"


def test_a_redactor_does_not_show_what_it_knows():
    assert "hidden" not in repr(Redactor(["hidden-value"]))


@pytest.mark.parametrize(
    "unit", ["sk-", "eyJ", "eyJaaaaaaaaaaaa.", "://a:", "bearer ", "api_key:", "-sk-", "gh", "bearer\t"]
)
def test_a_text_made_to_be_slow_is_not(unit: str):
    """With time growing as the square of the length this would take hours, and pytest ends a test after a minute."""
    assert len(Redactor()(unit * 400_000 + "@")) > 1000
