"""Workers AI's own list of models, in the fields that others have. Pure.

It is asked for its OpenRouter format; this is what it answers where that is not to be had. There an ``id`` is a number
of the catalogue's, the chat takes the ``name``, and all that matters is a list of named properties.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from aiorch.providers.decode import as_list, as_object, as_text

_FIELDS: Mapping[str, str] = {
    "context_window": "context_length",
    "max_output_tokens": "max_output_length",
    "planned_deprecation_date": "expiration_date",
}
_ABILITIES = ("function_calling", "reasoning", "vision")
_PRICES: Mapping[str, str] = {
    "per M input tokens": "prompt",
    "per M output tokens": "completion",
    "per M cached input tokens": "input_cache_read",
}


def plain(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item, with its properties as fields of their own where it has any.

    >>> told = [{"property_id": "context_window", "value": "24000"}]
    >>> plain({"id": "d9b7", "name": "@cf/a", "task": {"name": "Text Generation"}, "properties": told})
    {'id': '@cf/a', 'type': 'chat', 'context_length': 24000}
    """
    task = as_text(as_object(item.get("task")).get("name"))
    if not task or not as_text(item.get("name")):
        return item
    # Only what generates text chats; the words of the other tasks are nobody else's.
    made: dict[str, Any] = {"id": item["name"], "type": "chat" if task == "Text Generation" else "other"}
    if task == "Text Embeddings":
        made["type"] = "embedding"
    for told in map(as_object, as_list(item.get("properties"))):
        name, value = as_text(told.get("property_id")), told.get("value")
        if name in _FIELDS:
            made[_FIELDS[name]] = int(value) if isinstance(value, str) and value.isdecimal() else value
        elif name in _ABILITIES:
            made[name] = value in ("true", True)
        elif name == "price":
            made["pricing"] = _pricing(value)
    return made


def _pricing(told: object) -> dict[str, str]:
    """USD a token, as its OpenRouter format has it."""
    made: dict[str, str] = {}
    for price in map(as_object, as_list(told)):
        field, amount = _PRICES.get(as_text(price.get("unit"))), price.get("price")
        if field is None or price.get("currency") != "USD" or isinstance(amount, bool):
            continue
        try:
            made[field] = str(Decimal(str(amount)) / 1_000_000)
        except InvalidOperation:
            continue
    return made
