"""The names that readers of the integration guide will try, thin over the real objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from aiorch.errors import SecurityException
from aiorch.routing import AGENT_PROFILES
from aiorch.types import ModelCard

if TYPE_CHECKING:
    from aiorch.discovering import Discovery, Summary

__all__ = [
    "AGENT_PROFILES",
    "AvailableModels",
    "EnhancedDiscovery",
    "SecurityException",
    "get_enhanced_discovery",
]


class AvailableModels(Mapping[str, tuple[ModelCard, ...]]):
    """By provider: the models that can be used now, in the order in which they would be asked.

    Every provider that is known is in it, with nothing where it has no key here; so the lengths add up to what is
    available, as the guide adds them. ``discovery`` has the models that are only listed, with what each lacks.
    """

    def __init__(self, discovery: Discovery) -> None:
        self.discovery = discovery
        """All of it."""
        usable: dict[str, list[ModelCard]] = {provider.id: [] for provider in discovery.providers}
        for model in discovery.models:
            if model.usable_now:
                usable.setdefault(model.card.provider, []).append(model.card)
        self._usable = {provider: tuple(cards) for provider, cards in usable.items()}

    @property
    def summary(self) -> Summary:
        """``total_models``, ``free_models``, ``providers``, ``benchmarked``; each as ``listed`` and ``usable_now``."""
        return self.discovery.summary

    def __getitem__(self, provider: str) -> tuple[ModelCard, ...]:
        return self._usable[provider]

    def __iter__(self) -> Iterator[str]:
        return iter(self._usable)

    def __len__(self) -> int:
        return len(self._usable)

    def __repr__(self) -> str:
        there = ", ".join(f"{name}: {len(cards)}" for name, cards in self._usable.items() if cards)
        return f"<models that can be used now of {len(self)} providers: {there or 'none'}>"


class EnhancedDiscovery:
    """Looks around when asked to; every time with an orchestrator of its own."""

    def __init__(self, **settings: Any) -> None:
        """:param settings: what :class:`~aiorch.Orchestrator` takes."""
        self._settings = settings

    async def discover_all_providers(self) -> AvailableModels:
        """Ask every provider that can be asked."""
        from aiorch.orchestrator import discover

        return AvailableModels(await discover(**self._settings))


def get_enhanced_discovery(**settings: Any) -> EnhancedDiscovery:
    """Whom the guide asks for models.

    As it is written there:

        discovery = get_enhanced_discovery()
        available = await discovery.discover_all_providers()
        print(f"Available models: {sum(len(m) for m in available.values())}")

    :param settings: what :class:`~aiorch.Orchestrator` takes, for example ``offline=True``.
    """
    return EnhancedDiscovery(**settings)
