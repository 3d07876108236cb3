"""From cards to *usable now*: the catalogue's facts, routing's bench, keys and rules in one answer. Pure but for
:func:`discover`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aiorch.discovering.discovery import DiscoveredModel, DiscoveredProvider, Discovery
from aiorch.plugging import LOCAL, Shelf
from aiorch.providers import ProviderSpec
from aiorch.roster import known_specs, lacking
from aiorch.routing import Rules, is_free
from aiorch.routing.attempts import names
from aiorch.settings import Settings
from aiorch.types import Deployment, ModelCard

if TYPE_CHECKING:
    from aiorch.catalog import Discovered, Probing
    from aiorch.work import Line

PAID = "not known to be free, and allow_paid is off"
NO_WEIGHTS = "no weights or no engine: aiorch local install"
ELSEWHERE = "not among the setting providers"
NOT_HANDED_IN = "not among the providers that this orchestrator was given"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides about a model beside its card."""

    rules: Rules
    keys: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict[str, tuple[str | None, ...]])
    """By configured provider: the names of its keys, ``(None,)`` where it needs none."""
    benched: Mapping[str, tuple[float, str]] = field(default_factory=dict[str, tuple[float, str]])
    """By name of what is not asked now: until when (epoch seconds), and why (:attr:`Executor.benched`)."""
    now: float = 0.0
    """Epoch seconds."""


async def discover(
    line: Line,
    settings: Settings,
    keys: Mapping[str, tuple[str | None, ...]],
    *,
    refresh: bool = False,
    probe: Probing | None = None,
    only_configured: bool = False,
) -> Discovery:
    """Look around. Never fails because a provider does: :attr:`Discovery.problems` says who did not answer.

    :param keys: by configured provider: the names of its keys.
    """
    from aiorch.catalog import Discovered
    from aiorch.catalog.embedded import as_of

    if only_configured and not refresh and probe is None:
        snapshot = await line.catalogue.snapshot()
        cards = tuple({c.card.id: c.card for c in snapshot.candidates}.values())
        tried = await line.catalogue.callable()
        found = Discovered(cards, frozenset(keys), snapshot.problems, tried, embedded_as_of=as_of())
    else:
        found = await line.catalogue.discover(refresh=refresh, probe=probe)
        if only_configured:
            found = replace(found, cards=tuple(c for c in found.cards if c.provider in keys))
    here = Circumstances(line.rules, keys, line.executor.benched, line.clock.now())
    return join(found, standings(settings, known_specs(Shelf(settings)), keys), here)


def join(found: Discovered, known: Collection[DiscoveredProvider], here: Circumstances) -> Discovery:
    """Every model with whether it can be used now."""
    why_not = {one.id: one.why_not for one in known}
    models: list[DiscoveredModel] = []
    for card in found.cards:
        reasons = tuple(_reasons(card, found, why_not.get(card.provider, "unknown provider"), here))
        models.append(DiscoveredModel(card, reasons, is_free(card, here.rules)))
    newest: dict[str, float] = {}
    for card in found.cards:
        newest[card.provider] = max(newest.get(card.provider, 0.0), card.as_of or 0.0)
    dated = tuple(
        replace(one, as_of=found.as_of.get(one.id) or newest.get(one.id) or None, live=one.id in found.as_of)
        for one in known
    )
    return Discovery(tuple(models), dated, found.problems, found.embedded_as_of).sorted()


def _reasons(card: ModelCard, found: Discovered, provider: str, here: Circumstances) -> Iterator[str]:
    """Everything that stands in the way of using it now. What can never be mended comes alone."""
    if card.retired:
        yield _ended(card)
    elif card.capabilities.chat is False:
        yield "not a chat model"
    else:
        if provider:
            yield provider
        if card.provider in here.rules.excluded:
            yield "its provider is excluded by the settings"
        if not is_free(card, here.rules) and not here.rules.allow_paid:
            yield PAID
        tried = found.callable.get(card.id)
        if tried is not None and tried.state in ("refused", "retired"):
            yield f"refused a call: {tried.detail}"
        benched = _benched(card, here)
        if benched:
            yield benched


def _ended(card: ModelCard) -> str:
    successor = card.lifecycle.successor
    return "retired by its provider" + (f", which names {successor} instead" if successor else "")


def _benched(card: ModelCard, here: Circumstances) -> str | None:
    """Until when all of its deployments are left alone, and why; ``None`` where one is not."""
    if not here.benched or card.provider not in here.keys:
        return None
    worst: list[tuple[float, str]] = []
    for key in here.keys[card.provider]:
        on = [here.benched[n] for n in names(Deployment(card.provider, card.model, key)) if n in here.benched]
        if not on:
            return None
        worst.append(max(on))
    until, reason = min(worst)
    return f"left alone for {max(1, round(until - here.now))} s ({reason})"


def standings(
    settings: Settings, specs: Mapping[str, ProviderSpec], configured: Collection[str]
) -> tuple[DiscoveredProvider, ...]:
    """Every provider that is known, and what keeps it from being used."""
    told = [
        DiscoveredProvider(
            spec.id,
            spec.name,
            "" if spec.id in configured else _missing(settings, spec),
            spec.free.kind,
            spec.free.basis,
        )
        for spec in specs.values()
    ]
    local = "" if LOCAL in configured else _left_out(settings, LOCAL) or NO_WEIGHTS
    told.append(DiscoveredProvider(LOCAL, "the embedded model", local, "local", "runs in this process"))
    there = {one.id for one in told}
    told += [
        DiscoveredProvider(name, name) for name in sorted(configured) if name not in there
    ]  # plugins' own
    return tuple(told)


def _left_out(settings: Settings, name: str) -> str | None:
    return ELSEWHERE if settings.providers is not None and name not in settings.providers else None


def _missing(settings: Settings, spec: ProviderSpec) -> str:
    left_out = _left_out(settings, spec.id)
    if left_out:
        return left_out
    wanting = lacking(settings, spec)
    if wanting != "offline":
        return wanting or NOT_HANDED_IN
    return (
        lacking(settings.model_copy(update={"offline": False}), spec) or wanting
    )  # what would be missing online, too
