"""What an id at OpenRouter means besides its model: variants after a colon, and routers. Facts of 2026-08-22."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from aiorch.errors import InputError

Charge = Literal["nothing", "as the model", "up to more", "up to less", "more", "varies"]
"""What it costs beside the plain id: ``up to more`` where a dearer tier of a host may serve it, ``more`` where
something is charged on top, ``varies`` where nobody knows before."""


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

ROUTERS: Mapping[str, Charge] = MappingProxyType(
    {
        "openrouter/free": "nothing",
        "openrouter/auto": "varies",
        "openrouter/auto-beta": "varies",
        "openrouter/pareto-code": "varies",
        "openrouter/fusion": "varies",
        "openrouter/bodybuilder": "varies",
    }
)
"""Ids that choose a model themselves, and what that costs; who was chosen is told in ``Response.model``.

``openrouter/free`` takes any free model that can do what the request needs, at random. The others take paid ones, so
none of them is free, whatever a price of -1 or 0 in a list seems to say.
"""


def split(model: str) -> tuple[str, tuple[str, ...]]:
    """The id without its suffixes, and they.

    >>> split("qwen/qwen3.8-27b:free"), split("openrouter/auto")
    (('qwen/qwen3.8-27b', ('free',)), ('openrouter/auto', ()))
    """
    base, *suffixes = model.split(":")
    return base, tuple(suffixes)


def costs_nothing(model: str) -> bool:
    """True for ids that OpenRouter never charges: ``:free`` and nothing after it, and its router over them.

    >>> costs_nothing("z-ai/glm-5.2:free"), costs_nothing("z-ai/glm-5.2"), costs_nothing("a/b:free:online")
    (True, False, False)
    """
    _, suffixes = split(model)
    return ROUTERS.get(model) == "nothing" or suffixes == ("free",)


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
