"""What became of free ids that died, and which living free model does their work now.

A free id that is gone resolves to a free successor or to nothing with the reason; never to its paid twin.
"""

from __future__ import annotations

from dataclasses import dataclass

AS_OF = "2026-11-22"
"""When this table was last looked over."""

NEVER_LISTED = "never listed"


@dataclass(frozen=True, slots=True)
class Successor:
    """One id that people still write down, and who took its place."""

    id: str
    """The dead id."""
    seen: str
    """When it was free at OpenRouter, or :data:`NEVER_LISTED`; empty where its own provider said that it ended."""
    free: tuple[str, ...]
    """Living free models in order of preference, as ``provider/model``; empty when there is none."""
    paid: str | None = None
    """The nearest paid id at OpenRouter, for whoever allows that; never chosen by itself."""

    @property
    def fate(self) -> str:
        """What became of it, in words."""
        if not self.seen:
            return "ended, says its provider"
        if self.seen == NEVER_LISTED:
            return "never listed as free at OpenRouter"
        return f"no longer free (it was at OpenRouter, {self.seen})"


_GEMMA = "openrouter/google/gemma-4-26b-a4b-it:free"
_LFM = "openrouter/liquid/lfm-2.5-2.6b:free"
_QWEN = "openrouter/qwen/qwen3.8-27b:free"
_NOVA = "nova/nova-2-lite-v1"
_MINISTRAL = "mistral/ministral-8b-latest"

# Dates: OpenRouter's own list as archived between 2024-03 and 2026-09. "Closest" is by family, then by size and
# purpose. Where the nearest relative sits behind another provider's key, an OpenRouter model follows it, so that one
# key is enough.
_ROWS = (
    Successor(
        "amazon/nova-2-lite-v1:free", "2025-12-04 to 2025-12-17", (_NOVA, _GEMMA), "amazon/nova-2-lite-v1"
    ),
    Successor("amazon/nova-micro-v1:free", NEVER_LISTED, (_NOVA, _LFM), "amazon/nova-micro-v1"),
    Successor(
        "meta-llama/llama-3.2-1b-instruct:free",
        "2024-11 to 2025-07",
        (_LFM,),
        "meta-llama/llama-3.2-1b-instruct",
    ),
    Successor(
        "meta-llama/llama-3.2-3b-instruct:free",
        "2024-11 to 2026-07",
        (_LFM,),
        "meta-llama/llama-3.2-3b-instruct",
    ),
    Successor(
        "meta-llama/llama-3.1-8b-instruct:free",
        "2024-09 to 2025-07",
        (_GEMMA,),
        "meta-llama/llama-3.1-8b-instruct",
    ),
    Successor(
        "meta-llama/llama-3-8b-instruct:free",
        "2024-05 to 2025-03",
        (_GEMMA,),
        "meta-llama/llama-3.1-8b-instruct",
    ),
    Successor(
        "mistralai/mistral-7b-instruct:free",
        "2024-03 to 2026-01",
        (_MINISTRAL, _GEMMA),
        "mistralai/ministral-8b-2512",
    ),
    Successor(
        "mistralai/mistral-7b-instruct-v0.3:free",
        NEVER_LISTED,
        (_MINISTRAL, _GEMMA),
        "mistralai/ministral-8b-2512",
    ),
    Successor(
        "mistralai/mixtral-8x7b-instruct:free", NEVER_LISTED, (_GEMMA,), "mistralai/mixtral-8x22b-instruct"
    ),
    Successor("google/gemma-2-9b-it:free", "2024-09 to 2025-10", (_GEMMA,), "google/gemma-2-27b-it"),
    Successor("google/gemma-7b-it:free", "2024-03 to 2024-06", (_GEMMA,), "google/gemma-3-12b-it"),
    Successor("microsoft/phi-3-mini-128k-instruct:free", "2024-06 to 2025-04", (_LFM,), "microsoft/phi-4"),
    Successor(
        "microsoft/phi-3-medium-128k-instruct:free", "2024-06 to 2025-04", (_GEMMA,), "microsoft/phi-4"
    ),
    Successor("qwen/qwen-2-7b-instruct:free", "2024-09 to 2025-04", (_QWEN,), "qwen/qwen-2.5-7b-instruct"),
    Successor("qwen/qwen-2.5-7b-instruct:free", "2025-04 to 2025-06", (_QWEN,), "qwen/qwen-2.5-7b-instruct"),
    Successor(
        "deepseek/deepseek-coder-6.7b-instruct:free",
        NEVER_LISTED,
        ("openrouter/poolside/laguna-s-2.1:free",),
    ),
    Successor(
        "nousresearch/hermes-3-llama-3.1-405b:free",
        "2024-10 to 2026-07",
        ("openrouter/nvidia/nemotron-3-ultra-550b-a55b:free", "openrouter/z-ai/glm-5.2:free"),
        "nousresearch/hermes-3-llama-3.1-405b",
    ),
    Successor("liquid/lfm-40b:free", "2024-10 to 2024-11", (_LFM,)),
)

SUCCESSORS = {row.id: row for row in _ROWS}
"""By the dead id, as it is written without a provider in front."""


def successor_of(name: str) -> Successor | None:
    """The row of a dead id, written with or without ``openrouter/`` in front.

    >>> successor_of("google/gemma-7b-it:free").free
    ('openrouter/google/gemma-4-26b-a4b-it:free',)
    """
    return SUCCESSORS.get(name.removeprefix("openrouter/"))
