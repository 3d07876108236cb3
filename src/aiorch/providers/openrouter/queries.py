"""What OpenRouter's list of models can be asked for: its filters, typed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal
from urllib.parse import urlencode

from aiorch.errors import InputError
from aiorch.providers.openrouter.preferences import names

ModelSort = Literal[
    "most-popular",
    "newest",
    "top-weekly",
    "pricing-low-to-high",
    "pricing-high-to-low",
    "context-high-to-low",
    "throughput-high-to-low",
    "latency-low-to-high",
    "intelligence-high-to-low",
    "coding-high-to-low",
    "agentic-high-to-low",
    "design-arena-elo-high-to-low",
]
Category = Literal[
    "programming",
    "roleplay",
    "marketing",
    "marketing/seo",
    "technology",
    "science",
    "translation",
    "legal",
    "finance",
    "health",
    "trivia",
    "academia",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuery:
    """Which models to list; everything that is set has to hold.

    >>> ModelQuery(max_price=0, supported_parameters=("tools",)).path
    '/models?supported_parameters=tools&max_price=0'

    Its ``path`` goes to :meth:`~aiorch.providers.http.HTTPProvider.get`, or becomes a row's list:
    ``dataclasses.replace(SPECS["openrouter"], list_path=query.path)``.

    :raises InputError: for one text where several names are taken.
    """

    q: str | None = None
    """Words in name, id or description."""
    category: Category | None = None
    """Of those that are used most for it."""
    supported_parameters: tuple[str, ...] = ()
    """``tools``, ``structured_outputs``, ``reasoning`` ..."""
    input_modalities: tuple[str, ...] = ()
    output_modalities: tuple[str, ...] = ()
    """``text`` unless said otherwise."""
    context: int | None = None
    """At least so many tokens."""
    min_price: float | None = None
    """USD per million tokens of prompt, as the next."""
    max_price: float | None = None
    min_output_price: float | None = None
    max_output_price: float | None = None
    model_authors: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    """Slugs of hosts."""
    distillable: bool | None = None
    zdr: Literal[True] | None = None
    """Only those with a host that keeps nothing."""
    region: Literal["eu", "us"] | None = None
    min_age_days: int | None = None
    max_age_days: int | None = None
    min_intelligence_index: float | None = None
    min_coding_index: float | None = None
    min_agentic_index: float | None = None
    min_tool_success_rate: float | None = None
    sort: ModelSort | None = None
    limit: int | None = None
    """Models on a page, up to 1,000."""

    def __post_init__(self) -> None:
        for name in (
            "supported_parameters",
            "input_modalities",
            "output_modalities",
            "model_authors",
            "providers",
        ):
            object.__setattr__(self, name, names(f"ModelQuery({name}=...)", getattr(self, name)))
        if self.limit is not None and not 1 <= self.limit <= 1000:
            raise InputError(f"ModelQuery(limit={self.limit}) is a number from 1 to 1000")

    @property
    def path(self) -> str:
        """The address of the list, after the base URL."""
        told: dict[str, str] = {}
        for field in fields(self):
            value: object = getattr(self, field.name)
            match value:
                case None | ():
                    continue
                case bool():
                    told[field.name] = "true" if value else "false"
                case tuple():
                    told[field.name] = ",".join(getattr(self, field.name))
                case _:
                    told[field.name] = str(value)
        return f"/models?{urlencode(told, safe=',/')}" if told else "/models"
