"""What suffixes and routers mean, and what they cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiorch.errors import InputError
from aiorch.providers.openrouter import ROUTERS, VARIANTS, costs_nothing, split, with_variant


@pytest.mark.parametrize(
    ("model", "free"),
    [
        ("z-ai/glm-5.2:free", True),
        ("openrouter/free", True),
        ("z-ai/glm-5.2", False),
        ("z-ai/glm-5.2:nitro", False),
        ("z-ai/glm-5.2:free:online", False),
        ("z-ai/glm-5.2:online:free", False),
        ("z-ai/glm-5.2:free@preset/mine", False),
        ("@preset/mine", False),
        ("@preset/mine:free", False),
        ("openrouter/auto", False),
        ("openrouter/auto-beta", False),
        ("~anthropic/claude-sonnet-latest", False),
        ("", False),
    ],
)
def test_only_what_is_never_charged_costs_nothing(model: str, free: bool) -> None:
    assert costs_nothing(model) is free


def test_every_variant_says_what_it_costs_and_which_chats_do_not_take() -> None:
    assert list(VARIANTS) == ["free", "nitro", "floor", "exacto", "extended", "thinking", "online", "batch"]
    assert [v.suffix for v in VARIANTS.values() if not v.chat] == ["batch"]
    assert [v.suffix for v in VARIANTS.values() if v.charge == "nothing"] == ["free"]
    assert [v.suffix for v in VARIANTS.values() if v.charge == "more"] == ["online"]
    assert VARIANTS["online"].instead
    assert all(v.means for v in VARIANTS.values())


def test_only_the_router_over_free_models_is_free() -> None:
    assert [name for name, charge in ROUTERS.items() if charge == "nothing"] == ["openrouter/free"]


@pytest.mark.parametrize("suffix", ["floor", ":floor"])
def test_a_variant_is_written_after_the_id(suffix: str) -> None:
    assert with_variant("qwen/qwen3.8-27b", suffix) == "qwen/qwen3.8-27b:floor"
    assert with_variant("qwen/qwen3.8-27b:floor", suffix) == "qwen/qwen3.8-27b:floor"


@pytest.mark.parametrize(
    ("model", "suffix", "says"),
    [
        ("a/b", "batch", "a/b:batch cannot be asked in a chat"),
        ("a/b", "turbo", "OpenRouter has no variant 'turbo'; it has free, nitro"),
        ("a/b:free", "nitro", "a/b:free is a variant already; write a/b:nitro"),
        ("openrouter/auto", "free", "openrouter/auto chooses a model itself"),
    ],
)
def test_what_is_no_variant_is_refused_with_the_reason(model: str, suffix: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        with_variant(model, suffix)
    assert says in str(refused.value)


@given(st.text(":abc/-", max_size=20))
def test_an_id_is_its_parts(model: str) -> None:
    base, suffixes = split(model)
    assert ":".join((base, *suffixes)) == model
