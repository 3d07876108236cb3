"""Which hosts OpenRouter may pass a request to: its ``provider`` object, typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast, get_args

from aiorch.errors import InputError

Quantization = Literal[
    "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
]
SortKey = Literal["price", "throughput", "latency", "exacto"]
Amount = Decimal | float | int


@dataclass(frozen=True, slots=True)
class Percentiles:
    """A wish for several percentiles at once; all those given must hold.

    >>> Percentiles(p50=1.0, p99=4.0).body()
    {'p50': 1.0, 'p99': 4.0}
    """

    p50: float | None = None
    p75: float | None = None
    p90: float | None = None
    p99: float | None = None

    def body(self) -> dict[str, float]:
        """As it is sent."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None}


@dataclass(frozen=True, slots=True)
class Sort:
    """Hosts in an order, instead of OpenRouter's own balancing by price and health."""

    by: SortKey
    partition: Literal["model", "none"] = "model"
    """With several models: each model's hosts apart, in the models' order, or all of them together."""


@dataclass(frozen=True, slots=True)
class MaxPrice:
    """The most that a host may charge; dearer ones are not asked.

    >>> MaxPrice(prompt=0.5, completion="2").body()
    {'prompt': '0.5', 'completion': '2'}
    """

    prompt: Amount | str | None = None
    """USD per million tokens, as the next."""
    completion: Amount | str | None = None
    request: Amount | str | None = None
    """USD per request."""
    image: Amount | str | None = None
    """USD per image."""
    audio: Amount | str | None = None
    """USD per unit of audio."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value: Amount | str | None = getattr(self, field.name)
            if value is not None:
                object.__setattr__(self, field.name, _amount(f"MaxPrice({field.name}=", value))

    @property
    def zero(self) -> bool:
        """True where nothing may be charged for a token, in either direction."""
        return self.prompt == 0 and self.completion == 0

    def body(self) -> dict[str, str]:
        """As it is sent: decimal numbers as texts."""
        return {f.name: format(v, "f") for f in fields(self) if (v := getattr(self, f.name)) is not None}


@dataclass(frozen=True, slots=True)
class ProviderPreferences:
    """Which hosts may serve a request. What is left out is OpenRouter's to decide.

        ProviderPreferences(order=("deepinfra", "together"), allow_fallbacks=False, data_collection="deny")

    :raises InputError: for values that OpenRouter would refuse, or not understand.
    """

    order: tuple[str, ...] = ()
    """Slugs of hosts to try first, in this order; ``deepinfra`` is all its variants, ``deepinfra/turbo`` one."""
    only: tuple[str, ...] = ()
    """No others than these."""
    ignore: tuple[str, ...] = ()
    """Not these."""
    allow_fallbacks: bool | None = None
    """False: only the first of them, or of ``order``."""
    require_parameters: bool | None = None
    """True: only hosts that know every parameter of the request; others ignore what they do not know."""
    data_collection: Literal["allow", "deny"] | None = None
    """``deny``: no hosts that keep prompts or train on them. Many free hosts do."""
    zdr: bool | None = None
    """True: only hosts that keep nothing (zero data retention)."""
    enforce_distillable_text: bool | None = None
    """True: only models whose makers let their texts teach other models."""
    quantizations: tuple[Quantization, ...] = ()
    sort: SortKey | Sort | None = None
    preferred_max_latency: float | Percentiles | None = None
    """Seconds to the first token; slower hosts come last, but are not left out."""
    preferred_min_throughput: float | Percentiles | None = None
    """Tokens per second; slower hosts come last, but are not left out."""
    max_price: MaxPrice | None = None

    def __post_init__(self) -> None:
        for name in ("order", "only", "ignore", "quantizations"):
            object.__setattr__(self, name, names(f"ProviderPreferences({name}=...)", getattr(self, name)))
        both = sorted(set(self.only) & set(self.ignore))
        if both:
            raise InputError(
                f"{', '.join(both)} cannot be in only and in ignore of ProviderPreferences at once"
            )
        outside = sorted(set(self.order) - set(self.only)) if self.only else []
        if outside:
            raise InputError(f"{', '.join(outside)} in order of ProviderPreferences, but not in its only")
        _one_of("quantizations", self.quantizations, get_args(Quantization))
        key = self.sort.by if isinstance(self.sort, Sort) else self.sort
        _one_of("sort", () if key is None else (key,), get_args(SortKey))
        for name in ("preferred_max_latency", "preferred_min_throughput"):
            _positive(name, getattr(self, name))

    def body(self) -> dict[str, Any]:
        """As it is sent: the ``provider`` object, without what is not set."""
        made: dict[str, Any] = {}
        for field in fields(self):
            value = cast("object", getattr(self, field.name))
            match value:
                case None | ():
                    continue
                case Percentiles() | MaxPrice():
                    made[field.name] = value.body()
                case Sort():
                    made[field.name] = {"by": value.by, "partition": value.partition}
                case tuple():
                    made[field.name] = list(cast("tuple[str, ...]", value))
                case _:
                    made[field.name] = value
        return made


def names(what: str, given: Iterable[str]) -> tuple[str, ...]:
    """A sequence of names as a tuple. :raises InputError: for one text, which would be read letter by letter."""
    if isinstance(given, str):
        raise InputError(f"{what} takes several names: write ({given!r},)")
    told = tuple(given)
    if any(not name or not isinstance(name, str) for name in cast("tuple[object, ...]", told)):
        raise InputError(f"{what} holds a name that is empty, or no text")
    return told


def _one_of(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    wrong = [g for g in given if g not in known]
    if wrong:
        raise InputError(f"{what} of ProviderPreferences knows {', '.join(known)}; not {', '.join(wrong)}")


def _positive(what: str, given: float | Percentiles | None) -> None:
    told: Mapping[str, float] = (
        given.body() if isinstance(given, Percentiles) else {"": given} if given else {}
    )
    if given is not None and (not told or any(not value > 0 for value in told.values())):
        raise InputError(f"{what} of ProviderPreferences is a number above 0, or several as Percentiles")


def _amount(what: str, given: Amount | str) -> Decimal:
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise InputError(f"{what}{given}): a price is a number of USD that is not negative")
    return amount
