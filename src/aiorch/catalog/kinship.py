"""The free model that is nearest to one that is not there: for ids that died after the table of successors was made.

By what the names tell: the same model elsewhere, its line and maker, what it is for, its size. Where nothing of that
speaks for anybody, nobody is chosen. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from aiorch.catalog.families import family_of
from aiorch.providers.listing import parameters_of
from aiorch.types import Candidate, ModelCard

_SAFETY = re.compile(r"guard|content-safety|moderation")
_MEDIA = re.compile(r"image|\bocr\b|video|audio|speech|\btts\b|embed|rerank|lyria")
_CODE = re.compile(r"cod(?:e|er|estral)(?![a-z])|(?<![a-z])cod(?:e|er)|devstral|laguna|swe(?![a-z])")
_VISION = re.compile(r"(?<![a-z])(?:vl|vision|omni|pixtral|molmo|llava)(?![a-z])|internvl|ui-tars")
_REASONING = re.compile(
    r"(?<![a-z])(?:r1|qwq|think(?:ing|er)?|reason(?:ing|er)?|z1|magistral|deepresearch)(?![a-z])"
)
_LINE = re.compile(r"[a-z]+")
_ROUTERS = frozenset({"openrouter/free", "openrouter/auto", "kilo-auto/free"})

NEAR_IN_SIZE = 3.0
"""Two sizes within a factor of eight may stand in for each other where nothing but the size speaks for it."""
UNKNOWN_SIZE = 2.0
"""As far as a size is taken to be that nobody tells, in powers of two."""


@dataclass(frozen=True, slots=True)
class Kin:
    """What a name tells of a model."""

    family: str
    maker: str
    line: str
    """``qwen`` of ``qwen3-coder``."""
    purposes: frozenset[str]
    size: int | None
    """Weights."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The free model that is nearest to one that is not there."""

    candidates: tuple[Candidate, ...]
    """Every deployment of it."""
    why: str


def nearest_free(name: str, known: Iterable[Candidate]) -> Nearest | None:
    """The nearest of those that cost nothing, live and chat; ``None`` where nothing speaks for any of them.

    Who was asked for sight gets sight, and a classifier or a painter is no chat model's successor.

    :param name: with or without a provider in front, and with or without ``:free``.
    """
    wanted = kin_of(name)
    if wanted.purposes & {"safety", "media"}:
        return None
    free: dict[str, list[Candidate]] = {}
    for candidate in known:
        card = candidate.card
        if card.costs_nothing and not card.retired and not card.demo and card.capabilities.chat is not False:
            free.setdefault(card.id, []).append(candidate)
    provider = name.split("/", 1)[0]
    ranked: list[tuple[tuple[float, ...], str, str]] = []
    for them in free.values():
        card = them[0].card
        told = _closeness(wanted, card)
        if told is not None:
            rank, why = told
            elsewhere = 0.0 if card.provider == provider else 1.0 if card.provider == "openrouter" else 2.0
            ranked.append(((*rank, elsewhere), card.id, why))
    if not ranked:
        return None
    _, best, why = min(ranked)
    return Nearest(tuple(free[best]), why)


def kin_of(name: str) -> Kin:
    """What a name tells.

    >>> kin = kin_of("openrouter/qwen/qwen3-coder-30b-a3b:free")
    >>> kin.line, kin.maker, sorted(kin.purposes), kin.size
    ('qwen', 'qwen', ['code'], 30000000000)
    """
    path = name.lower().removesuffix(":free").split("/")
    slug = path[-1].removesuffix("-free")
    line = _LINE.match(slug.lstrip("@~"))
    return Kin(
        family_of("/".join(path[-2:])).family,
        path[-2].lstrip("@~") if len(path) > 1 else "",
        line.group() if line else slug,
        _purposes(slug),
        parameters_of(slug),
    )


def _purposes(slug: str) -> frozenset[str]:
    told = (
        ("safety", _SAFETY),
        ("code", _CODE),
        ("vision", _VISION),
        ("reasoning", _REASONING),
        ("media", _MEDIA),
    )
    return frozenset(purpose for purpose, pattern in told if pattern.search(slug))


def _closeness(wanted: Kin, card: ModelCard) -> tuple[tuple[float, ...], str] | None:
    """How far a model is from the one that was wanted, the most telling difference first, and what speaks for it."""
    if card.model in _ROUTERS:
        return None
    its = kin_of(card.id)
    purposes = its.purposes | {
        name
        for name, can in (
            ("vision", card.capabilities.vision),
            ("reasoning", card.capabilities.reasoning),
        )
        if can
    }
    if purposes & {"safety", "media"} or ("vision" in wanted.purposes and "vision" not in purposes):
        return None
    same = wanted.family == (card.family or its.family)
    line, maker = wanted.line == its.line, bool(wanted.maker) and wanted.maker == its.maker
    missing = len(wanted.purposes - purposes)
    # A model for code chats worse than one of the same size that is for everything.
    beside = 1 if "code" in its.purposes - wanted.purposes else 0
    size = card.parameters or its.size
    apart = abs(math.log2(size / wanted.size)) if size and wanted.size else None
    told = [
        ("the same model", same),
        (f"the same line ({its.line})", line and not same),
        (f"the same maker ({its.maker})", maker and not line),
        (f"made for {' and '.join(sorted(wanted.purposes))}", bool(wanted.purposes) and not missing),
        (
            f"{_billions(size)} weights for {_billions(wanted.size)}",
            apart is not None and apart <= NEAR_IN_SIZE,
        ),
    ]
    signs = [sign for sign, holds in told if holds]
    if not signs:
        return None
    kinship = 0.0 if same else 1.0 if line and maker else 1.5 if line else 2.0 if maker else 3.0
    far = UNKNOWN_SIZE if apart is None else apart
    return (0.0 if same else 1.0, missing + beside, kinship + far), ", ".join(signs)


def _billions(size: int | None) -> str:
    return f"{(size or 0) / 1e9:g}B"
