"""Free models that were seen alive at a date: what is known before (or without) asking anybody.

A live list always takes precedence; these rows are what ``aiorch`` goes by for a provider whose list cannot be had.
"""

from __future__ import annotations

from calendar import timegm

from aiorch.types import ZERO_PRICE, Capabilities, ModelCard

# Newest ``:free`` ids at OpenRouter in public price lists of 2026-09 to 2026-11 that answer chats.
_OPENROUTER_FREE = (
    "cohere/north-mini-code",
    "dots-studio/dots-3-note-preview",
    "google/gemma-4-26b-a4b-it",
    "google/gemma-4-31b-it",
    "inclusionai/ling-3.0-flash-fin",
    "inclusionai/ling-3.0-flash-sante",
    "inclusionai/ling-3.0-flash-vl",
    "liquid/lfm-2.5-2.6b",
    "liquid/lfm-3-1.7b",
    "minimax/minimax-m2.7",
    "minimax/minimax-m3",
    "minimax/minimax-m3.1-flash",
    "nex-agi/nex-n2.5-mini",
    "nex-agi/nex-n2.5-pro",
    "nvidia/nemotron-3-nano-omni-30b-a3b-reasoning",
    "nvidia/nemotron-3-super-120b-a12b",
    "nvidia/nemotron-3-ultra-550b-a55b",
    "nvidia/nemotron-3.5-lightning",
    "nvidia/nemotron-3.5-super-vl",
    "poolside/laguna-s-2.1",
    "poolside/laguna-xs-2.1",
    "qwen/qwen3.8-27b",
    "recursive/flint-v1.0",
    "thinkingmachines/inkling",
    "thinkingmachines/inkling-small",
    "xingchen-agi/xing4.0-29b-a4b",
    "z-ai/glm-5.2",
)

_SEEN = float(timegm((2026, 9, 2, 0, 0, 0)))


def _nova(model: str) -> ModelCard:
    # Amazon's own API lists nothing that a public source documents; price, context and output as of 2026-08-18.
    return ModelCard(
        "nova",
        model,
        context=1_000_000,
        max_output=64_000,
        price=ZERO_PRICE,
        free="zero_price",
        capabilities=Capabilities(chat=True, tools=True),
        source="embedded",
        as_of=float(timegm((2026, 8, 18, 0, 0, 0))),
    )


def _openrouter(model: str) -> ModelCard:
    return ModelCard(
        "openrouter",
        f"{model}:free",
        price=ZERO_PRICE,
        free="zero_price",
        capabilities=Capabilities(chat=True),
        source="embedded",
        as_of=_SEEN,
    )


SEED: dict[str, tuple[ModelCard, ...]] = {
    "nova": (_nova("nova-2-lite-v1"), _nova("nova-2-pro-v1")),
    "openrouter": tuple(_openrouter(model) for model in _OPENROUTER_FREE),
}
"""Cards by provider."""
