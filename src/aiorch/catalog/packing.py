"""The form in which the catalogue travels in the wheel: columns by provider in JSON, compressed. Both ways; pure.

Columns compress far better than rows, and whoever asks for one provider makes the cards of that provider only.
Nothing that a provider's row in :data:`~aiorch.providers.SPECS` decides is kept: what is free follows that row.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property
from typing import Any

from aiorch.catalog.free_routes import free_route
from aiorch.providers import ProviderSpec
from aiorch.providers.listing import parameters_of
from aiorch.types import Capabilities, Lifecycle, ModelCard, Origin, Price, Score

FORMAT = 1
"""Changes when older code could not read the file."""

FLAGS = tuple(field.name for field in fields(Capabilities))
_PLAIN = (
    "model",
    "name",
    "context",
    "max_output",
    "family",
    "variant",
    "knowledge",
    "open_weights",
    "created",
)
"""Fields that stand in the file as they are."""

Columns = Mapping[str, Sequence[Any]]

_SERVED = re.compile(
    r"^(?:(?:fp8|fp16|bf16|turbo|fast|instant|tput|highspeed|ultrafast|spot|batch|20\d{6})(?:-|$))+$"
)
"""Variants that are the model itself: at full or nearly full precision, faster, or by the day of its release."""


def score_key(family: str, variant: str | None) -> str:
    """Under which scores are kept."""
    return family if variant is None else f"{family}#{variant}"


@dataclass(frozen=True)
class Packed:
    """What :func:`pack` made, read: cards are made when a provider is asked for."""

    as_of: str
    """The day of the newest source."""
    sources: Mapping[str, str]
    """What it was built from: licence, date and what was taken, by the source's name."""
    columns: Mapping[str, Columns]
    tables: Mapping[str, Sequence[Any]]
    """Values that many cards share, by field; the columns hold their places."""
    benchmarks: Mapping[str, Sequence[Sequence[Any]]]
    """By ``family`` or ``family#variant``: benchmark, value, day, source."""

    @property
    def providers(self) -> tuple[str, ...]:
        """Who is in it."""
        return tuple(self.columns)

    def cards(self, spec: ProviderSpec) -> tuple[ModelCard, ...]:
        """The cards of one provider, free as its row says; none where it is not in the file."""
        columns = self.columns.get(spec.id)
        if columns is None:
            return ()
        shared = self._shared
        rows = zip(*(columns[name] for name in _COLUMNS), strict=True)
        return tuple(self._card(spec, row, shared) for row in rows)

    def scores(self, family: str, variant: str | None) -> tuple[Score, ...]:
        """What public benchmarks say of a family's kind.

        Of the family itself where the kind is only how it is served.
        """
        told = self.benchmarks.get(score_key(family, variant))
        if told is None and variant is not None and _SERVED.match(variant):
            told = self.benchmarks.get(family)
        return tuple(Score(*score) for score in told) if told else ()

    @cached_property
    def _shared(self) -> Mapping[str, Sequence[Any]]:
        return {field: [_SHARED[field][1](value) for value in self.tables[field]] for field in _SHARED}

    def _card(
        self, spec: ProviderSpec, row: tuple[Any, ...], shared: Mapping[str, Sequence[Any]]
    ) -> ModelCard:
        model, name, context, max_output, family, variant, knowledge, open_weights, created, *places = row
        priced, can, takes, gives, lives, says = places
        source, as_of, origins = shared["origin"][says]
        listed: Price | None = None if priced is None else shared["price"][priced]
        free, price, terms = free_route(spec, model, listed)
        return ModelCard(
            provider=spec.id,
            model=model,
            name=name,
            context=context,
            max_output=max_output,
            price=price,
            free=free,
            terms=terms,
            capabilities=shared["capabilities"][can],
            inputs=None if takes is None else shared["inputs"][takes],
            outputs=None if gives is None else shared["outputs"][gives],
            lifecycle=shared["lifecycle"][lives],
            family=family,
            variant=variant,
            scores=self.scores(family, variant),
            knowledge=knowledge,
            open_weights=open_weights,
            parameters=parameters_of(model),
            created=None if created is None else float(created),
            source=source,
            as_of=as_of,
            origins=origins,
        )


def unpack(body: bytes) -> Packed:
    """Read what :func:`pack` made.

    :raises ValueError: when it is of another format, or damaged.
    """
    try:
        held: dict[str, Any] = json.loads(gzip.decompress(body))
    except (OSError, EOFError, ValueError) as broken:
        raise ValueError(f"the embedded catalogue is damaged: {broken}") from None
    if held.get("format") != FORMAT:
        raise ValueError(f"the embedded catalogue has format {held.get('format')!r}, not {FORMAT}")
    return Packed(held["as_of"], held["sources"], held["providers"], held["tables"], held["scores"])


def pack(
    cards: Mapping[str, Iterable[ModelCard]],
    scores: Mapping[str, Iterable[Score]],
    *,
    as_of: str,
    sources: Mapping[str, str],
) -> bytes:
    """The file. The same input gives the same bytes.

    :param scores: by ``family`` or ``family#variant``.
    """
    tables: dict[str, dict[str, int]] = {field: {} for field in _SHARED}
    providers: dict[str, dict[str, list[Any]]] = {}
    for provider, listed in sorted(cards.items()):
        columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
        for card in sorted(listed, key=lambda c: c.model):
            for name in _PLAIN:
                columns[name].append(_plain(getattr(card, name)))
            for field, (write, _) in _SHARED.items():
                columns[field].append(_place(tables[field], write(card)))
        providers[provider] = columns
    held = {
        "format": FORMAT,
        "as_of": as_of,
        "sources": dict(sources),
        "tables": {field: [json.loads(value) for value in table] for field, table in tables.items()},
        "providers": providers,
        "scores": {
            key: [[s.benchmark, s.value, s.as_of, s.source] for s in told]
            for key, told in sorted(scores.items())
        },
    }
    body = json.dumps(held, separators=(",", ":"), ensure_ascii=False).encode()
    return gzip.compress(body, 9, mtime=0)


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) else value  # days, as whole seconds


def _place(table: dict[str, int], value: object) -> int | None:
    return None if value is None else table.setdefault(json.dumps(value), len(table))


# --- values that many cards share --------------------------------------------------------------------------------


def _write_price(card: ModelCard) -> list[str | None] | None:
    price = card.price
    if price is None:
        return None
    held = (price.input, price.output, price.cached_input, price.request)
    return [None if amount is None else format(amount.normalize(), "f") for amount in held]


def _read_price(held: Sequence[str | None]) -> Price:
    sent, made, cached, request = (None if amount is None else Decimal(amount) for amount in held)
    return Price(sent or Decimal(0), made or Decimal(0), cached, request or Decimal(0))


def _write_life(card: ModelCard) -> list[Any]:
    life = card.lifecycle
    return [life.state, life.deprecated_at, life.retires_at, life.successor]


def _write_origin(card: ModelCard) -> list[Any]:
    told = {field: [o.source, o.as_of, o.confidence] for field, o in sorted(card.origins.items())}
    return [card.source, card.as_of, told]


def _read_origin(held: Sequence[Any]) -> tuple[str, float | None, Mapping[str, Origin]]:
    source, as_of, told = held
    return source, as_of, {field: Origin(*origin) for field, origin in told.items()}


def _read_words(held: Sequence[str]) -> tuple[str, ...]:
    return tuple(held)


_SHARED: Mapping[str, tuple[Callable[[ModelCard], Any], Callable[[Any], Any]]] = {
    "price": (_write_price, _read_price),
    "capabilities": (
        lambda card: [getattr(card.capabilities, flag) for flag in FLAGS],
        lambda held: Capabilities(**dict(zip(FLAGS, held, strict=True))),
    ),
    "inputs": (lambda card: card.inputs, _read_words),
    "outputs": (lambda card: card.outputs, _read_words),
    "lifecycle": (_write_life, lambda held: Lifecycle(*held)),
    "origin": (_write_origin, _read_origin),
}
_COLUMNS = (*_PLAIN, *_SHARED)
