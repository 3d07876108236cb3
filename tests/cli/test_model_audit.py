"""``aiorch models audit``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiorch.catalog.audit import Audit, Change
from aiorch.cli import model_audit
from aiorch.types import ModelCard

FOUND = Audit(
    "2026-11-22",
    ("groq", "openrouter"),
    new=(ModelCard("groq", "fresh\x1b[2J", context=131_072, free="free_quota"),),
    retired=(ModelCard("openrouter", "old:free", free="zero_price"), ModelCard("groq", "paid", free="none")),
    changed=(Change("groq/m", "context", "8,192", "131,072"),),
    free=10,
    free_gone=("openrouter/old:free",),
)
MANY_GONE = Audit("2026-11-22", ("groq",), free=4, free_gone=("groq/a",))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch):
    """Let the catalogue have found this."""

    def say(it: Audit) -> None:
        async def audit(settings: Any) -> Audit:
            return it

        monkeypatch.setattr(model_audit, "audit", audit)

    return say


def test_new_retired_and_changed_models_are_told(aiorch, found):
    found(FOUND)
    done = aiorch("models", "audit")
    assert done.exit_code == 0
    lines = [" ".join(line.split()) for line in done.stdout.splitlines() if line]
    assert lines == [
        "NEW CONTEXT FREE",
        "groq/fresh�[2J 131k free quota",
        "RETIRED CONTEXT FREE",
        "openrouter/old:free ? zero price",
        "groq/paid ? no",
        "CHANGED WHAT BEFORE NOW",
        "groq/m context 8,192 131,072",
        "1 new, 2 retired, 1 fact changed, at 2 providers since 2026-11-22: groq, openrouter",
    ]
    assert "1 of 10 free ids of the snapshot gone (10%)" in done.stderr


def test_more_than_a_fifth_of_the_free_ids_gone_is_a_failure(aiorch, found):
    found(MANY_GONE)
    done = aiorch("models", "audit")
    assert done.exit_code == 1
    assert "error: 1 of 4 free ids of the snapshot gone (25%)" in done.stderr


def test_json_says_the_same(aiorch, found):
    found(FOUND)
    document = json.loads(aiorch("models", "audit", "--json").stdout)
    assert document == {
        "as_of": "2026-11-22",
        "providers": ["groq", "openrouter"],
        "new": ["groq/fresh\x1b[2J"],
        "retired": ["openrouter/old:free", "groq/paid"],
        "changed": [{"id": "groq/m", "field": "context", "before": "8,192", "now": "131,072"}],
        "free": 10,
        "free_gone": ["openrouter/old:free"],
        "share_gone": 0.1,
        "too_many_gone": False,
    }


def test_nobody_to_compare_with_is_a_failure_and_no_clean_bill(aiorch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIORCH_OFFLINE", "true")
    done = aiorch("models", "audit")
    assert done.exit_code == 1
    assert "nothing to compare with" in done.stderr
    assert done.stdout == ""


def test_a_provider_that_answers_is_compared_with_the_snapshot(
    aiorch, server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789abcdefghij")
    monkeypatch.setenv("AIORCH_BASE_URLS", f"groq={server.url}")
    server.models = ("brand-new-1b",)
    done = aiorch("models", "audit", "--json")
    document = json.loads(done.stdout)
    assert document["providers"] == ["groq"]
    assert document["new"] == ["groq/brand-new-1b"]
    assert document["retired"]
    assert (document["too_many_gone"], done.exit_code) == (True, 1)
