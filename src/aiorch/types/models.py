"""Which models exist and where they can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from aiorch.types.failures import FailureScope
from aiorch.types.responses import Usage

MILLION = Decimal(1_000_000)

FreeKind = Literal["local", "zero_price", "free_quota", "anonymous", "trial", "none", "unknown"]
"""Why a route costs nothing: it runs here; its price is 0; the account has a free allowance; no key is needed;
a trial credit pays. ``none`` is paid; ``unknown`` is treated as paid."""


@dataclass(frozen=True, slots=True)
class Price:
    """What tokens cost, in USD per million tokens.

    >>> Price(Decimal("0.30"), Decimal("2.50")).cost(Usage(1000, 200))
    Decimal('0.0008')
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    """Input tokens served from the provider's cache; ``None`` = as ``input``."""
    request: Decimal = Decimal(0)
    """USD per call, whatever its size."""

    @property
    def zero(self) -> bool:
        """True when nothing is charged."""
        return self.input == 0 and self.output == 0 and self.request == 0

    def cost(self, usage: Usage) -> Decimal:
        """USD for these tokens."""
        if self.zero:
            return Decimal(0)
        cached = self.cached_input if self.cached_input is not None else self.input
        fresh = max(
            0, usage.input_tokens - usage.cached_tokens
        )  # some count cached tokens beside the input's
        tokens = self.input * fresh + cached * usage.cached_tokens + self.output * usage.output_tokens
        return self.request + tokens / MILLION


ZERO_PRICE = Price(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do. ``None`` = nobody has said; routing then neither relies on it nor rules it out."""

    tools: bool | None = None
    json_schema: bool | None = None
    vision: bool | None = None
    reasoning: bool | None = None
    streaming: bool | None = None
    chat: bool | None = None
    embeddings: bool | None = None


LimitPeriod = Literal["second", "minute", "hour", "day", "month", "at once"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that may be asked within a period.

    >>> str(Limit(20, "requests", "minute"))
    '20 requests a minute'
    """

    amount: int
    unit: Literal["requests", "tokens", "neurons"]
    per: LimitPeriod
    scope: FailureScope = "account"
    """What shares it: everything behind the account (``account``), or each model with each key (``key_model``)."""

    def __str__(self) -> str:
        return f"{self.amount:,} {self.unit} {'at once' if self.per == 'at once' else f'a {self.per}'}"


@dataclass(frozen=True, slots=True)
class FreeTerms:
    """Why and how far a route costs nothing; :attr:`ModelCard.free` says of which kind it is."""

    basis: str
    """In words: which plan, which ids."""
    limits: tuple[Limit, ...] = ()
    as_of: str = ""
    """The day, month or year of the source."""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Whether a model lives, and until when."""

    state: Literal["active", "deprecated", "retired", "unknown"] = "unknown"
    """``deprecated`` still answers; ``retired`` does not."""
    deprecated_at: float | None = None
    """Epoch seconds, as the next."""
    retires_at: float | None = None
    """When it stops, or stopped, to answer."""
    successor: str | None = None
    """The id that its provider names instead. It may cost money."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a public benchmark, or one of one's own, says of a model."""

    benchmark: str
    """For example ``aider_polyglot``; scores of different benchmarks are not comparable."""
    value: float
    as_of: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who says a thing, when, and how far that is believed."""

    source: str
    """``user``, ``live``, ``openrouter``, ``models.dev``, ``name`` (told by the id alone) ..."""
    as_of: float | None = None
    """Epoch seconds."""
    confidence: float = 1.0
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of one model at one provider."""

    provider: str
    model: str
    """The id that the provider's API takes."""
    name: str | None = None
    """What people call it."""
    context: int | None = None
    """Input and output together, in tokens."""
    max_output: int | None = None
    """The longest answer, in tokens."""
    price: Price | None = None
    """``None`` = unknown, which is never taken for free."""
    free: FreeKind = "unknown"
    terms: FreeTerms | None = None
    """The conditions of a free route, where they are known."""
    capabilities: Capabilities = Capabilities()
    inputs: tuple[str, ...] | None = None
    """What it takes: ``text``, ``image``, ``audio`` ...; ``None`` = nobody has said."""
    outputs: tuple[str, ...] | None = None
    lifecycle: Lifecycle = Lifecycle()
    family: str | None = None
    """The model itself, whoever serves it: one family over several providers has as many deployments."""
    variant: str | None = None
    """What sets it apart within its family: ``thinking``, ``fp8``, a date."""
    scores: tuple[Score, ...] = ()
    knowledge: str | None = None
    """Until when it was taught, for example ``2026-03``."""
    open_weights: bool | None = None
    parameters: int | None = None
    """Number of weights, where known or told by the name."""
    demo: bool = False
    """True for a model that proves the plumbing but should not be believed."""
    created: float | None = None
    """When the provider says it appeared, epoch seconds."""
    source: str = "unknown"
    """Who says all this: ``live``, ``embedded``, ``user`` ..."""
    as_of: float | None = None
    """When that was learnt, epoch seconds."""
    origins: Mapping[str, Origin] = field(default_factory=dict[str, Origin], hash=False)
    """By field: who says it, where that is not :attr:`source` (a card that was merged of several)."""

    @property
    def retired(self) -> bool:
        """True where it no longer answers."""
        return self.lifecycle.state == "retired"

    def origin(self, name: str) -> Origin:
        """Who says what the field ``name`` holds."""
        return self.origins.get(name) or Origin(self.source, self.as_of)

    @property
    def id(self) -> str:
        """``provider/model``, unique."""
        return f"{self.provider}/{self.model}"

    @property
    def costs_nothing(self) -> bool:
        """True where a call is known to be free of charge (a trial credit is not: it ends and then charges)."""
        return self.free in ("local", "zero_price", "free_quota", "anonymous")


@dataclass(frozen=True, slots=True)
class Listing:
    """A provider's list of models, with what it said about keeping it."""

    cards: tuple[ModelCard, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    max_age: float | None = None
    """Seconds for which it said that the list holds; ``None`` = it said nothing."""
    unchanged: bool = False
    """True where it said that the list it was asked about still holds; ``cards`` is empty then."""


class _Named:
    """Room for a deployment's id that is none of its fields: neither compared nor written."""

    __slots__ = ("_id",)
    _id: str


@dataclass(frozen=True, slots=True)
class Deployment(_Named):
    """Where a model can be called: a provider, an account key (by *name*, never the secret) and a model id."""

    provider: str
    model: str
    key: str | None = None
    """The name of the key, for example ``GROQ_API_KEY``; ``None`` where none is needed."""

    @property
    def id(self) -> str:
        """``provider/model`` or ``provider/model#KEY``, unique."""
        try:
            return self._id  # made once, since a decision over hundreds asks for all of them
        except AttributeError:
            name = f"{self.provider}/{self.model}"
            object.__setattr__(self, "_id", name if self.key is None else f"{name}#{self.key}")
            return self._id


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment with what is known of its model."""

    deployment: Deployment
    card: ModelCard


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A model that was considered and not chosen, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Whom to ask, best first, and who was passed over."""

    candidates: tuple[Candidate, ...]
    passed_over: tuple[PassedOver, ...] = ()
    reason: str = ""
    """In a sentence: which profile, which complexity, which rule."""
    complexity: str = "moderate"
    tiers: tuple[int, ...] = ()
    """For each candidate its group of equals, 0 first and never falling: balancing mixes equals and nobody else.
    Empty where nobody is anybody's equal."""

    def __post_init__(self) -> None:
        if self.tiers and len(self.tiers) != len(self.candidates):
            raise ValueError(
                f"{len(self.candidates)} candidates and {len(self.tiers)} tiers: one tier for each"
            )
