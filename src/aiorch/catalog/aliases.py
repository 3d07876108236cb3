"""Ids that no rule brings together, as data: the same model under another name. Looked over 2026-11-22.

Written as :mod:`aiorch.catalog.families` leaves them: the family, or the family with its variant after a dash.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        # DeepSeek's API names what it serves by purpose; other hosts by version.
        "deepseek-chat-v3": "deepseek-v3",
        "deepseek-chat-v3.1": "deepseek-v3.1",
        "deepseek-3.1": "deepseek-v3.1",
        "deepseek-3.2": "deepseek-v3.2",
        "deepseek-llama-3.3-70b": "deepseek-r1-distill-llama-70b",
        "r1": "deepseek-r1",  # Bedrock puts the author before a dot
        "v3": "deepseek-v3",
        "v3.1": "deepseek-v3.1",
        "v3.2": "deepseek-v3.2",
        # Sizes that some hosts leave out, where only one size exists.
        "llama-4-maverick-17b": "llama-4-maverick",
        "llama-4-maverick-17b-128e": "llama-4-maverick",
        "llama-4-scout-17b": "llama-4-scout",
        "llama-4-scout-17b-16e": "llama-4-scout",
        "qwen-3-coder": "qwen-3-coder-480b-a35b",
        "qwen-3-coder-480b": "qwen-3-coder-480b-a35b",
        "qwen-3-235b": "qwen-3-235b-a22b",
        "qwen-3-30b": "qwen-3-30b-a3b",
        "qwen-3-next-80b": "qwen-3-next-80b-a3b",
        "qwen-3-vl-235b": "qwen-3-vl-235b-a22b",
        "qwq": "qwq-32b",
        "qwq-plus": "qwq-32b",
        "nemotron-3-super": "nemotron-3-super-120b-a12b",
        "nemotron-3-super-120b": "nemotron-3-super-120b-a12b",
        "nemotron-3-120b-a12b": "nemotron-3-super-120b-a12b",
        "nemotron-3-ultra": "nemotron-3-ultra-550b-a55b",
        "nemotron-3-nano": "nemotron-3-nano-30b-a3b",
        "nemotron-3-nano-30b": "nemotron-3-nano-30b-a3b",
        "nemotron-nano-3-30b": "nemotron-3-nano-30b-a3b",
        "nemotron-super-3-120b": "nemotron-3-super-120b-a12b",
        "nemotron-3-nano-omni-30b": "nemotron-3-nano-omni-30b-a3b",
        "nemotron-3.5-lightning-30b-a3b": "nemotron-3.5-lightning",
        "nemotron-lightning-3.5-30b-a3b": "nemotron-3.5-lightning",
        # Mistral's dated ids and the versions that people say.
        "mistral-small-2501": "mistral-small-24b",
        "mistral-small-3-24b": "mistral-small-24b",
        "mistral-small-2503": "mistral-small-3.1-24b",
        "mistral-small-3.1": "mistral-small-3.1-24b",
        "mistral-small-2506": "mistral-small-3.2-24b",
        "mistral-small-3.2": "mistral-small-3.2-24b",
        "mistral-small-2603": "mistral-small-4",
        "mistral-small-4-119b": "mistral-small-4",
        "mistral-medium-2505": "mistral-medium-3",
        "mistral-medium-2508": "mistral-medium-3.1",
        "mistral-medium-2604": "mistral-medium-3.5",
        "mistral-medium-3.5-128b": "mistral-medium-3.5",
        "mistral-large-2512": "mistral-large-3",
        "mistral-large-3-675b": "mistral-large-3",
        "mistral-large-4.0": "mistral-large-4",
        "ministral-8b-2512": "ministral-3-8b",
        "ministral-3b-2512": "ministral-3-3b",
        "ministral-14b-2512": "ministral-3-14b",
        "mistral-nemo-12b": "mistral-nemo",
        "open-mistral-nemo": "mistral-nemo",
        "mistral-nemo-2407": "mistral-nemo",
        "open-mistral-7b": "mistral-7b",
        "open-mixtral-8x7b": "mixtral-8x7b",
        "open-mixtral-8x22b": "mixtral-8x22b",
        "devstral-2-2512": "devstral-2",
        "devstral-2512": "devstral-2",
        # Others.
        "command-a-202503": "command-a",
        "gpt-35-turbo": "gpt-3.5-turbo",
        "chatgpt-4o": "gpt-4o",
        "hermes-3-405b": "hermes-3-llama-3.1-405b",
        "nova-2-lite-v1": "nova-2-lite",
        "nova-2-pro-v1": "nova-2-pro",
        "grok-4-20": "grok-4.20",
        "grok-4-20-multi-agent": "grok-4.20-multi-agent",
        "minimax-01": "minimax-text-01",
        "north-mini-code-1.0": "north-mini-code",
        "qwen-3.5-397b": "qwen-3.5-397b-a17b",
    }
)
"""What it is called here, by what it is called there."""
