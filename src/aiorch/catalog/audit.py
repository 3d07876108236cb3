"""What became of the embedded snapshot: new, gone and changed models since it was made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiorch.types import ModelCard, Price

TOO_MANY_GONE = 0.20
"""A fifth of all free ids ends within about a month; a snapshot that has lost that many is due to be made anew."""


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of one model that is not what the snapshot says."""

    id: str
    """``provider/model``."""
    field: str
    """``context``, ``price``, ``free`` or ``tools``."""
    before: str
    """What the snapshot says, in words."""
    after: str
    """What its provider says now."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The snapshot against what providers list now. Only providers that answered are in it."""

    as_of: str
    """The day of the snapshot."""
    providers: tuple[str, ...]
    """Who answered."""
    new: tuple[ModelCard, ...] = ()
    """Listed now, unknown to the snapshot."""
    retired: tuple[ModelCard, ...] = ()
    """In the snapshot, and listed no longer or listed as retired; as the snapshot has them."""
    changed: tuple[Change, ...] = ()
    free: int = 0
    """How many ids the snapshot calls free of charge."""
    free_gone: tuple[str, ...] = ()
    """Those of them that are retired, or cost money now."""

    @property
    def share_gone(self) -> float:
        """Which part of the snapshot's free ids is gone, 0 to 1."""
        return len(self.free_gone) / self.free if self.free else 0.0

    def exceeds(self, share: float = TOO_MANY_GONE) -> bool:
        """True when more than ``share`` of the snapshot's free ids is gone."""
        return self.share_gone > share


def audit(
    embedded: Mapping[str, Sequence[ModelCard]], live: Mapping[str, Sequence[ModelCard]], as_of: str = ""
) -> Audit:
    """Compare by provider.

    :param embedded: the snapshot's cards by provider.
    :param live: what each provider that answered lists, all of it.

    For example:

        found = audit(embedded_all(), {"groq": cards}, as_of())
        found.exceeds(0.20)
    """
    new: list[ModelCard] = []
    retired: list[ModelCard] = []
    changed: list[Change] = []
    free = 0
    free_gone: list[str] = []
    for provider, listed in live.items():
        now = {card.model: card for card in listed if not card.retired}
        known = {card.model: card for card in embedded.get(provider, ()) if not card.retired}
        new += [card for model, card in now.items() if model not in known]
        retired += [card for model, card in known.items() if model not in now]
        for model, card in known.items():
            there = now.get(model)
            if card.costs_nothing:
                free += 1
                if there is None or there.free == "none":
                    free_gone.append(card.id)
            if there is not None:
                changed += _changes(card, there)
    return Audit(as_of, tuple(live), tuple(new), tuple(retired), tuple(changed), free, tuple(free_gone))


def _changes(before: ModelCard, after: ModelCard) -> Iterable[Change]:
    """What both say, and say differently."""
    if before.context and after.context and before.context != after.context:
        yield Change(before.id, "context", f"{before.context:,}", f"{after.context:,}")
    if before.price and after.price and _told(before.price) != _told(after.price):
        yield Change(before.id, "price", _told(before.price), _told(after.price))
    if "unknown" not in (before.free, after.free) and before.free != after.free:
        yield Change(before.id, "free", before.free, after.free)
    tools = before.capabilities.tools, after.capabilities.tools
    if None not in tools and tools[0] != tools[1]:
        yield Change(before.id, "tools", *("yes" if can else "no" for can in tools))


def _told(price: Price) -> str:
    return f"{price.input.normalize():f} in, {price.output.normalize():f} out"
