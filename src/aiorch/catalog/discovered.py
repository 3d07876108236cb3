"""Every model that is known of, whoever serves it, and how well that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiorch.catalog.liveness import Liveness
from aiorch.errors import UnknownModel, UnknownProvider
from aiorch.types import ModelCard, PassedOver


@dataclass(frozen=True, slots=True)
class Discovered:
    """What :meth:`~aiorch.catalog.Catalogue.discover` found."""

    cards: tuple[ModelCard, ...]
    """Every known model of every provider; the configured providers first."""
    configured: frozenset[str] = frozenset()
    """Providers that can be called with what is set up here."""
    problems: tuple[PassedOver, ...] = ()
    """Lists that could not be had and what is used in their place; corrections of models that nobody knows."""
    callable: Mapping[str, Liveness] = field(default_factory=dict[str, Liveness])
    """What came of probing, by card id; of most models nothing is known."""
    as_of: Mapping[str, float] = field(default_factory=dict[str, float])
    """When each list was last had (epoch seconds), by provider and for ``models.dev``; others are embedded."""
    embedded_as_of: str = ""
    """The day of the embedded snapshot."""

    @property
    def providers(self) -> tuple[str, ...]:
        """Everybody that serves one of the models."""
        return tuple(dict.fromkeys(card.provider for card in self.cards))

    def of(self, provider: str) -> tuple[ModelCard, ...]:
        """One provider's models. :raises UnknownProvider: with the three nearest names, when nobody is called so."""
        if provider not in self.providers and provider not in self.configured:
            raise UnknownProvider(provider, {*self.providers, *self.configured})
        return tuple(card for card in self.cards if card.provider == provider)

    def model(self, name: str) -> tuple[ModelCard, ...]:
        """The cards of ``provider/model``, of a bare id, or of a family: the same model wherever it is served.

        :raises UnknownModel: with the three nearest names, when there is none.
        """
        found = tuple(card for card in self.cards if name in (card.id, card.model))
        found = found or tuple(card for card in self.cards if card.family == name)
        if not found:
            raise UnknownModel(name, (n for card in self.cards for n in (card.id, card.model)))
        return found
