"""Which ids at OpenRouter cost nothing. Facts of 2026-08-22."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Charge = Literal["nothing", "as the model", "up to more", "up to less", "more", "varies"]
"""What it costs beside the plain id: ``up to more`` where a dearer tier of a host may serve it, ``more`` where
something is charged on top, ``varies`` where nobody knows before."""

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
    base, suffixes = split(model)
    preset = base.startswith("@")  # names a model that cannot be seen from here
    return ROUTERS.get(model) == "nothing" or (suffixes == ("free",) and not preset)
