"""What the variants after the colon of an id at OpenRouter mean. Facts of 2026-08-22."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aiorch.errors import InputError
from aiorch.providers.openrouter.ids import ROUTERS, Charge, split


@dataclass(frozen=True, slots=True)
class Variant:
    """One suffix."""

    suffix: str
    means: str
    charge: Charge
    chat: bool = True
    """False where chats do not take it."""
    instead: str = ""
    """What to use in its place, where it is on its way out."""


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        v.suffix: v
        for v in (
            Variant("free", "the model's free hosts alone", "nothing"),
            Variant("nitro", "the quickest host first; a host's priority tier may serve it", "up to more"),
            Variant("floor", "the cheapest host first; a host's discounted tier may serve it", "up to less"),
            Variant("exacto", "the host that is best with tools first", "up to more"),
            Variant("extended", "a longer context", "up to more"),
            Variant("thinking", "reasoning switched on", "up to more"),
            Variant(
                "online",
                "a web search before the answer",
                "more",
                instead="OpenRouterOptions(web_search=...)",
            ),
            Variant("batch", "only for jobs that are answered within a day", "up to less", chat=False),
        )
    }
)
"""By suffix."""


def with_variant(model: str, suffix: str) -> str:
    """The id of a variant.

    >>> with_variant("qwen/qwen3.8-27b", "floor")
    'qwen/qwen3.8-27b:floor'

    :raises InputError: for suffixes that chats do not take or nobody knows, and for a second one: what is free has no
        hosts to choose among by price or speed.
    """
    name = suffix.removeprefix(":")
    known = VARIANTS.get(name)
    if known is None:
        raise InputError(f"OpenRouter has no variant {name!r}; it has {', '.join(VARIANTS)}")
    if not known.chat:
        raise InputError(f"{model}:{name} cannot be asked in a chat: it is {known.means}")
    base, before = split(model)
    if before and before != (name,):
        raise InputError(f"{model} is a variant already; write {base}:{name}")
    if base in ROUTERS:
        raise InputError(f"{base} chooses a model itself and has no variants")
    return f"{base}:{name}"
